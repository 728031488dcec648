"""What the microscope recorded and what the first jobs make of it: sessions, tilt series, tilt images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, radians, sin
from random import Random

from archive.star_text import Vector


@dataclass(frozen=True, slots=True)
class Session:
    """One kind of session. Lengths in angstrom unless ``_px``, angles in degrees, dose in e/A^2."""

    microscope: str
    year: int
    sample: str
    tomogram: str  # format of a tomogram's name, given its number
    movie: str  # format of a movie's file name, given tomogram, index and angle
    optics_group: str
    voltage: float  # kV
    spherical_aberration: float  # mm
    amplitude_contrast: float
    movie_pixel_size: float
    pixel_size: float
    image_size_px: tuple[int, int]
    volume_size_px: tuple[int, int, int]
    voxel_size: float
    hand: float
    tilt_axis: float
    tilt_step: float
    pretilt: float
    dose: float
    movie_frames: int
    nominal_defocus: tuple[float, ...]  # micrometre, negative is underfocus
    aligner: str  # "imod" or "aretomo"
    deformation: str | None  # RELION's name for the kind of image deformation fitted by Polish
    python_jobs: str  # "relion" or "starfile": who lays out the files of RELION's Python jobs


SESSIONS = (
    Session(
        microscope="krios1",
        year=2024,
        sample="capsids",
        tomogram="TS_{:02d}",
        movie="{tomogram}_{index:03d}_{angle:.1f}.mrc",
        optics_group="opticsGroup1",
        voltage=300.0,
        spherical_aberration=2.7,
        amplitude_contrast=0.1,
        movie_pixel_size=0.7825,
        pixel_size=1.565,
        image_size_px=(3838, 3710),
        volume_size_px=(3960, 4000, 1800),
        voxel_size=12.52,
        hand=-1.0,
        tilt_axis=84.7,
        tilt_step=3.0,
        pretilt=0.0,
        dose=3.05,
        movie_frames=8,
        nominal_defocus=(-2.5, -3.0, -3.5, -4.0),
        aligner="imod",
        deformation=None,
        python_jobs="relion",
    ),
    Session(
        microscope="krios2",
        year=2025,
        sample="lamella_yeast",
        tomogram="Position_{}",
        movie="{tomogram}_{index:03d}_{angle:.2f}_20250318_142007_EER.eer",
        optics_group="grid2-lamella4",
        voltage=300.0,
        spherical_aberration=2.7,
        amplitude_contrast=0.07,
        movie_pixel_size=1.962,
        pixel_size=1.962,
        image_size_px=(4096, 4096),
        volume_size_px=(4096, 4096, 1400),
        voxel_size=15.696,
        hand=1.0,
        tilt_axis=-95.3,
        tilt_step=3.0,
        pretilt=9.0,
        dose=2.8,
        movie_frames=255,
        nominal_defocus=(-3.0, -4.0, -5.0),
        aligner="aretomo",
        deformation="linear",
        python_jobs="starfile",
    ),
    Session(
        microscope="glacios",
        year=2025,
        sample="Müller_noyau",
        tomogram="cellule_é_{:02d}",
        movie="{tomogram}_{index:03d}[{angle:.2f}]_fractions.tiff",
        optics_group="opticsGroup1",
        voltage=200.0,
        spherical_aberration=2.7,
        amplitude_contrast=0.1,
        movie_pixel_size=1.19,
        pixel_size=2.38,
        image_size_px=(2880, 2046),
        volume_size_px=(2046, 2880, 1024),
        voxel_size=14.28,
        hand=-1.0,
        tilt_axis=176.2,
        tilt_step=2.0,
        pretilt=0.0,
        dose=2.4,
        movie_frames=10,
        nominal_defocus=(-4.0, -4.5, -5.0, -5.5),
        aligner="imod",
        deformation="Fourier",
        python_jobs="relion",
    ),
)
"""The sessions that the RELION 5 projects take turns with."""

RELION_4_SESSION = Session(
    microscope="krios1",
    year=2022,
    sample="ribosomes",
    tomogram="{:05d}",
    movie="{tomogram}_{index:03d}_{angle:.1f}.mrc",
    optics_group="opticsGroup1",
    voltage=300.0,
    spherical_aberration=2.7,
    amplitude_contrast=0.07,
    movie_pixel_size=1.7,
    pixel_size=1.7,
    image_size_px=(3710, 3838),
    volume_size_px=(3708, 3838, 1500),
    voxel_size=13.6,
    hand=-1.0,
    tilt_axis=85.3,
    tilt_step=3.0,
    pretilt=0.0,
    dose=3.25,
    movie_frames=10,
    nominal_defocus=(-2.5, -3.25, -3.75),
    aligner="imod",
    deformation=None,
    python_jobs="relion",
)


@dataclass(slots=True)
class Tilt:
    """One tilt image. Lengths in angstrom, angles in degrees, dose in e/A^2."""

    movie: str
    stage_angle: float
    pre_exposure: float
    early_motion: float
    late_motion: float
    defocus_u: float
    defocus_v: float
    defocus_angle: float
    figure_of_merit: float
    max_resolution: float
    ice_ring_density: float
    y_tilt: float
    z_rotation: float
    x_shift: float
    y_shift: float
    refined_defocus_u: float
    refined_defocus_v: float
    refined_scale: float
    polished_angles: tuple[float, float, float]
    polished_shifts: tuple[float, float]
    deformation: Vector

    @property
    def image(self) -> str:
        """The movie's name as MotionCorr turns it into the name of an image, without a suffix."""
        return self.movie.rpartition(".")[0].replace(".", "_")


