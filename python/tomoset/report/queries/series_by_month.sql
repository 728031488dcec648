-- Tilt series by the month of the oldest set that has them.
-- STAR files hold no date of acquisition; the import mostly follows it closely.
WITH sets AS (
    SELECT root, path, mtime_ns FROM files WHERE kind = 'tomogram_set'
),
first_seen AS (
    SELECT t.root, t.project, t.tomogram, min(s.mtime_ns) AS time
    FROM tomograms t
    JOIN sets s USING (root, path)
    GROUP BY t.root, t.project, t.tomogram
)
SELECT strftime(date_trunc('month', make_timestamp(time // 1000)), '%Y-%m') AS month, count(*) AS tilt_series
FROM first_seen
WHERE time IS NOT NULL
GROUP BY month
ORDER BY month
