"""The particles and tilt series that Warp/M exports for RELION: the layout of RELION 4 in Warp's own hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archive.acquisition import Session, TiltSeries
from archive.particles import BINNING, BOX_SIZE, Particle
from archive.projection import PROJECTION_LABELS, rotation
from archive.tree import Tree

_BETWEEN_TABLES = "\n\n\n\n"


def write_warp_export(
    tree: Tree, folder: str, session: Session, series: Sequence[TiltSeries], particles: Sequence[Particle]
) -> None:
    """Write one export of tilt series and particles that belong to a project already.

    Parameters
    ----------
    tree, folder : Tree, str
        Where to, and the export's folder below the root of the tree.
    session : Session
        Where the tilt series were recorded.
    series : sequence of TiltSeries
        The tilt series.
    particles : sequence of Particle
        The particles in them.
    """
    stem = f"{folder}/{session.sample}"
    tree.star(
        f"{stem}_tomograms.star", "tomogram_set", "\n", _BETWEEN_TABLES.join(_set_tables(session, series))
    )
    tree.tomogram_rows += len(series)
    tree.tilt_rows += sum(len(one.kept) for one in series)
    tree.star(
        f"{stem}_particles.star",
        "particles",
        "\n",
        _BETWEEN_TABLES.join(_particle_tables(session, particles)),
    )
    files = {
        "rlnTomoParticlesFile": f"{session.sample}_particles.star",
        "rlnTomoTomogramsFile": f"{session.sample}_tomograms.star",
    }
    tree.star(f"{stem}_optimisation_set.star", "optimisation_set", "\n", _values("optimisation_set", files))


def _set_tables(session: Session, series: Sequence[TiltSeries]) -> list[str]:
    pixel_size = BINNING * session.pixel_size
    tomograms = [
        [
            f"{one.name}.tomostar",
            "dummy_tiltseries.mrc",
            str(len(one.kept)),
            *[str(round(size / BINNING)) for size in session.volume_size_px],
            f"{one.hand:.0f}",
            "opticsGroup1",
            f"{pixel_size:.5f}",
            f"{session.voltage:.3f}",
            f"{session.spherical_aberration:.3f}",
            f"{session.amplitude_contrast:.3f}",
            f"{session.dose:.3f}",
        ]
        for one in series
    ]
    return [_loop("global", _TOMOGRAM_LABELS, tomograms), *[_tilt_table(one) for one in series]]


def _tilt_table(series: TiltSeries) -> str:
    rows = []
    for index in series.kept:
        tilt = series.tilts[index]
        matrix = [(*row, 0.0) for row in rotation(0.0, tilt.y_tilt, tilt.z_rotation)]
        rows.append(
            [
                *["[" + ",".join([f"{number:.7g}" for number in row]) + "]" for row in matrix],
                "[0,0,0,1]",
                f"{tilt.defocus_u:.1f}",
                f"{tilt.defocus_v:.1f}",
                f"{tilt.defocus_angle:.3f}",
                "1.000",
                f"{tilt.pre_exposure:.3f}",
            ]
        )
    return _loop(f"{series.name}.tomostar", _TILT_LABELS, rows)


def _particle_tables(session: Session, particles: Sequence[Particle]) -> list[str]:
    pixel_size = BINNING * session.pixel_size
    optics = [
        "1",
        "opticsGroup1",
        f"{session.spherical_aberration:.3f}",
        f"{session.voltage:.3f}",
        f"{pixel_size:.5f}",
        f"{pixel_size:.5f}",
        str(BOX_SIZE),
        f"{session.amplitude_contrast:.3f}",
        "1",
        "1",
        "2",
    ]
    rows = []
    for one in particles:
        lengths = zip(one.position, session.volume_size_px, strict=True)
        stack = f"{one.series.name}_{one.number:07d}_{pixel_size:.2f}A.mrcs"
        flags = ",".join(["1"] * len(one.series.kept))
        rows.append(
            [
                f"{one.series.name}.tomostar",
                f"{one.series.name}/{one.number}",
                *[f"{(length / session.pixel_size + size / 2) / BINNING:.5f}" for length, size in lengths],
                *[f"{angle:.5f}" for angle in one.subtomogram_angles],
                "1",
                f"../particleseries/{one.series.name}/{stack}",
                "0.00000",
                "0.00000",
                "0.00000",
                f"[{flags}]",
                str(one.subset),
            ]
        )
    return [_loop("optics", _OPTICS_LABELS, [optics]), _loop("particles", _PARTICLE_LABELS, rows)]


def _loop(block: str, labels: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """One table: columns padded to their widest value with two blanks before each."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"data_{block}", "", "loop_"]
    lines += [f"_{label} #{number}" for number, label in enumerate(labels, 1)]
    lines += [
        "".join([f"  {value:>{width}}" for value, width in zip(row, widths, strict=True)]) for row in rows
    ]
    return "\n".join(lines) + "\n"


def _values(block: str, values: Mapping[str, str]) -> str:
    return f"data_{block}\n\n" + "".join([f"_{label}   {value}\n" for label, value in values.items()])


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
    "rlnTomoTiltSeriesPixelSize",
    "rlnImagePixelSize",
    "rlnImageSize",
    "rlnAmplitudeContrast",
    "rlnTomoSubtomogramBinning",
    "rlnCtfDataAreCtfPremultiplied",
    "rlnImageDimensionality",
)
_PARTICLE_LABELS = (
    "rlnTomoName",
    "rlnTomoParticleName",
    "rlnCoordinateX",
    "rlnCoordinateY",
    "rlnCoordinateZ",
    "rlnAngleRot",
    "rlnAngleTilt",
    "rlnAnglePsi",
    "rlnOpticsGroup",
    "rlnImageName",
    "rlnOriginXAngst",
    "rlnOriginYAngst",
    "rlnOriginZAngst",
    "rlnTomoVisibleFrames",
    "rlnRandomSubset",
)
