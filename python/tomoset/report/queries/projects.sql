-- Every project, and every folder of loose files.
-- A unit is the folder of a project, or the topmost folder of files that belong to none.
-- Today is when the archive was looked at last: a crawl that finds nothing changed leaves no row.
WITH asked AS (
    SELECT $today::TIMESTAMPTZ AS today
),
signs AS (
    SELECT
        root, project, number, state, greatest(started, ended, last_change) AS sign,
        state = 'running' AND coalesce(sign < today - to_days(1), today IS NOT NULL) AS is_stalled
    FROM jobs
    CROSS JOIN asked
),
work AS (
    SELECT
        root, project AS unit, count(*) FILTER (state = 'running' AND NOT is_stalled) AS running,
        count(*) FILTER (is_stalled) AS stalled, count(*) FILTER (state IN ('failed', 'aborted')) AS failed,
        arg_max(state, (coalesce(sign, '-infinity'), number)) AS newest
    FROM signs
    GROUP BY root, project
),
optics AS (
    SELECT
        root, project AS unit,
        CASE count(tilt_series_file) WHEN 0 THEN '4' WHEN count(*) THEN '5' ELSE '4 and 5' END AS relion,
        CASE
            WHEN min(hand) < max(hand) THEN 'mixed'
            WHEN min(hand) IN (1, -1) THEN format('{:+d}', min(hand)::INTEGER)
            WHEN min(hand) IS NOT NULL THEN 'other'
        END AS hand,
        round(min(coalesce(pixel_size, original_pixel_size)), 3) AS pixel_size,
        round(max(coalesce(pixel_size, original_pixel_size)), 3) AS largest_pixel_size
    FROM latest.tomograms
    WHERE project IS NOT NULL
    GROUP BY root, project
),
odd AS (
    SELECT
        root, unit, count(*) FILTER (severity = 'warning') AS warnings, list_sort(list(DISTINCT code)) AS codes
    FROM (
        SELECT *, coalesce(project, if(contains(path, '/'), split_part(path, '/', 1), '')) AS unit FROM problems
    ) AS found
    GROUP BY root, unit
)
SELECT
    p.root, p.path AS unit, p.project IS NULL AS is_loose,
    CASE
        WHEN p.project IS NULL THEN 'loose files'
        WHEN w.unit IS NULL THEN 'no jobs'
        WHEN w.running > 0 THEN 'running'
        WHEN w.stalled > 0 THEN 'stalled'
        WHEN w.newest = 'succeeded' THEN 'finished'
        ELSE w.newest
    END AS state,
    o.relion, o.hand, coalesce(p.tomograms, 0) AS tomograms, coalesce(p.tilts, 0) AS tilts, o.pixel_size,
    o.largest_pixel_size, coalesce(p.jobs, 0) AS jobs, coalesce(w.failed, 0) AS failed, coalesce(p.errors, 0) AS errors,
    coalesce(d.warnings, 0) AS warnings, coalesce(p.problems, 0) AS problems, coalesce(d.codes, []) AS codes,
    coalesce(p.files, 0) AS files, coalesce(p.bytes, 0) AS bytes,
    epoch(p.last_change)::BIGINT AS last_change
FROM projects p
LEFT JOIN work w ON w.root = p.root AND w.unit = p.project
LEFT JOIN optics o ON o.root = p.root AND o.unit = p.project
LEFT JOIN odd d ON d.root = p.root AND d.unit = p.path
ORDER BY p.root, p.path
