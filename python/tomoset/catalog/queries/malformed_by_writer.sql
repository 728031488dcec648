-- Malformed files, by what wrote them.
-- The writer is the type of the job in whose folder a file lies. A code that one writer has in many files is that
-- writer's habit; a code in one file is an accident.
WITH options AS (
    SELECT ['fatal', 'silent', 'warning'] AS severities
),
found AS (
    SELECT DISTINCT root, project, path, code, name, severity
    FROM problems
    CROSS JOIN options o
    WHERE list_contains(o.severities, severity)
),
placed AS (
    SELECT
        f.*, k.kind, if(f.project = '', f.path, substr(f.path, length(f.project) + 2)) AS file,
        regexp_extract(file, '^([^/]+/job[0-9]{3,})/', 1) AS job
    FROM found f
    LEFT JOIN (SELECT root, path, kind FROM files WHERE problems > 0) AS k USING (root, path)
)
SELECT
    coalesce(j.type, nullif(split_part(p.job, '/', 1), ''), '(no job)') AS writer, p.kind, p.severity, p.code, p.name,
    count(*) AS files, count(DISTINCT (p.root, p.project)) FILTER (p.project IS NOT NULL) AS projects,
    min(concat_ws('/', p.root, p.path)) AS example
FROM placed p
LEFT JOIN jobs j ON j.root = p.root AND j.project = p.project AND j.job = p.job
GROUP BY writer, p.kind, p.severity, p.code, p.name
ORDER BY list_position(['fatal', 'silent', 'warning', 'note'], severity), files DESC, writer, kind, code
