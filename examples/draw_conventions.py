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
#: The worked example: the tomogram, its outline seen along y, and a point in it.
SIZE, POINT, PIXEL = np.array([100, 100, 50]), np.array([60, 50, 25]), 2.0
OUTLINE = ((0, 100, 100, 0, 0), (0, 0, 50, 50, 0))


def draw(target: Path) -> None:
    """Draw all of it into a file."""
    figure = Figure(figsize=(13, 8.5), layout="constrained", facecolor="white")
    _pixels(figure.add_subplot(2, 3, 1))
    _tilted(figure.add_subplot(2, 3, 2))
    _turned(figure.add_subplot(2, 3, 3, projection="3d"))
    _image(figure.add_subplot(2, 3, 4))
    _handed(figure.add_subplot(2, 3, 5), -1)
    _handed(figure.add_subplot(2, 3, 6), 1)
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
    size, centre, point = SIZE, SIZE // 2, POINT
    matrix = _example()
    axes.plot(*OUTLINE, color=INK)
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


def _example() -> Any:  # noqa: ANN401 (a matrix)
    return geometry.projection_matrices(0, 30, 0, 0, 0, pixel_size=PIXEL, size=SIZE, image_size=(80, 60))


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
    axes.set(xlim=(-0.9, 0.9), ylim=(-0.9, 0.9), zlim=(-0.8, 1), box_aspect=(1, 1, 1))
    # A title would be above the cube's own space, which is cut off.
    axes.text2D(
        0.5, 0.98, "rot 30, tilt 50: columns of A", fontsize=10, ha="center", transform=axes.transAxes
    )
    axes.view_init(elev=20, azim=25)
    axes.set_axis_off()


def _image(axes: Axes) -> None:
    """Draw the axes of an image, rows downward, over the CTF of an image with much astigmatism."""
    angle, reach = 30, 0.06
    column, row = np.meshgrid(*[np.linspace(-reach, reach, 301)] * 2)
    contrast = geometry.ctf(
        column,
        row,
        defocus_u=14000,
        defocus_v=8000,
        defocus_angle=angle,
        voltage=300,
        spherical_aberration=2.7,
        amplitude_contrast=0.1,
    )
    # The first row is at the top.
    axes.imshow(contrast**2, cmap="Greys", extent=(-1, 1, 1, -1), alpha=0.35)
    turn = np.radians(angle)
    for (x, y), name, shade in (
        ((0.9, 0), "x: column", INK),
        ((0, 0.9), "y: row", INK),
        ((0.9 * np.cos(turn), 0.9 * np.sin(turn)), "U", RED),
        ((0.9 * np.sin(turn), -0.9 * np.cos(turn)), "V", BLUE),
    ):
        axes.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "->", "color": shade, "linewidth": 1.8})
        axes.text(1.02 * x + 0.03, 1.02 * y - 0.03, name, color=shade, fontsize=10)
    bow = np.linspace(0, turn, 40)
    axes.plot(0.5 * np.cos(bow), 0.5 * np.sin(bow), color=RED)
    axes.text(0.53, 0.16, f"rlnDefocusAngle:\n{angle} degrees", color=RED, fontsize=9, va="center")
    axes.set(xlim=(-1, 1.4), ylim=(1.05, -1.05), aspect="equal")
    axes.set_title("First row on top: rlnDefocusAngle is from x to y", fontsize=10)
    axes.set_axis_off()


def _handed(axes: Axes, hand: int) -> None:
    """Draw how the defocus changes over the tilted tomogram, with one hand."""
    matrix = _example()
    x, z = np.meshgrid(np.linspace(0, 100, 101), np.linspace(0, 50, 51))
    points = np.stack([x, np.full_like(x, 50), z], axis=-1)

    def defocus(of: Any) -> Any:  # noqa: ANN401 (arrays)
        depth = geometry.depth_offset(matrix, of, size=SIZE)
        return geometry.defocus_at(30000, depth, pixel_size=PIXEL, hand=hand)

    axes.pcolormesh(x, z, defocus(points), cmap="RdBu_r", vmin=29900, vmax=30100, shading="gouraud")
    lines = axes.contour(
        x, z, defocus(points), levels=[29940, 29970, 30000, 30030, 30060], colors=INK, linewidths=0.6
    )
    axes.clabel(lines, fontsize=7, fmt="%d")
    axes.plot(*OUTLINE, color=INK)
    axes.plot(POINT[0], POINT[2], "o", color=RED, markersize=5)
    axes.text(104, 20, f"the point:\n{defocus(POINT):.0f} A", color=RED, fontsize=8)
    centre, view = SIZE // 2, geometry.view_directions(matrix)
    near, far = ((centre + reach * view)[[0, 2]] for reach in (40, 65))
    axes.annotate("", (far[0], far[1]), (near[0], near[1]), arrowprops={"arrowstyle": "->", "color": INK})
    axes.text(far[0], far[1], "depth ", color=INK, ha="right", fontsize=8)
    change = "less" if hand < 0 else "more"
    axes.set(xlim=(-30, 175), ylim=(-60, 105), xlabel="x [px]", ylabel="z [px]", aspect="equal")
    axes.set_title(f"rlnTomoHand {hand:+d}: {change} defocus [A] behind", fontsize=10)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "target", type=Path, nargs="?", default=Path(__file__).parents[1] / "docs" / "conventions.png"
    )
    draw(parser.parse_args().target)
