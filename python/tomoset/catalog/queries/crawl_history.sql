-- The crawls: when they were, how long they took and what they found.
-- Crawls that found nothing changed are not kept.
WITH options AS (
    SELECT 30 AS days  -- back from the newest crawl
)
SELECT
    crawl, root, date_trunc('second', started) AS started, round(epoch(finished - started), 1) AS seconds, files, bytes,
    new_files, changed_files, deleted_files, changed_projects, errors, warnings, version
FROM crawls
CROSS JOIN options o
WHERE started >= (SELECT max(started) FROM crawls) - to_days(o.days)
ORDER BY crawl DESC, root
