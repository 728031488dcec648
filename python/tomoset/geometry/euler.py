"""Euler angles of particles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tomoset.geometry.checks import floats, shaped

__all__ = ["EulerAngles", "euler_angles", "euler_matrices"]

Floats = npt.NDArray[np.float64]


class EulerAngles(NamedTuple):
    """Euler angles in degrees; arrays of one shape."""

    #: The first turn, about z.
    rot: Floats
    #: The second turn, about y.
    tilt: Floats
    #: The third turn, about z.
    psi: Floats


def euler_matrices(rot: npt.ArrayLike, tilt: npt.ArrayLike, psi: npt.ArrayLike) -> Floats:
    r"""Give the rotation matrices of Euler angles, with which RELION turns a particle into the tomogram.

    As RELION's ``Euler::anglesToMatrix3``, and the transpose of ``scipy``'s ``from_euler("ZYZ", [rot, tilt, psi])``::

        [  cp ct cr - sp sr    cp ct sr + sp cr   -cp st ]      r = rot, t = tilt, p = psi
        [ -sp ct cr - cp sr   -sp ct sr + cp cr    sp st ]
        [  st cr               st sr               ct    ]

    Columns are the particle's axes in the tomogram.

    Parameters
    ----------
    rot, tilt, psi : array_like
        Angles in degrees, such as ``rlnAngleRot``, ``rlnAngleTilt`` and ``rlnAnglePsi``; broadcast.

    Returns
    -------
    (..., 3, 3) float64 array

    Examples
    --------
    >>> euler_matrices(10, 20, 30).round(6).tolist()[2]
    [0.336824, 0.059391, 0.939693]
    """
    angles = np.broadcast_arrays(*(np.radians(floats(angle)) for angle in (rot, tilt, psi)))
    (cr, ct, cp), (sr, st, sp) = ([turn(angle) for angle in angles] for turn in (np.cos, np.sin))
    rows = (
        (cp * ct * cr - sp * sr, cp * ct * sr + sp * cr, -cp * st),
        (-sp * ct * cr - cp * sr, -sp * ct * sr + cp * cr, sp * st),
        (st * cr, st * sr, ct),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def euler_angles(matrices: npt.ArrayLike) -> EulerAngles:
    """Give the Euler angles of rotation matrices.

    The inverse of `euler_matrices`, as in RELION's ``Euler_angles_relion.h``: where the third
    column is exactly along z, so that only the sum or the difference of rot and psi is known,
    rot is 0.

    Parameters
    ----------
    matrices : (..., 3, 3) array_like
        Whose columns are the particle's axes in the tomogram.

    Returns
    -------
    EulerAngles
        Three arrays of shape ``(...)`` in degrees, ``rlnAngleRot``, ``rlnAngleTilt`` and ``rlnAnglePsi``: the tilt
        within 0 to 180, the others within -180 to 180.

    Raises
    ------
    ValueError
        Another shape.

    Examples
    --------
    >>> [float(angle.round(6)) for angle in euler_angles(euler_matrices(10, 20, 30))]
    [10.0, 20.0, 30.0]
    """
    a = shaped("matrices", matrices, 3, 3)
    squared = a[..., 0, 2] ** 2 + a[..., 1, 2] ** 2
    pole = squared <= np.finfo(np.float64).tiny
    tilt = np.arctan2(np.sqrt(squared), a[..., 2, 2])
    rot = np.where(pole, 0.0, np.arctan2(a[..., 2, 1], a[..., 2, 0]))
    up = np.arctan2(-a[..., 1, 0], a[..., 0, 0])
    down = np.arctan2(a[..., 1, 0], -a[..., 0, 0])
    at_pole = np.where(a[..., 2, 2] > 0, up, down)
    psi = np.where(pole, at_pole, np.arctan2(a[..., 1, 2], -a[..., 0, 2]))
    return EulerAngles(np.degrees(rot), np.degrees(tilt), np.degrees(psi))
