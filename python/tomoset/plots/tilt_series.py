"""The geometry of a tilt series at a glance: its views, what they sample, its CTF, and what an image shows."""

from __future__ import annotations

import operator
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoset import geometry
from tomoset.exceptions import printable
from tomoset.plots.style import INK, colours, figure, label_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tomoset.sets.particle_set import ParticleSet
    from tomoset.sets.tilt_series import TiltSeries
    from tomoset.sets.tomogram import Tomogram
    from tomoset.sets.values import Floats

__all__ = ["plot_tilt_series"]

#: Most particles that are drawn.
DRAWN = 20_000


def plot_tilt_series(
    tomogram: Tomogram,
    particles: ParticleSet | None,
    tilt: int | None,
    image_size: tuple[int, int] | None,
    *,
    allow_outside: bool,
) -> Figure:
    """Draw a tilt series, as `Tomogram.plot` does."""
    series = tomogram.tilt_series
    options: dict[str, Any] = {"image_size": image_size, "allow_outside": allow_outside}
    if particles is not None and not hasattr(particles, "positions_px"):
        raise TypeError(f"particles is a {type(particles).__name__}; it must be a ParticleSet")
    tilt = None if tilt is None else operator.index(tilt)
    matrices = series.projection_matrices(**options)
    if not tomogram.pixel_size > 0:
        found = f"the pixel size is {tomogram.pixel_size:g}; it must be above 0"
        raise tomogram._contents.error("no-geometry", tomogram._index, found)
    if not len(series) or not np.isfinite(matrices).all():
        raise tomogram._contents.error(
            "no-geometry", tomogram._index, "the tilt series has no images that are aligned"
        )
    if tilt is not None and not -len(series) <= tilt < len(series):
        raise IndexError(f"tilt is {tilt}; the tilt series has {len(series)} images, counted from 0")
    doses = series.pre_exposure
    at = int(np.argmin(np.abs(_angles(matrices)))) if tilt is None else range(len(series))[tilt]
    made = figure(11, 9)
    made.suptitle(
        f"{printable(tomogram.name)}: {series.summary}",
        x=0.01,
        ha="left",
        fontsize=11,
        color=INK,
        parse_math=False,
    )
    views = made.add_subplot(2, 2, 1, projection="3d")
    wedge, curves, image = (made.add_subplot(2, 2, place) for place in (2, 3, 4))
    _views(views, matrices, doses)
    _wedge(wedge, matrices, series, 1 / (2 * tomogram.pixel_size))
    _curves(curves, tomogram, series)
    _image(image, tomogram, particles, at, float(_angles(matrices)[at]), options)
    return made


def _angles(matrices: Floats) -> Floats:
    """Give by how much each view is tilted, with its sign."""
    return geometry.projection_angles(matrices, pixel_size=1, size=(0, 0, 0), image_size=(0, 0)).y_tilt


def _shades(doses: Floats) -> list[Any]:
    """Give a colour for each image, by the order of doses."""
    shades = colours(max(len(doses), 9))
    return [shades[rank] for rank in geometry.ranks(doses)]


def _views(axes: Any, matrices: Floats, doses: Floats) -> None:  # noqa: ANN401
    views = geometry.view_directions(matrices)
    for view, shade in zip(views, _shades(doses), strict=True):
        axes.plot(*np.stack([np.zeros(3), view], axis=-1), color=shade, linewidth=1)
    if len(views) > 1:
        axis = geometry.tilt_axis(matrices)
        axes.plot(*np.stack([-axis, axis], axis=-1), color=INK, linewidth=1, linestyle="--")
    axes.set_title("Views, from dark to light by dose; tilt axis dashed", loc="left", fontsize=10, color=INK)
    # Views that look from below are those of sets whose z is turned around.
    low, high = min(0.0, views[:, 2].min()), max(0.0, views[:, 2].max())
    axes.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(np.floor(low), np.ceil(high)))
    axes.set_box_aspect((2, 2, np.ceil(high) - np.floor(low)))
    axes.set_xlabel("x", fontsize=9, color=INK)
    axes.set_ylabel("y", fontsize=9, color=INK)
    axes.set_zlabel("z", fontsize=9, color=INK)
    axes.tick_params(labelsize=7, colors=INK)


