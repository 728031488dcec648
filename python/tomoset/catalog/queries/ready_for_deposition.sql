-- Projects that are ready for deposition, and what the others lack.
-- What the CryoET Data Portal asks for and STAR files can tell: optics, pixel size, tilt angles, tilt axis and dose of
-- every tilt series; alignment, CTF and a reconstruction with its size; no broken files. Beyond that, one handedness.
-- Whether a reconstruction is there was looked at where it is whole, not where only its halves are named.
WITH options AS (
    SELECT
        true AS need_reconstructions,
        true AS need_ctf
),
checked AS (
    SELECT
        root, project, count(*) AS tomograms,
        count(*) FILTER (t.voltage IS NULL OR t.spherical_aberration IS NULL OR t.amplitude_contrast IS NULL) AS no_optics,
        count(*) FILTER (t.pixel_size IS NULL) AS no_pixel_size,
        count(*) FILTER (s.tilts IS NULL) AS no_tilts,
        count(*) FILTER (s.lowest_tilt IS NULL AND s.tilts > 0) AS no_angles,
        count(*) FILTER (s.nominal_tilt_axis IS NULL AND s.aligned = 0) AS no_axis,
        count(*) FILTER (s.with_dose < s.tilts) AS no_dose,
        -- Sets of RELION 4 have matrices in place of angles and shifts.
        count(*) FILTER (s.aligned < s.tilts AND t.tilt_series_file IS NOT NULL) AS no_alignment,
        count(*) FILTER (o.need_ctf AND s.with_ctf < s.tilts) AS no_ctf,
        count(*) FILTER (o.need_reconstructions AND (coalesce(t.reconstructed_tomogram, t.reconstructed_half1) IS NULL OR t.size_z IS NULL))
            AS no_reconstruction,
        count(*) FILTER (t.reconstructed_found = false OR t.tilt_series_found = false) AS dangling,
        count(DISTINCT t.hand) > 1 AS mixes_hands
    FROM latest.tomograms t
    LEFT JOIN latest.tilt_series s USING (root, project, tomogram)
    CROSS JOIN options o
    WHERE project IS NOT NULL
    GROUP BY root, project
),
judged AS (
    SELECT
        c.root, c.project, c.tomograms, p.errors,
        concat_ws(
            ', ',
            'optics of ' || nullif(no_optics, 0), 'pixel size of ' || nullif(no_pixel_size, 0),
            'tilts of ' || nullif(no_tilts, 0), 'tilt angles of ' || nullif(no_angles, 0),
            'tilt axis of ' || nullif(no_axis, 0), 'dose of ' || nullif(no_dose, 0),
            'alignment of ' || nullif(no_alignment, 0), 'CTF of ' || nullif(no_ctf, 0),
            'reconstruction of ' || nullif(no_reconstruction, 0), 'files named by ' || nullif(dangling, 0),
            CASE WHEN mixes_hands THEN 'one handedness' END,
            CASE WHEN p.errors > 0 THEN 'sound files: ' || p.errors || ' errors' END
        ) AS lacks
    FROM checked c
    JOIN projects p USING (root, project)
)
SELECT root, project, tomograms, lacks = '' AS is_ready, lacks
FROM judged
ORDER BY is_ready DESC, root, project
