-- Files and bytes by the month of their last change.
-- From nanoseconds: months of plain timestamps are found four times as fast as those of timestamps with a zone.
SELECT
    strftime(date_trunc('month', make_timestamp(mtime_ns // 1000)), '%Y-%m') AS month, count(*) AS files,
    sum(size)::BIGINT AS bytes
FROM files
WHERE mtime_ns IS NOT NULL
GROUP BY month
ORDER BY month
