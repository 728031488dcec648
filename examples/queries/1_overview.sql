-- What kinds of files are there, and how did they fare?
-- (odd: files that RELION would read otherwise than they say, or that could not be read whole)
SELECT kind, count(*) AS files, sum(rows)::BIGINT AS rows, count(*) FILTER (status <> 'ok') AS odd
FROM files GROUP BY kind ORDER BY files DESC, kind
