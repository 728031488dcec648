"""The columns that the jobs of a RELION 5 project add to its tilt-series tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, radians

from archive.acquisition import Session, Tilt, TiltSeries
from archive.star_text import Cell, Style


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table's columns came from: the session, and the jobs named in image paths."""

    session: Session
    motion_job: str
    ctf_job: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Labels that are added together, and the values of one tilt image for them."""

    labels: tuple[str, ...]
    cells: Callable[[Origin, TiltSeries, Tilt], tuple[Cell, ...]]


class TiltTables:
    """Rows of the tilt tables of one project, each part formatted once and then used by every later job."""

    def __init__(self) -> None:
        self._parts: dict[tuple[Columns, Style, str], list[str]] = {}

    def rows(
        self, series: TiltSeries, parts: tuple[Columns, ...], style: Style, origin: Origin, *, kept: bool
    ) -> list[str]:
        """Rows of one series: in the order of dose, or only the kept images in the order of tilt."""
        columns = [self._part(series, part, style, origin) for part in parts]
        rows = ["".join(row) for row in zip(*columns, strict=True)]
        return [rows[index] for index in series.kept] if kept else rows

    def _part(self, series: TiltSeries, part: Columns, style: Style, origin: Origin) -> list[str]:
        key = (part, style, series.name)
        texts = self._parts.get(key)
        if texts is None:
            texts = [style.cells(part.cells(origin, series, tilt)) for tilt in series.tilts]
            self._parts[key] = texts
        return texts


def _recorded(origin: Origin, series: TiltSeries, tilt: Tilt) -> tuple[Cell, ...]:
    session = origin.session
    return (
        f"frames/{tilt.movie}",
        session.movie_frames,
        tilt.stage_angle,
        session.tilt_axis,
        tilt.pre_exposure,
        series.nominal_defocus,
    )


def _corrected(origin: Origin, _: TiltSeries, tilt: Tilt) -> tuple[Cell, ...]:
    image = f"{origin.motion_job}/frames/{tilt.image}"
    return (
        f"{image}_PS.mrc",
        f"{image}_EVN.mrc",
        f"{image}_ODD.mrc",
        f"{image}.mrc",
        f"{image}.star",
        tilt.early_motion + tilt.late_motion,
        tilt.early_motion,
        tilt.late_motion,
    )


def _ctf_quality(tilt: Tilt) -> tuple[float, float, float]:
    return tilt.figure_of_merit, tilt.max_resolution, tilt.ice_ring_density


def _ctf(origin: Origin, _: TiltSeries, tilt: Tilt) -> tuple[Cell, ...]:
    return _ctf_of(origin, tilt, tilt.defocus_u, tilt.defocus_v)


def _refined_ctf(origin: Origin, _: TiltSeries, tilt: Tilt) -> tuple[Cell, ...]:
    return _ctf_of(origin, tilt, tilt.refined_defocus_u, tilt.refined_defocus_v)


def _ctf_of(origin: Origin, tilt: Tilt, u: float, v: float) -> tuple[Cell, ...]:
    spectrum = f"{origin.ctf_job}/frames/{tilt.image}_PS.ctf:mrc"
    return (spectrum, u, v, abs(u - v), tilt.defocus_angle, *_ctf_quality(tilt))


_CTF_LABELS = (
    "rlnCtfImage",
    "rlnDefocusU",
    "rlnDefocusV",
    "rlnCtfAstigmatism",
    "rlnDefocusAngle",
    "rlnCtfFigureOfMerit",
    "rlnCtfMaxResolution",
    "rlnCtfIceRingDensity",
)
_ALIGNMENT_LABELS = (
    "rlnTomoXTilt",
    "rlnTomoYTilt",
    "rlnTomoZRot",
    "rlnTomoXShiftAngst",
    "rlnTomoYShiftAngst",
)

RECORDED = Columns(
    (
        "rlnMicrographMovieName",
        "rlnTomoTiltMovieFrameCount",
        "rlnTomoNominalStageTiltAngle",
        "rlnTomoNominalTiltAxisAngle",
        "rlnMicrographPreExposure",
        "rlnTomoNominalDefocus",
    ),
    _recorded,
)
CORRECTED = Columns(
    (
        "rlnCtfPowerSpectrum",
        "rlnMicrographNameEven",
        "rlnMicrographNameOdd",
        "rlnMicrographName",
        "rlnMicrographMetadata",
        "rlnAccumMotionTotal",
        "rlnAccumMotionEarly",
        "rlnAccumMotionLate",
    ),
    _corrected,
)
CTF = Columns(_CTF_LABELS, _ctf)
REFINED_CTF = Columns(_CTF_LABELS, _refined_ctf)
ALIGNED = Columns(
    _ALIGNMENT_LABELS,
    lambda _origin, _series, tilt: (0.0, tilt.y_tilt, tilt.z_rotation, tilt.x_shift, tilt.y_shift),
)
POLISHED = Columns(
    _ALIGNMENT_LABELS, lambda _origin, _series, tilt: (*tilt.polished_angles, *tilt.polished_shifts)
)
SCALE = Columns(("rlnCtfScalefactor",), lambda _origin, _series, tilt: (cos(radians(tilt.y_tilt)),))
REFINED_SCALE = Columns(("rlnCtfScalefactor",), lambda _origin, _series, tilt: (tilt.refined_scale,))
DEFORMED = Columns(("rlnTomoDeformationCoefficients",), lambda _origin, _series, tilt: (tilt.deformation,))
