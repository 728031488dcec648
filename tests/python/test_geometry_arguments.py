"""What geometry refuses, and in which words; what is no number stays so."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tomoset import geometry

FRAME: dict[str, Any] = {"size": (10, 10, 10), "image_size": (10, 10)}
OPTICS: dict[str, Any] = {
    "defocus_u": 1e4,
    "defocus_v": 1e4,
    "defocus_angle": 0,
    "voltage": 300,
    "spherical_aberration": 2.7,
    "amplitude_contrast": 0.1,
}
KINDS = "it must be 'linear', 'spline' or 'Fourier'"
#: A grid and an image for a deformation.
GRID: dict[str, Any] = {"grid": (1, 1), "image_size": (9, 9)}
SAME_VIEW = "all images have the same view; a tilt axis needs two views at least"
NO_ROTATION = "a matrix is no rotation: it is mirrored or flat"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        # Projections.
        (
            lambda: geometry.projection_matrices(0, 0, 0, 1, 1, pixel_size=0, **FRAME),
            "pixel_size is 0; it must be above 0",
        ),
        (
            lambda: geometry.projection_matrices(0, 0, 0, 1, 1, pixel_size=[1, -2], **FRAME),
            "pixel_size is -2; it must be above 0",
        ),
        (
            lambda: geometry.projection_matrices(0, 0, 0, 0, 0, pixel_size=1, size=3, image_size=(9, 9)),
            "size: the shape is (); it must end in 3",
        ),
        (
            lambda: geometry.projection_angles(np.eye(4), pixel_size=-1, **FRAME),
            "pixel_size is -1; it must be above 0",
        ),
        (
            lambda: geometry.projection_angles(np.eye(4), pixel_size=1, size=(9, 9, 9), image_size=(9, 9, 9)),
            "image_size: the shape is (3,); it must end in 2",
        ),
        (
            lambda: geometry.projection_angles(np.eye(4), pixel_size=1, **FRAME, centre="middle"),  # type: ignore[arg-type]
            "centre is 'middle'; it must be 'floored' or 'relion'",
        ),
        (
            lambda: geometry.project(np.eye(3), [1, 2, 3]),
            "matrices: the shape is (3, 3); it must end in 4 x 4",
        ),
        (lambda: geometry.project(np.eye(4), [1, 2]), "points: the shape is (2,); it must end in 3"),
        (
            lambda: geometry.back_project(np.eye(4), [1, 2, 3]),
            "places: the shape is (3,); it must end in 2",
        ),
        (
            lambda: geometry.depth_offset(np.eye(4), [1, 2, 3], size=5),
            "size: the shape is (); it must end in 3",
        ),
        (
            lambda: geometry.is_visible([1, 2], image_size=5),
            "image_size: the shape is (); it must end in 2",
        ),
        (lambda: geometry.binned_matrices(np.eye(4), 0), "binning is 0; it must be above 0"),
        # Coordinates.
        (
            lambda: geometry.centres((1, 2, 3), "middle"),  # type: ignore[arg-type]
            "centre is 'middle'; it must be 'relion', 'floored' or 'relion-python'",
        ),
        (
            lambda: geometry.centred_to_px([1, 2, 3], pixel_size=0, size=(9, 9, 9)),
            "pixel_size is 0; it must be above 0",
        ),
        (
            lambda: geometry.px_to_centred([1, 2], pixel_size=1, size=(9, 9, 9)),
            "places: the shape is (2,); it must end in 3",
        ),
        (lambda: geometry.px_to_voxels([1, 2, 3], 0), "binning is 0; it must be above 0"),
        (lambda: geometry.voxels_to_px([1, 2, 3], -4), "binning is -4; it must be above 0"),
        (lambda: geometry.map_size((9, 9), 1), "size: the shape is (2,); it must end in 3"),
        (
            lambda: geometry.map_size([4000, 4000, np.nan], 4),
            "size or binning is not finite; they must be numbers above 0",
        ),
        (lambda: geometry.map_size([4000, 4000, -999], 4), "size is -999; it must be above 0"),
        # Rotations.
        (lambda: geometry.euler_angles(np.eye(2)), "matrices: the shape is (2, 2); it must end in 3 x 3"),
        (lambda: geometry.quaternions(np.eye(4)), "matrices: the shape is (4, 4); it must end in 3 x 3"),
        (lambda: geometry.quaternions(np.diag([1, 1, -1])), NO_ROTATION),
        (lambda: geometry.quaternions(-np.eye(3)), NO_ROTATION),
        (lambda: geometry.quaternions([np.eye(3), np.zeros((3, 3))]), NO_ROTATION),
        (
            lambda: geometry.matrices_of_quaternions([1, 2, 3]),
            "quaternions: the shape is (3,); it must end in 4",
        ),
        (
            lambda: geometry.matrices_of_quaternions([0, 0, 0, 0]),
            "a quaternion is 0, which is no rotation; it must be of another length",
        ),
        # Deformations; RELION's kinds are spelt with these letters.
        (lambda: geometry.num_coefficients("cubic"), f"a deformation of type 'cubic'; {KINDS}"),
        *(
            (
                lambda kind=kind: geometry.deformation([1, 2], [1, 2, 3], kind=kind, **GRID),
                f"a deformation of type {kind!r}; {KINDS}",
            )
            for kind in ("", "Linear", "fourier", "empty")
        ),
        (
            lambda: geometry.deformation([1, 2], [1, 2], kind="linear", **GRID),
            "there are 2 coefficients; a deformation of type 'linear' has 3 here",
        ),
        (
            lambda: geometry.deformation([1, 2], [1] * 8, kind="spline", **GRID),
            "a spline on a grid of 1 x 1; it needs 2 x 2 at least",
        ),
        (
            lambda: geometry.deformation([1, 2, 3], [1, 2, 3], kind="linear", **GRID),
            "points: the shape is (3,); it must end in 2",
        ),
        # Contrast.
        (
            lambda: geometry.ctf(0.1, 0.1, **{**OPTICS, "amplitude_contrast": 1.5}),
            "amplitude_contrast is 1.5; it must be within 0 to 1",
        ),
        (lambda: geometry.ctf(0.1, 0.1, **{**OPTICS, "voltage": 0}), "voltage is 0; it must be above 0"),
        (
            lambda: geometry.ctf(0.1, 0.1, **OPTICS, magnification=[1, 2]),
            "magnification: the shape is (2,); it must end in 2 x 2",
        ),
        (
            lambda: geometry.ctf_zeros(
                0, defocus=1, voltage=300, spherical_aberration=2.7, amplitude_contrast=0.1
            ),
            "count is 0; it must be positive",
        ),
        # Doses.
        (lambda: geometry.dose_weight(0.1, -5), "dose is -5; it must be 0 or more"),
        (
            lambda: geometry.least_dosed([]),
            "the image of the lowest dose needs one with a dose; of 0 there is none",
        ),
        (
            lambda: geometry.least_dosed([np.nan, np.nan]),
            "the image of the lowest dose needs one with a dose; of 2 there is none",
        ),
        (
            lambda: geometry.least_dosed([[1.0, 2.0]]),
            "doses: the shape is (1, 2); it must be one for each image",
        ),
        (
            lambda: geometry.fractional_dose([3.0, np.nan]),
            "the dose of one image needs two images with a dose at least; there is 1",
        ),
        (
            lambda: geometry.fractional_dose([[3.0, 4.0]]),
            "doses: the shape is (1, 2); it must be one for each image",
        ),
        (lambda: geometry.cumulative_dose([3.0, -1.0], 3.0), "doses is -1; it must be 0 or more"),
        (lambda: geometry.cumulative_dose([3.0, 1.0], -2.5), "per_image is -2.5; it must be 0 or more"),
        (
            lambda: geometry.ice_scale([0, 0, 1], [0, 0, 1], thickness=-1),
            "thickness is -1; it must be 0 or more",
        ),
        # Views.
        (
            lambda: geometry.tilt_axis(np.eye(4)),
            "matrices: the shape is (4, 4); it must be (num_tilts, 4, 4)",
        ),
        (lambda: geometry.tilt_axis(np.eye(4)[None]), "a tilt axis needs two images at least; there is 1"),
        (
            lambda: geometry.tilt_axis(np.full((3, 4, 4), np.nan)),
            "a matrix has what is no number; all images must be aligned",
        ),
        (lambda: geometry.tilt_axis([np.eye(4)] * 3), SAME_VIEW),
        # From behind it is the same view.
        (lambda: geometry.tilt_axis([np.eye(4), np.diag([1, 1, -1, 1])]), SAME_VIEW),
        (lambda: geometry.tilt_space([np.eye(4)] * 3), SAME_VIEW),
        (lambda: geometry.sampled_wedge([np.eye(4)] * 3), SAME_VIEW),
    ],
)
def test_what_cannot_be(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        call()


def test_scipy_refuses_reflections_too() -> None:
    pytest.importorskip("scipy.spatial.transform")
    with pytest.raises(ValueError, match="determinant"):
        geometry.to_rotation(np.diag([1, 1, -1]))


def test_none_is_no_number() -> None:
    with pytest.raises(TypeError, match="None is no number"):
        geometry.projection_matrices(None, 0, 0, 1, 1, pixel_size=1, **FRAME)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="None is no number"):
        geometry.wavelength([300.0, None])  # type: ignore[arg-type]


def test_what_is_masked_is_no_number() -> None:
    doses = np.ma.masked_equal([6.0, 0.0, 3.0], 0.0)
    assert geometry.least_dosed(doses) == 2
    assert np.isnan(geometry.dose_weight(0.1, doses)).tolist() == [False, True, False]


def test_doses_that_are_missing_are_passed_over() -> None:
    assert geometry.least_dosed([np.nan, 6.0, 3.0, 3.0]) == 2
    assert geometry.fractional_dose([np.nan, 9.0, 3.0, 6.5]) == 3.5
    assert geometry.cumulative_dose([[0.0, 3.0], [0.0, 2.5]], [3.0, 2.5]).tolist() == [[3.0, 6.0], [2.5, 5.0]]


def test_sizes_that_are_absent_halve_towards_zero() -> None:
    # As C divides: RELION's -999 and the odd sizes.
    assert geometry.centres([-999, 401, 8], "floored").tolist() == [-499, 200, 4]


@pytest.mark.filterwarnings("error")
def test_what_is_no_number_stays_so() -> None:
    assert np.isnan(geometry.projection_matrices(0, np.nan, 0, 1, 1, pixel_size=1, **FRAME)[0, 0])
    assert np.isnan(geometry.ctf(0.1, 0.1, **{**OPTICS, "defocus_u": np.nan}))
    assert np.isnan(geometry.euler_angles(np.full((3, 3), np.nan))).all()
    grid: dict[str, Any] = {"kind": "spline", "grid": (3, 3), "image_size": (9, 9)}
    assert np.isnan(geometry.deformation([np.nan, 1], [0.0] * 72, **grid)).any()
    assert np.isnan(geometry.centred_to_px([np.nan, 1, 2], pixel_size=1, size=(9, 9, 9))[0])
    # All of the contrast of amplitude, and no frequency.
    assert_allclose(geometry.ctf(0, 0, **{**OPTICS, "amplitude_contrast": 1}), 1)
    assert geometry.dose_weight([0, -0.1, 0.1], 5).tolist() == [1, *[geometry.dose_weight(0.1, 5)] * 2]
