-- Voltage, spherical aberration and amplitude contrast that disagree.
-- Within an optics group of a project, and between particle sets and the tomograms that they are from; of these the
-- pixel size of the tilt series too. RELION refuses particles whose optics differ from their tomogram's by more than
-- 0.001.
WITH options AS (
    SELECT 0.001 AS tolerance
),
optics AS (
    SELECT
        root, project, optics_group_name, tomogram, path,
        unnest(['voltage', 'spherical_aberration', 'amplitude_contrast']) AS quantity,
        unnest([voltage, spherical_aberration, amplitude_contrast]) AS value
    FROM latest.tomograms
    WHERE project IS NOT NULL AND optics_group_name IS NOT NULL
),
groups AS (
    SELECT
        'optics group' AS within, root, project, min(path) AS path, optics_group_name AS optics_group, quantity,
        min(value) AS lowest, max(value) AS highest, count(DISTINCT tomogram) AS tomograms,
        arg_min(tomogram, (value, tomogram)) AS example
    FROM optics
    GROUP BY root, project, optics_group_name, quantity
),
compared AS (
    SELECT
        root, project, p.path, p.optics_group_name, tomogram,
        unnest(['voltage', 'spherical_aberration', 'amplitude_contrast', 'pixel_size']) AS quantity,
        unnest([p.voltage, p.spherical_aberration, p.amplitude_contrast, p.pixel_size]) AS own,
        unnest([t.voltage, t.spherical_aberration, t.amplitude_contrast, t.pixel_size]) AS value
    FROM particle_sets p
    JOIN latest.tomograms t USING (root, project, tomogram)
    CROSS JOIN options o
    WHERE
        abs(p.voltage - t.voltage) > o.tolerance
        OR abs(p.spherical_aberration - t.spherical_aberration) > o.tolerance
        OR abs(p.amplitude_contrast - t.amplitude_contrast) > o.tolerance
        OR abs(p.pixel_size - t.pixel_size) > o.tolerance
),
particles AS (
    SELECT
        'particle set' AS within, root, project, path, optics_group_name AS optics_group, quantity,
        min(least(own, value)) AS lowest, max(greatest(own, value)) AS highest, count(DISTINCT tomogram) AS tomograms,
        min(tomogram) AS example
    FROM compared
    CROSS JOIN options o
    WHERE abs(own - value) > o.tolerance
    GROUP BY root, project, path, optics_group_name, quantity
)
SELECT within, root, project, path, optics_group, quantity, lowest, highest, tomograms, example
FROM (FROM groups UNION ALL FROM particles) AS found
CROSS JOIN options o
WHERE highest - lowest > o.tolerance
ORDER BY within, root, project, path, optics_group, quantity
