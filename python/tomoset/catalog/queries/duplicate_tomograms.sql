-- Names that several tomograms have.
-- Within a set they confuse RELION, which finds the first in one place and the last in another. Between projects they
-- only matter where sets are to be joined. The places are the first three, sorted.
WITH options AS (
    SELECT
        true AS within_sets,
        true AS between_projects,
        2 AS min_projects  -- how many projects a name has to be in
),
within_sets AS (
    SELECT
        'set' AS scope, tomogram, count(*) AS times, [root || '/' || path] AS places
    FROM latest.tomograms
    GROUP BY root, project, path, tomogram
    HAVING count(*) > 1
),
named AS (
    SELECT DISTINCT tomogram, root, project FROM latest.tomograms WHERE project IS NOT NULL
),
between_projects AS (
    SELECT
        'projects' AS scope, tomogram, count(*) AS times, min(concat_ws('/', root, nullif(project, '')), 3) AS places
    FROM named
    GROUP BY tomogram
)
SELECT scope, tomogram, times, places
FROM (
    SELECT w.* FROM within_sets w, options o WHERE o.within_sets
    UNION ALL
    SELECT b.* FROM between_projects b, options o WHERE o.between_projects AND times >= greatest(o.min_projects, 2)
) AS found
ORDER BY scope DESC, times DESC, tomogram, places
