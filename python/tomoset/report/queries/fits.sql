-- How often CTFs of tilt images fit up to a resolution, in steps of 0.5 A.
SELECT (floor(2 * max_resolution) / 2)::DOUBLE AS resolution, count(*) AS images
FROM latest.tilts
WHERE isfinite(max_resolution)
GROUP BY resolution
ORDER BY resolution
