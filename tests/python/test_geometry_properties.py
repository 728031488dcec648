"""Geometry by its properties: what must hold whatever the numbers are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from tomoset import geometry

angles = st.floats(-180, 180)
sizes = st.integers(1, 6000)
shifts = st.floats(-1e3, 1e3)
parts = st.tuples(angles, angles, angles, shifts, shifts)
points = arrays(np.float64, (3,), elements=st.floats(-5e3, 5e3))
frames = st.fixed_dictionaries(
    {
        "pixel_size": st.floats(0.5, 20),
        "size": st.tuples(sizes, sizes, sizes),
        "image_size": st.tuples(sizes, sizes),
    }
)
FRAME: dict[str, Any] = {"size": (10, 10, 10), "image_size": (10, 10)}
OPTICS: dict[str, Any] = {"voltage": 300, "spherical_aberration": 2.7, "amplitude_contrast": 0.1}


def turn(axis: str, angle: float) -> Any:
    """Give a rotation about an axis, right-handed, ``(4, 4)``."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    one, other = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    found = np.eye(4)
    found[[one, one, other, other], [one, other, one, other]] = c, -s, s, c
    return found


def move(*by: float) -> Any:
    """Give a translation, ``(4, 4)``."""
    found = np.eye(4)
    found[: len(by), 3] = by
    return found


# Projection.


