-- What the last crawl of each root found: each file once, as it is now against the crawl before.
-- A unit is the folder of a project, or the topmost folder of files that belong to none.
SELECT *, coalesce(project, if(contains(path, '/'), split_part(path, '/', 1), '')) AS unit
FROM (
    SELECT
        if(first_crawl > coalesce(since, 0), 'new', 'changed') AS change, root, project, path, coalesce(kind, '') AS kind,
        size
    FROM files
    LEFT JOIN ($since) AS since USING (root)
    WHERE changed_crawl > coalesce(since, 0)
    UNION ALL
    SELECT 'deleted', root, last.project, path, coalesce(last.kind, ''), last.size
    FROM (
        SELECT root, path, max_by(d, deleted_crawl) AS last
        FROM deletions d
        JOIN ($since) AS since USING (root)
        WHERE deleted_crawl > since
        GROUP BY root, path
    ) AS deleted
    ANTI JOIN files USING (root, path)
) AS found
