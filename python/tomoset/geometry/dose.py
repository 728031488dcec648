"""Doses of tilt images: weights, orders and steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tomoset.geometry.checks import floats, not_negative

__all__ = ["critical_dose", "dose_weight", "fractional_dose", "least_dosed", "ranks"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def critical_dose(frequency: npt.ArrayLike) -> Floats:
    """Give the dose after which a frequency is lost, in e/A^2: ``0.245 k^-1.665 + 2.81``; infinite at 0.

    Of Grant and Grigorieff (2015), measured at 300 kV; RELION takes it at all voltages, its motion correction does not.

    Parameters
    ----------
    frequency : array_like
        In 1/A.

    Returns
    -------
    (...) float64 array
    """
    with np.errstate(divide="ignore"):
        return np.asarray(0.245 * np.abs(floats(frequency)) ** -1.665 + 2.81)


def dose_weight(
    frequency: npt.ArrayLike, dose: npt.ArrayLike, *, bfactor_per_dose: npt.ArrayLike = 0.0
) -> Floats:
    """Give how much of a frequency is left after a dose.

    As RELION's ``Damage::weightImage``: ``exp(-dose / (2 critical_dose))``, or, where a positive B-factor by dose is
    given, ``exp(-b dose k^2 / 4)``.

    Parameters
    ----------
    frequency : array_like
        In 1/A.
    dose : array_like
        ``rlnMicrographPreExposure`` in e/A^2.
    bfactor_per_dose : array_like
        ``rlnCtfBfactorPerElectronDose`` in A^2/(e/A^2).

    All are broadcast against each other.

    Returns
    -------
    (...) float64 array
        1 at frequency 0.
    """
    frequency, dose, slope = floats(frequency), not_negative("dose", dose), floats(bfactor_per_dose)
    grant = np.exp(-dose / (2 * critical_dose(frequency)))
    return np.where(slope > 0, np.exp(-slope * dose * frequency**2 / 4), grant)


def fractional_dose(doses: npt.ArrayLike) -> float:
    """Give the dose of one image: the second lowest less the lowest.

    As RELION's ``TomogramSet::loadTomogram``, where ``rlnTomoImportFractionalDose`` is absent.

    Parameters
    ----------
    doses : (num_tilts,) array_like
        ``rlnMicrographPreExposure`` in e/A^2.

    Raises
    ------
    ValueError
        Fewer than two images; RELION reads what is not there.
    """
    doses = np.sort(np.asarray(doses, dtype=np.float64))
    if doses.shape[-1] < 2:
        raise ValueError(f"the dose of one image needs two images at least; there is {doses.shape[-1]}")
    return float(doses[1] - doses[0])


def ranks(values: npt.ArrayLike) -> Integers:
    """Give the place of each value in ascending order, from 0; of equal ones the first comes first.

    As RELION's ``sortedPositions``, with which it has dose and tilt orders.

    Parameters
    ----------
    values : (..., n) array_like
        Doses, or nominal tilt angles.

    Returns
    -------
    (..., n) int64 array

    Examples
    --------
    >>> ranks([6, 0, 3, 9, 3]).tolist()
    [3, 0, 1, 4, 2]
    """
    order = np.argsort(np.asarray(values), axis=-1, kind="stable")
    found = np.empty(order.shape, dtype=np.int64)
    np.put_along_axis(found, order, np.broadcast_to(np.arange(order.shape[-1]), order.shape), axis=-1)
    return found


def least_dosed(doses: npt.ArrayLike) -> int:
    """Give the image of the lowest dose, the first of equal ones; as RELION's ``getLeastDoseFrame``.

    Parameters
    ----------
    doses : (num_tilts,) array_like

    Raises
    ------
    ValueError
        There are none.
    """
    found = floats(doses)
    if not found.size:
        raise ValueError("the image of the lowest dose needs one image at least; there is none")
    return int(np.argmin(found))
