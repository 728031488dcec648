-- Median defocus and astigmatism by tilt angle, optics group and month.
-- Fits become worse with tilt; a trend over months tells of the microscope. STAR files hold no date of acquisition: the
-- month is that of the oldest STAR file of the project.
WITH options AS (
    SELECT
        10 AS bin_width,        -- degrees
        '%' AS project_pattern  -- of LIKE: '%/2025/%' is a year of projects in such folders
),
tomogram_groups AS (
    SELECT DISTINCT
        root, project, t.tomogram, coalesce(t.optics_group_name, '') AS optics_group,
        strftime(p.first_change, '%Y-%m') AS month,
        dense_rank() OVER (ORDER BY optics_group, month) AS number  -- groups by number are made faster than by text
    FROM latest.tomograms t
    JOIN projects p USING (root, project)
    CROSS JOIN options o
    WHERE t.project LIKE o.project_pattern
),
medians AS (
    SELECT
        g.number, floor(nominal_tilt_angle / o.bin_width)::INTEGER AS bin, count(*) AS images,
        median((defocus_u + defocus_v) / 2) AS defocus, median(abs(defocus_u - defocus_v)) AS astigmatism
    FROM latest.tilts
    JOIN tomogram_groups g USING (root, project, tomogram)
    CROSS JOIN options o
    WHERE defocus_u IS NOT NULL AND defocus_v IS NOT NULL AND nominal_tilt_angle IS NOT NULL
    GROUP BY g.number, bin
)
SELECT
    optics_group, month, bin * o.bin_width AS from_tilt, images, round(defocus) AS defocus,
    round(astigmatism) AS astigmatism
FROM medians
JOIN (SELECT DISTINCT number, optics_group, month FROM tomogram_groups) AS names USING (number)
CROSS JOIN options o
ORDER BY optics_group, month, from_tilt
