-- How files fared when they were read.
SELECT status, count(*) AS files, sum(size)::BIGINT AS bytes FROM files GROUP BY status ORDER BY status
