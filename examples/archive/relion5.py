"""A RELION 5 project, from the import of its tilt series to Bayesian polishing."""

from __future__ import annotations

from random import Random

from archive import particle_jobs, tomogram_jobs
from archive.acquisition import Session, TiltSeries
from archive.particles import ParticleTables, scatter_particles
from archive.project import Mishap, Project
from archive.tree import Tree


def write_relion5_project(
    tree: Tree,
    folder: str,
    session: Session,
    series: list[TiltSeries],
    num_particles: int,
    mishap: Mishap,
    random: Random,
) -> None:
    """Write one project.

    Parameters
    ----------
    tree, folder : Tree, str
        Where to, and the project's folder below the root of the tree.
    session : Session
        Where the tilt series were recorded.
    series : list of TiltSeries
        The tilt series, at least one.
    num_particles : int
        Particles in each tomogram, at least 1.
    mishap : Mishap
        What went wrong.
    random : Random
        Source of all scatter.
    """
    project = Project(tree, folder, session, series, mishap, random)
    imported = tomogram_jobs.import_series(project)
    corrected = tomogram_jobs.correct_motion(project, imported)
    with_ctf = tomogram_jobs.find_ctf(project, corrected)
    selected = tomogram_jobs.exclude_tilts(project, with_ctf)
    aligned = tomogram_jobs.align(project, selected)
    reconstructed = tomogram_jobs.reconstruct(project, aligned)
    denoised = tomogram_jobs.denoise(project, reconstructed)

    particles = scatter_particles(session, series, num_particles, random)
    picked = particle_jobs.pick(project, denoised, particles)
    extraction_job = particle_jobs.extract(project, picked, denoised)
    tables = ParticleTables(session, particles, extraction_job)
    project.star(f"{extraction_job}/particles.star", "particles", *tables.extracted())
    refined = tables.refined(random)
    refine_job = particle_jobs.refine(project, extraction_job, denoised, refined)
    ctf_refined = particle_jobs.refine_ctf(project, refine_job)
    particle_jobs.polish(project, refine_job, ctf_refined, particles, refined)

    project.pipeline.finish()
    tree.projects += 1
    tree.tomograms += len(series)
    tree.tilts += sum(len(one.tilts) for one in series)
