-- Reconstructed sets at a voxel size for training.
-- Sets with tomograms that are aligned, have a CTF for every tilt, and a reconstruction that is there. Whether the CTF
-- was corrected for is not in the set: the options of the job that reconstructed it tell. `with_halves` have
-- reconstructions of the even and odd frames.
WITH options AS (
    SELECT
        8.0 AS min_voxel_size,   -- A
        12.0 AS max_voxel_size,  -- A
        1 AS min_tomograms
),
volumes AS (
    SELECT
        root, project, tomogram, path, tilt_series_file, round(pixel_size * coalesce(binning, 1), 2) AS voxel_size,
        reconstructed_half1 IS NOT NULL AND reconstructed_half2 IS NOT NULL AS has_halves,
        nullif(denoised_tomogram, 'N/A') IS NOT NULL AS is_denoised
    FROM latest.tomograms
    CROSS JOIN options o
    WHERE
        pixel_size * coalesce(binning, 1) BETWEEN o.min_voxel_size AND o.max_voxel_size
        AND coalesce(reconstructed_tomogram, reconstructed_half1) IS NOT NULL
        AND reconstructed_found IS DISTINCT FROM false
),
fit AS (
    SELECT root, project, tomogram, aligned = tilts AS is_aligned FROM latest.tilt_series WHERE with_ctf = tilts
)
SELECT
    root, project, path AS tomogram_set, voxel_size, count(*) AS tomograms,
    count(*) FILTER (has_halves) AS with_halves, count(*) FILTER (is_denoised) AS denoised
FROM volumes
JOIN fit USING (root, project, tomogram)
CROSS JOIN options o
WHERE is_aligned OR tilt_series_file IS NULL  -- sets of RELION 4 have matrices in place of angles and shifts
GROUP BY root, project, path, voxel_size
HAVING count(*) >= any_value(o.min_tomograms)
ORDER BY tomograms DESC, root, project, tomogram_set, voxel_size