def _wedge(axes: Axes, matrices: Floats, series: TiltSeries, nyquist: float) -> None:
    """Draw the planes that images sample, seen along the tilt axis, as far as their doses leave anything."""
    frequency = np.linspace(0, nyquist, 128)
    weights = series.dose_weights(frequency)
    views = geometry.view_directions(matrices)
    # Across the axis and along the mean view; one image alone has no axis of its own.
    across, along = geometry.tilt_space(matrices)[:2] if len(matrices) > 1 else np.eye(3)[[0, 2]]
    for view, weight, shade in zip(views, weights, _shades(series.pre_exposure), strict=True):
        # A plane is at right angles to its view. Drawn as far as something is left of the frequency.
        plane = np.array([view @ along, -(view @ across)])
        reach = frequency[weight > 0.1].max(initial=0.0)
        ends = np.array([-reach, reach])[:, None] * plane / np.hypot(*plane)
        axes.plot(*ends.T, color=shade, linewidth=1)
    edge = np.linspace(0, 2 * np.pi, 200)
    axes.plot(nyquist * np.cos(edge), nyquist * np.sin(edge), color=INK, linewidth=0.5, linestyle=":")
    axes.set_aspect("equal")
    label_axes(
        axes,
        "Sampled wedge, to where a tenth is left after the dose",
        "frequency across the tilt axis [1/Å]",
        "frequency along the mean view [1/Å]",
    )


def _curves(axes: Axes, tomogram: Tomogram, series: TiltSeries) -> None:
    frequency = np.linspace(0, 1 / (2 * tomogram.pixel_size), 1024)
    order = np.argsort(series.pre_exposure, kind="stable")
    for at, shade in zip((order[0], order[-1]), colours(2), strict=True):
        mean = (series.defocus_u[at] + series.defocus_v[at]) / 2
        envelope = series.dose_weights(frequency)[at] * series.scale_factor[at]
        curve = envelope * geometry.ctf_1d(
            frequency,
            defocus=mean,
            voltage=tomogram.voltage,
            spherical_aberration=tomogram.spherical_aberration,
            amplitude_contrast=tomogram.amplitude_contrast,
            phase_shift=series.phase_shift[at],
        )
        words = f"{series.pre_exposure[at]:.0f} e/Å², {mean / 1e4:.2f} µm"
        axes.plot(frequency, curve, color=shade, linewidth=0.8, label=words)
        axes.plot(frequency, envelope, color=shade, linewidth=0.8, linestyle="--")
    axes.legend(fontsize=8, frameon=False, labelcolor=INK)
    label_axes(axes, "CTF of the first and the last image, doses as envelopes", "frequency [1/Å]", "contrast")


def _image(
    axes: Axes,
    tomogram: Tomogram,
    particles: ParticleSet | None,
    at: int,
    angle: float,
    options: dict[str, Any],
) -> None:
    series = tomogram.tilt_series
    # Not aligned without one.
    assert tomogram.size is not None
    corners = np.indices((2, 2, 2)).reshape(3, 8).T
    places = series.project(corners * np.array(tomogram.size), **options)[at]
    for one, other in combinations(range(8), 2):
        if np.abs(corners[one] - corners[other]).sum() == 1:
            axes.plot(*places[[one, other]].T, color=INK, linewidth=0.6)
    width, height = series.image_size(**options)
    axes.plot([0, width, width, 0, 0], [0, 0, height, height, 0], color=colours(2)[0], linewidth=1)
    count = 0
    if particles is not None:
        own = particles.filter(np.array([name == tomogram.name for name in particles.tomogram_names]))
        count = len(own)
        if count:
            points = own.positions_px[:: -(-count // DRAWN)]
            seen = series.project(points, **options)[at]
            deep = series.depth_offset(points, **options)[at] * tomogram.pixel_size / 10
            dots = axes.scatter(seen[:, 0], seen[:, 1], c=deep, s=4, cmap="viridis", linewidths=0)
            axes.figure.colorbar(dots, ax=axes, shrink=0.7).set_label("depth [nm]", fontsize=8, color=INK)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    drawn = f"{len(range(0, count, -(-count // DRAWN))):,} of " if count > DRAWN else ""
    what = f"{drawn}{count:,} particles and " if particles is not None else ""
    label_axes(
        axes, f"Image {at} at {round(angle)} deg: {what}the tomogram's outline", "column [px]", "row [px]"
    )