@given(parts, frames)
def test_projections_are_products_of_their_factors(own: Any, frame: Any) -> None:
    x_tilt, y_tilt, z_rot, x_shift, y_shift = own
    (width, height), pixel = frame["image_size"], frame["pixel_size"]
    expected = (
        move(x_shift / pixel + width // 2, y_shift / pixel + height // 2)
        @ turn("z", z_rot)
        @ turn("y", y_tilt)
        @ turn("x", x_tilt)
        @ move(*(-(each // 2) for each in frame["size"]))
    )
    assert_allclose(geometry.projection_matrices(*own, **frame), expected, rtol=0, atol=1e-8)


@given(parts, frames)
def test_projections_turn_and_do_not_stretch(own: Any, frame: Any) -> None:
    matrix = geometry.projection_matrices(*own, **frame)
    assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), rtol=0, atol=1e-12)
    assert_allclose(np.linalg.det(matrix[:3, :3]), 1, rtol=0, atol=1e-12)
    assert matrix[3].tolist() == [0, 0, 0, 1]


@given(parts, frames, st.floats(0.5, 20), points)
def test_binned_projections_are_projections_over_the_binning(
    own: Any, frame: Any, binning: float, point: Any
) -> None:
    matrix = geometry.projection_matrices(*own, **frame)
    binned = geometry.project(geometry.binned_matrices(matrix, binning), point)
    assert_allclose(binned, geometry.project(matrix, point) / binning, rtol=1e-12, atol=1e-8)


@given(parts, frames, points, st.sampled_from([1.0, -1.0]))
def test_depth_is_antisymmetric_about_the_centre(own: Any, frame: Any, reach: Any, hand: float) -> None:
    size = frame["size"]
    matrix, middle = geometry.projection_matrices(*own, **frame), geometry.centres(size)
    behind, before = (geometry.depth_offset(matrix, middle + way * reach, size=size) for way in (1, -1))
    assert_allclose(behind, -before, rtol=0, atol=1e-8)
    # A point has the defocus that the one opposite has with the other hand.
    pixel = frame["pixel_size"]
    one = geometry.defocus_at(2e4, behind, pixel_size=pixel, hand=hand)
    other = geometry.defocus_at(2e4, before, pixel_size=pixel, hand=-hand)
    assert_allclose(one, other, rtol=0, atol=1e-6)
    # Behind is where the view goes to.
    view = geometry.view_directions(matrix)
    assert_allclose(geometry.depth_offset(matrix, middle + 7 * view, size=size), 7, rtol=0, atol=1e-8)


# Coordinates.


@given(points, frames, st.floats(0.5, 20), st.sampled_from(["relion", "floored", "relion-python"]))
def test_coordinates_come_back(place: Any, frame: Any, binning: float, centre: Any) -> None:
    about: dict[str, Any] = {"pixel_size": frame["pixel_size"], "size": frame["size"], "centre": centre}
    centred = geometry.px_to_centred(place, **about)
    assert_allclose(geometry.centred_to_px(centred, **about), place, rtol=0, atol=1e-8)
    middle = geometry.centred_to_px(np.zeros(3), **about)
    assert middle.tolist() == geometry.centres(frame["size"], centre).tolist()
    voxels = geometry.px_to_voxels(place, binning)
    assert_allclose(geometry.voxels_to_px(voxels, binning), place, rtol=0, atol=1e-8)


# Arrays of any leading axes are as many calls.


def test_broadcasting_is_a_loop() -> None:
    random = np.random.default_rng(7)
    turned = random.uniform(-180, 180, (3, 4, 1))
    moved = random.uniform(-100, 100, (2, 1, 5))
    pixel, size = random.uniform(1, 9, 5), random.integers(10, 99, (4, 1, 3))
    found = geometry.projection_matrices(*turned, *moved, pixel_size=pixel, size=size, image_size=(80, 61))
    assert found.shape == (4, 5, 4, 4)
    places = random.uniform(0, 90, (5, 3))
    seen, deep = geometry.project(found, places), geometry.depth_offset(found, places, size=size)
    back = geometry.back_project(found, seen, deep)
    binned = geometry.binned_matrices(found, pixel)
    parts = geometry.projection_angles(found, pixel_size=pixel, size=size, image_size=(80, 61))
    for row, column in np.ndindex(4, 5):
        own = found[row, column]
        frame: dict[str, Any] = {
            "pixel_size": pixel[column],
            "size": size[row, 0],
            "image_size": (80, 61),
        }
        one = geometry.projection_matrices(*turned[:, row, 0], *moved[:, 0, column], **frame)
        assert_allclose(own, one, rtol=0, atol=1e-10)
        point = places[column]
        assert_allclose(seen[row, column], geometry.project(one, point), rtol=0, atol=1e-10)
        depth = geometry.depth_offset(one, point, size=size[row, 0])
        assert_allclose(deep[row, column], depth, rtol=0, atol=1e-10)
        again = geometry.back_project(one, seen[row, column], depth)
        assert_allclose(back[row, column], again, rtol=0, atol=1e-10)
        assert_allclose(binned[row, column], geometry.binned_matrices(one, pixel[column]), atol=1e-10)
        single = geometry.projection_angles(one, **frame)
        assert_allclose([each[row, column] for each in parts], single, rtol=0, atol=1e-10)


def test_contrast_broadcasts_as_a_loop() -> None:
    random = np.random.default_rng(8)
    x, y = random.uniform(-0.3, 0.3, (2, 6))
    names = ("defocus_u", "defocus_v", "defocus_angle", "phase_shift", "bfactor", "scale", "dose")
    tops = (4e4, 4e4, 180, 90, 50, 1, 100)
    each = {name: random.uniform(0, top, (3, 1)) for name, top in zip(names, tops, strict=True)}
    found = geometry.ctf(x, y, **each, **OPTICS)
    assert found.shape == (3, 6)
    for row, column in np.ndindex(3, 6):
        own = {name: float(values[row, 0]) for name, values in each.items()}
        assert_allclose(found[row, column], geometry.ctf(x[column], y[column], **own, **OPTICS), atol=1e-12)
    zeros = geometry.ctf_zeros(4, defocus=each["defocus_u"][:, 0], **OPTICS)
    for row in range(3):
        one = geometry.ctf_zeros(4, defocus=float(each["defocus_u"][row, 0]), **OPTICS)
        assert_allclose(zeros[row], one, rtol=1e-12)


def test_rotations_broadcast_as_a_loop() -> None:
    random = np.random.default_rng(9)
    rot, tilt, psi = random.uniform(-180, 180, (4, 1)), random.uniform(0, 180, 3), 20.0
    found = geometry.euler_matrices(rot, tilt, psi)
    places, origins = random.uniform(-50, 50, (2, 4, 1, 3))
    moved = geometry.shifted_positions(places, origins, found, pixel_size=[1.0, 2.0, 3.0])
    turns = geometry.quaternions(found)
    again = geometry.matrices_of_quaternions(turns)
    for row, column in np.ndindex(4, 3):
        one = geometry.euler_matrices(float(rot[row, 0]), float(tilt[column]), psi)
        assert_allclose(found[row, column], one, rtol=0, atol=1e-12)
        expected = places[row, 0] - one @ origins[row, 0] / (column + 1)
        assert_allclose(moved[row, column], expected, rtol=0, atol=1e-12)
        assert_allclose(turns[row, column], geometry.quaternions(one), rtol=0, atol=1e-12)
        assert_allclose(again[row, column], one, rtol=0, atol=1e-12)
        back = [each[row, column] for each in geometry.euler_angles(found)]
        assert_allclose(back, geometry.euler_angles(one), rtol=0, atol=1e-9)


# Deformations.


@given(st.integers(2, 6), st.integers(2, 6), st.tuples(sizes, sizes), st.integers(0, 2**32))
def test_splines_have_their_values_at_their_nodes(
    columns: int, rows: int, image: tuple[int, int], seed: int
) -> None:
    grid = (columns, rows)
    values = np.random.default_rng(seed).uniform(-9, 9, geometry.num_coefficients("spline", grid))
    # Record by record: value, two slopes, twist; node by node along x first; first all of x, then all of y.
    expected = values.reshape(2, rows, columns, 4)[..., 0]
    for row, column in np.ndindex(rows, columns):
        node = np.array([column * image[0] / (columns - 1), row * image[1] / (rows - 1)])
        found = geometry.deformation(node, values, kind="spline", grid=grid, image_size=image)
        assert_allclose(found, expected[:, row, column], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["linear", "spline", "Fourier"])
@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 2**32), st.floats(-3, 3))
def test_deformations_are_linear_in_their_coefficients(
    kind: str, columns: int, rows: int, seed: int, weight: float
) -> None:
    random = np.random.default_rng(seed)
    about: dict[str, Any] = {"kind": kind, "grid": (columns, rows), "image_size": (400, 301)}
    one, other = random.uniform(-5, 5, (2, geometry.num_coefficients(kind, (columns, rows))))
    places = random.uniform(-100, 500, (4, 2))
    both = geometry.deformation(places, one + weight * other, **about)
    apart = [geometry.deformation(places, each, **about) for each in (one, other)]
    assert_allclose(both, apart[0] + weight * apart[1], rtol=0, atol=1e-8)
    # And each place is by itself.
    singly = [geometry.deformation(place, one, **about) for place in places]
    assert_allclose(apart[0], singly, rtol=0, atol=1e-10)


