-- Aligned tilt series: range, dose and defocus, the steepest first.
SELECT project, tomogram, count(*) AS tilts, round(min(y_tilt), 1) AS lowest, round(max(y_tilt), 1) AS highest,
       max(pre_exposure) AS dose, round(median(defocus_u)) AS defocus
FROM tilts WHERE path LIKE '%AlignTiltSeries/%'
GROUP BY ALL ORDER BY highest - lowest DESC, project, tomogram LIMIT 8
