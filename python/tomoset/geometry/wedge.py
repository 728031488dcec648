"""What a tilt series samples: its tilt axis, and the wedge between its outermost views."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tomoset.geometry.projection import view_directions

__all__ = ["sampled_wedge", "tilt_axis", "tilt_space"]

Floats = npt.NDArray[np.float64]


def tilt_axis(matrices: npt.ArrayLike) -> Floats:
    """Give the axis about which a tilt series was tilted, in the tomogram: ``(3,) float64``, of length 1.

    As in RELION's ``Tomogram``: the direction that is most across all views, the eigenvector of the least eigenvalue of
    the sum of their products. Of its two signs that with y not negative; RELION's is either.

    Parameters
    ----------
    matrices : (num_tilts, 4, 4) array_like
        As `projection_matrices` gives them.

    Raises
    ------
    ValueError
        Fewer than two images, or two that are the same view; an image without a matrix; another shape.
    """
    views = view_directions(matrices)
    if views.ndim != 2:
        raise ValueError(f"matrices: the shape is {np.shape(matrices)}; it must be (num_tilts, 4, 4)")
    if len(views) < 2:
        raise ValueError(f"a tilt axis needs two images at least; there is {len(views)}")
    if not np.isfinite(views).all():
        raise ValueError("a matrix has what is no number; all images must be aligned")
    spread, axes = np.linalg.eigh(views.T @ views)
    if spread[1] < 1e-12 * spread[2]:
        raise ValueError("all images have the same view; a tilt axis needs two views at least")
    axis: Floats = axes[:, 0]
    return -axis if axis[1] < 0 else axis


def tilt_space(matrices: npt.ArrayLike) -> Floats:
    """Give the rotation of the tomogram into the space of its tilts: ``(3, 3) float64``, rows are its axes.

    As in RELION's ``Tomogram``: the third is the tilt axis, the second the mean view across it, the first is across
    both.

    Parameters
    ----------
    matrices : (num_tilts, 4, 4) array_like

    Raises
    ------
    ValueError
        As in `tilt_axis`.
    """
    axis = tilt_axis(matrices)
    mean = view_directions(matrices).mean(axis=0)
    along = mean - (mean @ axis) * axis
    along /= np.linalg.norm(along)
    return np.stack([np.cross(along, axis), along, axis])


def sampled_wedge(matrices: npt.ArrayLike) -> Floats:
    """Give the two outermost views of a tilt series: ``(2, 3) float64``.

    As in RELION's ``Tomogram``: between the planes across them the Fourier space is sampled.

    Parameters
    ----------
    matrices : (num_tilts, 4, 4) array_like

    Raises
    ------
    ValueError
        As in `tilt_axis`.
    """
    views = view_directions(matrices)
    across, along, _ = tilt_space(matrices)
    angles = np.arctan2(views @ across, views @ along)
    return views[[int(np.argmax(angles)), int(np.argmin(angles))]]