# Contrast.

waves = st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
defoci = st.tuples(st.floats(-5e4, 5e4), st.floats(-5e4, 5e4), angles)


@given(waves, defoci)
def test_either_axis_of_astigmatism_may_be_u(wave: Any, defocus: Any) -> None:
    u, v, angle = defocus
    one = geometry.phase(*wave, defocus_u=u, defocus_v=v, defocus_angle=angle, **OPTICS)
    other = geometry.phase(*wave, defocus_u=v, defocus_v=u, defocus_angle=angle + 90, **OPTICS)
    assert_allclose(one, other, rtol=0, atol=1e-9)


@given(waves, defoci, angles)
def test_contrast_turns_with_the_image(wave: Any, defocus: Any, by: float) -> None:
    u, v, angle = defocus
    turned = turn("z", by)[:2, :2] @ wave
    one = geometry.phase(*wave, defocus_u=u, defocus_v=v, defocus_angle=angle, **OPTICS)
    other = geometry.phase(*turned, defocus_u=u, defocus_v=v, defocus_angle=angle + by, **OPTICS)
    assert_allclose(one, other, rtol=0, atol=1e-9)
    # Along U it has U alone, along V, a quarter turn on, V alone.
    reach = np.hypot(*wave)
    for own, at in ((u, angle), (v, angle + 90)):
        along = turn("z", at)[:2, :2] @ [reach, 0]
        bent = geometry.phase(*along, defocus_u=u, defocus_v=v, defocus_angle=angle, **OPTICS)
        plain = geometry.phase(reach, 0, defocus_u=own, defocus_v=own, defocus_angle=0, **OPTICS)
        assert_allclose(bent, plain, rtol=0, atol=1e-9)


