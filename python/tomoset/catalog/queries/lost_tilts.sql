-- Tilts that were lost between import and alignment.
-- Images that the import has and the latest set has not, or has not aligned. Tilt series of which nothing is aligned
-- are left out: nobody has come to them yet.
WITH options AS (
    SELECT
        'Import/' AS import_folder,  -- how the jobs begin that import tilt series
        1 AS min_lost                -- images
),
imported AS (
    SELECT
        root, project, tomogram, concat_ws('/', nullif(project, ''), tilt_series_file) AS path
    FROM tomograms
    CROSS JOIN options o
    WHERE starts_with(path, concat_ws('/', nullif(project, ''), o.import_folder)) AND tilt_series_file IS NOT NULL
),
before AS (
    SELECT i.root, i.project, i.tomogram, max(f.rows) AS imported
    FROM imported i
    JOIN files f ON f.root = i.root AND f.path = i.path
    WHERE f.kind = 'tilt_series'
    GROUP BY i.root, i.project, i.tomogram
)
SELECT root, project, tomogram, imported, tilts, aligned, imported - aligned AS lost
FROM before
JOIN latest.tilt_series USING (root, project, tomogram)
CROSS JOIN options o
WHERE aligned > 0 AND imported - aligned >= o.min_lost
ORDER BY lost DESC, root, project, tomogram
