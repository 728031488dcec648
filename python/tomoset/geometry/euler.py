"""Euler angles of particles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["euler_matrices"]

Floats = npt.NDArray[np.float64]


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
    angles = np.broadcast_arrays(
        *(np.radians(np.asarray(angle, dtype=np.float64)) for angle in (rot, tilt, psi))
    )
    (cr, ct, cp), (sr, st, sp) = ([turn(angle) for angle in angles] for turn in (np.cos, np.sin))
    rows = (
        (cp * ct * cr - sp * sr, cp * ct * sr + sp * cr, -cp * st),
        (-sp * ct * cr - cp * sr, -sp * ct * sr + cp * cr, sp * st),
        (st * cr, st * sr, ct),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
