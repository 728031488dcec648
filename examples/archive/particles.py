"""Particles of a RELION 5 project as tables: picked, extracted, refined, and their motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, exp, pi, sin
from random import Random

from archive.acquisition import Session, TiltSeries
from archive.star_text import RELION, RelionStyle, Style

BINNING = 2.0
BOX_SIZE = 128
MAX_DOSE = 90.0


@dataclass(slots=True)
class Particle:
    """One particle: a centred position in angstrom, and angles in degrees."""

    series: TiltSeries
    number: int
    position: tuple[float, float, float]
    subtomogram_angles: tuple[float, float, float]
    angles: tuple[float, float, float]
    subset: int

    @property
    def name(self) -> str:
        """RELION's name for it, unique within the project."""
        return f"{self.series.name}/{self.number}"


def scatter_particles(
    session: Session, series: list[TiltSeries], num_each: int, random: Random
) -> list[Particle]:
    """Put ``num_each`` particles into each tomogram, in the part that all tilt images show."""
    noise = random.uniform
    reach_x, reach_y, reach_z = (0.36 * size * session.pixel_size for size in session.volume_size_px)
    return [
        Particle(
            series=one,
            number=number,
            position=(noise(-reach_x, reach_x), noise(-reach_y, reach_y), noise(-reach_z, reach_z)),
            subtomogram_angles=(noise(-180.0, 180.0), noise(0.0, 180.0), noise(-180.0, 180.0)),
            angles=(noise(-30.0, 30.0), noise(82.0, 98.0), noise(-12.0, 12.0)),
            subset=1 + number % 2,
        )
        for one in series
        for number in range(1, num_each + 1)
    ]


def picks_table(style: Style, particles: Sequence[Particle]) -> str:
    """Particles as the picking job leaves them."""
    labels = (
        "rlnTomoName",
        "rlnCenteredCoordinateXAngst",
        "rlnCenteredCoordinateYAngst",
        "rlnCenteredCoordinateZAngst",
        "rlnTomoSubtomogramRot",
        "rlnTomoSubtomogramTilt",
        "rlnTomoSubtomogramPsi",
    )
    rows = [style.cells([one.series.name, *one.position, *one.subtomogram_angles]) for one in particles]
    return style.loop("particles", labels, rows)


def annotations_table(style: Style, session: Session, particles: Sequence[Particle]) -> str:
    """The clicks of one tomogram, in voxels of the binned tomogram the user looked at.

    RELION's picking job takes ``size / 2 - 1`` as the centre, so this undoes just that.
    """
    centre = [size / 2 - 1 for size in session.volume_size_px]
    binning = session.voxel_size / session.pixel_size
    rows = []
    for one in particles:
        pixels = zip(one.position, centre, strict=True)
        clicks = [(length / session.pixel_size + middle) / binning for length, middle in pixels]
        rows.append(style.cells([one.series.name, *clicks]))
    return style.loop("", ("rlnTomoName", "rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ"), rows)


def optimisation_set(style: Style, particles: str, tomograms: str, trajectories: str = "") -> str:
    """Names of the files that belong together: a list as RELION writes it, a loop as its Python jobs do."""
    files = {"rlnTomoParticlesFile": particles, "rlnTomoTomogramsFile": tomograms}
    if trajectories:
        files["rlnTomoTrajectoriesFile"] = trajectories
    if style is RELION:
        return RELION.values("", files)
    return style.loop("optimisation_set", tuple(files), [style.cells(files.values())])


