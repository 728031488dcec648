"""Rotations as quaternions, and as `scipy` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tomoset.geometry.checks import shaped

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation

__all__ = ["from_rotation", "matrices_of_quaternions", "quaternions", "to_rotation"]

Floats = npt.NDArray[np.float64]


def quaternions(matrices: npt.ArrayLike) -> Floats:
    """Give the quaternions of rotation matrices, ``x, y, z, w`` with the scalar last, as `scipy` has them.

    Of the two that are one rotation that with ``w`` not negative.

    Parameters
    ----------
    matrices : (..., 3, 3) array_like
        Such as `euler_matrices` gives them.

    Returns
    -------
    (..., 4) float64 array
        Of length 1.

    Raises
    ------
    ValueError
        Another shape; a matrix that is no rotation, such as a reflection.

    Examples
    --------
    >>> quaternions([[0, -1, 0], [1, 0, 0], [0, 0, 1]]).round(6).tolist()
    [0.0, 0.0, 0.707107, 0.707107]
    """
    m = shaped("matrices", matrices, 3, 3)
    if (np.linalg.det(m) <= 0).any():
        raise ValueError("a matrix is no rotation: it is mirrored or flat")
    # Four times the products of its components; the row of the largest is the most exact.
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    one = np.ones_like(xx)
    sums = (
        (
            one + xx - yy - zz,
            m[..., 0, 1] + m[..., 1, 0],
            m[..., 0, 2] + m[..., 2, 0],
            m[..., 2, 1] - m[..., 1, 2],
        ),
        (
            m[..., 0, 1] + m[..., 1, 0],
            one - xx + yy - zz,
            m[..., 1, 2] + m[..., 2, 1],
            m[..., 0, 2] - m[..., 2, 0],
        ),
        (
            m[..., 0, 2] + m[..., 2, 0],
            m[..., 1, 2] + m[..., 2, 1],
            one - xx - yy + zz,
            m[..., 1, 0] - m[..., 0, 1],
        ),
        (
            m[..., 2, 1] - m[..., 1, 2],
            m[..., 0, 2] - m[..., 2, 0],
            m[..., 1, 0] - m[..., 0, 1],
            one + xx + yy + zz,
        ),
    )
    products = np.stack([np.stack(row, axis=-1) for row in sums], axis=-2)
    best = np.argmax(np.diagonal(products, axis1=-2, axis2=-1), axis=-1)
    rows = np.take_along_axis(products, best[..., None, None], axis=-2)[..., 0, :]
    rows = np.where(rows[..., 3:] < 0, -rows, rows)
    found: Floats = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return found


def matrices_of_quaternions(values: npt.ArrayLike) -> Floats:
    """Give the rotation matrices of quaternions; the inverse of `quaternions`.

    Parameters
    ----------
    values : (..., 4) array_like
        ``x, y, z, w``, of any length but 0.

    Returns
    -------
    (..., 3, 3) float64 array

    Raises
    ------
    ValueError
        Another shape, or a quaternion of length 0.
    """
    q = shaped("quaternions", values, 4)
    length = np.linalg.norm(q, axis=-1, keepdims=True)
    if (length == 0).any():
        raise ValueError("a quaternion is 0, which is no rotation; it must be of another length")
    x, y, z, w = np.moveaxis(q / length, -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def to_rotation(matrices: npt.ArrayLike) -> Rotation:
    """Give rotation matrices as a `scipy.spatial.transform.Rotation`, which turns particles into the tomogram.

    RELION's Euler angles are those of its inverse: ``to_rotation(euler_matrices(rot, tilt, psi)).inv()`` is
    ``Rotation.from_euler("ZYZ", [rot, tilt, psi], degrees=True)``.

    Parameters
    ----------
    matrices : (3, 3) or (n, 3, 3) array_like
        Such as `euler_matrices` and `ParticleSet.orientations` give them.

    Returns
    -------
    scipy.spatial.transform.Rotation

    Raises
    ------
    ImportError
        scipy is not installed.
    ValueError
        A matrix that is no rotation, such as a reflection.
    """
    try:
        from scipy.spatial.transform import Rotation
    except ImportError as error:
        raise ImportError("scipy is needed here: pip install scipy") from error
    return Rotation.from_matrix(np.asarray(matrices, dtype=np.float64))


def from_rotation(rotation: Rotation) -> Floats:
    """Give the matrices of a `scipy.spatial.transform.Rotation`; the inverse of `to_rotation`.

    Parameters
    ----------
    rotation : scipy.spatial.transform.Rotation
        One rotation, or ``n``.

    Returns
    -------
    (3, 3) or (n, 3, 3) float64 array
    """
    return np.asarray(rotation.as_matrix(), dtype=np.float64)
