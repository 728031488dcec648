-- Which particle sets depend on a tomogram.
-- What is to be made anew where a tomogram or its tilt series is withdrawn. `all_particles` are those of the whole set.
-- Sets that do not name their tomograms cannot be found.
WITH options AS (
    SELECT
        'Position_1' AS tomogram,
        '%' AS project_pattern  -- of LIKE
),
chosen AS (
    SELECT p.root, p.project, p.path, sum(p.particles)::BIGINT AS particles
    FROM particle_sets p
    CROSS JOIN options o
    WHERE p.tomogram = o.tomogram AND coalesce(p.project, '') LIKE o.project_pattern
    GROUP BY p.root, p.project, p.path
),
whole AS (
    SELECT p.root, p.path, sum(p.particles)::BIGINT AS all_particles
    FROM particle_sets p
    WHERE p.path IN (SELECT path FROM chosen)
    GROUP BY p.root, p.path
),
placed AS (
    SELECT
        *, if(project = '', path, substr(path, length(project) + 2)) AS file,
        regexp_extract(file, '^([^/]+/job[0-9]{3,})/', 1) AS job
    FROM chosen
)
SELECT root, p.project, path AS particle_set, j.job, j.state, p.particles, w.all_particles
FROM placed p
JOIN whole w USING (root, path)
LEFT JOIN jobs j USING (root, project, job)
ORDER BY root, project, particle_set