# What was sampled, and at which dose.


@given(angles, st.floats(-80, 80), st.floats(5, 60))
def test_the_tilt_axis_points_up(z_rot: float, start: float, step: float) -> None:
    tilts = start + step * np.arange(4)
    matrices = geometry.projection_matrices(0, tilts, z_rot, 0, 0, pixel_size=1, **FRAME)
    # Rotations of images after the tilt do not turn the axis in the tomogram: it is y.
    assert_allclose(geometry.tilt_axis(matrices), [0, 1, 0], rtol=0, atol=1e-7)
    # A tomogram that is turned about z before has another axis; the sign is that with y not negative.
    turned = matrices @ turn("z", z_rot)
    axis = geometry.tilt_axis(turned)
    assert axis[1] >= 0
    expected = turn("z", -z_rot)[:3, 1]
    assert_allclose(abs(axis @ expected), 1, rtol=0, atol=1e-9)
    # From behind, or in another order, it is the same.
    assert_allclose(geometry.tilt_axis(turned * [[1], [1], [-1], [1]]), axis, rtol=0, atol=1e-7)
    assert_allclose(geometry.tilt_axis(turned[::-1]), axis, rtol=0, atol=1e-7)


@given(arrays(np.float64, (3, 7), elements=st.sampled_from([0.0, 1.5, 3.0, 6.0, 60.0])))
def test_orders_and_ranks_are_inverse(values: Any) -> None:
    order, ranks = geometry.order(values), geometry.ranks(values)
    places = np.broadcast_to(np.arange(7), (3, 7))
    assert np.take_along_axis(order, ranks, axis=-1).tolist() == places.tolist()
    assert np.take_along_axis(ranks, order, axis=-1).tolist() == places.tolist()
    ordered = np.take_along_axis(values, order, axis=-1)
    assert (np.diff(ordered) >= 0).all()
    # Of equal ones the first comes first.
    assert (np.diff(order)[np.diff(ordered) == 0] > 0).all()


@given(arrays(np.float64, (6,), elements=st.floats(0, 200)), st.floats(0, 10))
def test_doses_after_images_are_those_before_and_their_own(doses: Any, own: float) -> None:
    assert geometry.cumulative_dose(doses, own).tolist() == (doses + own).tolist()
    # In the order of exposure, where all have the same, it is the dose before the next.
    steady = own * geometry.ranks(doses)
    after = geometry.cumulative_dose(steady, own)[geometry.order(doses)]
    assert_allclose(after[:-1], steady[geometry.order(doses)][1:], rtol=0, atol=1e-9)


@given(angles, st.floats(0, 85), st.floats(0.01, 1), st.floats(0.1, 10))
def test_ice_lets_through_less_the_longer_the_way(
    rot: float, tilt: float, kappa: float, luminance: float
) -> None:
    # As RELION has it: a kappa^(1 / |n v|), and the thickness is -ln kappa.
    normal = geometry.euler_matrices(rot, tilt, 0)[:, 2]
    views = np.array([[0, 0, 1], [0, 0, -1]])
    found = geometry.ice_scale(views, normal, thickness=-np.log(kappa), luminance=luminance)
    expected = luminance * kappa ** (1 / abs(np.cos(np.radians(tilt))))
    assert_allclose(found, [expected, expected], rtol=1e-9, atol=1e-300)


