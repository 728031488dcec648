-- Particle sets of chosen projects.
WITH chosen(root, project) AS (VALUES $chosen)
SELECT
    root, project, path, sum(particles)::BIGINT AS particles, count(DISTINCT tomogram) AS tomograms,
    min(image_pixel_size) AS pixel_size
FROM particle_sets
SEMI JOIN chosen USING (root, project)
GROUP BY root, project, path
QUALIFY row_number() OVER (PARTITION BY root, project ORDER BY path) <= $paths
ORDER BY root, project, path
