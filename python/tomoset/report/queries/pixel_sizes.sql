-- Pixel sizes of tilt series, or of their movies where nothing was corrected yet.
SELECT round(coalesce(pixel_size, original_pixel_size), 2) AS pixel_size, count(*) AS tomograms
FROM latest.tomograms
WHERE isfinite(coalesce(pixel_size, original_pixel_size))
GROUP BY ALL
ORDER BY ALL
