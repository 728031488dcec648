-- All problems with their units, and whether the last crawl of their root met the file first or found it changed.
SELECT
    p.*, coalesce(project, if(contains(path, '/'), split_part(path, '/', 1), '')) AS unit, fresh.path IS NOT NULL AS is_fresh
FROM problems p
LEFT JOIN (
    SELECT root, path
    FROM files
    LEFT JOIN ($since) AS since USING (root)
    WHERE problems > 0 AND changed_crawl > coalesce(since, 0)
) AS fresh USING (root, path)
