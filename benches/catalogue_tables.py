"""The catalogue of an archive that does not exist: its tables as SQL, from numbers and hashes alone.

What a facility's archive is like: three roots, projects of some thirty tomograms, each of which stands in
the set of every job up to the reconstruction. More than half of the projects are on tape: their tilt-series files are
known, their tilts are not.
"""

MACROS = """
CREATE MACRO pick(key, salt, n) AS (hash(key, salt) % n)::BIGINT;
CREATE MACRO noise(key, salt) AS (hash(key, salt) % 2000001)::DOUBLE / 1000000 - 1;
CREATE MACRO within(project, file) AS CASE WHEN project = '' THEN file ELSE project || '/' || file END;
"""

#: What the rows below are made from; `$projects`, `$crawls` and `$shards` are numbers.
FACTS = (
    """
CREATE TABLE project AS
WITH numbered AS (
    SELECT i, ['/data/krios1', '/data/krios2', '/archive'][1 + i % 3] AS root,
           CASE WHEN pick(i // 2, 'twin', 50) = 0 THEN i // 2 * 2 ELSE i END AS name,
           pick(i, 'relion4', 100) < 8 AS is_relion4,
           pick(i, 'tape', 100) < 43 AS is_online,
           2 + pick(i, 'size', 66) AS tomograms,
           TIMESTAMPTZ '2022-01-10 08:00:00Z' + to_hours(pick(i, 'begun', 41000)) AS begun,
           [1.35, 1.7, 2.2, 2.71][1 + pick(i, 'pixel', 4)] AS pixel_size,
           [300.0, 300.0, 300.0, 200.0][1 + pick(i, 'voltage', 4)] AS voltage,
           2.0 + pick(i, 'dose', 3) * 0.5 AS dose,
           [85.0, -95.0, 84.3, 0.4][1 + pick(i, 'axis', 4)] AS axis
    FROM range($projects) AS numbers(i)
)
SELECT *, format('{}/nt{:05d}-{}/relion{}', year(begun), 20000 + name, 1 + name % 9, if(is_relion4, 4, 5)) AS project,
       hash(root, project) % $shards AS shard,
       if(is_relion4, ['ImportTomo', 'CtfRefineTomo', 'FrameAlignTomo'],
          ['Import', 'MotionCorr', 'CtfFind', 'ExcludeTiltImages', 'AlignTiltSeries', 'Tomograms']
          [: [3, 5, 6, 6, 6, 6, 6, 6, 6, 6][1 + pick(i, 'stage', 10)]]) AS steps,
       1 + (epoch(begun) - 1641801600)::BIGINT * $crawls // (41000 * 3600) AS crawl
FROM numbered""",
    """
CREATE TABLE series AS
SELECT p.*, k, CASE WHEN pick([i, k], 'twice', 4000) = 0 THEN k + 1 ELSE k END AS n,
       CASE WHEN i % 2 = 0 THEN 'Position_' || n ELSE format('nt{:05d}_ts_{:03d}', name + 20000, n) END AS tomogram,
       [41, 41, 41, 41, 41, 41, 41, 41, 61, 35, 35, 31][1 + pick([i, k], 'tilts', 12)] AS tilts,
       format('grid{}', 1 + k * 3 // tomograms) AS optics,
       CASE WHEN pick([i, k], 'hand', 3000) = 0 THEN 1.0 ELSE -1.0 END AS hand,
       20000 + 25000 * (noise([i, k], 'defocus') + 1) AS defocus
FROM project p, range(p.tomograms) AS numbers(k)""",
    """
CREATE TABLE job AS
WITH steps AS (
    SELECT p.*, number, coalesce(steps[number], ['Picks', 'Extract', 'Refine3D', 'Class3D', 'MaskCreate',
           'PostProcess', 'CtfRefine', 'Polish', 'Select', 'Denoise'][1 + pick([i, number], 'type', 10)]) AS folder_type
    FROM project p, range(1, 22 + pick(p.i, 'jobs', 40)) AS numbers(number)
)
SELECT *, format('{}/job{:03d}', folder_type, number) AS job,
       ['Succeeded', 'Failed', 'Aborted', 'Running'][[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4]
       [1 + if(number <= len(steps), 0, pick([i, number], 'state', 20))]] AS status,
       begun + to_hours(number * 5) AS started
FROM steps""",
    """
CREATE TABLE copy AS
SELECT s.*, number, steps[number] AS step, format('{}/job{:03d}', step, number) AS job,
       number = len(steps) AS latest,
       within(project, job || '/tomograms.star') AS set_path,
       CASE WHEN NOT is_relion4 THEN job || '/tilt_series/' || tomogram || '.star' END AS tilt_series_file
FROM series s, range(1, len(s.steps) + 1) AS numbers(number)""",
)

