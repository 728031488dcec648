-- Some places of each code, those first that the last crawl of their root met first or found changed.
SELECT *
FROM (
    SELECT
        severity, code,
        unnest(
            min(
                {
                    'is_old': NOT is_fresh, 'root': root, 'path': path, 'line': coalesce(line, 0),
                    'column': coalesce("column", 0), 'message': coalesce(message, '')
                },
                $paths
            ),
            recursive := true
        )
    FROM ($problems) AS found
    GROUP BY severity, code
) AS first
ORDER BY severity, code, is_old, root, path, line, "column", message
