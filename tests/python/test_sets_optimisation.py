"""Optimisation sets, manifolds and fiducials: what they name and hold, and odd files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomoset
from set_files import GEOMETRY, REAL
from tomoset import ManifoldSet, OptimisationSet

pytestmark = pytest.mark.usefixtures("no_hang")

PARTICLES = GEOMETRY.parent / "particles"
SETS = sorted(path.parent for path in PARTICLES.glob("relion*/optimisation_set.star"))


def optimisation(root: Path, text: str) -> Path:
    (root / "optimisation_set.star").write_text(text)
    return root / "optimisation_set.star"


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_what_is_named_is_read_when_asked_for(folder: Path) -> None:
    opt = OptimisationSet.read(folder / "optimisation_set.star")
    assert opt.particles_file == "particles.star"
    assert opt.tomograms_file == "tomograms.star"
    if folder.name == "relion5_both_coordinates":
        assert opt.manifolds_file == "manifolds.star"
        assert opt.reference_map2_file == "half2.mrc"
        assert opt.reference_fsc_file == "fsc.star"
    else:
        assert opt.manifolds_file is None
        assert opt.manifolds is None
    assert vars(opt).keys().isdisjoint({"particles", "tomograms", "trajectories"})
    assert opt.particles is not None
    assert opt.particles.names == json.loads((folder / "relion.json").read_text())["name"]
    assert opt.particles is opt.particles
    assert opt.particles.tomograms is opt.tomograms
    if (folder / "motion.star").exists():
        assert opt.trajectories is not None
        assert opt.trajectories.names == opt.particles.names
    else:
        assert opt.trajectories is None
    assert list(opt.files)[:2] == ["particles", "tomograms"]
    assert "\n  particles" in repr(opt)


def test_a_loop_of_one_row_and_empty_paths(tmp_path: Path) -> None:
    path = optimisation(
        tmp_path,
        'data_anything\n\nloop_\n_rlnTomoParticlesFile\n_rlnTomoTrajectoriesFile\n_rlnMine\na/b.star "" 5\n',
    )
    opt = OptimisationSet.read(path)
    assert opt.files == {"particles": "a/b.star"}
    assert opt.trajectories_file is None
    assert opt.trajectories is None
    assert opt.tomograms is None
    with pytest.raises(FileNotFoundError):
        _ = opt.particles


def test_other_files(tmp_path: Path) -> None:
    path = optimisation(
        tmp_path,
        "# mine\ndata_\n\n_rlnTomoParticlesFile    a.star # kept\n_rlnTomoTomogramsFile b.star\n_rlnOther 7\n",
    )
    opt = OptimisationSet.read(path)
    other = opt.with_files(tomograms="c.star", manifolds=Path("m.star"))
    assert opt.tomograms_file == "b.star"
    assert other.files == {"particles": "a.star", "tomograms": "c.star", "manifolds": "m.star"}
    other.write(path)
    text = path.read_text()
    assert "_rlnTomoParticlesFile    a.star # kept\n" in text
    assert "_rlnOther 7\n" in text
    assert OptimisationSet.read(path).files == other.files
    assert other.with_files(manifolds=None).files == {"particles": "a.star", "tomograms": "c.star"}
    with pytest.raises(TypeError, match=r"no file 'tomogram' .*did you mean"):
        opt.with_files(tomogram="x")


def test_paths_that_leave_the_project(tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(PARTICLES / "relion5_full", root)
    (root / "default_pipeline.star").write_text("")
    shutil.move(root / "particles.star", tmp_path / "particles.star")
    path = optimisation(root, "data_\n\n_rlnTomoParticlesFile ../particles.star\n")
    with pytest.raises(tomoset.SetError, match="leads out of the project") as raised:
        _ = OptimisationSet.read(path).particles
    assert raised.value.code == "outside"
    assert OptimisationSet.read(path, allow_outside=True).particles is not None
    assert (
        OptimisationSet.read(path, project_root=tmp_path / "project/tilt_series").project_root.name
        == "tilt_series"
    )


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "no-files", "the file has no block"),
        ("data_particles\n\n_rlnTomoParticlesFil a\n", "no-files", "names no file; did you mean"),
        (
            "data_\n\nloop_\n_rlnTomoParticlesFile\na\nb\n",
            "several-sets",
            "2 rows; RELION reads the first alone",
        ),
    ],
)
def test_files_that_are_none(text: str, code: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(tomoset.SetError, match=words) as raised:
        OptimisationSet.read(optimisation(tmp_path, text))
    assert raised.value.code == code


@pytest.mark.skipif(not REAL.exists(), reason="no real files here")
def test_real_sets() -> None:
    paths = sorted(REAL.rglob("*optimisation_set.star"))
    assert len(paths) > 5
    read = 0
    for path in paths:
        opt = OptimisationSet.read(path)
        assert opt.files
        needed = [opt.files[name] for name in ("particles", "tomograms") if name in opt.files]
        if all((opt.project_root / file).exists() for file in needed):
            assert opt.particles is not None
            read += len(opt.particles) > 0
    assert read > 0


MANIFOLDS = """
# version 50001

