-- Tomogram sets in the layout of RELION 4.
-- One file with all tilt series, where RELION 5 has a file for each; Warp and M write such sets too, and call their
-- tomograms by the name of the `.tomostar` file. RELION 5 drops the alignment of such a set where it writes it anew.
SELECT
    root, project, path AS tomogram_set, count(*) AS tomograms, sum(frame_count)::BIGINT AS tilts,
    count(tilt_series_stack) AS with_stack, bool_or(ends_with(tomogram, '.tomostar')) AS from_warp,
    coalesce(bool_or(latest), false) AS latest
FROM tomograms
GROUP BY root, project, path
HAVING count(tilt_series_file) = 0
ORDER BY root, project, tomogram_set