_NAMED = """
    SELECT i, root, project, shard, crawl, is_online, begun, number, within(project, job || '/' || file) AS path,
    kind,
           size, blocks, n_rows
    FROM ({}) AS named"""
_FILES = " UNION ALL ".join(
    _NAMED.format(part)
    for part in (
        """SELECT *, 'tilt_series/' || tomogram || '.star' AS file, 'tilt_series' AS kind,
        14000 + tilts * 300 AS size,
           1 AS blocks, tilts AS n_rows FROM copy WHERE NOT is_relion4 AND n = k AND shard = $shard""",
        """SELECT *, format('frames/{}_{:03d}_{:.2f}_fractions.star', tomogram, d, 3.0 * d) AS file,
           'micrograph' AS kind, 2500 + d AS size, 3 AS blocks, 8 AS n_rows
           FROM copy, range(19) AS numbers(d) WHERE step = 'MotionCorr' AND n = k AND shard = $shard""",
        """SELECT *, 'tomograms.star' AS file, 'tomogram_set' AS kind, 3000 + tomograms * 250 AS size,
           if(is_relion4, tomograms + 1, 1) AS blocks, tomograms AS n_rows
           FROM job WHERE number <= len(steps) AND shard = $shard""",
        """SELECT *, unnest(['job.star', 'job_pipeline.star']) AS file, unnest(['job', 'pipeline']) AS kind,
        3100 AS size,
           unnest([2, 4]) AS blocks, 30 AS n_rows FROM job WHERE shard = $shard""",
        """SELECT *, format('run_it{:03d}_{}.star', d // 4 * 5, ['data', 'model', 'optimiser', 'sampling'][1 + d % 4])
           AS file, ['particles', 'model', 'optimiser', 'other'][1 + d % 4] AS kind,
           if(d % 4 = 0, 4000000, 90000) AS size, 3 AS blocks, 9000 AS n_rows
           FROM job, range(16) AS numbers(d) WHERE folder_type IN ('Refine3D', 'Class3D') AND shard = $shard""",
        """SELECT *, unnest(['particles.star', 'optimisation_set.star']) AS file,
           unnest(['particles', 'optimisation_set']) AS kind, unnest([3500000, 900]) AS size,
           unnest([3, 1]) AS blocks,
           unnest([9000, 1]) AS n_rows FROM job WHERE folder_type IN ('Extract', 'Select') AND shard = $shard""",
    )
)
#: One file in a hundred is odd; on tape only what is large is.
_FATES = (
    """
SELECT *, pick(path, 'fate', 1000) AS fate,
       NOT is_online AND kind IN ('tilt_series', 'micrograph', 'particles') AS is_offline,
       CASE WHEN is_offline THEN 'offline' WHEN fate < 2 THEN 'faulty' WHEN fate < 10 THEN 'diagnosed' ELSE 'ok' END
           AS fared,
       begun + to_hours(number * 5) + to_seconds(pick(path, 'second', 14400)) AS time
FROM ("""
    + _FILES
    + ")"
)

_TILT_IMAGE = """format('{}_{:03d}_{:.2f}', tomogram, d, 3.0 * ((d + 1) // 2) * if(d % 2 = 0, -1, 1))"""

