"""Geometry against RELION's own numbers, by hand, and by its properties."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomoset
from numpy.testing import assert_allclose
from set_files import GEOMETRY
from tomoset import geometry

CASES = sorted(GEOMETRY.glob("relion*/*.relion.json"))
DEFORMED = [path for path in CASES if "deformation" in path.parent.name]
SIZED = [path for path in CASES if path.parent.name not in {"relion5_no_size", "relion5_not_aligned"}]


def name(path: Path) -> str:
    return f"{path.parent.name}-{path.name.split('.')[0]}"


class Case:
    """RELION's numbers for some images of a tomogram, and the tomogram."""

    def __init__(self, path: Path) -> None:
        self.facts: dict[str, Any] = json.loads(path.read_text())
        self.tomogram = tomoset.TomogramSet.read(path.parent / "tomograms.star")[self.facts["name"]]
        self.series = self.tomogram.tilt_series
        self.frames = np.array(self.facts["tested_frames"])
        self.points = np.array(self.facts["points"])
        self.matrices = np.array(self.facts["projection_matrices"]).reshape(-1, 4, 4)[self.frames]

    def each(self, values: Any) -> Any:
        """Give a column of the tested images, to be broadcast with points."""
        return np.asarray(values)[self.frames][:, None]

    def depths(self) -> Any:
        return geometry.depth_offset(self.matrices[:, None], self.points, size=self.facts["tomogram_size"])

    def defocus(self) -> list[Any]:
        facts = self.facts
        return [
            geometry.defocus_at(
                self.each(values),
                self.depths(),
                pixel_size=facts["pixel_size"],
                hand=facts["handedness"],
                slope=facts["defocus_slope"],
            )
            for values in (self.series.defocus_u, self.series.defocus_v)
        ]

    def deformed(self, places: Any, frame: int) -> Any:
        tomogram, coefficients = self.tomogram, self.series.deformation_coefficients
        if tomogram.deformation_type is None or coefficients is None:
            return places
        grid = (tomogram.deformation_grid_size_x or 0, tomogram.deformation_grid_size_y or 0)
        return places + geometry.deformation(
            places,
            coefficients[frame],
            kind=tomogram.deformation_type,
            grid=grid,
            image_size=self.facts["image_size"],
        )


@pytest.mark.parametrize("path", CASES, ids=name)
def test_points_in_images(path: Path) -> None:
    case = Case(path)
    plain = geometry.project(case.matrices[:, None], case.points)
    places = np.stack([case.deformed(*each) for each in zip(plain, case.frames, strict=True)])
    assert_allclose(places, case.facts["project_point"], rtol=0, atol=1e-9)
    for radius, rows in case.facts["is_visible"].items():
        seen = geometry.is_visible(places, image_size=case.facts["image_size"], radius=float(radius))
        assert ["".join("01"[each] for each in row.astype(int)) for row in seen] == rows


