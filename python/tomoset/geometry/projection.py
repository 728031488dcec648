"""Projection matrices of tilt images, and the angles and shifts they are made of."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from tomoset.geometry.checks import floats, positive, shaped
from tomoset.geometry.coordinates import halved

__all__ = [
    "Centre",
    "ProjectionAngles",
    "back_project",
    "binned_matrices",
    "depth_offset",
    "is_visible",
    "project",
    "projection_angles",
    "projection_matrices",
    "view_directions",
]

Floats = npt.NDArray[np.float64]

#: Which centre of the tomogram shifts are counted from: that of the matrix, or half the size, as RELION's inverse.
Centre: TypeAlias = Literal["floored", "relion"]


class ProjectionAngles(NamedTuple):
    """What a projection matrix is made of; arrays of one shape, angles in degrees and shifts in A."""

    #: ``rlnTomoXTilt`` in degrees.
    x_tilt: Floats
    #: ``rlnTomoYTilt`` in degrees.
    y_tilt: Floats
    #: ``rlnTomoZRot`` in degrees.
    z_rot: Floats
    #: ``rlnTomoXShiftAngst`` in A.
    x_shift: Floats
    #: ``rlnTomoYShiftAngst`` in A.
    y_shift: Floats


def projection_matrices(
    x_tilt: npt.ArrayLike,
    y_tilt: npt.ArrayLike,
    z_rot: npt.ArrayLike,
    x_shift: npt.ArrayLike,
    y_shift: npt.ArrayLike,
    *,
    pixel_size: npt.ArrayLike,
    size: npt.ArrayLike,
    image_size: npt.ArrayLike,
) -> Floats:
    r"""Give the matrices that take a point of the tomogram to its place in tilt images.

    As RELION's ``Tomogram::setProjectionMatrix``: ``T(s + i) Rz(z_rot) Ry(y_tilt) Rx(x_tilt) T(-c)``, with the shift
    ``s`` in pixels, the image's centre ``i`` and the tomogram's centre ``c``, both of them rounded down::

        [ cz cy   cz sy sx - sz cx   cz sy cx + sz sx   t_x ]      x, y, z = x_tilt, y_tilt, z_rot
        [ sz cy   sz sy sx + cz cx   sz sy cx - cz sx   t_y ]      t = s + i - R c
        [ -sy     cy sx              cy cx              t_z ]
        [ 0       0                  0                  1   ]

    Points are columns ``(x, y, z, 1)`` in pixels of the tilt series from the corner of the tomogram, integers at the
    centres of voxels. The first two coordinates of the product are the place in the image, column and row, in pixels.

    Parameters are broadcast against each other.

    Parameters
    ----------
    x_tilt, y_tilt, z_rot : array_like
        ``rlnTomoXTilt``, ``rlnTomoYTilt`` and ``rlnTomoZRot`` in degrees.
    x_shift, y_shift : array_like
        ``rlnTomoXShiftAngst`` and ``rlnTomoYShiftAngst`` in A.
    pixel_size : array_like
        ``rlnTomoTiltSeriesPixelSize`` in A.
    size : (..., 3) array_like of int
        Width, height and depth of the tomogram in pixels of the tilt series.
    image_size : (..., 2) array_like of int
        Width and height of the tilt images in pixels.

    Returns
    -------
    (..., 4, 4) float64 array

    Raises
    ------
    ValueError
        Sizes of another shape, or shapes that do not go together.

    Examples
    --------
    >>> where = dict(pixel_size=1.35, size=(4000, 4000, 2000), image_size=(3710, 3838))
    >>> matrix = projection_matrices(0, 30, 85, 10, -20, **where)
    >>> (matrix @ [2100, 1900, 1050, 1]).round(6).tolist()
    [1971.75368, 2006.64747, -6.69873, 1.0]
    """
    numbers = [floats(each) for each in (x_tilt, y_tilt, z_rot, x_shift, y_shift)]
    numbers.append(positive("pixel_size", pixel_size))
    size, image_size = shaped("size", size, 3), shaped("image_size", image_size, 2)
    shape = np.broadcast_shapes(*(each.shape for each in numbers), size.shape[:-1], image_size.shape[:-1])
    x, y, z, x_shift, y_shift, pixel_size = numbers
    matrices = np.zeros((*shape, 4, 4))
    turn = matrices[..., :3, :3]
    turn[...] = _rotations(np.radians(x), np.radians(y), np.radians(z))
    middle = halved(image_size)
    moved = -(turn @ np.broadcast_to(halved(size), (*shape, 3))[..., None])[..., 0]
    moved[..., 0] += middle[..., 0] + x_shift / pixel_size
    moved[..., 1] += middle[..., 1] + y_shift / pixel_size
    matrices[..., :3, 3] = moved
    matrices[..., 3, 3] = 1
    return matrices


def projection_angles(
    matrices: npt.ArrayLike,
    *,
    pixel_size: npt.ArrayLike,
    size: npt.ArrayLike,
    image_size: npt.ArrayLike,
    centre: Centre = "floored",
) -> ProjectionAngles:
    """Give the angles and shifts of projection matrices.

    The inverse of `projection_matrices`, with the x-tilt 0 where the y-tilt is 90 degrees either way. A matrix that is
    no rotation and shift, by a magnification for one, has no angles of its own: those that are given take the centre of
    the tomogram to the same place.

    Parameters
    ----------
    matrices : (..., 4, 4) array_like
        Of which the last row is not looked at.
    pixel_size, size, image_size
        As for `projection_matrices`.
    centre : {"floored", "relion"}
        From where shifts are counted, as in `centres`. ``"floored"`` is that of `projection_matrices`; ``"relion"`` is
        half the size, as in RELION's ``Tomogram::getProjectionAnglesFromMatrix``, whose result for odd sizes gives
        another matrix, off by up to a pixel. Angles are RELION's where the matrix is rigid; of others RELION takes the
        y-tilt from one entry alone, which a magnification falsifies.

    Returns
    -------
    ProjectionAngles
        Five float64 arrays of shape ``(...)``: angles in degrees, within -180 to 180, and shifts in A.

    Raises
    ------
    ValueError
        Another shape, another centre.
    """
    check_centre(centre)
    matrices = shaped("matrices", matrices, 4, 4)
    size, image_size = shaped("size", size, 3), shaped("image_size", image_size, 2)
    pixel_size = positive("pixel_size", pixel_size)
    a, moved = matrices[..., :3, :3], matrices[..., :3, 3]
    across = np.hypot(a[..., 2, 1], a[..., 2, 2])
    # At the poles x-tilt and rotation are one, and what is left of the former is noise.
    pole = across < 1e-12 * np.abs(a[..., 2, 0])
    x = np.where(pole, 0.0, np.arctan2(a[..., 2, 1], a[..., 2, 2]))
    y = np.arctan2(-a[..., 2, 0], across)
    # The rotation from what the x-tilt leaves, which is well defined also near the poles.
    cx, sx = np.cos(x), np.sin(x)
    z = np.arctan2(sx * a[..., 0, 2] - cx * a[..., 0, 1], cx * a[..., 1, 1] - sx * a[..., 1, 2])
    middle = np.zeros((*image_size.shape[:-1], 3))
    middle[..., :2] = halved(image_size)
    if centre == "floored":
        shift = _apply(a, halved(size)) + moved - middle
    else:
        back = _apply(np.swapaxes(_rotations(x, y, z), -1, -2), middle)
        shift = _apply(a, size / 2 - back) + moved
    shifts = shift[..., 0] * pixel_size, shift[..., 1] * pixel_size
    return ProjectionAngles(*np.broadcast_arrays(np.degrees(x), np.degrees(y), np.degrees(z), *shifts))


def binned_matrices(matrices: npt.ArrayLike, binning: npt.ArrayLike) -> Floats:
    """Give the matrices of images that are binned: all but the last row over the binning ``b``.

    ::

        [ P00/b  P01/b  P02/b  P03/b ]
        [ P10/b  P11/b  P12/b  P13/b ]
        [ P20/b  P21/b  P22/b  P23/b ]
        [ 0      0      0      1     ]

    As RELION's reconstruction has them; its ``FourierCrop`` divides the last row, too, to the same effect.

    Parameters
    ----------
    matrices : (..., 4, 4) array_like
    binning : array_like
        Broadcast against the leading axes.

    Returns
    -------
    (..., 4, 4) float64 array
        They take pixels of the tilt series, not of binned images, to pixels of binned images.
    """
    binning = positive("binning", binning)
    scale = np.stack([binning, binning, binning, np.ones_like(binning)], axis=-1)
    return np.asarray(shaped("matrices", matrices, 4, 4) / scale[..., None])


def project(matrices: npt.ArrayLike, points: npt.ArrayLike) -> Floats:
    """Give the places in images of points in the tomogram.

    As RELION's ``Tomogram::projectPoint`` without deformation: the first two coordinates of ``P (x, y, z, 1)``.

    Leading axes are broadcast: for all of ``n`` points in all of ``t`` images give ``matrices[:, None]`` and
    ``points[None]``, which makes ``(t, n, 2)``.

    Parameters
    ----------
    matrices : (..., 4, 4) array_like
        As `projection_matrices` gives them.
    points : (..., 3) array_like
        In pixels of the tilt series from the corner of the tomogram.

    Returns
    -------
    (..., 2) float64 array
        Column and row in pixels.
    """
    return np.stack([_row(matrices, points, axis) for axis in (0, 1)], axis=-1)


def depth_offset(matrices: npt.ArrayLike, points: npt.ArrayLike, *, size: npt.ArrayLike) -> Floats:
    """Give how far behind the centre of the tomogram points are: towards +view, the third row of the matrix.

    As RELION's ``Tomogram::getDepthOffset``: ``(P x).z - (P c).z`` with ``c`` half the size, not rounded.

    Parameters
    ----------
    matrices : (..., 4, 4) array_like
    points : (..., 3) array_like
        As for `project`.
    size : (..., 3) array_like
        Width, height and depth of the tomogram in pixels of the tilt series.

    Returns
    -------
    (...) float64 array
        In pixels of the tilt series.
    """
    return _row(matrices, points, 2) - _row(matrices, shaped("size", size, 3) / 2, 2)


def is_visible(
    places: npt.ArrayLike, *, image_size: npt.ArrayLike, radius: npt.ArrayLike = 0.0
) -> npt.NDArray[np.bool_]:
    """Tell which places are within images, by more than a radius from their edges.

    As RELION's ``Tomogram::isVisible``: ``r < x < W - r`` and ``r < y < H - r``.

    Parameters
    ----------
    places : (..., 2) array_like
        Column and row in pixels.
    image_size : (..., 2) array_like
        Width and height in pixels.
    radius : array_like
        In pixels.

    Returns
    -------
    (...) bool array
    """
    places, radius = shaped("places", places, 2), floats(radius)[..., None]
    room = shaped("image_size", image_size, 2) - radius
    found: npt.NDArray[np.bool_] = np.all((places > radius) & (places < room), axis=-1)
    return found


def view_directions(matrices: npt.ArrayLike) -> Floats:
    """Give the direction of the view of each image in the tomogram: the third row of the matrix.

    Parameters
    ----------
    matrices : (..., 4, 4) array_like

    Returns
    -------
    (..., 3) float64 array
        Of length 1 where the matrix is rigid.
    """
    found: Floats = shaped("matrices", matrices, 4, 4)[..., 2, :3]
    return found


def back_project(matrices: npt.ArrayLike, places: npt.ArrayLike, view_z: npt.ArrayLike = 0.0) -> Floats:
    """Give the point that projects to a place, at a distance along the view.

    The inverse of `project`: points of one place and all distances are a ray along `view_directions`.

    Parameters
    ----------
    matrices : (..., 4, 4) array_like
    places : (..., 2) array_like
        Column and row in pixels.
    view_z : array_like
        The third coordinate of ``P (x, y, z, 1)`` in pixels; `depth_offset` is this less that of the centre.

    Returns
    -------
    (..., 3) float64 array
        In pixels of the tilt series from the corner of the tomogram.

    Raises
    ------
    numpy.linalg.LinAlgError
        A matrix that has no inverse.
    """
    matrices = shaped("matrices", matrices, 4, 4)
    places, view_z = shaped("places", places, 2), floats(view_z)
    shape = np.broadcast_shapes(places.shape[:-1], view_z.shape)
    wanted = np.empty((*shape, 3))
    wanted[..., :2], wanted[..., 2] = places, view_z
    inverse: Floats = np.linalg.inv(matrices[..., :3, :3]).astype(np.float64, copy=False)
    return _apply(inverse, wanted - matrices[..., :3, 3])


def _row(matrices: npt.ArrayLike, points: npt.ArrayLike, row: int) -> Floats:
    """Give one coordinate of ``P (x, y, z, 1)``."""
    m, points = shaped("matrices", matrices, 4, 4), shaped("points", points, 3)
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    found: Floats = m[..., row, 0] * x + m[..., row, 1] * y + m[..., row, 2] * z + m[..., row, 3]
    return found


def check_centre(centre: str) -> None:
    """Raise unless a centre is one that `projection_angles` knows."""
    if centre not in ("floored", "relion"):
        raise ValueError(f"centre is {centre!r}; it must be 'floored' or 'relion'")


def _rotations(x: Floats, y: Floats, z: Floats) -> Floats:
    """Give ``Rz(z) Ry(y) Rx(x)`` of angles in radians."""
    x, y, z = np.broadcast_arrays(x, y, z)
    (cx, cy, cz), (sx, sy, sz) = ([turn(angle) for angle in (x, y, z)] for turn in (np.cos, np.sin))
    found = np.empty((*x.shape, 3, 3))
    found[..., 0, 0], found[..., 0, 1], found[..., 0, 2] = (
        cz * cy,
        cz * sy * sx - sz * cx,
        cz * sy * cx + sz * sx,
    )
    found[..., 1, 0], found[..., 1, 1], found[..., 1, 2] = (
        sz * cy,
        sz * sy * sx + cz * cx,
        sz * sy * cx - cz * sx,
    )
    found[..., 2, 0], found[..., 2, 1], found[..., 2, 2] = -sy, cy * sx, cy * cx
    return found


def _apply(matrices: Floats, points: Floats) -> Floats:
    found: Floats = (matrices @ points[..., None])[..., 0]
    return found
