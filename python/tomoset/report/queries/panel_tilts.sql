-- Tilt angle in tenths of a degree, dose in tenths of e/A^2 and defocus in nm of the tilt images of chosen projects.
-- In the order in which they were taken, as far as doses tell.
WITH chosen(root, project) AS (VALUES $chosen)
SELECT
    root, project, tomogram,
    list(TRY_CAST(round(10 * coalesce(nominal_tilt_angle, y_tilt)) AS INTEGER) ORDER BY pre_exposure, path, "row")
        AS angles,
    list(TRY_CAST(round(10 * pre_exposure) AS INTEGER) ORDER BY pre_exposure, path, "row") AS doses,
    list(TRY_CAST(round((defocus_u + defocus_v) / 20) AS INTEGER) ORDER BY pre_exposure, path, "row") AS defocus,
    median(max_resolution) AS fit
FROM latest.tilts
SEMI JOIN chosen USING (root, project)
GROUP BY root, project, tomogram
ORDER BY root, project, tomogram
