-- Problems of chosen projects and folders, the worst first.
WITH chosen(root, unit) AS (VALUES $chosen)
SELECT *
FROM (
    SELECT
        root, unit,
        unnest(
            min(
                {
                    'rank': CASE severity WHEN 'fatal' THEN 0 WHEN 'silent' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END, 'code': code,
                    'path': path, 'line': coalesce(line, 0), 'message': coalesce(message, '')
                },
                $paths
            ),
            recursive := true
        )
    FROM (
        SELECT *, coalesce(project, if(contains(path, '/'), split_part(path, '/', 1), '')) AS unit FROM problems
    ) AS found
    SEMI JOIN chosen USING (root, unit)
    GROUP BY root, unit
) AS first
ORDER BY root, unit, rank, code, path, line, message
