"""Particles in tilt images: RELION's places, and the same numbers array by array."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import tomoset
from numpy.testing import assert_allclose
from set_files import GEOMETRY, REAL
from tomoset import ParticleSet, TomogramSet, TrajectorySet, geometry
from tomoset.sets import in_tilts

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("no_hang")

PARTICLES = GEOMETRY.parent / "particles"
SETS = [
    "relion5_full",
    "relion4",
    "relion5_minimal",
    "relion4_unnamed_trajectories",
    "relion5_both_coordinates",
]


def image_sizes() -> dict[str, tuple[int, int]]:
    """Give the sizes of images, which are not beside these sets."""
    found = {}
    for folder in ("relion5_plain", "relion4_single_file"):
        for path in (GEOMETRY / folder).glob("*.relion.json"):
            facts = json.loads(path.read_text())
            found[facts["name"]] = (facts["image_size"][0], facts["image_size"][1])
    return found


def particles_at(tomos: TomogramSet, names: list[str], places: Any) -> ParticleSet:
    """Make particles of tomograms, in pixels from the corner."""
    rows = "".join(
        f"{name} {' '.join(map(repr, place))}\n"
        for name, place in zip(names, np.asarray(places, dtype=np.float64).tolist(), strict=True)
    )
    labels = "".join(f"_{label}\n" for label in ("rlnTomoName", *(f"rlnCoordinate{axis}" for axis in "XYZ")))
    return ParticleSet(tomoset.read_star(f"data_p\n\nloop_\n{labels}{rows}".encode()), "p", tomos, ())


def read(folder: Path) -> tuple[ParticleSet, TrajectorySet | None, dict[str, Any]]:
    particles = ParticleSet.read(folder / "particles.star", tomograms=folder / "tomograms.star")
    motion = folder / "motion.star"
    trajectories = TrajectorySet.read(motion) if motion.exists() else None
    return particles, trajectories, json.loads((folder / "relion.json").read_text())


@pytest.mark.parametrize("name", SETS)
def test_places_are_those_that_relion_has(name: str) -> None:
    particles, trajectories, facts = read(PARTICLES / name)
    table = particles.in_tilts(trajectories, radius=100, image_sizes=image_sizes())
    frame = table.to_pandas()
    for at, places in enumerate(facts["projected_along_trajectory"]):
        own = frame[frame.particle == at]
        assert_allclose(own[["x_px", "y_px"]], places, rtol=0, atol=1e-9)
        assert own.tilt.tolist() == list(range(len(places)))
        seen = facts["visible_radius_100"][at]
        assert own.visible.astype(int).tolist() == [int(each) for each in seen]


@pytest.mark.parametrize("moving", [False, True])
def test_rows_are_what_arrays_say(moving: bool) -> None:
    particles, trajectories, _ = read(PARTICLES / "relion5_full")
    tomos = particles.tomograms
    assert tomos is not None
    assert trajectories is not None
    own = trajectories if moving else None
    frame = particles.in_tilts(own, image_sizes=image_sizes()).to_pandas()
    assert len(frame) == np.diff(tomos.offsets)[particles.tomogram_indices].sum()
    matrices = tomos.projection_matrices(image_sizes=image_sizes())
    for at, row in enumerate(particles.tomogram_indices):
        tomogram, images = tomos[int(row)], slice(tomos.offsets[row], tomos.offsets[row + 1])
        points = particles.positions_px[at][None]
        if moving:
            points = points + trajectories[particles.names[at]] / particles.pixel_sizes[at]
        found = frame[frame.particle == at]
        assert_allclose(
            found[["x_px", "y_px"]], geometry.project(matrices[images], points), rtol=0, atol=1e-9
        )
        depth = geometry.depth_offset(matrices[images], points, size=tomogram.size or ())
        assert_allclose(found.depth_px, depth, rtol=0, atol=1e-9)
        series = tomogram.tilt_series
        bent = geometry.defocus_at(
            series.defocus_u,
            depth,
            pixel_size=tomogram.pixel_size,
            hand=tomogram.hand,
            slope=tomogram.defocus_slope,
        )
        assert_allclose(found.defocus_u, bent, rtol=0, atol=1e-8)
        assert found.dose.tolist() == series.pre_exposure.tolist()
        assert found.defocus_angle.tolist() == series.defocus_angle.tolist()


@pytest.mark.parametrize("deformations", [True, False])
@pytest.mark.parametrize("moving", [False, True])
def test_many_particles_in_images_that_are_deformed(moving: bool, deformations: bool) -> None:
    tomos = TomogramSet.read(GEOMETRY / "relion5_deformation/tomograms.star")
    count, radius, random = 40, 30, np.random.default_rng(5)
    names = random.permutation(np.repeat(tomos.names, count)).tolist()
    size = np.array([tomos[name].size for name in names])
    particles = particles_at(tomos, names, random.uniform(-0.1, 1.1, (len(names), 3)) * size)
    shifts = random.normal(0, 40 * moving, (len(names), 41, 3))
    trajectories = TrajectorySet.from_shifts(particles.names, list(shifts)) if moving else None
    found = particles.in_tilts(trajectories, radius=radius, deformations=deformations).to_pandas()
    for name in tomos.names:
        series, own = tomos[name].tilt_series, np.flatnonzero(np.array(names) == name)
        # A place for each particle and image, of which each image has its own: (n, t, 3).
        points = particles.positions_px[own, None] + shifts[own] / tomos[name].pixel_size
        flat = points.reshape(-1, 3)
        tilts = np.arange(41)

        def of_each(values: Any, tilts: Any = tilts) -> Any:
            values = values.reshape(41, count, 41, *values.shape[2:])
            return np.moveaxis(values[tilts, :, tilts], 1, 0)

        rows = found[found.particle.isin(own)]
        assert rows.particle.tolist() == np.repeat(own, 41).tolist()
        assert rows.tilt.tolist() == tilts.tolist() * count

        def column(label: str, rows: Any = rows) -> Any:
            return rows[label].to_numpy().reshape(count, 41)

        places = of_each(series.project(flat, deformations=deformations))
        assert_allclose(np.stack([column("x_px"), column("y_px")], axis=-1), places, rtol=0, atol=1e-9)
        assert_allclose(column("depth_px"), of_each(series.depth_offset(flat)), rtol=0, atol=1e-9)
        u, v = (of_each(each) for each in series.defocus_at(flat))
        assert_allclose(column("defocus_u"), u, rtol=0, atol=1e-8)
        assert_allclose(column("defocus_v"), v, rtol=0, atol=1e-8)
        assert (u != v).all()
        seen = of_each(series.is_visible(flat, radius, deformations=deformations))
        assert column("visible").tolist() == seen.tolist()
        assert seen.any()
        assert not seen.all()
        for label, values in (("dose", series.pre_exposure), ("defocus_angle", series.defocus_angle)):
            assert column(label).tolist() == [values.tolist()] * count


def test_deformations_decide_what_is_seen() -> None:
    # Else the test above would not tell whether flags are of the places before or after.
    tomos = TomogramSet.read(GEOMETRY / "relion5_deformation/tomograms.star")
    random = np.random.default_rng(6)
    names = np.repeat(tomos.names, 40).tolist()
    places = random.uniform(-0.1, 1.1, (160, 3)) * [tomos[name].size for name in names]
    particles = particles_at(tomos, names, places)
    bent, plain = (particles.in_tilts(radius=30, deformations=way) for way in (True, False))
    assert bent.drop_columns(["x_px", "y_px", "visible"]).equals(
        plain.drop_columns(["x_px", "y_px", "visible"])
    )
    assert bent.column("visible") != plain.column("visible")


def test_all_numbers_of_threads_give_what_arrays_do() -> None:
    # More rows than one thread takes at a time, which is 65,536.
    tomos = TomogramSet.read(GEOMETRY / "relion5_plain/tomograms.star")
    random = np.random.default_rng(4)
    owners = random.integers(0, len(tomos), 1600)
    counts = np.diff(tomos.offsets)[owners]
    assert counts.sum() > 70_000
    size = np.array([tomogram.size for tomogram in tomos.values()])
    places = random.uniform(0, 1, (len(owners), 3)) * size[owners]
    particles = particles_at(tomos, [tomos.names[at] for at in owners], places)
    shifts = random.normal(0, 30, (counts.sum(), 3))
    ends = np.cumsum(counts)
    trajectories = TrajectorySet.from_shifts(particles.names, np.split(shifts, ends[:-1]))
    tables = [particles.in_tilts(trajectories, radius=30, threads=threads) for threads in (1, 2, 7)]
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])

    particle = np.repeat(np.arange(len(owners)), counts)
    tilt = np.arange(len(particle)) - np.repeat(ends - counts, counts)
    own = owners[particle]
    image = tomos.offsets[own] + tilt
    pixel, hand, slope = (
        np.array([getattr(tomogram, name) for tomogram in tomos.values()])[own]
        for name in ("pixel_size", "hand", "defocus_slope")
    )
    points = places[particle] + shifts / pixel[:, None]
    matrices = tomos.projection_matrices()[image]
    seen = geometry.project(matrices, points)
    deep = geometry.depth_offset(matrices, points, size=size[own])
    images = np.array([tomogram.tilt_series.image_size() for tomogram in tomos.values()])
    expected: dict[str, Any] = {
        "particle": particle,
        "tilt": tilt,
        "x_px": seen[:, 0],
        "y_px": seen[:, 1],
        "depth_px": deep,
        "visible": geometry.is_visible(seen, image_size=images[own], radius=30),
    }
    for name, label in (("defocus_u", "rlnDefocusU"), ("defocus_v", "rlnDefocusV")):
        centre = tomos.tilts.column(label).to_numpy()[image]
        expected[name] = geometry.defocus_at(centre, deep, pixel_size=pixel, hand=hand, slope=slope)
    for name, label in (("dose", "rlnMicrographPreExposure"), ("defocus_angle", "rlnDefocusAngle")):
        expected[name] = tomos.tilts.column(label).to_numpy()[image]
    assert sorted(expected) == sorted(tables[0].column_names)
    for name, values in expected.items():
        assert_allclose(tables[0].column(name).to_numpy(), values, rtol=0, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("rows", [1, 100, 1000])
def test_batches_are_the_same(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    particles, trajectories, _ = read(PARTICLES / "relion5_full")
    whole = particles.in_tilts(trajectories, image_sizes=image_sizes())
    monkeypatch.setattr(in_tilts, "ROWS", rows)
    batches = list(particles.iter_in_tilts(trajectories, image_sizes=image_sizes(), threads=2))
    assert len(batches) > 1
    assert pa.concat_tables(batches).equals(whole)


def test_what_is_needed(tmp_path: Path) -> None:
    folder = PARTICLES / "relion5_full"
    with pytest.raises(tomoset.SetError, match="read it with tomograms="):
        ParticleSet.read(folder / "particles.star").in_tilts()
    particles, _, _ = read(folder)
    with pytest.raises(tomoset.SetError, match="pass the image size"):
        particles.in_tilts()
    with pytest.raises(ValueError, match="threads must be at least 1"):
        particles.in_tilts(threads=-1)
    with pytest.raises(ValueError, match="radius is nan"):
        particles.in_tilts(radius=float("nan"))
    assert particles.filter("rlnTomoName == 'x'").in_tilts(image_sizes=(10, 10)).num_rows == 0


def test_visible_frames_are_set(tmp_path: Path) -> None:
    particles, _, facts = read(PARTICLES / "relion5_minimal")
    found = particles.with_visible_frames(radius=100, image_sizes=image_sizes())
    frames = found.visible_frames
    assert frames is not None
    for at, seen in enumerate(facts["visible_radius_100"]):
        assert frames[at].astype(int).tolist() == [int(each) for each in seen]
    found.write(tmp_path / "particles.star")
    again = ParticleSet.read(tmp_path / "particles.star", tomograms=particles.tomograms)
    assert "visible-frames" not in {finding.code for finding in again.validate()}


def test_visible_frames_by_dose_and_number() -> None:
    path = GEOMETRY / "relion5_plain"
    tomos = TomogramSet.read(path / "tomograms.star")
    facts = json.loads((path / "TS_02.relion.json").read_text())
    rule = facts["visibility_min_frames_max_dose"]
    x, y, z = json.loads((path / "TS_02.relion.json").read_text())["points"][rule["point"]]
    particles = particles_at(tomos, ["TS_02"], [[x, y, z]])
    found = particles.with_visible_frames(radius=rule["radius"], max_dose=rule["max_dose"])
    frames = found.visible_frames
    assert frames is not None
    assert "".join(map(str, frames[0].astype(int))) == rule["visible"]
    number = rule["visible"].count("1")
    assert len(particles.with_visible_frames(radius=50, max_dose=60, min_frames=number)) == 1
    assert len(particles.with_visible_frames(radius=50, max_dose=60, min_frames=number + 1)) == 0


@pytest.mark.parametrize("limit", [0, -1])
def test_no_limit_of_dose_is_none_as_in_relion(limit: float) -> None:
    particles, _, _ = read(PARTICLES / "relion5_minimal")
    options: dict[str, Any] = {"radius": 100, "image_sizes": image_sizes()}
    plain = particles.with_visible_frames(**options).visible_frames
    found = particles.with_visible_frames(max_dose=limit, **options).visible_frames
    assert plain is not None
    assert found is not None
    assert [each.tolist() for each in found] == [each.tolist() for each in plain]
    with pytest.raises(ValueError, match="max_dose is nan"):
        particles.with_visible_frames(max_dose=float("nan"), **options)


def test_batches_with_and_without_deformations_are_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = shutil.copytree(GEOMETRY / "relion5_deformation", tmp_path / "project")
    path = project / "tilt_series/def_linear.star"
    label = "rlnTomoDeformationCoefficients"
    ((block, table),) = tomoset.read_star(path).items()
    tomoset.write_star({block: pa.table(table).drop_columns([label])}, path)
    tomos = TomogramSet.read(project / "tomograms.star")
    bent = tomos.contents.have(label)
    assert bent.any()
    assert not bent.all()
    particles = particles_at(tomos, tomos.names, [[100, 200, 50]] * len(tomos))
    plain = particles.in_tilts(deformations=False)
    whole = particles.in_tilts()
    assert whole.schema.equals(plain.schema)
    assert whole.schema.equals(in_tilts.SCHEMA)
    monkeypatch.setattr(in_tilts, "ROWS", 1)
    assert pa.concat_tables(particles.iter_in_tilts()).equals(whole)


def test_tomograms_without_particles_are_not_asked() -> None:
    particles, _, _ = read(PARTICLES / "relion5_full")
    first = str(particles.tomogram_names[0])
    own = particles.filter(f"rlnTomoName == '{first}'")
    sizes = {first: image_sizes()[first]}
    whole = particles.in_tilts(image_sizes=image_sizes()).to_pandas()
    found = own.in_tilts(image_sizes=sizes).to_pandas()
    kept = whole[whole.particle.isin(np.flatnonzero(np.array(particles.tomogram_names) == first))]
    assert 0 < len(found) < len(whole)
    assert_allclose(found[["x_px", "y_px", "dose"]], kept[["x_px", "y_px", "dose"]], rtol=0, atol=0)


def test_a_deformation_that_cannot_be_names_its_tomogram() -> None:
    grid = {"rlnTomoDeformationGridSizeX": 2, "rlnTomoDeformationGridSizeY": 2}
    read_ones, _, _ = read(PARTICLES / "relion5_full")
    assert read_ones.tomograms is not None
    count = len(read_ones.tomograms.tilts)
    tomos = read_ones.tomograms.with_columns(grid, rlnTomoDeformationType="linear").with_tilt_columns(
        rlnTomoDeformationCoefficients=[[1.0, 2.0]] * count
    )
    name = read_ones.tomogram_names[0]
    words = f"{name}.*tilt 0: there are 2 coefficients; a deformation of type 'linear' has 3"
    with pytest.raises(tomoset.SetError, match=words) as caught:
        tomos[name].tilt_series.project([[1, 2, 3]], image_size=(3838, 3710))
    assert (caught.value.code, caught.value.tomogram) == ("odd-deformation", name)
    particles = ParticleSet.read(PARTICLES / "relion5_full/particles.star", tomograms=tomos)
    with pytest.raises(tomoset.SetError, match=words):
        particles.in_tilts(image_sizes=image_sizes())


def test_a_tilt_series_without_images_has_no_places() -> None:
    particles, _, _ = read(PARTICLES / "relion5_full")
    assert particles.tomograms is not None
    name = particles.tomogram_names[0]
    bare = particles.tomograms.drop_tilts(np.ones(len(particles.tomograms.tilts), dtype=bool))
    series = bare[name].tilt_series
    assert series.project([[1, 2, 3]], image_size=(9, 9)).shape == (0, 1, 2)
    assert series.depth_offset([[1, 2, 3]], image_size=(9, 9)).shape == (0, 1)
    assert series.dose_weights([0.1, 0.2]).shape == (0, 2)
    with pytest.raises(tomoset.SetError, match="no images that are aligned"):
        bare[name].plot()


@pytest.mark.parametrize("kind", ["cubic", "Linear", "fourier", "empty"])
def test_an_odd_type_of_deformation_names_its_tomogram(kind: str) -> None:
    tomos = TomogramSet.read(GEOMETRY / "relion5_deformation/tomograms.star").with_columns(
        rlnTomoDeformationType=["spline", "Fourier", kind, "spline"]
    )
    words = (
        f"row 2 \\(def_linear\\): tilt 0: a deformation of type '{kind}'; it must be 'linear', 'spline' or"
    )
    with pytest.raises(tomoset.SetError, match=words) as caught:
        tomos["def_linear"].tilt_series.project([[1, 2, 3]])
    assert (caught.value.code, caught.value.tomogram) == ("odd-deformation", "def_linear")
    particles = particles_at(tomos, ["def_spline", "def_linear"], [[1, 2, 3]] * 2)
    with pytest.raises(tomoset.SetError, match=words) as caught:
        particles.in_tilts()
    assert caught.value.tomogram == "def_linear"
    assert particles.in_tilts(deformations=False).num_rows == 82


@pytest.mark.parametrize("label", ["rlnTomoSizeX", "rlnTomoSizeY", "rlnTomoSizeZ"])
def test_sizes_of_tomograms_that_are_not_known_are_refused(label: str) -> None:
    tomos = TomogramSet.read(GEOMETRY / "relion5_plain/tomograms.star")
    sizes = tomos.table.column(label).to_pylist()
    # RELION's word for none.
    sizes[tomos.names.index("TS_03")] = -999
    particles = particles_at(
        tomos.with_columns({label: sizes}), ["TS_01", "TS_03", "TS_02"], np.full((3, 3), 9.0)
    )
    asked: tuple[Callable[[], Any], ...] = (lambda: particles.coordinates, particles.in_tilts)
    for ask in asked:
        with pytest.raises(tomoset.SetError, match=f"{label} is -999; it must be above 0") as caught:
            ask()
        assert (caught.value.code, caught.value.tomogram) == ("no-geometry", "TS_03")
    # Pixels from the corner need no size, and the others have one.
    assert particles.coordinates_px.tolist() == [[9.0] * 3] * 3
    others = particles.filter("rlnTomoName != 'TS_03'")
    assert np.isfinite(others.coordinates).all()
    assert others.in_tilts().num_rows == 2 * 41 + 61 - 41


def test_image_sizes_of_what_is_no_tomogram_are_refused() -> None:
    particles, _, _ = read(PARTICLES / "relion5_full")
    sizes = image_sizes()
    wrong = {name if name != "TS_02" else "TS_2": size for name, size in sizes.items()}
    with pytest.raises(ValueError, match="image_sizes has 'TS_2', which is no tomogram of the set; did you"):
        particles.in_tilts(image_sizes=wrong)
    # Where none is lacking there may be more.
    more = {**sizes, "TS_99": (1, 1)}
    assert particles.in_tilts(image_sizes=more).equals(particles.in_tilts(image_sizes=sizes))


def test_image_sizes_by_row_are_those_of_the_tomograms_of_the_set() -> None:
    particles, _, _ = read(PARTICLES / "relion5_full")
    assert particles.tomograms is not None
    names = particles.tomograms.names
    # All different, so that a row that is taken for another is seen.
    sizes = {name: (3000 + 100 * at, 2000 + 300 * at) for at, name in enumerate(names)}
    rows = np.array([sizes[name] for name in names])
    for which in ("rlnTomoName != 'TS_01'", "rlnTomoName == 'TS_03'", "rlnTomoName == 'x'"):
        own = particles.filter(which)
        found = own.in_tilts(image_sizes=rows, radius=50)
        assert found.equals(own.in_tilts(image_sizes=sizes, radius=50))
    with pytest.raises(ValueError, match="it must be width and height in pixels"):
        particles.filter("rlnTomoName == 'TS_03'").in_tilts(image_sizes=rows[:2])


def test_visible_frames_need_an_alignment() -> None:
    tomos = TomogramSet.read(GEOMETRY / "relion5_not_aligned/tomograms.star")
    particles = particles_at(tomos, ["raw"], [[1, 2, 3]])
    with pytest.raises(tomoset.SetError, match="the tilt series of 'raw' is not aligned") as caught:
        particles.with_visible_frames(image_sizes=(100, 100))
    assert (caught.value.code, caught.value.tomogram) == ("not-aligned", "raw")
    assert np.isnan(particles.in_tilts(image_sizes=(100, 100)).column("x_px").to_numpy()).all()


PROJECT = REAL / "empiar-10164-relion5"


@pytest.mark.skipif(not PROJECT.exists(), reason=f"there is no real project in {PROJECT}")
@pytest.mark.parametrize(
    ("job", "tomograms", "count"),
    # The tomograms with which RELION extracted; those of the first are gone, and an earlier job's stand for them.
    [("job020", "Denoise/job007", 9442), ("job031", "Polish/job030", 9053)],
)
def test_relion_extracted_what_is_visible(job: str, tomograms: str, count: int) -> None:
    particles = ParticleSet.read(
        PROJECT / f"Extract/{job}/particles.star", tomograms=PROJECT / tomograms / "tomograms.star"
    )
    expected = particles.visible_frames
    # Half of the cropped box, 192 px, at binning 1; sizes of the images, which are not there; as the job's options.
    found = particles.with_visible_frames(image_sizes=(3710, 3838), max_dose=50, radius=96).visible_frames
    assert expected is not None
    assert found is not None
    assert len(found) == count
    assert sum(not np.array_equal(*each) for each in zip(found, expected, strict=True)) == 0
    # It is no matter of course: some are not seen that the dose would let through.
    dosed = particles.with_visible_frames(image_sizes=(10**6, 10**6), max_dose=50, radius=-(10**6))
    assert dosed.visible_frames is not None
    assert any(not np.array_equal(*each) for each in zip(dosed.visible_frames, expected, strict=True))
