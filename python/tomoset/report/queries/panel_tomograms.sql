-- The tomograms of chosen projects, each once, with what is known of their tilt series as a whole.
WITH chosen(root, project) AS (VALUES $chosen),
tomograms_once AS (
    SELECT root, project, tomogram, coalesce(pixel_size, original_pixel_size) AS pixel_size, hand
    FROM latest.tomograms
    SEMI JOIN chosen USING (root, project)
    QUALIFY row_number() OVER (PARTITION BY root, project, tomogram ORDER BY path, "row") = 1
),
series AS (
    FROM latest.tilt_series SEMI JOIN chosen USING (root, project)
)
SELECT
    root, project, tomogram, t.pixel_size, t.hand, s.tilts, s.lowest_tilt, s.highest_tilt, s.dose_per_tilt, s.dose,
    s.aligned, s.with_ctf, s.tilt_axis
FROM tomograms_once t
FULL JOIN series s USING (root, project, tomogram)
ORDER BY root, project, tomogram
