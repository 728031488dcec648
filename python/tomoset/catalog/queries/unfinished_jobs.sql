-- Jobs that failed, were aborted or have stalled.
-- A job has stalled if the pipeline says that it runs and no STAR file of it has changed for a day. A catalogue that
-- was not refreshed since makes jobs look older than they are.
WITH options AS (
    SELECT
        now() AS today,
        1.0 AS stalled_days
),
found AS (
    SELECT
        root, project, job, alias, type, started, greatest(started, ended, last_change) AS last_sign,
        CASE
            WHEN state IN ('failed', 'aborted') THEN state
            WHEN state = 'running' AND coalesce(last_sign, '-infinity') < o.today - to_seconds(o.stalled_days * 86400)
                THEN 'stalled'
        END AS state
    FROM jobs
    CROSS JOIN options o
)
SELECT root, project, job, alias, type, state, started, last_sign
FROM found
WHERE state IS NOT NULL
ORDER BY root, project, job, state
