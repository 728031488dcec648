"""Jobs of a RELION 5 project that lead from tomograms to polished particles."""

from __future__ import annotations

from itertools import groupby
from math import sqrt

from archive import tilt_tables
from archive.acquisition import DEFORMATION_GRID
from archive.particles import (
    BINNING,
    BOX_SIZE,
    MAX_DOSE,
    Particle,
    annotations_table,
    motion_tables,
    picks_table,
)
from archive.project import Project, tomogram_set
from archive.refinement import model_tables, optimiser_tables
from archive.star_text import RELION


def pick(project: Project, denoised: str, particles: list[Particle]) -> str:
    """Write the particles and the clicks they came from; return the optimisation set."""
    style = project.python_style
    job = project.pipeline.job(
        "Picks",
        "relion.picktomo",
        {"in_tomoset": denoised, "particle_spacing": "60", "pick_mode": "particles"},
        inputs=[denoised],
        outputs=[
            ("particles.star", "ParticleGroupMetadata.star.relion.tomo.manualpick.particles"),
            ("optimisation_set.star", "TomoOptimisationSet.star.relion.tomo.manualpick"),
        ],
    )
    for name, group in groupby(particles, key=lambda one: one.series.name):
        table = annotations_table(style, project.session, list(group))
        project.star(f"{job}/annotations/{name}_particles.star", "annotations", table)
    project.star(f"{job}/particles.star", "particles", picks_table(style, particles))
    return project.write_optimisation_set(
        f"{job}/optimisation_set.star", style, f"{job}/particles.star", denoised
    )


def extract(project: Project, picked: str, denoised: str) -> str:
    """Start the job that cuts out the particles and return its folder; its particles come later."""
    options = {
        "binning": f"{BINNING:g}",
        "box_size": str(2 * BOX_SIZE),
        "crop_size": str(BOX_SIZE),
        "do_stack2d": "Yes",
        "in_optimisation": picked,
        "max_dose": f"{MAX_DOSE:g}",
        "min_frames": "1",
    }
    job = project.pipeline.job(
        "Extract",
        "relion.pseudosubtomo",
        options,
        alias="bin2",
        inputs=[picked],
        outputs=[
            ("optimisation_set.star", "TomoOptimisationSet.star.relion.tomo.extract"),
            ("particles.star", "ParticleGroupMetadata.star.relion.tomo.extract"),
        ],
    )
    project.write_optimisation_set(f"{job}/optimisation_set.star", RELION, f"{job}/particles.star", denoised)
    return job


def refine(project: Project, extraction_job: str, denoised: str, refined: list[str]) -> str:
    """Write particles with orientations, the model and the optimiser; return the folder of the job."""
    source = f"{extraction_job}/optimisation_set.star"
    job = project.pipeline.job(
        "Refine3D",
        "relion.refine3d.tomo",
        {"in_optimisation": source, "particle_diameter": "230", "sym_name": "C1"},
        inputs=[source],
        outputs=[
            ("run_data.star", "ParticleGroupMetadata.star.relion.refine3d"),
            ("run_optimiser.star", "OptimiserData.star.relion.refine3d"),
            ("run_class001.mrc", "DensityMap.mrc.relion.refine3d"),
            ("run_optimisation_set.star", "TomoOptimisationSet.star.relion.refine3d"),
        ],
    )
    project.star(f"{job}/run_data.star", "particles", *refined)
    model = model_tables(job, project.session.pixel_size, project.random)
    project.star(f"{job}/run_model.star", "model", *model)
    project.star(f"{job}/run_optimiser.star", "optimiser", *optimiser_tables(job, denoised, project.random))
    project.write_optimisation_set(
        f"{job}/run_optimisation_set.star", RELION, f"{job}/run_data.star", denoised
    )
    return job


def refine_ctf(project: Project, refine_job: str) -> str:
    """Change defocus and scale of every image, add the ice of every tomogram; return the tomogram set."""
    source = f"{refine_job}/run_optimisation_set.star"
    job = project.pipeline.job(
        "CtfRefine",
        "relion.ctfrefinetomo",
        {"do_defocus": "Yes", "do_scale": "Yes", "focus_range": "3000", "in_optimisation": source},
        inputs=[source],
        outputs=[
            ("optimisation_set.star", "TomoOptimisationSet.star.relion.tomo.ctfrefine"),
            tomogram_set("tomograms", "ctfrefine"),
        ],
    )
    noise = project.random.uniform
    for row in project.rows:
        row["rlnTomoRelativeIceThickness"] = noise(0.1, 0.4)
        row["rlnTomoRelativeLuminance"] = noise(0.8, 1.2)
        normal_x, normal_y = noise(-0.1, 0.1), noise(-0.1, 0.1)
        row["rlnTomoIceNormalX"] = normal_x
        row["rlnTomoIceNormalY"] = normal_y
        row["rlnTomoIceNormalZ"] = sqrt(1.0 - normal_x**2 - normal_y**2)
    project.parts = (
        tilt_tables.RECORDED,
        tilt_tables.CORRECTED,
        tilt_tables.REFINED_CTF,
        tilt_tables.ALIGNED,
        tilt_tables.REFINED_SCALE,
    )
    ctf_refined = project.write_set(job, "tomograms.star", RELION)
    project.write_optimisation_set(
        f"{job}/optimisation_set.star", RELION, f"{refine_job}/run_data.star", ctf_refined
    )
    return ctf_refined


def polish(
    project: Project, refine_job: str, ctf_refined: str, particles: list[Particle], refined: list[str]
) -> None:
    """Change the alignment of every image, deform it if the session asks so, and write the motion."""
    source = ctf_refined.replace("tomograms.star", "optimisation_set.star")
    deformation = project.session.deformation
    options = {
        "do_motion": "Yes",
        "do_shift_align": "No",
        "in_halfmaps": f"{refine_job}/run_half1_class001_unfil.mrc",
        "in_optimisation": source,
        "max_error": "5",
        "sigma_div": "5000",
        "sigma_vel": "0.2",
    }
    job = project.pipeline.job(
        "Polish",
        "relion.framealigntomo",
        options,
        inputs=[source],
        outputs=[
            ("optimisation_set.star", "TomoOptimisationSet.star.relion.tomo.polish"),
            tomogram_set("tomograms", "polish"),
            ("particles.star", "ParticleGroupMetadata.star.relion.tomo.polish"),
            ("motion.star", "TomoTrajectoryData.star.relion.tomo.polish"),
        ],
    )
    project.parts = tuple(
        tilt_tables.POLISHED if part is tilt_tables.ALIGNED else part for part in project.parts
    )
    if deformation is not None:
        project.parts += (tilt_tables.DEFORMED,)
        for row in project.rows:
            row["rlnTomoDeformationGridSizeX"] = DEFORMATION_GRID
            row["rlnTomoDeformationGridSizeY"] = DEFORMATION_GRID
            row["rlnTomoDeformationType"] = deformation
    polished = project.write_set(job, "tomograms.star", RELION)
    project.star(f"{job}/particles.star", "particles", *refined)
    project.star(f"{job}/motion.star", "trajectories", *motion_tables(RELION, particles, project.random))
    project.write_optimisation_set(
        f"{job}/optimisation_set.star", RELION, f"{job}/particles.star", polished, f"{job}/motion.star"
    )
