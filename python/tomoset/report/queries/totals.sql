-- What the archive holds, in one row.
SELECT
    (SELECT count(*) FROM files) AS files,
    (SELECT coalesce(sum(size), 0)::BIGINT FROM files) AS bytes,
    (SELECT count(*) FROM projects WHERE project IS NOT NULL) AS projects,
    (SELECT coalesce(sum(tomograms), 0)::BIGINT FROM projects) AS tomograms,
    (SELECT coalesce(sum(tilts), 0)::BIGINT FROM projects) AS tilts,
    (SELECT coalesce(sum(jobs), 0)::BIGINT FROM projects) AS jobs,
    (SELECT count(DISTINCT (root, path)) FROM particle_sets) AS particle_sets,
    (
        SELECT count(DISTINCT (root, path)) FILTER (is_fresh AND severity IN ('fatal', 'silent'))
        FROM ($problems) AS found
    ) AS fresh_errors