ROWS: dict[str, str] = {
    "files": f"""
SELECT path, root, project, parse_filename(path) AS name, size, time AS mtime, epoch_us(time) * 1000 AS mtime_ns,
       pick(path, 'inode', 1000000000) AS inode, if(is_offline, 'unknown', kind) AS kind,
       if(is_offline, NULL, blocks) AS blocks, if(is_offline, NULL, n_rows) AS rows,
       if(fared IN ('faulty', 'diagnosed'), 1, 0) AS problems, fared AS status,
       if(is_offline, NULL, pick(i, 'header', 3) + (hash(kind) % 100000)::BIGINT) AS header,
       if(is_offline, NULL, (hash(path) // 2)::BIGINT) AS hash, true AS settled,
       crawl AS first_crawl,
       least($crawls, crawl + if(pick(path, 'changed', 20) = 0, pick(path, 'late', 60), 0)) AS changed_crawl
FROM ({_FATES}) ORDER BY path""",
    "projects": """
SELECT project AS path, root, project, parse_filename(project) AS name,
       tomograms * 26 + 900 AS files, tomograms * 150000 AS bytes, len(steps) AS tomogram_sets,
       tomograms, tomograms * 41 AS tilts,
       30 AS particle_sets, 20 + pick(i, 'jobs', 40) AS jobs, tomograms AS problems, pick(i, 'errors', 8) AS errors,
       begun AS first_change, begun + to_hours(300) AS last_change,
       within(project, format('{}/job{:03d}/tomograms.star', steps[-1], len(steps))) AS latest_set,
       encode(hash(i)::VARCHAR) AS fingerprint, crawl AS first_crawl, crawl AS changed_crawl
FROM project p WHERE shard = $shard ORDER BY project""",
    "jobs": """
SELECT within(project, 'default_pipeline.star') AS path, root, project, job, number, folder_type,
       if(number % 9 = 0, folder_type || '/try' || number, NULL) AS alias, 'relion.' || lower(folder_type) AS type,
       status,
       CASE status WHEN 'Succeeded' THEN 'success' WHEN 'Failed' THEN 'failure' WHEN 'Aborted' THEN 'aborted' END
           AS marker,
       lower(status) AS state, false AS is_continue, true AS is_tomo,
       format('{{"nr_threads":"{}","other_args":"","do_queue":"Yes"}}', number) AS options,
       if(number = 1, [], [job || '/in.star']) AS inputs, [job || '/tomograms.star'] AS outputs,
       if(number = 1, [], [lag(job) OVER (PARTITION BY i ORDER BY number)]) AS upstream, number - 1 AS "order",
       3 + pick([i, number], 'files', 60) AS files, 9000 + pick([i, number], 'bytes', 4000000) AS bytes, started,
       if(status = 'Running', NULL, started + to_hours(3)) AS ended, started + to_hours(2) AS last_change
FROM job WHERE shard = $shard ORDER BY project, number""",
    "tomograms": """
SELECT set_path AS path, root, project, k AS row, tomogram, tilt_series_file, voltage, 2.7 AS spherical_aberration,
       if(pick([i, k], 'contrast', 5000) = 0, 0.07, 0.1) AS amplitude_contrast, pixel_size AS original_pixel_size,
       if(number > 1 OR is_relion4, pixel_size, NULL) AS pixel_size, hand, optics AS optics_group_name,
       if(is_relion4, dose, NULL) AS fractional_dose,
       CASE WHEN number >= 5 AND i % 2 = 0 THEN 'AlignTiltSeries/job005/external/' || tomogram || '.edf' END
           AS etomo_directive_file,
       CASE WHEN number >= 5 AND i % 2 = 0 THEN 0.4 + 0.2 * noise([i, k], 'residual') END AS imod_residual_mean,
       CASE WHEN number >= 5 AND i % 2 = 1 THEN 0.5 + 0.3 * noise([i, k], 'score') END AS aretomo_axis_score,
       CASE WHEN number >= 6 OR is_relion4 THEN 4092 END AS size_x,
       CASE WHEN number >= 6 OR is_relion4 THEN 5760 END AS size_y,
       CASE WHEN number >= 6 OR is_relion4 THEN 1600 + 100 * pick([i, k], 'depth', 8) END AS size_z,
       CASE WHEN number >= 6 THEN [4.0, 6.0, 8.0][1 + i % 3] END AS binning,
       CASE WHEN number >= 6 THEN 'Tomograms/job006/tomograms/rec_' || tomogram || '.mrc' END AS reconstructed_tomogram,
       CASE WHEN number >= 6 AND i % 3 = 0 THEN 'Tomograms/job006/tomograms/rec_' || tomogram || '_half1.mrc' END
           AS reconstructed_half1,
       CASE WHEN number >= 6 AND i % 3 = 0 THEN 'Tomograms/job006/tomograms/rec_' || tomogram || '_half2.mrc' END
           AS reconstructed_half2,
       CASE WHEN is_relion4 THEN 'tomograms/' || tomogram || '/' || tomogram || '.mrc' END AS tilt_series_stack,
       CASE WHEN is_relion4 THEN tilts END AS frame_count,
       CASE WHEN NOT is_relion4 THEN pick([i, k, number], 'lost', 2000) > 0 END AS tilt_series_found,
       CASE WHEN number >= 5 AND i % 2 = 0 THEN pick([i, k, number], 'edf', 1000) > 0 END AS etomo_directive_found,
       CASE WHEN number >= 6 THEN pick([i, k, number], 'mrc', 300) > 0 END AS reconstructed_found, latest
FROM copy WHERE shard = $shard ORDER BY path, row""",
    "tilts": f"""
WITH image AS (
    SELECT *, if(is_relion4, set_path, within(project, tilt_series_file)) AS path, {_TILT_IMAGE} AS image,
           3.0 * ((d + 1) // 2) * if(d % 2 = 0, -1, 1) AS angle, hash(i, k, d) AS key,
           is_relion4 OR number >= 5 AS is_aligned, is_relion4 OR number >= 3 AS is_fitted,
           NOT is_relion4 AND number >= 2 AS is_summed
    FROM copy, range(tilts) AS numbers(d)
    WHERE shard = $shard AND is_online AND n = k AND (is_relion4 OR number < 4 OR pick([i, k, d], 'excluded', 30) > 0)
)
SELECT path, root, project, tomogram,
       row_number() OVER (PARTITION BY path, k ORDER BY if(number < 4, d, angle)) - 1 AS row,
       angle + 0.02 * noise(key, 'stage') AS nominal_tilt_angle, axis AS nominal_tilt_axis_angle,
       d * dose AS pre_exposure, -4.0 AS nominal_defocus,
       CASE WHEN NOT is_relion4 THEN 'frames/' || image || '_fractions.tiff' END AS movie_name,
       8 AS movie_frame_count,
       if(is_summed, 'MotionCorr/job002/frames/' || image || '_fractions.mrc', NULL) AS micrograph_name,
       if(is_summed AND i % 5 > 0, 'MotionCorr/job002/frames/' || image || '_fractions_EVN.mrc', NULL)
           AS micrograph_name_even,
       if(is_summed AND i % 5 > 0, 'MotionCorr/job002/frames/' || image || '_fractions_ODD.mrc', NULL)
           AS micrograph_name_odd,
       if(is_summed, 'MotionCorr/job002/frames/' || image || '_fractions.star', NULL) AS micrograph_metadata,
       if(is_summed, 5 + 4 * noise(key, 'motion'), NULL) AS motion_total,
       if(is_summed, 3 + 2 * noise(key, 'early'), NULL) AS motion_early,
       if(is_summed, 2 + 2 * noise(key, 'late'), NULL) AS motion_late,
       if(is_fitted, 'CtfFind/job003/frames/' || image || '_fractions_PS.ctf:mrc', NULL) AS ctf_image,
       if(is_fitted, defocus + 400 * noise(key, 'u'), NULL) AS defocus_u,
       if(is_fitted, defocus + 400 * noise(key, 'v'), NULL) AS defocus_v,
       if(is_fitted, 90 * noise(key, 'angle'), NULL) AS defocus_angle,
       if(is_fitted, 300 + 300 * noise(key, 'astigmatism'), NULL) AS astigmatism,
       if(is_fitted, 0.1 + 0.1 * noise(key, 'merit'), NULL) AS figure_of_merit,
       if(is_fitted, 8 + 5 * noise(key, 'fit'), NULL) AS max_resolution,
       if(is_fitted AND NOT is_relion4, 0.9 + 0.1 * noise(key, 'ice'), NULL) AS ice_ring_density,
       if(is_relion4 OR number >= 6, cos(radians(angle)), NULL) AS ctf_scale_factor,
       if(is_aligned, 0.0, NULL) AS x_tilt,
       if(is_aligned, angle + 0.1 * noise(key, 'tilt'), NULL) AS y_tilt,
       if(is_aligned, axis + 0.2 * noise(key, 'axis') + if(pick([i, k], 'askew', 400) = 0, 12, 0), NULL) AS z_rotation,
       if(is_aligned, 200 * noise(key, 'x'), NULL) AS x_shift,
       if(is_aligned, 200 * noise(key, 'y'), NULL) AS y_shift, latest
FROM image ORDER BY path, tomogram, row""",
    "particle_sets": """
SELECT within(s.project, j.job || '/' || if(j.folder_type = 'Refine3D', 'run_data.star', 'particles.star')) AS path,
       s.root, s.project, s.tomogram, 20 + pick([s.i, s.k, j.number], 'particles', 400) AS particles, 1 AS optics_group,
       s.optics AS optics_group_name,
       if(pick(s.i, 'other', 500) = 0, 200.0, s.voltage) AS voltage, 2.7 AS spherical_aberration,
       0.1 AS amplitude_contrast, s.pixel_size, s.pixel_size * 4 AS image_pixel_size, 64 AS image_size, 4.0 AS binning
FROM series s JOIN job j USING (i)
WHERE s.shard = $shard AND j.folder_type IN ('Extract', 'Refine3D', 'Select') AND s.tomograms > 4
ORDER BY path, s.tomogram, k""",
    # Nobody asked for each particle.
    "particles": "SELECT NULL::VARCHAR AS path WHERE false",
    "labels": """
SELECT number + (hash(kind) % 100000)::BIGINT AS header, kind, pick([kind, n::VARCHAR], 'own', 12) > 0 AS known,
       if(known, 'rlnLabel' || (n * 7 + pick(kind, 'kind', 300)), 'wrpOwn' || n) AS label,
       if(known, ['double', 'string', 'int'][1 + n % 3], NULL) AS type, if(known AND n % 3 = 0, 'A', NULL) AS unit
FROM unnest(['tilt_series', 'micrograph', 'tomogram_set', 'job', 'pipeline', 'particles', 'model', 'optimiser', 'other',
     'optimisation_set']) AS kinds(kind), range(3) AS numbers(number), range(28) AS labels(n)
WHERE (number + n) % 9 > 0 ORDER BY header, n""",
    "problems": f"""
SELECT path, root, project, unnest(if(fate < 2, ['R201', 'H106'], ['H106'])) AS code,
       unnest(if(fate < 2, ['row-length', 'unknown-label'], ['unknown-label'])) AS name,
       unnest(if(fate < 2, ['fatal', 'note'], [['silent', 'note'][1 + fate % 2]])) AS severity,
       'a row has fewer values than there are labels' AS message, '' AS block, NULL AS label, 30 AS line,
       1 AS column, 1 AS count
FROM ({_FATES}) WHERE fared IN ('faulty', 'diagnosed') ORDER BY path, code""",
    "deletions": """
SELECT within(project, job || '/old/' || d || '.star') AS path, root, project, 'tilt_series' AS kind, 15000 AS size,
       started AS mtime, least($crawls, crawl + 1 + d) AS deleted_crawl
FROM job, range(10) AS numbers(d) WHERE number = 7 AND shard = $shard ORDER BY path, d""",
    "crawls": """
SELECT c AS crawl, ['/data/krios1', '/data/krios2', '/archive'][1 + c % 3] AS root,
       TIMESTAMPTZ '2022-01-11 02:00:00Z' + to_hours(c * 41000 // $crawls) AS started,
       started + to_minutes(9) AS finished,
       c * 5000 AS files, c * 60000000 AS bytes, 5000 AS new_files, 200 AS changed_files, 30 AS deleted_files,
       40 AS changed_projects, 12 AS errors, 40 AS warnings, '0.1.0' AS version
FROM range(1, $crawls + 1) AS numbers(c) WHERE $shard = 0 ORDER BY crawl""",
}
