"""Deformations of tilt images, as frame alignment finds them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tomoset.geometry.checks import floats, shaped

__all__ = ["KINDS", "deformation", "num_coefficients"]

#: ``rlnTomoDeformationType``.
KINDS = ("linear", "spline", "Fourier")

Floats = npt.NDArray[np.float64]


def num_coefficients(kind: str, grid: tuple[int, int] = (0, 0)) -> int:
    """Give how many coefficients a deformation of an image has.

    Parameters
    ----------
    kind : {"linear", "spline", "Fourier"}
        ``rlnTomoDeformationType``.
    grid : (int, int)
        ``rlnTomoDeformationGridSizeX`` and ``Y``.

    Raises
    ------
    ValueError
        Another kind.
    """
    if kind == "linear":
        return 3
    if kind == "spline":
        return 8 * grid[0] * grid[1]
    if kind == "Fourier":
        # The rows above the middle have one more frequency, that of x = 0; the first, of the origin, has not.
        columns, rows = grid
        return 4 * (rows * (columns // 2) + max(rows // 2 - 1, 0))
    raise ValueError(f"a deformation of type {kind!r}; it must be 'linear', 'spline' or 'Fourier'")


def deformation(
    points: npt.ArrayLike,
    coefficients: npt.ArrayLike,
    *,
    kind: str,
    grid: tuple[int, int],
    image_size: tuple[int, int],
) -> Floats:
    """Give how far a deformation moves places in an image.

    As RELION's ``Deformation2D`` of type ``linear``, ``spline`` and ``Fourier``: it is added to the projected place.

    Parameters
    ----------
    points : (..., 2) array_like
        Places in pixels, column and row; also outside of the image.
    coefficients : (num_coefficients,) array_like
        ``rlnTomoDeformationCoefficients`` of one image, in pixels.
    kind : {"linear", "spline", "Fourier"}
        ``rlnTomoDeformationType``.
    grid : (int, int)
        ``rlnTomoDeformationGridSizeX`` and ``Y``; of no meaning for ``linear``.
    image_size : (int, int)
        Width and height of the image in pixels.

    Returns
    -------
    (..., 2) float64 array
        In pixels.

    Raises
    ------
    ValueError
        Another kind, another number of coefficients, a spline of less than 2 x 2.
    """
    points, values = shaped("points", points, 2), floats(coefficients)
    needed = num_coefficients(kind, grid)
    if values.shape != (needed,):
        raise ValueError(
            f"there are {values.size} coefficients; a deformation of type {kind!r} has {needed} here"
        )
    if kind == "linear":
        return _linear(points, values, image_size)
    if kind == "spline":
        if min(grid) < 2:
            raise ValueError(f"a spline on a grid of {grid[0]} x {grid[1]}; it needs 2 x 2 at least")
        return _spline(points, values, grid, image_size)
    return _fourier(points, values, grid, image_size)


def _linear(points: Floats, values: Floats, image_size: tuple[int, int]) -> Floats:
    x, y = points[..., 0] - image_size[0] / 2, points[..., 1] - image_size[1] / 2
    return np.stack([values[0] * x, values[1] * x + values[2] * y], axis=-1)


def _spline(points: Floats, values: Floats, grid: tuple[int, int], image_size: tuple[int, int]) -> Floats:
    """Give a bicubic Hermite spline: each node has a value, two slopes and a twist."""
    cells = np.array(grid) - 1
    place = np.clip(points / (np.array(image_size) / cells), 0, cells - 1e-10)
    # Where a place is no number neither is the result.
    cell = np.nan_to_num(place).astype(np.int64)
    (across, down), (column, row) = np.moveaxis(place - cell, -1, 0), np.moveaxis(cell, -1, 0)
    nodes = values.reshape(2, grid[1], grid[0], 4)
    (across_values, across_slopes), (down_values, down_slopes) = _hermite(across), _hermite(down)
    found = np.zeros(points.shape)
    for right in (0, 1):
        for below in (0, 1):
            value, slope_x, slope_y, twist = np.moveaxis(nodes[:, row + below, column + right], -1, 0)
            moved = across_values[right] * (down_values[below] * value + down_slopes[below] * slope_y)
            moved += across_slopes[right] * (down_values[below] * slope_x + down_slopes[below] * twist)
            found += np.moveaxis(moved, 0, -1)
    return found


def _hermite(at: Floats) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Give the weights of the values at both ends of a stretch, and of their slopes."""
    squared, cubed = at**2, at**3
    values = (1 - 3 * squared + 2 * cubed, 3 * squared - 2 * cubed)
    return values, (at - 2 * squared + cubed, cubed - squared)


def _fourier(points: Floats, values: Floats, grid: tuple[int, int], image_size: tuple[int, int]) -> Floats:
    steps = np.pi / np.array(image_size)
    waves = points @ (_frequencies(grid) * steps).T
    parts = values.reshape(2, -1, 2)
    found: Floats = np.cos(waves) @ parts[:, :, 0].T + np.sin(waves) @ parts[:, :, 1].T
    return found


def _frequencies(grid: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Give the frequencies of a Fourier deformation: half of the plane, without the origin."""
    columns, rows = grid
    found = [
        (x, y if y < rows // 2 else y - rows)
        for y in range(rows)
        for x in range(0 if 0 < y < rows // 2 else 1, columns // 2 + 1)
    ]
    return np.array(found, dtype=np.int64).reshape(-1, 2)
