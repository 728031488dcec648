"""A tomogram set at a glance: how it was tilted, what was measured, and what is odd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomoset.checking.view import View
from tomoset.exceptions import printable
from tomoset.plots.style import INK, colours, figure, label_axes
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tomoset.sets.tomogram_set import TomogramSet
    from tomoset.sets.values import Floats

__all__ = ["plot_tomograms"]

#: Tomograms that get a line of their own in the overview, and that are named beside the lines.
LISTED, NAMED = 30, 8

ANGLE, DOSE = TiltSeries.nominal_tilt_angles.label, TiltSeries.pre_exposure.label
DEFOCUS = (TiltSeries.defocus_u.label, TiltSeries.defocus_v.label)
SHIFTS = (TiltSeries.x_shift.label, TiltSeries.y_shift.label)


def plot_tomograms(tomos: TomogramSet) -> Figure:
    """Draw a set: tilt angle against dose, defocus and shifts against tilt angle, and an overview of tomograms.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    made = figure(11, 8)
    count = len(tomos)
    title = f"{count} tomogram{'' if count == 1 else 's'}, {tomos.num_tilts:,} tilts"
    where = f"{_shortened(printable(tomos.path, 1000))}: " if tomos.path else ""
    made.suptitle(f"{where}{title}", x=0.01, ha="left", fontsize=11, color=INK, parse_math=False)
    (scheme, defocus), (shifts, overview) = made.subplots(2, 2)
    shades = colours(count)
    _scheme(scheme, tomos, shades)
    _defocus(defocus, tomos, shades)
    _shifts(shifts, tomos, shades)
    _overview(overview, tomos, shades)
    if 1 < count <= NAMED and scheme.get_lines():
        legend = scheme.legend(fontsize=8, frameon=False, labelcolor=INK, loc="upper left", ncols=2)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return made


def _shortened(path: str) -> str:
    return path if len(path) <= 80 else f"…{path[-79:]}"


def _series(tomos: TomogramSet, *labels: str) -> Iterator[tuple[int, list[Floats]]]:
    """Give tilt angles and columns of each tilt series that has them all, and its number."""
    angles = _angles(tomos)
    for row, tomogram in enumerate(tomos.values()):
        series = tomogram.tilt_series
        own = angles[tomos.offsets[row] : tomos.offsets[row + 1]]
        if len(series) and np.isfinite(own).any() and all(label in series for label in labels):
            columns = [np.asarray(as_numpy(series[label]), dtype=np.float64) for label in labels]
            yield row, [own, *columns]


def _angles(tomos: TomogramSet) -> Floats:
    """Give the tilt angle of each image: that of the stage, or else that of the alignment; NaN where there is none."""
    view = View(tomos.contents)
    turns = view.rotations_of_matrices
    refined = np.degrees(np.arctan2(-turns[:, 2, 0], np.hypot(turns[:, 2, 1], turns[:, 2, 2])))
    found = view.tilts(ANGLE)
    for other in (view.tilts(TiltSeries.y_tilt.label), refined):
        found = np.where(np.isnan(found), other, found)
    return found


def _scheme(axes: Axes, tomos: TomogramSet, shades: Sequence[str]) -> None:
    drawn = False
    for row, (angles, doses) in _series(tomos, DOSE):
        order = np.argsort(doses, kind="stable")
        axes.plot(doses[order], angles[order], color=shades[row], label=tomos.names[row], **_line(len(tomos)))
        drawn = True
    label_axes(axes, "Tilt scheme", "dose before the image [e/Å²]", "tilt [deg]")
    _say_if_empty(axes, drawn, "no angles and doses")


def _defocus(axes: Axes, tomos: TomogramSet, shades: Sequence[str]) -> None:
    drawn = False
    for row, (angles, u, v) in _series(tomos, *DEFOCUS):
        order = np.argsort(angles, kind="stable")
        mean = (u + v)[order] / 2e4
        axes.plot(angles[order], mean, color=shades[row], **_line(len(tomos)))
        if len(tomos) <= NAMED:
            # From U to V: the astigmatism.
            axes.fill_between(
                angles[order],
                u[order] / 1e4,
                v[order] / 1e4,
                color=shades[row],
                alpha=0.2,
                linewidth=0,
            )
        drawn = True
    title = "Defocus, and astigmatism as a band" if len(tomos) <= NAMED else "Defocus"
    label_axes(axes, title, "tilt [deg]", "defocus [µm]")
    _say_if_empty(axes, drawn, "no defocus yet")


