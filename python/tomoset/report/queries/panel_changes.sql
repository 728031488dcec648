-- What the last crawl of their root found changed in chosen projects and folders.
WITH chosen(root, unit) AS (VALUES $chosen)
SELECT *
FROM (
    SELECT root, unit, unnest(min({'change': change, 'path': path, 'kind': kind}, $paths), recursive := true)
    FROM ($changes) AS changes
    SEMI JOIN chosen USING (root, unit)
    GROUP BY root, unit
) AS first
ORDER BY root, unit, change, path
