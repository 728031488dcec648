-- Aligned tilt series: range, dose and defocus, the steepest first.
SELECT project, tomogram, count(*) AS tilts, round(min(y_tilt), 1) AS lowest, round(max(y_tilt), 1) AS highest,
       max(pre_exposure) AS dose, round(median(defocus_u)) AS defocus
FROM latest.tilts WHERE y_tilt IS NOT NULL
GROUP BY ALL ORDER BY highest - lowest DESC, project, tomogram LIMIT 8
