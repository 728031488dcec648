-- Tomogram sets without images of the even and odd frames.
-- Denoising needs both. What is not yet motion-corrected, which sets tell by their pixel size, has none of course.
WITH options AS (
    SELECT true AS corrected_only  -- whether sets before motion correction are left out
),
series AS (
    SELECT
        root, project, tomogram, count(*) AS tilts,
        count(*) FILTER (micrograph_name_even IS NULL OR micrograph_name_odd IS NULL) AS lacking
    FROM latest.tilts
    GROUP BY root, project, tomogram
)
SELECT
    root, project, t.path AS tomogram_set, count(*) AS tomograms,
    count(*) FILTER (s.lacking > 0) AS without_halves, count(*) FILTER (s.lacking BETWEEN 1 AND s.tilts - 1) AS partly,
    bool_and(t.pixel_size IS NOT NULL) AS is_corrected
FROM latest.tomograms t
JOIN series s USING (root, project, tomogram)
CROSS JOIN options o
WHERE t.pixel_size IS NOT NULL OR NOT o.corrected_only
GROUP BY root, project, t.path
HAVING without_halves > 0
ORDER BY root, project, tomogram_set
