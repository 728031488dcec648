"""Jobs of a RELION 5 project that lead from movies to tomograms; each returns the set it wrote."""

from __future__ import annotations

from dataclasses import replace

from archive import tilt_tables
from archive.acquisition import TiltSeries
from archive.project import Project, tomogram_set
from archive.star_text import RELION, Cell

_SHIFT_LABELS = ("rlnMicrographFrameNumber", "rlnMicrographShiftX", "rlnMicrographShiftY")


def import_series(project: Project) -> str:
    """Begin both tables with what the microscope wrote down, in the order of dose."""
    session = project.session
    options = {
        "Cs": f"{session.spherical_aberration:g}",
        "Q0": f"{session.amplitude_contrast:g}",
        "angpix": f"{session.movie_pixel_size:g}",
        "dose_rate": f"{session.dose:g}",
        "kV": f"{session.voltage:g}",
        "mdoc_files": "mdoc/*.mdoc",
        "movie_files": f"frames/*.{session.movie.rpartition('.')[2]}",
        "optics_group_name": session.optics_group,
        "prefix": "",
        "tilt_axis_angle": f"{session.tilt_axis:g}",
    }
    output = tomogram_set("tilt_series", "import")
    job = project.pipeline.job("Import", "relion.importtomo", options, outputs=[output])
    if project.mishap.mixed_hand and len(project.series) > 1:
        for one in project.series[1::3]:
            one.hand = -one.hand
        project.odd(f"{job}/tilt_series.star", "handedness differs between tilt series, here and later")
    as_integer = project.python_style is not RELION
    project.rows = [
        {
            "rlnTomoName": one.name,
            "rlnTomoTiltSeriesStarFile": "",
            "rlnVoltage": session.voltage,
            "rlnSphericalAberration": session.spherical_aberration,
            "rlnAmplitudeContrast": session.amplitude_contrast,
            "rlnMicrographOriginalPixelSize": session.movie_pixel_size,
            "rlnTomoHand": int(one.hand) if as_integer else one.hand,
            "rlnOpticsGroupName": session.optics_group,
        }
        for one in project.series
    ]
    project.parts = (tilt_tables.RECORDED,)
    return project.write_set(job, "tilt_series.star", project.python_style)


def correct_motion(project: Project, imported: str) -> str:
    """Add the images and how far the specimen moved; the pixel size is now that of the images."""
    session = project.session
    binning = session.pixel_size / session.movie_pixel_size
    options = {
        "bin_factor": f"{binning:g}",
        "do_even_odd_split": "Yes",
        "do_own_motioncor": "Yes",
        "gain_flip": "No flipping (0)",
        "gain_rot": "No rotation (0)",
        "input_star_mics": imported,
        "patch_x": "1",
        "patch_y": "1",
    }
    job = project.pipeline.job(
        "MotionCorr",
        "relion.motioncorr.own",
        options,
        inputs=[imported],
        outputs=[
            tomogram_set("corrected_tilt_series", "motioncorr"),
            ("logfile.pdf", "LogFile.pdf.relion.motioncorr"),
        ],
    )
    for row, one in zip(project.rows, project.series, strict=True):
        row["rlnTomoHand"] = one.hand
        row["rlnTomoTiltSeriesPixelSize"] = session.pixel_size
    project.origin = replace(project.origin, motion_job=job)
    project.parts += (tilt_tables.CORRECTED,)
    _write_frames(project, job, project.series[0], binning)
    return project.write_set(job, "corrected_tilt_series.star", RELION)


def _write_frames(project: Project, job: str, series: TiltSeries, binning: float) -> None:
    """Write what MotionCorr notes beside each image, as if cleaning up had left those of one series."""
    session = project.session
    width, height = session.image_size_px
    for tilt in series.tilts:
        general: dict[str, Cell] = {
            "rlnImageSizeX": round(width * binning),
            "rlnImageSizeY": round(height * binning),
            "rlnImageSizeZ": session.movie_frames,
            "rlnMicrographMovieName": f"frames/{tilt.movie}",
            "rlnMicrographBinning": binning,
            "rlnMicrographOriginalPixelSize": session.movie_pixel_size,
            "rlnMicrographDoseRate": session.dose / session.movie_frames,
            "rlnMicrographPreExposure": tilt.pre_exposure,
            "rlnVoltage": session.voltage,
            "rlnMicrographStartFrame": 1,
            "rlnMotionModelVersion": 0,
        }
        num_groups = min(session.movie_frames, 8)
        step = (tilt.early_motion + tilt.late_motion) / num_groups
        shifts = [RELION.cells([group + 1, group * step, 0.4 * group * step]) for group in range(num_groups)]
        project.star(
            f"{job}/frames/{tilt.image}.star",
            "micrograph",
            RELION.values("general", general),
            RELION.loop("global_shift", _SHIFT_LABELS, shifts),
        )


