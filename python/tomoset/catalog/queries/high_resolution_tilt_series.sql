-- Tilt series that are fit for high resolution.
-- Small pixels, a moderate dose, steep tilts and enough of them; each tilt series once.
-- The dose is what the specimen had after the last image.
WITH options AS (
    SELECT
        2.0 AS max_pixel_size,  -- A/px, of the tilt series
        120.0 AS max_dose,      -- e/A^2
        58.0 AS min_tilt,       -- degrees
        false AS both_sides,    -- whether it is to be reached on both sides, or on one
        41 AS min_tilts         -- images
)
SELECT
    root, project, tomogram, t.pixel_size, s.tilts, round(s.lowest_tilt, 1) AS lowest_tilt,
    round(s.highest_tilt, 1) AS highest_tilt, round(s.dose, 1) AS dose, t.path AS tomogram_set
FROM latest.tilt_series s
JOIN latest.tomograms t USING (root, project, tomogram)
CROSS JOIN options o
WHERE
    t.pixel_size < o.max_pixel_size
    AND s.dose <= o.max_dose
    AND s.tilts >= o.min_tilts
    AND if(o.both_sides, least(-s.lowest_tilt, s.highest_tilt), greatest(-s.lowest_tilt, s.highest_tilt)) >= o.min_tilt
ORDER BY root, project, tomogram, tomogram_set
