-- Projects that mix handedness.
-- How defocus changes with depth is a matter of the microscope and of how images are read: within a project it should
-- be +1 or -1 throughout. A value that is neither counts as `other`. The example is of the rarest hand.
WITH hands AS (
    SELECT root, project, hand, count(*) AS tomograms, min(tomogram) AS example
    FROM latest.tomograms
    WHERE project IS NOT NULL AND hand IS NOT NULL
    GROUP BY root, project, hand
)
SELECT
    root, project,
    sum(tomograms)::BIGINT AS tomograms,
    coalesce(sum(tomograms) FILTER (hand = 1), 0)::BIGINT AS positive,
    coalesce(sum(tomograms) FILTER (hand = -1), 0)::BIGINT AS negative,
    coalesce(sum(tomograms) FILTER (hand NOT IN (1, -1)), 0)::BIGINT AS other,
    arg_min(hand, (tomograms, hand)) AS rarest,
    arg_min(example, (tomograms, hand)) AS example
FROM hands
GROUP BY root, project
HAVING count(*) > 1
ORDER BY root, project
