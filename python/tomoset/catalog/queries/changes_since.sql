-- Everything that is new, changed or deleted since a crawl.
-- Each file once, as it is now against that crawl: what was new and has changed since is new. What came and went in
-- between is listed as deleted.
WITH options AS (
    SELECT (SELECT max(crawl) - 1 FROM crawls) AS since  -- number of a crawl; here the last but one
),
deleted AS (
    SELECT root, path, max_by(d, deleted_crawl) AS last
    FROM deletions d
    CROSS JOIN options o
    WHERE deleted_crawl > o.since
    GROUP BY root, path
),
-- What was deleted and is there again was met anew.
met_anew AS (
    SELECT f.root, f.path
    FROM files f
    CROSS JOIN options o
    WHERE f.first_crawl > o.since
)
SELECT
    if(first_crawl > o.since, 'new', 'changed') AS change, changed_crawl AS crawl, root, project, kind, path, size
FROM files
CROSS JOIN options o
WHERE changed_crawl > o.since
UNION ALL
SELECT 'deleted', last.deleted_crawl, root, last.project, last.kind, path, last.size
FROM deleted
ANTI JOIN met_anew USING (root, path)
ORDER BY change, root, path
