-- How often tilt images have a defocus, in steps of 0.05 micrometres.
SELECT (floor((defocus_u + defocus_v) / 1000) * 0.05)::DOUBLE AS defocus, count(*) AS images
FROM latest.tilts
WHERE isfinite(defocus_u + defocus_v)
GROUP BY defocus
ORDER BY defocus
