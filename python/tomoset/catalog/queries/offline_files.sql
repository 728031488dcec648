-- Files that are on tape, and how much would have to be recalled.
-- They were not read: of these files nothing but their size and time is known. `tomoset index --recall` reads them.
SELECT
    root, project, count(*) AS files, sum(size)::BIGINT AS bytes, round(sum(size) / 1e9, 3) AS "GB",
    min(mtime) AS oldest, max(mtime) AS newest
FROM files
WHERE status = 'offline'
GROUP BY root, project
ORDER BY bytes DESC, root, project