class ParticleTables:
    """Particle files from extraction on; the extracted columns are formatted once.

    Parameters
    ----------
    session : Session
        Where the tomograms come from.
    particles : sequence of Particle
        All particles of the project.
    extraction_job : str
        Folder of the job that cut out the particles.
    """

    def __init__(self, session: Session, particles: Sequence[Particle], extraction_job: str) -> None:
        self._session = session
        self._particles = particles
        self._extracted = self._extracted_rows(extraction_job)

    def extracted(self) -> list[str]:
        """Tables of a particle file before any refinement."""
        return [*self._heading(), RELION.loop("particles", _EXTRACTED_LABELS, self._extracted)]

    def refined(self, random: Random) -> list[str]:
        """Tables of a particle file after a refinement."""
        noise = random.uniform
        rows = [
            extracted
            + RELION.cells(
                [
                    *one.angles,
                    90.0,
                    0.0,
                    1,
                    1,
                    noise(0.8, 1.2),
                    one.subset,
                    noise(3.1e5, 3.4e5),
                    noise(0.1, 1.0),
                    random.randrange(1, 60),
                ]
            )
            for one, extracted in zip(self._particles, self._extracted, strict=True)
        ]
        return [*self._heading(), RELION.loop("particles", _EXTRACTED_LABELS + _REFINED_LABELS, rows)]

    def _heading(self) -> list[str]:
        session = self._session
        optics = RELION.cells(
            [
                1,
                session.optics_group,
                session.spherical_aberration,
                session.voltage,
                session.amplitude_contrast,
                session.pixel_size,
                1,
                2,
                BINNING,
                BINNING * session.pixel_size,
                BOX_SIZE,
            ]
        )
        return [
            RELION.values("general", {"rlnTomoSubTomosAre2DStacks": 1}),
            RELION.loop("optics", _OPTICS_LABELS, [optics]),
        ]

    def _extracted_rows(self, job: str) -> list[str]:
        visible_frames = {one.series.name: _visible_frames(one.series) for one in self._particles}
        return [
            RELION.cells(
                [
                    one.series.name,
                    *one.subtomogram_angles,
                    1,
                    one.name,
                    visible_frames[one.series.name],
                    f"{job}/Subtomograms/{one.name}_stack2d.mrcs",
                    0.0,
                    0.0,
                    0.0,
                    *one.position,
                ]
            )
            for one in self._particles
        ]


def motion_tables(style: RelionStyle, particles: Sequence[Particle], random: Random) -> list[str]:
    """Tables of motion.star: for each particle its motion in angstrom, in the row order of the tilt table.

    A particle drifts away from where it was at the lowest dose, fast at first, and trembles a little.
    """
    noise = random.uniform
    labels = ("rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst")
    tables = [style.values("general", {"rlnParticleNumber": len(particles)})]
    for one in particles:
        tilts = [one.series.tilts[index] for index in one.series.kept]
        first_dose = min([tilt.pre_exposure for tilt in tilts])
        direction, length = noise(0.0, 2.0 * pi), noise(2.0, 9.0)
        to_x, to_y, to_z = length * cos(direction), length * sin(direction), noise(-3.0, 3.0)
        rows = []
        for tilt in tilts:
            dose = tilt.pre_exposure - first_dose
            far = 1.0 - exp(-dose / 25.0)
            motion = (to_x * far + noise(-0.4, 0.4), to_y * far + noise(-0.4, 0.4), to_z * far)
            rows.append(style.cells(motion if dose > 0.0 else (0.0, 0.0, 0.0)))
        tables.append(style.loop(one.name, labels, rows))
    return tables


def _visible_frames(series: TiltSeries) -> str:
    """One flag for each row of the tilt table: 1 where the dose is still low enough to keep the image."""
    flags = ["1" if series.tilts[index].pre_exposure <= MAX_DOSE else "0" for index in series.kept]
    return f"[{','.join(flags)}]"


_OPTICS_LABELS = (
    "rlnOpticsGroup",
    "rlnOpticsGroupName",
    "rlnSphericalAberration",
    "rlnVoltage",
    "rlnAmplitudeContrast",
    "rlnTomoTiltSeriesPixelSize",
    "rlnCtfDataAreCtfPremultiplied",
    "rlnImageDimensionality",
    "rlnTomoSubtomogramBinning",
    "rlnImagePixelSize",
    "rlnImageSize",
)
_EXTRACTED_LABELS = (
    "rlnTomoName",
    "rlnTomoSubtomogramRot",
    "rlnTomoSubtomogramTilt",
    "rlnTomoSubtomogramPsi",
    "rlnOpticsGroup",
    "rlnTomoParticleName",
    "rlnTomoVisibleFrames",
    "rlnImageName",
    "rlnOriginXAngst",
    "rlnOriginYAngst",
    "rlnOriginZAngst",
    "rlnCenteredCoordinateXAngst",
    "rlnCenteredCoordinateYAngst",
    "rlnCenteredCoordinateZAngst",
)
_REFINED_LABELS = (
    "rlnAngleRot",
    "rlnAngleTilt",
    "rlnAnglePsi",
    "rlnAngleTiltPrior",
    "rlnAnglePsiPrior",
    "rlnGroupNumber",
    "rlnClassNumber",
    "rlnNormCorrection",
    "rlnRandomSubset",
    "rlnLogLikeliContribution",
    "rlnMaxValueProbDistribution",
    "rlnNrOfSignificantSamples",
)