@pytest.mark.parametrize("path", CASES, ids=name)
def test_depth_and_defocus(path: Path) -> None:
    case = Case(path)
    assert_allclose(case.depths(), case.facts["depth_offset"], rtol=0, atol=1e-9)
    u, v = case.defocus()
    angles = np.broadcast_to(case.each(case.series.defocus_angle), u.shape)
    assert_allclose(np.stack([u, v, angles], axis=-1), case.facts["get_ctf"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("path", CASES, ids=name)
def test_ctf(path: Path) -> None:
    case = Case(path)
    facts, series = case.facts, case.series
    x, y = np.array(facts["ctf_freqs"]).T
    u, v = case.defocus()
    found = geometry.ctf(
        x,
        y,
        defocus_u=u[:, :2, None],
        defocus_v=v[:, :2, None],
        defocus_angle=case.each(series.defocus_angle)[..., None],
        voltage=facts["voltage"],
        spherical_aberration=facts["Cs"],
        amplitude_contrast=facts["Q0"],
        phase_shift=case.each(series.phase_shift)[..., None],
        bfactor=case.each(series.bfactor)[..., None],
        scale=case.each(series.scale_factor)[..., None],
    )
    assert_allclose(found, facts["ctf_values"], rtol=0, atol=1e-12)
    assert_allclose(geometry.wavelength(facts["voltage"]), facts["central_ctf"][0][6], rtol=1e-12)


@pytest.mark.parametrize("path", CASES, ids=name)
def test_phases_and_ctfs_by_part(path: Path) -> None:
    case = Case(path)
    facts, series = case.facts, case.series
    switches = facts["ctf_switches_frame0_point0"]
    assert case.frames[0] == 0
    x, y = np.array(facts["ctf_freqs"]).T
    u, v = (each[0, 0] for each in case.defocus())
    place: dict[str, Any] = {
        "defocus_u": u,
        "defocus_v": v,
        "defocus_angle": series.defocus_angle[0],
        "voltage": facts["voltage"],
        "spherical_aberration": facts["Cs"],
        "amplitude_contrast": facts["Q0"],
        "phase_shift": series.phase_shift[0],
    }
    scale = series.scale_factor[0]
    gamma = geometry.phase(x, y, **place)
    assert_allclose(gamma, switches["low_order_gamma"], rtol=0, atol=1e-10)
    plain = geometry.ctf(x, y, **place, scale=scale)
    assert_allclose(plain, switches["no_damping"], rtol=0, atol=1e-12)
    damped = geometry.ctf(x, y, **place, scale=scale, bfactor=series.bfactor[0])
    assert_allclose(np.abs(damped), switches["abs"], rtol=0, atol=1e-12)
    assert_allclose(np.sign(damped) * scale, switches["only_flip_phases"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("path", SIZED, ids=name)
def test_tilt_series_say_the_same(path: Path) -> None:
    case = Case(path)
    facts, series = case.facts, case.series
    assert_allclose(series.projection_matrices()[case.frames], case.matrices, rtol=0, atol=1e-9)
    places = series.project(case.points)[case.frames]
    assert_allclose(places, facts["project_point"], rtol=0, atol=1e-9)
    depths = series.depth_offset(case.points)
    assert_allclose(depths[case.frames], facts["depth_offset"], rtol=0, atol=1e-9)
    x, y = np.array(facts["ctf_freqs"]).T
    for point in (0, 1):
        found = series.ctf(x, y, depths[:, point])[case.frames]
        assert_allclose(found, np.array(facts["ctf_values"])[:, point], rtol=0, atol=1e-12)
    # The dose's envelope takes the place of that of the B-factor. RELION's bare CTF has that of the critical dose
    # alone; its refinement, as `dose_weights`, that of the B-factor by dose where there is one.
    tomogram, each = case.tomogram, (slice(None), None)
    gamma = geometry.phase(
        x,
        y,
        defocus_u=series.defocus_u[each],
        defocus_v=series.defocus_v[each],
        defocus_angle=series.defocus_angle[each],
        voltage=tomogram.voltage,
        spherical_aberration=tomogram.spherical_aberration,
        amplitude_contrast=tomogram.amplitude_contrast,
        phase_shift=series.phase_shift[each],
    )
    left = series.dose_weights(np.hypot(x, y)) * series.scale_factor[each]
    assert_allclose(series.ctf(x, y, dose=True), -np.sin(gamma) * left, rtol=0, atol=1.1e-8)


@pytest.mark.parametrize("path", CASES, ids=name)
def test_dose_weights(path: Path) -> None:
    case = Case(path)
    facts = case.facts["dose_weight"]
    box = facts["box"]
    rows = np.fft.fftfreq(box, 1 / box)
    radius = np.hypot(np.arange(box // 2 + 1), rows[:, None]).ravel()
    doses = case.each(case.series.pre_exposure)
    for binning in (1, 2, 3.5):
        frequency = radius / (box * case.facts["pixel_size"] * binning)
        found = geometry.dose_weight(
            frequency, doses, bfactor_per_dose=case.facts["bfactor_per_electron_dose"]
        )
        # RELION has them as floats.
        assert_allclose(found, facts[f"bin_{binning:g}"], rtol=3e-6, atol=1e-38)


@pytest.mark.parametrize("path", CASES, ids=name)
def test_orders_and_doses(path: Path) -> None:
    case = Case(path)
    doses = case.series.pre_exposure
    assert geometry.ranks(doses).tolist() == case.facts["frame_dose_order"]
    assert doses[geometry.least_dosed(doses)] == doses[case.facts["least_dose_frame"]]
    if case.tomogram.import_fractional_dose is None:
        assert_allclose(geometry.fractional_dose(doses), case.facts["fractional_dose"])


@pytest.mark.parametrize("path", DEFORMED, ids=name)
def test_deformations(path: Path) -> None:
    case = Case(path)
    places = np.array(case.facts["deformation_points"])
    for frame, expected in zip(case.frames, case.facts["deformation_applied"], strict=True):
        assert_allclose(case.deformed(places, int(frame)), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("path", SIZED, ids=name)
def test_binned_matrices(path: Path) -> None:
    facts = json.loads(path.read_text())
    first = np.array(facts["projection_matrices"][0]).reshape(4, 4)
    binned = geometry.binned_matrices(first, 2.5)
    cropped = np.array(facts["fourier_crop_2.5"]["matrix_0"]).reshape(4, 4)
    assert_allclose(binned[:3], cropped[:3], rtol=0, atol=1e-9)
    assert binned[3].tolist() == [0, 0, 0, 1]


# Special angles are views in all directions, which have no axis in common.
@pytest.mark.parametrize("path", [path for path in SIZED if "special" not in path.name], ids=name)
def test_what_is_sampled(path: Path) -> None:
    facts = json.loads(path.read_text())
    matrices = np.array(facts["projection_matrices"]).reshape(-1, 4, 4)
    axis = geometry.tilt_axis(matrices)
    assert_allclose(np.abs(axis @ facts["tilt_axis"]), 1, atol=1e-12)
    sign = np.sign(axis @ facts["tilt_axis"])
    theirs = np.array(facts["world_to_tilt_space"]).reshape(3, 3)
    # The sign of the axis, and so of what is across it and the mean view, is either.
    assert_allclose(geometry.tilt_space(matrices), theirs * [[sign], [1], [sign]], atol=1e-9)
    wedge = geometry.sampled_wedge(matrices)
    assert_allclose(wedge if sign > 0 else wedge[::-1], facts["present_wedge"], atol=1e-12)
    with pytest.raises(ValueError, match="needs two images"):
        geometry.tilt_axis(matrices[:1])


def test_golden_numbers_by_hand() -> None:
    optics = {"voltage": 300, "spherical_aberration": 2.7, "amplitude_contrast": 0.1}
    place = {"defocus_u": 35000, "defocus_v": 30000, "defocus_angle": 40}
    assert_allclose(geometry.wavelength(300), 0.019687615309, atol=1e-12)
    assert_allclose(geometry.phase(0.05, -0.08, **place, **optics), -16.641846054177, atol=1e-11)
    assert_allclose(geometry.ctf(0.05, -0.08, **place, **optics), -0.803935153989, atol=1e-12)
    found = geometry.ctf(0.05, -0.08, **place, **optics, bfactor=50, scale=0.7, phase_shift=90)
    assert_allclose(found, -0.372471549962, atol=1e-12)
    found = geometry.ctf(0.05, -0.08, **place, **optics, bfactor=50, scale=0.7, dose=20)
    assert_allclose(found, -0.292634698154, atol=1e-12)
    glacios = {"voltage": 200, "spherical_aberration": 2.0, "amplitude_contrast": 0.07}
    assert_allclose(geometry.wavelength(200), 0.025079493567, atol=1e-12)
    assert_allclose(geometry.ctf(0.05, -0.08, **place, **glacios), 0.755039794280, atol=1e-12)
    # At the origin the amplitude contrast, and what is near 0 is off it.
    assert_allclose(geometry.ctf_1d(0, defocus=30000, **optics), 0.1, atol=1e-15)
    assert geometry.ctf(0.05, -0.08, **place, **optics, scale=0) == 1e-8
    magnified = geometry.ctf(0.025, -0.04, **place, **optics, magnification=2 * np.eye(2))
    assert_allclose(magnified, -0.803935153989, atol=1e-12)
    assert_allclose(geometry.dose_weight([0, 0.05, 0.1], 20), [1, 0.772461481, 0.492974977], atol=1e-9)
    grid: dict[str, Any] = {"grid": (3, 3), "image_size": (100, 80)}
    values = 0.01 * np.arange(72) - 0.2
    found = geometry.deformation([[30.5, 60.25], [-5.0, 200.0]], values, kind="spline", **grid)
    assert_allclose(found, [[-0.011997511660, 0.328094855171], [0.04, 0.40]], atol=1e-12)
    found = geometry.deformation([30.5, 60.25], values[:12], kind="Fourier", **grid)
    assert_allclose(found, [-0.103653340623, -0.082478734915], atol=1e-12)
    found = geometry.deformation([30.5, 60.25], [0.01, -0.02, 0.03], kind="linear", **grid)
    assert_allclose(found, [-0.195, 0.9975], atol=1e-12)
    assert geometry.num_coefficients("Fourier", (4, 5)) == 44


def test_golden_matrices_by_hand() -> None:
    frame: dict[str, Any] = {"pixel_size": 1.35, "size": (4000, 4000, 2000), "image_size": (3710, 3838)}
    matrix = geometry.projection_matrices(0, 30, 85, 10, -20, **frame)
    expected: Any = [
        [0.075479087305, -0.996194698092, 0.043577871374, 3660.260757607],
        [0.862729915663, 0.087155742748, 0.498097349046, -493.683480682],
        [-0.5, 0, 0.866025403784, 133.974596216],
        [0, 0, 0, 1],
    ]
    assert_allclose(matrix, expected, rtol=0, atol=1e-9)
    point = [2100, 1900, 1050]
    assert_allclose(geometry.project(matrix, point), [1971.753679516, 2006.647469929], rtol=0, atol=1e-9)
    assert_allclose((matrix @ [*point, 1])[2], -6.698729811, rtol=0, atol=1e-9)
    # Of even sizes both centres are one.
    assert_allclose(
        geometry.depth_offset(matrix, point, size=(4000, 4000, 2000)), -6.698729811, rtol=0, atol=1e-9
    )
    parts = (2.5, -41.25, -95.5, -123.4, 56.7)
    matrix = geometry.projection_matrices(*parts, **frame)
    expected = [
        [-0.748378486146, -0.067126674619, 0.659866388770, 2932.143932760],
        [0.659345815100, 0.032794791799, 0.751124222576, -2135.405436375],
    ]
    assert_allclose(matrix[1:3], expected, rtol=0, atol=1e-9)
    for centre in ("floored", "relion"):
        again = geometry.projection_angles(matrix, **frame, centre=centre)
        assert_allclose(again, parts, rtol=0, atol=1e-9)


def test_golden_angles_by_hand() -> None:
    both = geometry.euler_matrices(10, 20, 30) @ geometry.euler_matrices(40, 50, 60)
    assert_allclose(
        geometry.euler_angles(both), [62.010997815, 59.041799808, 87.079872733], rtol=0, atol=1e-9
    )


def test_golden_orders_by_hand() -> None:
    doses = [6, 0, 3, 9, 3]
    assert geometry.order(doses).tolist() == [1, 2, 4, 0, 3]
    assert geometry.ranks(doses).tolist() == [3, 0, 1, 4, 2]
    assert geometry.num_coefficients("Fourier", (3, 3)) == 12


def test_coordinates_by_hand() -> None:
    size, pixel = (401, 300, 151), 2.0
    assert geometry.centres(size).tolist() == [200.5, 150.0, 75.5]
    assert geometry.centres(size, "floored").tolist() == [200, 150, 75]
    assert geometry.centres(size, "relion-python").tolist() == [199.5, 149, 74.5]
    places = geometry.centred_to_px([[10, -20, 3]], pixel_size=pixel, size=size)
    assert places.tolist() == [[205.5, 140, 77]]
    assert geometry.px_to_centred(places, pixel_size=pixel, size=size).tolist() == [[10, -20, 3]]
    assert geometry.px_to_voxels([8, 4, 2], 4).tolist() == [2, 1, 0.5]
    assert geometry.voxels_to_px([2, 1, 0.5], 4).tolist() == [8, 4, 2]
    assert geometry.map_size((401, 302, 203), 4).tolist() == [100, 76, 50]
    quarter = geometry.euler_matrices(90, 0, 0)
    moved = geometry.shifted_positions([10, 10, 10], [2, 0, 0], quarter, pixel_size=2)
    assert_allclose(moved, [10, 11, 10], atol=1e-12)


@pytest.mark.parametrize("aberration", [0.0, 2.7])
def test_zeros_are_where_the_ctf_is_zero(aberration: float) -> None:
    optics: dict[str, Any] = {
        "voltage": 300,
        "spherical_aberration": aberration,
        "amplitude_contrast": 0.1,
        "phase_shift": np.array([0.0, 40.0]),
    }
    defocus = np.array([15000.0, 40000.0])
    zeros = geometry.ctf_zeros(20, defocus=defocus, **optics)
    assert zeros.shape == (2, 20)
    assert (np.diff(zeros) > 0).all()
    each = {name: np.asarray(value)[..., None] for name, value in optics.items()}
    values = geometry.ctf_1d(zeros, defocus=defocus[:, None], **each)
    assert_allclose(values, 0, atol=1.1e-8)
    # None before the first, and no more where the aberration turns the phase around.
    before = geometry.ctf_1d(
        np.linspace(0, 0.999, 50) * zeros[0, 0], defocus=15000.0, **{**optics, "phase_shift": 0.0}
    )
    assert (before > 0).all()
    if aberration:
        assert np.isnan(geometry.ctf_zeros(10_000, defocus=15000.0, **{**optics, "phase_shift": 0.0})[-1])
    with pytest.raises(ValueError, match="must be positive"):
        geometry.ctf_zeros(0, defocus=1, **optics)


@pytest.mark.parametrize("phase_shift", [-90.0, 0.0, 90.0, 180.0, 400.0])
def test_zeros_at_any_phase_shift(phase_shift: float) -> None:
    optics: dict[str, Any] = {
        "defocus": 20000.0,
        "voltage": 300,
        "spherical_aberration": 2.7,
        "amplitude_contrast": 0.1,
        "phase_shift": phase_shift,
    }
    zeros = geometry.ctf_zeros(10, **optics)
    assert (np.diff(zeros) > 0).all()
    assert_allclose(geometry.ctf_1d(zeros, **optics), 0, atol=1.1e-8)
    before = geometry.ctf_1d(np.linspace(0, 0.999, 200) * zeros[0], **optics)
    assert (np.sign(before) == np.sign(before[0])).all()
    assert np.isnan(
        geometry.ctf_zeros(3, **{**optics, "defocus": -20000.0, "spherical_aberration": 0.0})
    ).all()


def test_a_tilt_series_takes_frequencies_of_any_shape() -> None:
    tomogram = tomoset.TomogramSet.read(GEOMETRY / "relion5_plain/tomograms.star")["TS_02"]
    series = tomogram.tilt_series
    x, y = np.meshgrid(np.linspace(0, 0.2, 5), np.linspace(-0.2, 0.2, 4))
    flat = series.ctf(x.ravel(), y.ravel())
    assert_allclose(series.ctf(x, y), flat.reshape(len(series), 4, 5), rtol=0, atol=0)
    assert series.ctf(0.1, 0.0).shape == (len(series),)
    assert series.dose_weights(x).shape == (len(series), 4, 5)
    assert series.dose_weights(0.1).shape == (len(series),)
    with pytest.raises(ValueError, match=r"depth has the shape \(2,\); it must be one number"):
        series.ctf(x, y, depth=[1.0, 2.0])
    for odd in ("no", 1, 5.0, None):
        with pytest.raises(TypeError, match=f"^dose is {odd!r}; it must be True or False$"):
            series.ctf(x, y, dose=odd)  # type: ignore[arg-type]
    for points in ([1.0, 2.0, 3.0], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match=r"it must be \(n, 3\)"):
            series.project(points)


def test_one_matrix_with_several_sizes() -> None:
    found = geometry.projection_angles(np.eye(4), pixel_size=1, size=[[9, 9, 9]] * 5, image_size=(9, 9))
    assert {each.shape for each in found} == {(5,)}