@dataclass(slots=True)
class TiltSeries:
    """The tilt images of one tomogram."""

    name: str
    hand: float
    nominal_defocus: float
    tilts: list[Tilt]  # in the order of recording, which is the order of dose
    kept: list[int]  # the tilts not thrown out by ExcludeTiltImages, in the order of stage angle


DEFORMATION_GRID = 3
_COEFFICIENTS = {"linear": (3, 2e-4), "Fourier": (12, 0.5)}  # how many for that grid, and their size


def record(session: Session, number: int, num_tilts: int, random: Random) -> TiltSeries:
    """Record one tilt series and choose the images that stay.

    Parameters
    ----------
    session : Session
        Where it is recorded.
    number : int
        Number of the tomogram within its project.
    num_tilts : int
        Images to record, at least 2.
    random : Random
        Source of all scatter.
    """
    nominal_defocus = random.choice(session.nominal_defocus)
    name = session.tomogram.format(number)
    tilts = list(_record_tilts(session, name, num_tilts, nominal_defocus, random))
    return TiltSeries(name, session.hand, nominal_defocus, tilts, _kept(session, tilts, random))


def dose_symmetric_angles(num_tilts: int, step: float) -> list[float]:
    """Angles of a dose-symmetric scheme in the order of recording: 0, 3, -3, -6, 6, 9, -9 for a step of 3."""
    angles = [0.0]
    for level in range(1, num_tilts // 2 + 1):
        first = level * step if level % 2 else -level * step
        angles += [first, -first]
    return angles[:num_tilts]


def _record_tilts(
    session: Session, name: str, num_tilts: int, nominal_defocus: float, random: Random
) -> Iterator[Tilt]:
    step = min(session.tilt_step, 120.0 / (num_tilts - 1))
    noise = random.uniform
    defocus = -1e4 * nominal_defocus * noise(0.97, 1.03)
    half_astigmatism = noise(60.0, 300.0)
    astigmatism_angle = noise(-70.0, 70.0)
    tilt_offset = noise(-1.2, 1.2)
    axis = session.tilt_axis + noise(-0.6, 0.6)
    drift_x, drift_y, phase = noise(-90.0, 90.0), noise(-90.0, 90.0), noise(0.0, 2.0 * pi)
    num_coefficients, bend = _COEFFICIENTS.get(session.deformation or "", (0, 0.0))

    for index, angle in enumerate(dose_symmetric_angles(num_tilts, step)):
        stage_angle = angle + session.pretilt + noise(-0.004, 0.004)
        steepness = 1.0 - cos(radians(angle))
        swing = angle / 35.0 + phase
        u = defocus + half_astigmatism + noise(-150.0, 150.0) * (1.0 + 2.0 * steepness)
        v = u - 2.0 * half_astigmatism * noise(0.8, 1.2)
        y_tilt = stage_angle - session.pretilt + tilt_offset
        z_rotation = axis + 0.15 * sin(swing) + noise(-0.02, 0.02)
        x_shift = drift_x * sin(swing) + noise(-6.0, 6.0)
        y_shift = drift_y * cos(swing) + noise(-6.0, 6.0)
        yield Tilt(
            movie=session.movie.format(tomogram=name, index=index, angle=angle + session.pretilt),
            stage_angle=stage_angle,
            pre_exposure=index * session.dose,
            early_motion=noise(0.3, 1.5),
            late_motion=noise(0.8, 2.5) + 6.0 * steepness,
            defocus_u=u,
            defocus_v=v,
            defocus_angle=astigmatism_angle + noise(-8.0, 8.0),
            figure_of_merit=noise(0.12, 0.18) - 0.18 * steepness,
            max_resolution=noise(5.0, 7.5) + 14.0 * steepness,
            ice_ring_density=noise(0.2, 1.4),
            y_tilt=y_tilt,
            z_rotation=z_rotation,
            x_shift=x_shift,
            y_shift=y_shift,
            refined_defocus_u=u + noise(-120.0, 120.0),
            refined_defocus_v=v + noise(-120.0, 120.0),
            refined_scale=cos(radians(y_tilt)) * noise(0.85, 1.1),
            polished_angles=(noise(-0.2, 0.2), y_tilt + noise(-0.1, 0.1), z_rotation + noise(-0.1, 0.1)),
            polished_shifts=(x_shift + noise(-3.0, 3.0), y_shift + noise(-3.0, 3.0)),
            deformation=tuple([noise(-bend, bend) for _ in range(num_coefficients)]),
        )


def _kept(session: Session, tilts: list[Tilt], random: Random) -> list[int]:
    steep = [index for index, tilt in enumerate(tilts) if abs(tilt.stage_angle - session.pretilt) > 30.0]
    excluded = set(random.sample(steep, random.randint(0, min(3, len(steep) // 4))))
    kept = [index for index in range(len(tilts)) if index not in excluded]
    return sorted(kept, key=lambda index: tilts[index].stage_angle)
