-- Bytes of STAR files by type of job, project and age.
-- The age is that of a job's newest STAR file. What lies outside of jobs is counted for each project, by its own age.
WITH options AS (
    SELECT
        now() AS today,
        30 AS young_days,
        365 AS old_days
),
pieces AS (
    SELECT root, project, coalesce(type, folder_type) AS type, 1 AS jobs, files, bytes, last_change FROM jobs
    UNION ALL
    SELECT
        p.root, p.project, '(no job)', 0, p.files - coalesce(sum(j.files), 0), p.bytes - coalesce(sum(j.bytes), 0),
        p.last_change
    FROM projects p
    LEFT JOIN jobs j ON j.root = p.root AND j.project = p.project
    GROUP BY p.root, p.project, p.path, p.files, p.bytes, p.last_change
)
SELECT
    root, project, type,
    CASE
        WHEN last_change >= o.today - to_days(o.young_days) THEN format('below {} days', o.young_days)
        WHEN last_change >= o.today - to_days(o.old_days) THEN format('below {} days', o.old_days)
        WHEN last_change IS NOT NULL THEN format('{} days and more', o.old_days)
    END AS age,
    sum(jobs)::BIGINT AS jobs, sum(files)::BIGINT AS files, sum(bytes)::BIGINT AS bytes
FROM pieces
CROSS JOIN options o
WHERE files > 0
GROUP BY root, project, type, age
ORDER BY bytes DESC, root, project, type, age