data_TS_01

loop_
_rlnTomoManifoldIndex #1
_rlnTomoManifoldType #2
_rlnTomoManifoldParams #3
0 sphere [100,200,300,50]
2 spheroid [10,20,30,7.0898154036220635,0,0.5]

data_TS_02

loop_
_rlnTomoManifoldIndex #1
_rlnTomoManifoldType #2
_rlnTomoManifoldParams #3
1 sphere [1.5,2,3,4]
"""


def test_manifolds(tmp_path: Path) -> None:
    path = tmp_path / "manifolds.star"
    path.write_text(MANIFOLDS)
    found = ManifoldSet.read(path)
    assert found.names == ["TS_01", "TS_02"]
    sphere, spheroid = found["TS_01"]
    assert (sphere.index, sphere.kind, sphere.radius_px) == (0, "sphere", 50.0)
    assert sphere.centre_px.tolist() == [100, 200, 300]
    assert spheroid.radius_px == pytest.approx(2.0)
    assert found.to_pandas()["rlnTomoName"].tolist() == ["TS_01", "TS_01", "TS_02"]
    assert "3 manifolds in 2 tomograms" in repr(found)
    renamed = found.rename_tomograms({"TS_01": "x"})
    renamed.write(tmp_path / "out.star")
    assert (tmp_path / "out.star").read_text() == MANIFOLDS.replace("data_TS_01", "data_x")
    assert renamed.names == ["x", "TS_02"]
    with pytest.raises(tomoset.MissingTomogramError, match="did you mean"):
        found["TS_03"]
    with pytest.raises(ValueError, match="no radius that is known"):
        _ = tomoset.Manifold(0, "torus", np.zeros(5)).radius_px


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("[1.5,2,3,4]", "[1.5,2,3]", "short-manifold"),
        ("data_TS_02", "data_TS_01", "repeated-name"),
        ("rlnTomoManifoldType", "rlnTomoManifoldTyp", "no-manifolds"),
    ],
)
def test_manifolds_that_are_none(old: str, new: str, code: str, tmp_path: Path) -> None:
    path = tmp_path / "manifolds.star"
    path.write_text(MANIFOLDS.replace(old, new))
    with pytest.raises(tomoset.SetError) as raised:
        ManifoldSet.read(path)
    assert raised.value.code == code


def test_fiducials(tmp_path: Path) -> None:
    path = tmp_path / "fiducials_TS_01.star"
    values = np.array([[1.25, 2, 3], [4, 5, 6.5]])
    tomoset.write_fiducials(values, path)
    assert "data_\n" in path.read_text()
    assert np.array_equal(tomoset.read_fiducials(path), values)
    tomoset.write_fiducials(np.empty((0, 3)), path)
    assert tomoset.read_fiducials(path).shape == (0, 3)
    with pytest.raises(ValueError, match=r"must be \(n, 3\)"):
        tomoset.write_fiducials([1, 2, 3], path)
    path.write_text("data_\n\nloop_\n_rlnOriginXAngst\n_rlnOriginYAngst\n1 2\n")
    with pytest.raises(tomoset.SetError, match="no column 'rlnOriginZAngst'"):
        tomoset.read_fiducials(path)


@pytest.mark.parametrize(
    ("reader", "file", "hint"),
    [
        (tomoset.TomogramSet, "particles.star", "ParticleSet.read"),
        (tomoset.TomogramSet, "motion.star", "TrajectorySet.read"),
        (tomoset.ParticleSet, "tomograms.star", "TomogramSet.read"),
        (tomoset.ParticleSet, "optimisation_set.star", "OptimisationSet.read"),
        (tomoset.TrajectorySet, "particles.star", "ParticleSet.read"),
        (OptimisationSet, "tomograms.star", "TomogramSet.read"),
    ],
)
def test_files_that_are_other_sets(reader: Any, file: str, hint: str) -> None:
    with pytest.raises(tomoset.SetError, match=f"it is read by {hint}"):
        reader.read(PARTICLES / "relion5_full" / file)