def find_ctf(project: Project, corrected: str) -> str:
    """Add the contrast transfer function of every image, maybe at the second attempt."""
    options = {
        "box": "512",
        "dfmax": "80000",
        "dfmin": "5000",
        "do_phaseshift": "No",
        "fn_ctffind_exe": "/sw/ctffind/4.1.14/ctffind",
        "input_star_mics": corrected,
        "use_given_ps": "Yes",
    }
    outputs = [tomogram_set("tilt_series_ctf", "ctffind"), ("logfile.pdf", "LogFile.pdf.relion.ctffind")]

    def start(status: str) -> str:
        return project.pipeline.job(
            "CtfFind", "relion.ctffind.ctffind4", options, inputs=[corrected], outputs=outputs, status=status
        )

    if project.mishap.aborted:
        start("Aborted")
    job = start("Succeeded")
    project.origin = replace(project.origin, ctf_job=job)
    project.parts += (tilt_tables.CTF,)
    return project.write_set(job, "tilt_series_ctf.star", RELION)


def exclude_tilts(project: Project, with_ctf: str) -> str:
    """Drop bad images; from here on tilt tables are in the order of tilt."""
    job = project.pipeline.job(
        "ExcludeTiltImages",
        "relion.excludetilts",
        {"cache_size": "5", "in_tiltseries": with_ctf},
        inputs=[with_ctf],
        outputs=[tomogram_set("selected_tilt_series", "excludeimages")],
    )
    for row in project.rows:  # RELION's job puts this column last
        del row["rlnTomoTiltSeriesStarFile"]
    project.kept = True
    return project.write_set(job, "selected_tilt_series.star", project.python_style)


def align(project: Project, selected: str) -> str:
    """Add the alignment of every image, and how well it went."""
    with_imod = project.session.aligner == "imod"
    options = {
        "do_aretomo2": "No" if with_imod else "Yes",
        "do_imod_fiducials": "No",
        "do_imod_patchtrack": "Yes" if with_imod else "No",
        "in_tiltseries": selected,
        "tomogram_thickness": "250",
    }
    job = project.pipeline.job(
        "AlignTiltSeries",
        "relion.aligntiltseries",
        options,
        inputs=[selected],
        outputs=[tomogram_set("aligned_tilt_series", "aligntiltseries")],
    )
    noise = project.random.uniform
    for row, one in zip(project.rows, project.series, strict=True):
        if with_imod:
            row["rlnEtomoDirectiveFile"] = f"{job}/external/{one.name}/{one.name}.edf"
            row["rlnIMODResidualErrorMean"] = noise(0.3, 1.1)
            row["rlnIMODResidualErrorStddev"] = noise(0.1, 0.5)
            row["rlnIMODLeaveOutError"] = noise(0.4, 1.5)
        else:
            row["rlnAreTomoTiltAxisScore"] = noise(0.4, 0.9)
            row["rlnTomoZRot"] = one.tilts[one.kept[0]].z_rotation
    project.parts += (tilt_tables.ALIGNED,)
    return project.write_set(job, "aligned_tilt_series.star", RELION)


def reconstruct(project: Project, aligned: str) -> str:
    """Add the size and the two half maps of every tomogram, maybe at the second attempt."""
    session = project.session
    size_x, size_y, size_z = session.volume_size_px
    options = {
        "binned_angpix": f"{session.voxel_size:g}",
        "generate_split_tomograms": "Yes",
        "in_tiltseries": aligned,
        "tomo_name": "",
        "xdim": str(size_x),
        "ydim": str(size_y),
        "zdim": str(size_z),
    }

    def start(status: str) -> str:
        return project.pipeline.job(
            "Tomograms",
            "relion.reconstructtomograms",
            options,
            inputs=[aligned],
            outputs=[tomogram_set("tomograms", "reconstruct")],
            status=status,
        )

    if project.mishap.failed:
        start("Failed")
    job = start("Succeeded")
    for row, one in zip(project.rows, project.series, strict=True):
        row["rlnTomoTomogramBinning"] = session.voxel_size / session.pixel_size
        row["rlnTomoSizeX"] = size_x
        row["rlnTomoSizeY"] = size_y
        row["rlnTomoSizeZ"] = size_z
        row["rlnTomoReconstructedTomogramHalf1"] = f"{job}/tomograms/rec_{one.name}_half1.mrc"
        row["rlnTomoReconstructedTomogramHalf2"] = f"{job}/tomograms/rec_{one.name}_half2.mrc"
    project.parts += (tilt_tables.SCALE,)
    lost = ""
    if project.mishap.lost_tilt_table:
        lost = project.series[-1].name
        project.odd(f"{job}/tomograms.star", f"the tilt table of tomogram {lost} does not exist")
    return project.write_set(job, "tomograms.star", RELION, lost=lost)


def denoise(project: Project, reconstructed: str) -> str:
    """Add the denoised tomogram under a label that RELION never registered; one in four was not chosen."""
    options = {
        "cryocare_path": "/sw/cryoCARE",
        "do_cryocare_predict": "Yes",
        "do_cryocare_train": "No",
        "in_tomoset": reconstructed,
        "subvolume_dimensions": "72",
    }
    job = project.pipeline.job(
        "Denoise",
        "relion.denoisetomo",
        options,
        alias="predict",
        inputs=[reconstructed],
        outputs=[tomogram_set("tomograms", "denoise")],
    )
    for index, (row, one) in enumerate(zip(project.rows, project.series, strict=True)):
        path = "N/A" if index % 4 == 3 else f"{job}/tomograms/rec_{one.name}.mrc"
        row["rlnTomoReconstructedTomogramDenoised"] = path
    return project.write_set(job, "tomograms.star", project.python_style)
