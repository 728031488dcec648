"""Particles in tilt images: RELION's places, and the same numbers array by array."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tomoset
from numpy.testing import assert_allclose
from set_files import GEOMETRY
from tomoset import ParticleSet, TomogramSet, TrajectorySet, geometry
from tomoset.sets import in_tilts

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


def test_deformations_are_added(tmp_path: Path) -> None:
    tomos = TomogramSet.read(GEOMETRY / "relion5_deformation/tomograms.star")
    rows = "".join(f"{name} 100 200 50\n" for name in tomos.names)
    path = tmp_path / "particles.star"
    path.write_text(
        "data_particles\n\nloop_\n_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n" + rows
    )
    particles = ParticleSet.read(path, tomograms=tomos)
    plain = particles.in_tilts(deformations=False).to_pandas()
    bent = particles.in_tilts().to_pandas()
    for at, name in enumerate(tomos.names):
        tomogram = tomos[name]
        before = plain[plain.particle == at][["x_px", "y_px"]].to_numpy()
        after = bent[bent.particle == at][["x_px", "y_px"]].to_numpy()
        coefficients = tomogram.tilt_series.deformation_coefficients
        assert coefficients is not None
        grid = (tomogram.deformation_grid_size_x or 0, tomogram.deformation_grid_size_y or 0)
        facts = json.loads((GEOMETRY / f"relion5_deformation/{name}.relion.json").read_text())
        for tilt, values in enumerate(coefficients):
            moved = geometry.deformation(
                before[tilt],
                values,
                kind=tomogram.deformation_type or "",
                grid=grid,
                image_size=tuple(facts["image_size"]),
            )
            assert_allclose(after[tilt], before[tilt] + moved, rtol=0, atol=1e-9)


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
    text = f"data_p\n\nloop_\n_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\nTS_02 {x} {y} {z}\n"
    star = tomoset.read_star(text.encode())
    particles = ParticleSet(star, "p", tomos, ())
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
    text = "data_p\n\nloop_\n_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n"
    text += "".join(f"{name} 100 200 50\n" for name in tomos.names)
    particles = ParticleSet(tomoset.read_star(text.encode()), "p", tomos, ())
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
