-- Some paths of each kind of change that the last crawl of each root found.
SELECT *
FROM (
    SELECT change, unnest(min({'root': root, 'path': path, 'kind': kind, 'size': size}, $paths), recursive := true)
    FROM ($changes) AS changes
    GROUP BY change
) AS first
ORDER BY change, root, path
