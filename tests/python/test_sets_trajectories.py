"""Trajectory sets: RELION's numbers and refusals, text that stays, and odd files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tomoset
from set_files import GEOMETRY
from tomoset import ParticleSet, TrajectorySet

pytestmark = pytest.mark.usefixtures("no_hang")

PARTICLES = GEOMETRY.parent / "particles"
SETS = sorted(path.parent for path in PARTICLES.glob("relion*/motion.star"))
LABELS = ("rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst")


def block(name: str, rows: int = 3, labels: tuple[str, ...] = LABELS, first: float = 0.5) -> str:
    head = "".join(f"_{label} #{at}\n" for at, label in enumerate(labels, 1))
    lines = "".join(f"{first + row:.2f} 1.0e0 -2\n" for row in range(rows))
    return f"\ndata_{name}\n\nloop_\n{head}{lines}\n"


def motion(path: Path, *blocks: str, number: int | None = None) -> Path:
    count = len(blocks) if number is None else number
    path.write_text(f"\n# version 50001\n\ndata_general\n\n_rlnParticleNumber {count}\n" + "".join(blocks))
    return path


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_numbers_are_those_that_relion_has(folder: Path) -> None:
    facts = json.loads((folder / "relion.json").read_text())
    particles = ParticleSet.read(folder / "particles.star", tomograms=folder / "tomograms.star")
    trajectories = TrajectorySet.read(folder / "motion.star").of(particles)
    assert trajectories.names == particles.names
    for at, expected in enumerate(facts["trajectory_pixels"]):
        found = particles.positions_px[at] + trajectories[at] / particles.pixel_sizes[at]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_all_files_come_back_as_they_were(folder: Path, tmp_path: Path) -> None:
    read = TrajectorySet.read(folder / "motion.star")
    read.write(tmp_path / "motion.star")
    assert (tmp_path / "motion.star").read_bytes() == (folder / "motion.star").read_bytes()
    # Also block by block.
    read.rename_tomograms(lambda name: name + "_x").rename_tomograms(lambda name: name[:-2]).write(
        tmp_path / "renamed.star"
    )
    assert (tmp_path / "renamed.star").read_bytes() == (folder / "motion.star").read_bytes()


def test_all_trajectories_are_one_table(tmp_path: Path) -> None:
    path = motion(tmp_path / "motion.star", block("TS_01/1"), block("TS_01/2", 2), block("TS_02/1", 4))
    found = TrajectorySet.read(path)
    assert found.names == ["TS_01/1", "TS_01/2", "TS_02/1"]
    assert list(found) == found.names
    assert found.offsets.tolist() == [0, 3, 5, 9]
    assert found.table.column_names == ["rlnTomoParticleName", *LABELS]
    assert found.to_pandas().groupby("rlnTomoParticleName", observed=True).size().tolist() == [3, 2, 4]
    assert found["TS_01/2"].tolist() == [[0.5, 1.0, -2.0], [1.5, 1.0, -2.0]]
    assert found[-1].shape == (4, 3)
    assert np.array_equal(found.shifts[5:9], found["TS_02/1"])
    assert found.findings == ()
    assert "3 trajectories of 2 to 4 tilts" in repr(found)
    with pytest.raises(tomoset.MissingParticleError, match="did you mean"):
        found["TS_01/3"]
    assert found.get("TS_01/3") is None
    assert "TS_01/1" in found
    with pytest.raises(IndexError):
        found[3]


def test_what_is_left_keeps_its_text(tmp_path: Path) -> None:
    path = motion(tmp_path / "motion.star", block("TS_01/1"), block("TS_01/2", 2), block("TS_02/1", 4))
    found = TrajectorySet.read(path)
    found.select(["TS_02/1", "TS_01/1"]).rename_tomograms({"TS_02": "lamella"}).write(tmp_path / "some.star")
    text = (tmp_path / "some.star").read_text()
    assert "_rlnParticleNumber 2\n" in text
    assert text.index("data_lamella/1") < text.index("data_TS_01/1")
    assert "0.50 1.0e0 -2\n1.50 1.0e0 -2\n" in text
    assert "TS_01/2" not in text
    again = TrajectorySet.read(tmp_path / "some.star")
    assert again.names == ["lamella/1", "TS_01/1"]
    assert again.findings == ()


def test_other_shifts(tmp_path: Path) -> None:
    path = motion(tmp_path / "motion.star", block("TS_01/1"), block("TS_01/2", 2))
    found = TrajectorySet.read(path)
    moved = found.shifts.copy()
    moved[0, 0] = 7.125
    found.with_shifts(moved).write(path)
    text = path.read_text()
    assert "7.125 1.0e0 -2\n1.50 1.0e0 -2\n" in text
    assert TrajectorySet.read(path)["TS_01/1"][0].tolist() == [7.125, 1.0, -2.0]
    with pytest.raises(ValueError, match=r"have the shape \(4, 3\); it must be \(5, 3\)"):
        found.with_shifts(moved[:4])


def test_new_trajectories(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    shifts = rng.normal(size=(5, 4, 3))
    names = [f"TS_01/{at}" for at in range(1, 6)]
    made = TrajectorySet.from_shifts(names, shifts)
    made.write(tmp_path / "motion.star")
    again = TrajectorySet.read(tmp_path / "motion.star")
    assert again.names == names
    assert np.array_equal(again.shifts, shifts.reshape(-1, 3))
    assert tomoset.read_star(tmp_path / "motion.star")["general"].values == {"rlnParticleNumber": 5}
    for bad, words in (
        ((names[:2], shifts), "there are 5 trajectories for 2 names"),
        ((names, shifts[:, :, :2]), r"has the shape \(4, 2\)"),
        ((["a"] * 5, shifts), "two trajectories of 'a'"),
    ):
        with pytest.raises(ValueError, match=words):
            TrajectorySet.from_shifts(*bad)


def test_a_set_without_trajectories(tmp_path: Path) -> None:
    found = TrajectorySet.read(motion(tmp_path / "motion.star"))
    assert len(found) == 0
    assert found.shifts.shape == (0, 3)
    assert "0 trajectories of 0 tilts" in repr(found)
    found.select([]).write(tmp_path / "none.star")
    assert len(TrajectorySet.read(tmp_path / "none.star")) == 0


def particles(tmp_path: Path, *names: str) -> ParticleSet:
    rows = "".join(f"TS_01 {name} 1 2 3 1\n" for name in names)
    text = (
        "data_optics\n\nloop_\n_rlnOpticsGroup\n_rlnTomoTiltSeriesPixelSize\n1 2.0\n\ndata_particles\n\nloop_\n"
        "_rlnTomoName\n_rlnTomoParticleName\n_rlnCenteredCoordinateXAngst\n_rlnCenteredCoordinateYAngst\n"
        f"_rlnCenteredCoordinateZAngst\n_rlnOpticsGroup\n{rows}"
    )
    (tmp_path / "particles.star").write_text(text)
    return ParticleSet.read(tmp_path / "particles.star")


def test_trajectories_of_particles(tmp_path: Path) -> None:
    blocks = (block("TS_01/1"), block("TS_01/2", 2), block("TS_01/9", first=3.0))
    found = TrajectorySet.read(motion(tmp_path / "motion.star", *blocks))
    own = found.of(particles(tmp_path, "TS_01/9", "TS_01/1"))
    assert own.names == ["TS_01/9", "TS_01/1"]
    assert own[0][0, 0] == 3.0
    with pytest.raises(tomoset.SetError, match=r"no trajectory of 'TS_01/3' among 3.*RELION stops") as raised:
        found.of(particles(tmp_path, "TS_01/1", "TS_01/3"))
    assert raised.value.code == "no-trajectory"
    short = TrajectorySet.read(motion(tmp_path / "short.star", *blocks, number=1))
    with pytest.raises(tomoset.SetError, match="rlnParticleNumber is 1, and there are 2") as raised:
        short.of(particles(tmp_path, "TS_01/1", "TS_01/2"))
    assert raised.value.code == "too-few-trajectories"
    (finding,) = short.findings
    assert (finding.code, finding.severity) == ("trajectory-count", "warning")


def test_blocks_that_are_counted(tmp_path: Path) -> None:
    found = TrajectorySet.read(motion(tmp_path / "motion.star", block("0"), block("1", first=8.0)))
    assert found.by_index
    own = found.of(particles(tmp_path, "TS_01/5", "TS_01/3"))
    assert own.names == ["TS_01/5", "TS_01/3"]
    assert own["TS_01/3"][0, 0] == 8.0


def test_lengths_are_those_of_tilt_series() -> None:
    folder = PARTICLES / "relion5_full"
    own = ParticleSet.read(folder / "particles.star", tomograms=folder / "tomograms.star")
    name = own.names[3]
    shifts = [
        np.zeros((37 if each == name else len(TrajectorySet.read(folder / "motion.star")[each]), 3))
        for each in own.names
    ]
    with pytest.raises(
        tomoset.SetError, match=f"trajectory of '{name}' has 37 rows, and its tilt series "
    ) as raised:
        TrajectorySet.from_shifts(own.names, shifts).of(own)
    assert raised.value.code == "trajectory-length"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("data_TS_01/1\n\n_rlnOriginXAngst 1\n", "no-trajectories", "no block 'general' with rlnParticleNumber"),
        ("data_general\n\n_rlnOther 1\n", "no-trajectories", "RELION stops here"),
        (
            f"data_general\n\n_rlnParticleNumber 2\n{block('a/1')}{block('a/2', 2, (*LABELS[:2], 'rlnOriginZAngs'))}",
            "no-shifts",
            "trajectory of 'a/2' has no column 'rlnOriginZAngst'; did you mean",
        ),
        (
            f"data_general\n\n_rlnParticleNumber 1\n{block('a/1', 2, ('rlnX', 'rlnY', 'rlnZ'))}",
            "no-shifts",
            "trajectory of 'a/1' has no column 'rlnOriginXAngst'",
        ),
    ],
)  # fmt: skip
def test_files_that_are_none(text: str, code: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "motion.star").write_text(text)
    with pytest.raises(tomoset.SetError, match=words) as raised:
        TrajectorySet.read(tmp_path / "motion.star")
    assert raised.value.code == code
    assert str(tmp_path) in str(raised.value)


def test_names_that_are_there_twice(tmp_path: Path) -> None:
    path = motion(tmp_path / "motion.star", block("a/1"), block("a/1", first=9.0))
    found = TrajectorySet.read(path)
    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("repeated-name", "silent")
    assert found["a/1"][0, 0] == 0.5
    with pytest.raises(tomoset.SetError, match="two trajectories of 'b/1'"):
        found.rename_tomograms({"a": "b"}).write(path)
    found.write(tmp_path / "same.star")
    assert (tmp_path / "same.star").read_bytes() == path.read_bytes()


def test_trajectories_without_rows_are_told(tmp_path: Path) -> None:
    text = block("a/1") + "\ndata_a/2\n\n"
    found = TrajectorySet.read(motion(tmp_path / "motion.star", text, number=2))
    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("empty-trajectory", "fatal")
    assert found["a/2"].shape == (0, 3)
