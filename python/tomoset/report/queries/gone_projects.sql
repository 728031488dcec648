-- Projects of which the last crawl of their root found nothing any more.
SELECT root, unit, count(*) AS deleted_files
FROM ($changes) AS changes
WHERE change = 'deleted'
GROUP BY root, unit
HAVING (root, unit) NOT IN (SELECT (root, path) FROM projects)
ORDER BY root, unit
LIMIT $paths
