-- Tilt series whose tilt axis is not where that of the others is.
-- The axis belongs to the microscope: within an optics group of a project it should hardly move. Axes that differ by
-- half a turn are one line, but a series that is turned about against most others has its hand reversed.
WITH options AS (
    SELECT
        5.0 AS max_deviation,  -- degrees from the median of the optics group
        3 AS min_series        -- tilt series that an optics group must have to be judged
),
axes AS (
    SELECT
        t.root, t.project, coalesce(t.optics_group_name, '') AS optics_group, t.tomogram, s.tilt_axis,
        s.nominal_tilt_axis, radians(s.tilt_axis - coalesce(s.nominal_tilt_axis, 0)) AS moved
    FROM latest.tilt_series s
    JOIN latest.tomograms t USING (root, project, tomogram)
    WHERE s.tilt_axis IS NOT NULL
),
-- A line has no direction: the mean is that of the doubled angles. The median is taken about it, as outliers shift it.
means AS (
    SELECT
        root, project, optics_group, count(*) AS series, atan2(avg(sin(2 * moved)), avg(cos(2 * moved))) / 2 AS mean
    FROM axes
    GROUP BY root, project, optics_group
),
centred AS (
    SELECT
        *, degrees(moved - mean) AS angle, angle - 180 * round(angle / 180) AS off_mean,
        cos(moved - mean) < 0 AS points_back
    FROM axes
    JOIN means USING (root, project, optics_group)
),
usual AS (
    SELECT root, project, optics_group, median(off_mean) AS off_median, avg(points_back::INTEGER) > 0.5 AS most_point_back
    FROM centred
    GROUP BY root, project, optics_group
),
judged AS (
    SELECT *, off_mean - off_median AS deviation, points_back <> most_point_back AS is_turned
    FROM centred
    JOIN usual USING (root, project, optics_group)
)
SELECT
    root, project, optics_group, tomogram, round(tilt_axis, 2) AS tilt_axis, nominal_tilt_axis,
    round(deviation, 2) AS deviation, is_turned
FROM judged
CROSS JOIN options o
WHERE series >= o.min_series AND (abs(deviation) > o.max_deviation OR is_turned)
ORDER BY root, project, optics_group, tomogram