def test_ice_along_the_view_leaves_nothing() -> None:
    assert geometry.ice_scale([1, 0, 0], [0, 0, 1], thickness=0.1) == 0


# Rotations, and all that comes back.


@given(arrays(np.float64, (3,), elements=angles))
def test_euler_angles_come_back(triple: Any) -> None:
    matrix = geometry.euler_matrices(*triple)
    assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert_allclose(np.linalg.det(matrix), 1, rtol=0, atol=1e-12)
    again = geometry.euler_matrices(*geometry.euler_angles(matrix))
    assert_allclose(again, matrix, atol=1e-7)


@given(arrays(np.float64, (3,), elements=angles))
def test_orientations_are_those_of_scipy(triple: Any) -> None:
    spatial = pytest.importorskip("scipy.spatial.transform")
    matrix = geometry.euler_matrices(*triple)
    theirs = spatial.Rotation.from_euler("ZYZ", triple, degrees=True)
    assert_allclose(geometry.from_rotation(theirs.inv()), matrix, atol=1e-12)
    assert_allclose(geometry.to_rotation(matrix).as_matrix(), matrix, atol=1e-12)
    found = geometry.quaternions(matrix)
    assert_allclose(np.abs(found @ theirs.inv().as_quat()), 1, atol=1e-12)
    assert found[3] >= 0
    assert_allclose(geometry.matrices_of_quaternions(3 * found), matrix, atol=1e-12)


def test_quaternions_of_half_turns() -> None:
    # Where the scalar is 0 another component is divided by.
    turns = np.stack([np.diag([1.0, -1, -1]), np.diag([-1.0, 1, -1]), np.diag([-1.0, -1, 1]), np.eye(3)])
    assert_allclose(np.abs(geometry.quaternions(turns)), np.eye(4), atol=1e-15)
    assert_allclose(geometry.matrices_of_quaternions(geometry.quaternions(turns)), turns, atol=1e-15)


@given(
    st.tuples(angles, angles, angles, st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)),
    st.floats(0.5, 20),
    st.tuples(sizes, sizes, sizes),
    st.tuples(sizes, sizes),
)
def test_matrices_and_angles_are_those_of_cryoet_alignment(
    parts: tuple[float, ...], pixel: float, size: tuple[int, ...], image: tuple[int, ...]
) -> None:
    theirs = pytest.importorskip("cryoet_alignment.io.relion.alignment")
    frame: dict[str, Any] = {"pixel_size": pixel, "size": size, "image_size": image}
    matrix = geometry.projection_matrices(*parts, **frame)
    assert_allclose(matrix, theirs.projection_matrix(*parts, size, image, pixel), rtol=0, atol=1e-8)
    found = geometry.projection_angles(matrix, centre="relion", **frame)
    again = theirs.eulers_from_matrix(matrix, size, image, pixel)
    # Angles near the poles are not unique, and its arcsine has half the digits there; matrices are.
    ours, other = (geometry.projection_matrices(*each, **frame) for each in (found, again))
    assert_allclose(ours[:3, :3], other[:3, :3], rtol=0, atol=1e-6)


@pytest.mark.parametrize("tilt", [0, 180])
@pytest.mark.parametrize("rot", [-30, 0, 130])
def test_euler_angles_at_the_poles(rot: float, tilt: float) -> None:
    matrix = geometry.euler_matrices(rot, tilt, 20)
    # As RELION has its zeros: exact.
    matrix[2, :2] = matrix[:2, 2] = 0
    found = geometry.euler_angles(matrix)
    assert found.rot == 0
    assert_allclose(found.tilt, tilt)
    assert_allclose(geometry.euler_matrices(*found), matrix, atol=1e-12)


