-- Tilt series with a high dose.
-- What the specimen had after the last image: the highest dose before an image and that of one more image.
WITH options AS (
    SELECT 110.0 AS min_dose  -- e/A^2, exclusive
)
SELECT
    root, project, tomogram, tilts, round(dose_per_tilt, 2) AS dose_per_tilt, round(dose, 1) AS dose
FROM latest.tilt_series
CROSS JOIN options o
WHERE dose > o.min_dose
ORDER BY dose DESC, root, project, tomogram
