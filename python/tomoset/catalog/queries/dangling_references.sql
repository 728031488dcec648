-- Files that tomogram sets name and that are not there.
-- Tilt series, reconstructions and IMOD directive files (Etomo), counted for each set. References that lead out of the
-- archive were not looked for and are not listed.
WITH options AS (
    SELECT false AS latest_only  -- whether sets are left out that a later job has written anew
),
missing AS (
    SELECT 'tilt series' AS reference, root, project, path, tomogram, tilt_series_file AS file, latest
    FROM tomograms
    WHERE tilt_series_found = false
    UNION ALL
    SELECT 'reconstruction', root, project, path, tomogram, reconstructed_tomogram, latest
    FROM tomograms
    WHERE reconstructed_found = false
    UNION ALL
    SELECT 'Etomo directive', root, project, path, tomogram, etomo_directive_file, latest
    FROM tomograms
    WHERE etomo_directive_found = false
)
SELECT
    root, project, path AS tomogram_set, reference, count(*) AS missing, coalesce(bool_or(latest), false) AS latest,
    min(tomogram) AS tomogram, arg_min(file, (tomogram, file)) AS file
FROM missing
CROSS JOIN options o
WHERE latest OR NOT o.latest_only
GROUP BY root, project, path, reference
ORDER BY root, project, tomogram_set, reference