@given(
    st.tuples(angles, angles, angles, st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)),
    st.floats(0.5, 20),
    st.tuples(sizes, sizes, sizes),
    st.tuples(sizes, sizes),
)
def test_projections_come_back(
    parts: tuple[float, ...], pixel: float, size: tuple[int, ...], image: tuple[int, ...]
) -> None:
    frame: dict[str, Any] = {"pixel_size": pixel, "size": size, "image_size": image}
    matrix = geometry.projection_matrices(*parts, **frame)
    again = geometry.projection_matrices(*geometry.projection_angles(matrix, **frame), **frame)
    assert_allclose(again, matrix, rtol=0, atol=1e-8)
    point = np.array([1.5, -20.0, 300.0])
    place = geometry.project(matrix, point)
    depth = (matrix @ [*point, 1])[2]
    assert_allclose(geometry.back_project(matrix, place, depth), point, rtol=0, atol=1e-7)
    # Along the view the place stays.
    behind = geometry.back_project(matrix, place, depth + 50)
    assert_allclose(behind - point, 50 * geometry.view_directions(matrix), rtol=0, atol=1e-7)


@given(st.floats(-100, 100), st.floats(0.5, 10), st.sampled_from([1.0, -1.0]))
def test_defocus_changes_sign_with_the_hand(depth: float, pixel: float, hand: float) -> None:
    one = geometry.defocus_at(20000, depth, pixel_size=pixel, hand=hand) - 20000
    other = geometry.defocus_at(20000, depth, pixel_size=pixel, hand=-hand) - 20000
    assert_allclose(one, -other)


@given(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
def test_the_ctf_is_symmetric(x: float, y: float) -> None:
    place: dict[str, Any] = {
        "defocus_u": 31000,
        "defocus_v": 29000,
        "defocus_angle": 25,
        "voltage": 300,
        "spherical_aberration": 2.7,
        "amplitude_contrast": 0.07,
    }
    assert_allclose(geometry.ctf(x, y, **place), geometry.ctf(-x, -y, **place), atol=1e-12)


@given(st.floats(0.01, 0.5), st.floats(100, 400))
def test_thon_rings_vanish_where_the_defoci_of_a_slab_cancel(frequency: float, voltage: float) -> None:
    optics = {"voltage": voltage, "spherical_aberration": 2.7, "amplitude_contrast": 0.1}
    thick = float(geometry.max_thickness(frequency, voltage=voltage))
    depths = (np.arange(200) + 0.5) / 200 * thick
    for defocus in (20000, 20000 + 0.25 * thick):
        power = geometry.ctf_1d(frequency, defocus=defocus + depths, **optics) ** 2
        assert_allclose(power.mean(), 0.5, atol=1e-6)


@given(st.floats(0.1, 10), st.floats(1, 20))
def test_lengths_scale_with_the_pixel_size(factor: float, pixel: float) -> None:
    places = np.array([[1.0, -2.0, 30.0]])
    one = geometry.px_to_centred(places, pixel_size=pixel, size=(9, 8, 7))
    assert_allclose(geometry.px_to_centred(places, pixel_size=factor * pixel, size=(9, 8, 7)), factor * one)
    # Shifts in A by as much leave the matrix as it is.
    matrix = geometry.projection_matrices(1, 20, 80, 3, 4, pixel_size=pixel, **FRAME)
    scaled = geometry.projection_matrices(
        1, 20, 80, 3 * factor, 4 * factor, pixel_size=factor * pixel, **FRAME
    )
    assert_allclose(scaled, matrix, atol=1e-9)


@given(arrays(np.float64, (3, 3), elements=st.floats(-1e3, 1e3)), st.floats(-2, 2))
def test_projecting_is_affine(points: Any, weight: float) -> None:
    matrix = geometry.projection_matrices(3, -40, 85, 10, 20, pixel_size=1.5, **FRAME)
    places = geometry.project(matrix, points)
    between = geometry.project(matrix, points[0] + weight * (points[1] - points[0]))
    assert_allclose(between, places[0] + weight * (places[1] - places[0]), atol=1e-8)
