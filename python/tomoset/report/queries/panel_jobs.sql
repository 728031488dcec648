-- The jobs of chosen projects, in the order of their graph.
WITH chosen(root, project) AS (VALUES $chosen)
SELECT
    root, project, job, alias, type, state, upstream, files, bytes, epoch(started)::BIGINT AS started,
    epoch(greatest(started, ended, last_change))::BIGINT AS last_sign
FROM jobs
SEMI JOIN chosen USING (root, project)
ORDER BY root, project, "order", number, job
