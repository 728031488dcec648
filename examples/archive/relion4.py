"""A RELION 4 project: each tomogram set is one file, with a projection matrix for every tilt image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from archive.acquisition import Session, Tilt, TiltSeries
from archive.particles import BINNING, BOX_SIZE, Particle, motion_tables, scatter_particles
from archive.pipeline import Pipeline
from archive.projection import PROJECTION_LABELS, projection
from archive.star_text import RELION_4, Cell
from archive.tree import Tree


def write_relion4_project(
    tree: Tree, folder: str, session: Session, series: list[TiltSeries], num_particles: int, random: Random
) -> list[Particle]:
    """Write one project and return its particles.

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
    random : Random
        Source of all scatter.
    """
    particles = scatter_particles(session, series, num_particles, random)
    project = _Project(tree, folder, session, series, particles)
    tomograms = project.import_tomograms()
    picked = project.import_particles(tomograms)
    extracted = project.extract(picked, tomograms)
    refined = project.refine_ctf(extracted)
    project.align_frames(refined, extracted, random)
    project.pipeline.finish()
    tree.projects += 1
    tree.tomograms += len(series)
    tree.tilts += sum(len(one.tilts) for one in series)
    return particles


class _Project:
    """The jobs of the project. Each returns the folder of the job, save the first, which returns its set."""

    def __init__(
        self, tree: Tree, folder: str, session: Session, series: list[TiltSeries], particles: list[Particle]
    ) -> None:
        self.pipeline = Pipeline(tree, folder, RELION_4)
        self._tree = tree
        self._folder = folder
        self._session = session
        self._series = series
        self._particles = particles

    def import_tomograms(self) -> str:
        options = {
            "do_tomo": "Yes",
            "hand": f"{self._session.hand:g}",
            "io_tomos": "input/tomograms_descr.star",
        }
        output = ("tomograms.star", "TomogramGroupMetadata.star.relion.tomo.import")
        job = self.pipeline.job("ImportTomo", "relion.importtomo", options, outputs=[output])
        return self._write_set(job)

    def import_particles(self, tomograms: str) -> str:
        job = self.pipeline.job(
            "ImportTomo",
            "relion.importtomo",
            {"do_coords": "Yes", "io_tomos": tomograms, "part_star": "input/particles.star"},
            alias="coordinates",
            inputs=[tomograms],
            outputs=[("optimisation_set.star", "TomoOptimisationSet.star.relion.tomo.import")],
        )
        self._star(
            f"{job}/particles.star", "particles", *_particle_tables(self._session, self._particles, "")
        )
        self._write_optimisation_set(job, f"{job}/particles.star", tomograms)
        return job

    def extract(self, picked: str, tomograms: str) -> str:
        options = {"binning": f"{BINNING:g}", "box_size": str(2 * BOX_SIZE), "crop_size": str(BOX_SIZE)}
        job = self._start("PseudoSubtomo", "relion.pseudosubtomo", options, picked)
        self._star(
            f"{job}/particles.star", "particles", *_particle_tables(self._session, self._particles, job)
        )
        self._write_optimisation_set(job, f"{job}/particles.star", tomograms)
        return job

    def refine_ctf(self, extracted: str) -> str:
        options = {"do_defocus": "Yes", "do_scale": "Yes"}
        job = self._start("CtfRefineTomo", "relion.ctfrefinetomo", options, extracted)
        tomograms = self._write_set(job, refined=True)
        self._write_optimisation_set(job, f"{extracted}/particles.star", tomograms)
        return job

    def align_frames(self, refined: str, extracted: str, random: Random) -> str:
        job = self._start("FrameAlignTomo", "relion.framealigntomo", {"do_motion": "Yes"}, refined)
        particles = _particle_tables(self._session, self._particles, extracted)
        self._star(f"{job}/particles.star", "particles", *particles)
        self._star(f"{job}/motion.star", "trajectories", *motion_tables(RELION_4, self._particles, random))
        tomograms = self._write_set(job, refined=True, polished=True)
        self._write_optimisation_set(job, f"{job}/particles.star", tomograms, f"{job}/motion.star")
        return job

    def _start(self, kind: str, type_label: str, options: Mapping[str, str], previous: str) -> str:
        source = f"{previous}/optimisation_set.star"
        node_type = f"TomoOptimisationSet.star.relion.tomo.{type_label.rpartition('.')[2]}"
        return self.pipeline.job(
            kind,
            type_label,
            {**options, "in_optimisation": source},
            inputs=[source],
            outputs=[("optimisation_set.star", node_type)],
        )

    def _write_set(self, job: str, *, refined: bool = False, polished: bool = False) -> str:
        tables = _set_tables(self._session, self._series, refined=refined, polished=polished)
        self._star(f"{job}/tomograms.star", "tomogram_set", *tables)
        self._tree.tomogram_rows += len(self._series)
        self._tree.tilt_rows += sum(len(one.kept) for one in self._series)
        return f"{job}/tomograms.star"

    def _write_optimisation_set(
        self, job: str, particles: str, tomograms: str, trajectories: str = ""
    ) -> None:
        files = {"rlnTomoParticlesFile": particles, "rlnTomoTomogramsFile": tomograms}
        if trajectories:
            files["rlnTomoTrajectoriesFile"] = trajectories
        self._star(f"{job}/optimisation_set.star", "optimisation_set", RELION_4.values("", files))

    def _star(self, path: str, kind: str, *tables: str) -> None:
        self._tree.star(f"{self._folder}/{path}", kind, *tables)


def _set_tables(
    session: Session, series: Sequence[TiltSeries], *, refined: bool, polished: bool
) -> list[str]:
    tomograms = [
        RELION_4.cells(
            [
                one.name,
                f"tomograms/{one.name}/{one.name}.st:mrc",
                len(one.kept),
                *session.volume_size_px,
                one.hand,
                session.optics_group,
                session.pixel_size,
                session.voltage,
                session.spherical_aberration,
                session.amplitude_contrast,
                session.dose,
                f"tomograms/{one.name}",
            ]
        )
        for one in series
    ]
    tables = [RELION_4.loop("global", _TOMOGRAM_LABELS, tomograms)]
    for one in series:
        rows = [
            RELION_4.cells(_tilt_cells(session, one.tilts[index], refined=refined, polished=polished))
            for index in one.kept
        ]
        tables.append(RELION_4.loop(one.name, _TILT_LABELS, rows))
    return tables


def _tilt_cells(session: Session, tilt: Tilt, *, refined: bool, polished: bool) -> list[Cell]:
    angles, shifts = (0.0, tilt.y_tilt, tilt.z_rotation), (tilt.x_shift, tilt.y_shift)
    if polished:
        angles, shifts = tilt.polished_angles, tilt.polished_shifts
    u, v, scale = tilt.defocus_u, tilt.defocus_v, 1.0
    if refined:
        u, v, scale = tilt.refined_defocus_u, tilt.refined_defocus_v, tilt.refined_scale
    return [*projection(session, angles, shifts), u, v, tilt.defocus_angle, scale, tilt.pre_exposure]


def _particle_tables(session: Session, particles: Sequence[Particle], extraction_job: str) -> list[str]:
    """Tables of a particle file: coordinates only, or with the sub-tomograms a job has cut out."""
    labels, rows = list(_PARTICLE_LABELS), []
    optics_labels, optics = list(_OPTICS_LABELS), _optics_cells(session)
    if extraction_job:
        labels += ["rlnImageName", "rlnCtfImage"]
        optics_labels += _EXTRACTED_OPTICS_LABELS
        optics += [1, 3, BINNING, BINNING * session.pixel_size, BOX_SIZE]
    for number, one in enumerate(particles, 1):
        pixels = zip(one.position, session.volume_size_px, strict=True)
        coordinates = [length / session.pixel_size + size / 2 for length, size in pixels]
        cells: list[Cell] = [one.series.name, number, *coordinates, 0.0, 0.0, 0.0, *one.subtomogram_angles]
        cells += [one.name, 1, 1, one.subset]
        if extraction_job:
            stem = f"{extraction_job}/Subtomograms/{one.name}"
            cells += [f"{stem}_data.mrc", f"{stem}_weights.mrc"]
        rows.append(RELION_4.cells(cells))
    return [
        RELION_4.loop("optics", optics_labels, [RELION_4.cells(optics)]),
        RELION_4.loop("particles", labels, rows),
    ]


def _optics_cells(session: Session) -> list[Cell]:
    return [
        1,
        session.optics_group,
        session.spherical_aberration,
        session.voltage,
        session.amplitude_contrast,
        session.pixel_size,
    ]


_TOMOGRAM_LABELS = (
    "rlnTomoName",
    "rlnTomoTiltSeriesName",
    "rlnTomoFrameCount",
    "rlnTomoSizeX",
    "rlnTomoSizeY",
    "rlnTomoSizeZ",
    "rlnTomoHand",
    "rlnOpticsGroupName",
    "rlnTomoTiltSeriesPixelSize",
    "rlnVoltage",
    "rlnSphericalAberration",
    "rlnAmplitudeContrast",
    "rlnTomoImportFractionalDose",
    "rlnTomoImportImodDir",
)
_TILT_LABELS = (
    *PROJECTION_LABELS,
    "rlnDefocusU",
    "rlnDefocusV",
    "rlnDefocusAngle",
    "rlnCtfScalefactor",
    "rlnMicrographPreExposure",
)
_OPTICS_LABELS = (
    "rlnOpticsGroup",
    "rlnOpticsGroupName",
    "rlnSphericalAberration",
    "rlnVoltage",
    "rlnAmplitudeContrast",
    "rlnTomoTiltSeriesPixelSize",
)
_EXTRACTED_OPTICS_LABELS = (
    "rlnCtfDataAreCtfPremultiplied",
    "rlnImageDimensionality",
    "rlnTomoSubtomogramBinning",
    "rlnImagePixelSize",
    "rlnImageSize",
)
_PARTICLE_LABELS = (
    "rlnTomoName",
    "rlnTomoParticleId",
    "rlnCoordinateX",
    "rlnCoordinateY",
    "rlnCoordinateZ",
    "rlnOriginXAngst",
    "rlnOriginYAngst",
    "rlnOriginZAngst",
    "rlnAngleRot",
    "rlnAngleTilt",
    "rlnAnglePsi",
    "rlnTomoParticleName",
    "rlnOpticsGroup",
    "rlnClassNumber",
    "rlnRandomSubset",
)
