-- Tilt series per day.
-- A tilt series belongs to the day of the oldest set that has it: STAR files hold no date of acquisition, and the import
-- mostly follows it closely. Days are UTC.
WITH options AS (
    SELECT '%' AS root_pattern  -- of LIKE
),
sets AS (
    SELECT root, path, mtime FROM files WHERE kind = 'tomogram_set'
),
first_seen AS (
    SELECT t.root, t.project, t.tomogram, min(s.mtime) AS time
    FROM tomograms t
    JOIN sets s USING (root, path)
    CROSS JOIN options o
    WHERE t.project IS NOT NULL AND t.root LIKE o.root_pattern
    GROUP BY t.root, t.project, t.tomogram
)
SELECT root, time::DATE AS day, count(*) AS tilt_series, count(DISTINCT project) AS projects
FROM first_seen
GROUP BY root, day
ORDER BY day, root
