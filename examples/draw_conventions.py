"""Draw the picture of docs/conventions.md, from what `tomoset.geometry` gives."""

import argparse
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from tomoset import geometry

INK, FAINT, BLUE, RED, GREEN = "#333333", "#cccccc", "#0072b2", "#d55e00", "#009e73"


def draw(target: Path) -> None:
    """Draw all of it into a file."""
    figure = Figure(figsize=(12, 4), layout="constrained", facecolor="white")
    pixels, tilted = figure.add_subplot(1, 3, 1), figure.add_subplot(1, 3, 2)
    turned = figure.add_subplot(1, 3, 3, projection="3d")
    _pixels(pixels)
    _tilted(tilted)
    _turned(turned)
    figure.savefig(target, dpi=110)


def _pixels(axes: Axes) -> None:
    """Draw a row of pixels with the three centres of an odd size."""
    size = 5
    for at in range(size):
        axes.add_patch(_square(at))
        axes.text(at, 0, str(at), ha="center", va="center", color=INK)
    marks: tuple[tuple[geometry.CoordinateCentre, str, float], ...] = (
        ("relion-python", GREEN, 1.0),
        ("floored", BLUE, 1.7),
        ("relion", RED, 2.4),
    )
    for name, shade, height in marks:
        centre = float(geometry.centres((size, size, size), name)[0])
        axes.annotate(
            f"{name}: {centre:g}",
            (centre, 0.5),
            (centre, height),
            ha="right" if height < 2 else "center",
            color=shade,
            arrowprops={"arrowstyle": "->", "color": shade},
        )
    axes.set(xlim=(-0.8, 4.8), ylim=(-0.8, 2.8), aspect="equal")
    axes.set_title("Whole numbers are centres of pixels; size 5", fontsize=10)
    axes.set_axis_off()


def _square(at: int) -> Rectangle:
    return Rectangle((at - 0.5, -0.5), 1, 1, facecolor="white", edgecolor=INK)


def _tilted(axes: Axes) -> None:
    """Draw the worked example from the side: the tomogram, the view, and the point."""
    size = np.array([100, 100, 50])
    matrix = geometry.projection_matrices(0, 30, 0, 0, 0, pixel_size=2.0, size=size, image_size=(80, 60))
    corners = np.array([[x, 50, z] for x, z in ((0, 0), (100, 0), (100, 50), (0, 50), (0, 0))])
    centre, point = size // 2, np.array([60, 50, 25])
    axes.plot(corners[:, 0], corners[:, 2], color=INK)
    view = geometry.view_directions(matrix)
    # Rays through the point and the centre; the image lies across them, in front.
    for start, shade in ((centre, INK), (point, RED)):
        place = geometry.project(matrix, start)
        ray = np.stack([geometry.back_project(matrix, place, depth) for depth in (-60, 60)])
        axes.plot(ray[:, 0], ray[:, 2], color=shade, linewidth=0.8, linestyle="--")
        axes.plot(start[0], start[2], "o", color=shade, markersize=5)
    image = np.stack([geometry.back_project(matrix, (column, 30), -60) for column in (0, 80)])
    axes.plot(image[:, 0], image[:, 2], color=BLUE, linewidth=2)
    for end, column in zip(image, (0, 80), strict=True):
        axes.text(end[0], end[2], f" column {column}", color=BLUE, va="top", fontsize=8)
    depth = geometry.depth_offset(matrix, point, size=size)
    column = geometry.project(matrix, point)[0]
    axes.text(104, 32, f"point (60, 50, 25):\ncolumn {column:.2f}\ndepth {depth:g}", color=RED, fontsize=8)
    near, far = ((centre + reach * view)[[0, 2]] for reach in (55, 75))
    axes.annotate("", (far[0], far[1]), (near[0], near[1]), arrowprops={"arrowstyle": "->", "color": INK})
    axes.text(far[0], far[1], "depth ", color=INK, ha="right", fontsize=8)
    axes.set(xlim=(-30, 175), ylim=(-60, 105), xlabel="x [px]", ylabel="z [px]", aspect="equal")
    axes.set_title("The example: y-tilt of 30 degrees, seen along y", fontsize=10)


def _turned(axes: Any) -> None:  # noqa: ANN401 (of three dimensions)
    """Draw the axes of a particle in the tomogram."""
    matrix = geometry.euler_matrices(30, 50, 0)
    for axis, (name, shade) in enumerate((("x", BLUE), ("y", GREEN), ("z", RED))):
        base = np.eye(3)[axis]
        axes.plot(*np.stack([np.zeros(3), base], axis=-1), color=FAINT)
        axes.text(*base, name, color=INK)
        own = matrix[:, axis]
        axes.plot(*np.stack([np.zeros(3), own], axis=-1), color=shade, linewidth=2)
        axes.text(*(1.1 * own), f"particle {name}", color=shade)
    for one, other in combinations(np.indices((2, 2, 2)).reshape(3, 8).T - 0.5, 2):
        if np.abs(one - other).sum() == 1:
            axes.plot(*np.stack([one, other], axis=-1), color=FAINT, linewidth=0.6)
    axes.set(
        title="rot 30, tilt 50: columns of A", xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1), box_aspect=(1, 1, 1)
    )
    axes.set_axis_off()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "target", type=Path, nargs="?", default=Path(__file__).parents[1] / "docs" / "conventions.png"
    )
    draw(parser.parse_args().target)