def _shifts(axes: Axes, tomos: TomogramSet, shades: Sequence[str]) -> None:
    drawn = False
    for row, (angles, x, y) in _series(tomos, *SHIFTS):
        order = np.argsort(angles, kind="stable")
        line = _line(len(tomos))
        axes.plot(angles[order], x[order] / 10, color=shades[row], **line)
        axes.plot(
            angles[order], y[order] / 10, color=shades[row], **{**line, "linestyle": "--", "marker": ""}
        )
        drawn = True
    left_out = _without_outliers(axes)
    more = f" ({left_out} beyond)" if left_out else ""
    label_axes(axes, f"Shifts of the alignment: x solid, y dashed{more}", "tilt [deg]", "shift [nm]")
    _say_if_empty(axes, drawn, "not aligned with angles and shifts")


def _without_outliers(axes: Axes) -> int:
    """Let the axis show what most values are near; give how many lie beyond."""
    drawn = [np.asarray(line.get_ydata(), dtype=np.float64) for line in axes.get_lines()]
    values = np.concatenate([*drawn, np.empty(0)])
    values = values[np.isfinite(values)]
    if not values.size:
        return 0
    low, high = np.percentile(values, [2, 98])
    room = max(high - low, 1e-9)
    bad = (values < low - room) | (values > high + room)
    if bad.any():
        axes.set_ylim(low - 0.6 * room, high + 0.6 * room)
    return int(bad.sum())


def _overview(axes: Axes, tomos: TomogramSet, shades: Sequence[str]) -> None:
    """Draw a line for each tomogram with a mark at each tilt."""
    listed = min(len(tomos), LISTED)
    roomy = listed <= NAMED
    for row, (angles,) in _series(tomos[:listed]):
        size = 7 if roomy else 4
        axes.plot(angles, np.full(len(angles), row), "|", markersize=size, color=shades[row])
        if roomy:
            # Above the marks.
            axes.annotate(
                _facts(tomos[row]),
                (0, row),
                xytext=(2, 5),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="bottom",
                fontsize=8,
                color=INK,
            )
    names = [_shortened_name(printable(name)) for name in tomos.names[:listed]]
    more = f" (the first {listed} of {len(tomos):,})" if listed < len(tomos) else ""
    what = "tilts, pixel size, size, dose" if roomy else "tilts"
    label_axes(axes, f"Tomograms{more}: {what}", "tilt [deg]", "")
    axes.set_yticks(range(listed), names, fontsize=8 if roomy else 7, parse_math=False)
    axes.set_ylim(listed - 0.5, -0.9)
    axes.grid(visible=False, axis="y")


def _facts(tomogram: Tomogram) -> str:
    words = [f"{tomogram.tilt_series.num_tilts} tilts"]
    pixel = tomogram._value(Tomogram.pixel_size.label, needed=False)
    if pixel is not None:
        words.append(f"{pixel:g} Å")
    if tomogram.size:
        words.append(" x ".join(map(str, tomogram.size)))
    if DOSE in tomogram.tilt_series:
        words.append(f"{tomogram.tilt_series.pre_exposure.max():.0f} e/Å²")
    return ", ".join(words)


def _shortened_name(name: str) -> str:
    return name if len(name) <= 20 else f"{name[:9]}…{name[-10:]}"


def _line(count: int) -> dict[str, Any]:
    """Give how lines are drawn: with marks while there are few, thin where there are many."""
    if count <= NAMED:
        return {"linewidth": 1.0, "marker": ".", "markersize": 4}
    return {"linewidth": 0.6, "alpha": 0.6}


def _say_if_empty(axes: Axes, drawn: bool, why: str) -> None:
    if not drawn:
        axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=INK, fontsize=9)
