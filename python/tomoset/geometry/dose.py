"""Doses of tilt images: weights, orders and steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tomoset.geometry.checks import floats, not_negative, shaped

__all__ = [
    "critical_dose",
    "cumulative_dose",
    "dose_weight",
    "fractional_dose",
    "ice_scale",
    "least_dosed",
    "order",
    "ranks",
]

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

    Parameters are broadcast against each other.

    Parameters
    ----------
    frequency : array_like
        In 1/A.
    dose : array_like
        ``rlnMicrographPreExposure`` in e/A^2.
    bfactor_per_dose : array_like
        ``rlnCtfBfactorPerElectronDose`` in A^2/(e/A^2).

    Returns
    -------
    (...) float64 array
        1 at frequency 0.
    """
    frequency, dose, slope = floats(frequency), not_negative("dose", dose), floats(bfactor_per_dose)
    grant = np.exp(-dose / (2 * critical_dose(frequency)))
    # NaN stays.
    return np.where(slope <= 0, grant, np.exp(-slope * dose * frequency**2 / 4))


def fractional_dose(doses: npt.ArrayLike) -> float:
    """Give the dose of one image: the second lowest less the lowest.

    As RELION's ``TomogramSet::loadTomogram``, where ``rlnTomoImportFractionalDose`` is absent.

    Parameters
    ----------
    doses : (num_tilts,) array_like
        ``rlnMicrographPreExposure`` in e/A^2; NaN is passed over.

    Raises
    ------
    ValueError
        Fewer than two images with a dose; RELION reads what is not there.
    """
    found = floats(doses)
    if found.ndim != 1:
        raise ValueError(f"doses: the shape is {found.shape}; it must be one for each image")
    lowest = np.sort(found[~np.isnan(found)])[:2]
    if len(lowest) < 2:
        raise ValueError(
            f"the dose of one image needs two images with a dose at least; there is {len(lowest)}"
        )
    return float(lowest[1] - lowest[0])


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
    places = order(values)
    found = np.empty(places.shape, dtype=np.int64)
    np.put_along_axis(found, places, np.broadcast_to(np.arange(places.shape[-1]), places.shape), axis=-1)
    return found


def order(values: npt.ArrayLike) -> Integers:
    """Give which value comes at each place in ascending order, from 0; of equal ones the first comes first.

    As RELION's ``sortIndices``, which leaves the order of equal ones open; the inverse of `ranks`.

    Parameters
    ----------
    values : (..., n) array_like
        Doses, or nominal tilt angles.

    Returns
    -------
    (..., n) int64 array

    Examples
    --------
    >>> order([6, 0, 3, 9, 3]).tolist()
    [1, 2, 4, 0, 3]
    """
    return np.argsort(floats(values), axis=-1, kind="stable").astype(np.int64, copy=False)


def least_dosed(doses: npt.ArrayLike) -> int:
    """Give the image of the lowest dose, the first of equal ones; as RELION's ``getLeastDoseFrame``.

    Parameters
    ----------
    doses : (num_tilts,) array_like
        ``rlnMicrographPreExposure`` in e/A^2; images of which it is NaN are passed over.

    Raises
    ------
    ValueError
        There are none.
    """
    found = floats(doses)
    if found.ndim != 1:
        raise ValueError(f"doses: the shape is {found.shape}; it must be one for each image")
    if np.isnan(found).all():
        raise ValueError(f"the image of the lowest dose needs one with a dose; of {found.size} there is none")
    return int(np.nanargmin(found))


def cumulative_dose(doses: npt.ArrayLike, per_image: npt.ArrayLike) -> Floats:
    """Give the dose that the specimen has had when an image is done: that before it and its own.

    RELION's weights are of the dose before an image; other programs weigh by this, or by that halfway through.

    Parameters
    ----------
    doses : (..., num_tilts) array_like
        ``rlnMicrographPreExposure`` in e/A^2.
    per_image : array_like
        ``rlnTomoImportFractionalDose``, or what `fractional_dose` finds; broadcast against the leading axes.

    Returns
    -------
    (..., num_tilts) float64 array
        In e/A^2.

    Raises
    ------
    ValueError
        A dose below 0.
    """
    before = not_negative("doses", doses)
    return np.asarray(before + not_negative("per_image", per_image)[..., None])


def ice_scale(
    view_directions: npt.ArrayLike,
    normal: npt.ArrayLike,
    *,
    thickness: npt.ArrayLike,
    luminance: npt.ArrayLike = 1.0,
) -> Floats:
    """Give the contrast that a layer of ice leaves in tilted views: ``a exp(-thickness / |n v|)``.

    As RELION fits it with its CTF refinement's scale.

    Leading axes are broadcast.

    Parameters
    ----------
    view_directions : (..., 3) array_like
        ``v``, as `tomoset.geometry.view_directions` gives them.
    normal : (..., 3) array_like
        ``rlnTomoIceNormalX/Y/Z``, ``n``, of length 1.
    thickness : array_like
        ``rlnTomoRelativeIceThickness``, in mean free paths.
    luminance : array_like
        ``rlnTomoRelativeLuminance``, ``a``.

    Returns
    -------
    (...) float64 array
        0 where the view is along the layer.
    """
    views, normal = shaped("view_directions", view_directions, 3), shaped("normal", normal, 3)
    with np.errstate(divide="ignore"):
        path = not_negative("thickness", thickness) / np.abs(np.sum(views * normal, axis=-1))
    return np.asarray(floats(luminance) * np.exp(-path))
