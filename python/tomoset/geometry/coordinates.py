"""Places in tomograms: in A from the centre, in pixels from the corner, in voxels of a map.

Pixels from the corner are 0 at the centre of the first pixel.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from tomoset.geometry.checks import positive, shaped

__all__ = [
    "CoordinateCentre",
    "centred_to_px",
    "centres",
    "map_size",
    "px_to_centred",
    "px_to_voxels",
    "shifted_positions",
    "voxels_to_px",
]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Which pixel is the centre of a tomogram: ``relion`` is half its size, as RELION has it for coordinates;
#: ``floored`` is that rounded down, as RELION has it in projection matrices; ``relion-python`` is one pixel less than
#: half, as the pickers of RELION's Python programs have it.
CoordinateCentre: TypeAlias = Literal["relion", "floored", "relion-python"]


def centres(size: npt.ArrayLike, centre: CoordinateCentre = "relion") -> Floats:
    """Give the centre of tomograms in pixels.

    Parameters
    ----------
    size : (..., 3) array_like
        Width, height and depth in pixels of the tilt series.
    centre : {"relion", "floored", "relion-python"}
        Half of the size; that rounded down; one pixel less than half.

    Returns
    -------
    (..., 3) float64 array

    Raises
    ------
    ValueError
        Another centre.
    """
    half = shaped("size", size, 3) / 2
    if centre == "relion":
        return half
    if centre == "floored":
        return halved(shaped("size", size, 3))
    if centre == "relion-python":
        return half - 1
    raise ValueError(f"centre is {centre!r}; it must be 'relion', 'floored' or 'relion-python'")


def halved(size: Floats) -> Floats:
    """Halve sizes towards zero, as C divides integers: they may be -999, RELION's word for none."""
    return np.trunc(size / 2)


def centred_to_px(
    coordinates: npt.ArrayLike,
    *,
    pixel_size: npt.ArrayLike,
    size: npt.ArrayLike,
    centre: CoordinateCentre = "relion",
) -> Floats:
    """Give places in pixels from the corner of the tomogram: ``coordinate / pixel_size + centre``.

    As RELION's ``ParticleSet::getParticleCoordDecenteredPixel``.

    Parameters
    ----------
    coordinates : (..., 3) array_like
        ``rlnCenteredCoordinateX/Y/ZAngst`` in A.
    pixel_size : array_like
        ``rlnTomoTiltSeriesPixelSize`` in A; broadcast against the leading axes.
    size : (..., 3) array_like
        Width, height and depth of the tomogram in pixels of the tilt series.
    centre : {"relion", "floored", "relion-python"}
        As for `centres`.

    Returns
    -------
    (..., 3) float64 array
    """
    scale = positive("pixel_size", pixel_size)[..., None]
    return np.asarray(shaped("coordinates", coordinates, 3) / scale + centres(size, centre))


def px_to_centred(
    places: npt.ArrayLike,
    *,
    pixel_size: npt.ArrayLike,
    size: npt.ArrayLike,
    centre: CoordinateCentre = "relion",
) -> Floats:
    """Give places in A from the centre of the tomogram: ``(place - centre) * pixel_size``.

    The inverse of `centred_to_px`; as RELION's ``ParticleSet::setParticleCoordDecenteredPixel``.

    Parameters
    ----------
    places : (..., 3) array_like
        In pixels of the tilt series from the corner of the tomogram, such as ``rlnCoordinateX/Y/Z``.
    pixel_size, size, centre
        As for `centred_to_px`.

    Returns
    -------
    (..., 3) float64 array
    """
    scale = positive("pixel_size", pixel_size)[..., None]
    return np.asarray((shaped("places", places, 3) - centres(size, centre)) * scale)


def px_to_voxels(places: npt.ArrayLike, binning: npt.ArrayLike) -> Floats:
    """Give places in voxels of a binned map: ``place / binning``, without an offset, as RELION reconstructs.

    Parameters
    ----------
    places : (..., 3) array_like
        In pixels of the tilt series from the corner of the tomogram.
    binning : array_like
        ``rlnTomoTomogramBinning``; broadcast against the leading axes.

    Returns
    -------
    (..., 3) float64 array
    """
    scale = positive("binning", binning)[..., None]
    return np.asarray(shaped("places", places, 3) / scale)


def voxels_to_px(voxels: npt.ArrayLike, binning: npt.ArrayLike) -> Floats:
    """Give places in pixels of the tilt series: ``voxel * binning``; the inverse of `px_to_voxels`.

    Parameters
    ----------
    voxels : (..., 3) array_like
    binning : array_like
        As for `px_to_voxels`.

    Returns
    -------
    (..., 3) float64 array
    """
    scale = positive("binning", binning)[..., None]
    return np.asarray(shaped("voxels", voxels, 3) * scale)


def map_size(size: npt.ArrayLike, binning: npt.ArrayLike) -> Integers:
    """Give the size of a reconstructed map in voxels.

    As RELION's reconstruction: width and height over the binning are rounded, the depth is cut.

    Parameters
    ----------
    size : (..., 3) array_like
        Width, height and depth of the tomogram in pixels of the tilt series.
    binning : array_like
        ``rlnTomoTomogramBinning``; broadcast against the leading axes.

    Returns
    -------
    (..., 3) int64 array

    Raises
    ------
    ValueError
        A size or a binning that is not above 0.
    """
    scaled = positive("size", shaped("size", size, 3)) / positive("binning", binning)[..., None]
    if not np.isfinite(scaled).all():
        raise ValueError("size or binning is not finite; they must be numbers above 0")
    found: Integers = (scaled + np.array([0.5, 0.5, 0.0])).astype(np.int64)
    return found


def shifted_positions(
    places: npt.ArrayLike, origins: npt.ArrayLike, matrices: npt.ArrayLike, *, pixel_size: npt.ArrayLike
) -> Floats:
    """Give positions of particles from their coordinates and origin offsets: ``place - A_s origin / pixel_size``.

    As RELION's ``ParticleSet::getPosition``.

    Parameters
    ----------
    places : (..., 3) array_like
        Coordinates in pixels from the corner.
    origins : (..., 3) array_like
        ``rlnOriginX/Y/ZAngst`` in A.
    matrices : (..., 3, 3) array_like
        Those of the subtomograms, ``A_s``.
    pixel_size : array_like
        ``rlnTomoTiltSeriesPixelSize`` in A; broadcast against the leading axes.

    Returns
    -------
    (..., 3) float64 array
        In pixels from the corner.
    """
    turned = np.einsum("...ij,...j->...i", shaped("matrices", matrices, 3, 3), shaped("origins", origins, 3))
    scale = positive("pixel_size", pixel_size)[..., None]
    return np.asarray(shaped("places", places, 3) - turned / scale)
