"""Views over the tables of a catalogue: each tilt series once, changes, labels, and the Data Portal's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: SQL by the view's name, each over the tables and the views before it.
VIEWS: dict[str, str] = {
    # Every job writes its own copy of a set; here each tomogram and each tilt image stands once.
    "latest.tomograms": "SELECT * EXCLUDE (latest) FROM main.tomograms WHERE latest",
    "latest.tilts": "SELECT * EXCLUDE (latest) FROM main.tilts WHERE latest",
    # One row a tilt series. Doses in e/A^2: that of one image is the difference of the two lowest doses, as RELION
    # takes it; `dose` is what the specimen had after the last image. A tilt is aligned if it has both angles and both
    # shifts: a sum is null where a part of it is. Sets of RELION 4 have matrices, which the tables do not have.
    "latest.tilt_series": """
SELECT root, project, tomogram, count(*) AS tilts,
       min(coalesce(nominal_tilt_angle, y_tilt)) AS lowest_tilt,
       max(coalesce(nominal_tilt_angle, y_tilt)) AS highest_tilt,
       list_extract(min(pre_exposure, 2), 2) - min(pre_exposure) AS dose_per_tilt,
       coalesce(max(pre_exposure) + list_extract(min(pre_exposure, 2), 2) - min(pre_exposure), max(pre_exposure))
           AS dose,
       count(pre_exposure) AS with_dose,
       count(y_tilt + z_rotation + x_shift + y_shift) AS aligned, count(defocus_u + defocus_v) AS with_ctf,
       min(nominal_tilt_axis_angle) AS nominal_tilt_axis, median(z_rotation) AS tilt_axis
FROM main.tilts WHERE latest AND project IS NOT NULL GROUP BY root, project, tomogram""",
    # What a crawl met first, found changed, or no longer found. What came back is not deleted.
    "changes": """
SELECT path, root, project, kind, size, 'new' AS change, first_crawl AS crawl FROM main.files
UNION ALL
SELECT path, root, project, kind, size, 'changed', changed_crawl FROM main.files WHERE changed_crawl > first_crawl
UNION ALL
SELECT path, root, project, kind, size, 'deleted', deleted_crawl
FROM (FROM main.deletions
      QUALIFY row_number() OVER (PARTITION BY root, path ORDER BY deleted_crawl DESC) = 1) AS deleted
ANTI JOIN main.files USING (root, path)""",
    # Which labels the files have; projects of different roots are different projects.
    "census": """
WITH headers AS (
    SELECT header, root, project, count(*) AS files FROM main.files WHERE header IS NOT NULL GROUP BY ALL
),
numbered AS (
    SELECT header, files, CASE WHEN project IS NOT NULL THEN dense_rank() OVER (ORDER BY root, project) END AS project
    FROM headers
),
counted AS (
    SELECT label, sum(files)::BIGINT AS files, count(DISTINCT project) AS projects
    FROM (SELECT DISTINCT header, label FROM main.labels) AS names JOIN numbered USING (header) GROUP BY label
),
described AS (
    SELECT label, bool_or(known) AS known, min(type) AS type, min(unit) AS unit, min(meant) AS meant,
           list_sort(list(DISTINCT kind)) AS kinds
    FROM main.labels GROUP BY label
)
SELECT label, known, type, unit, meant, kinds, files, projects FROM counted JOIN described USING (label)""",
    # The schema of the CZ CryoET Data Portal, as far as STAR files tell. Its units differ from RELION's in two
    # places: acceleration_voltage is in V and phase_shift in radians. Sizes of tomograms are in voxels.
    "portal.runs": """
SELECT root, project, tomogram AS name, path AS tomogram_set FROM latest.tomograms""",
    "portal.tiltseries": """
SELECT root, project, t.tomogram AS run_name, round(1000 * t.voltage)::INTEGER AS acceleration_voltage,
       t.spherical_aberration AS spherical_aberration_constant, s.lowest_tilt AS tilt_min, s.highest_tilt AS tilt_max,
       s.highest_tilt - s.lowest_tilt AS tilt_range,
       CASE WHEN s.tilts > 1 THEN (s.highest_tilt - s.lowest_tilt) / (s.tilts - 1) END AS tilt_step,
       coalesce(s.nominal_tilt_axis, s.tilt_axis) AS tilt_axis, s.dose AS total_flux, t.pixel_size AS pixel_spacing,
       t.pixel_size / t.original_pixel_size AS binning_from_frames, s.aligned = s.tilts AS is_aligned, s.tilts AS size_z
FROM latest.tomograms t JOIN latest.tilt_series s USING (root, project, tomogram)""",
    "portal.per_section_parameters": """
SELECT root, project, tomogram AS run_name, "row" AS z_index, nominal_tilt_angle AS raw_angle,
       defocus_u AS major_defocus, defocus_v AS minor_defocus, defocus_angle AS astigmatic_angle,
       radians(phase_shift) AS phase_shift, max_resolution
FROM latest.tilts""",
    "portal.frames": """
SELECT root, project, tomogram AS run_name, movie_name AS path, nominal_tilt_angle AS raw_angle,
       row_number() OVER series - 1 AS acquisition_order, pre_exposure AS accumulated_dose,
       lead(pre_exposure) OVER series - pre_exposure AS exposure_dose
FROM latest.tilts WINDOW series AS (PARTITION BY root, project, path, tomogram ORDER BY pre_exposure, "row")""",
    "portal.tomograms": """
SELECT root, project, tomogram AS run_name, processing, file AS mrc_file, pixel_size * factor AS voxel_spacing,
       floor(size_x / factor + 0.5)::BIGINT AS size_x, floor(size_y / factor + 0.5)::BIGINT AS size_y,
       floor(size_z / factor)::BIGINT AS size_z
FROM (SELECT *, coalesce(binning, 1) AS factor, unnest(['raw', 'denoised']) AS processing,
             unnest([reconstructed_tomogram, nullif(denoised_tomogram, 'N/A')]) AS file
      FROM latest.tomograms) AS volumes
WHERE file IS NOT NULL""",
}


def view_statements() -> Iterator[str]:
    """Yield the statements that make the views, in the order in which they need one another."""
    yield from (f"CREATE SCHEMA IF NOT EXISTS {schema}" for schema in ("latest", "portal"))
    yield from (f"CREATE VIEW {name} AS {sql}" for name, sql in VIEWS.items())
