"""Sets beside writers, in odd places and of odd content: an error that says what, or the right values."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tomoset
from set_files import GEOMETRY, make_set
from tomoset import TomogramSet

pytestmark = pytest.mark.usefixtures("no_hang")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make a set of two tomograms."""
    return make_set(tmp_path)


@pytest.fixture
def four(tmp_path: Path) -> Path:
    """Make a set of RELION 4, in one file."""
    shutil.copytree(GEOMETRY / "relion4_single_file", tmp_path / "four")
    return tmp_path / "four/tomograms.star"


# Files that hold more, or are somewhere else.


def test_other_blocks_of_a_relion_4_file_stay(four: Path) -> None:
    four.write_text(four.read_text() + "\ndata_notes\n\n_rlnMine 7 # kept\n")
    TomogramSet.read(four).drop(["TS_43"]).write(four)
    text = four.read_text()
    assert "_rlnMine 7 # kept\n" in text
    assert "data_TS_43" not in text
    assert TomogramSet.read(four).names == ["TS_45"]


def test_tilt_series_of_one_file_are_written_alone(four: Path, tmp_path: Path) -> None:
    five = TomogramSet.read(four).to_relion5()
    both = TomogramSet.concat([five.select(["TS_45"]), five.select(["TS_43"])])
    target = tmp_path / "Out/job001/tomograms.star"
    both.write(target)
    for name in both.names:
        assert list(tomoset.read_star(target.parent / f"tilt_series/{name}.star")) == [name]
    assert TomogramSet.read(target).num_tilts == 82


def test_concat_writes_what_was_read(four: Path, tmp_path: Path) -> None:
    tomos = TomogramSet.read(four)
    both = TomogramSet.concat([tomos[:1], tomos[1:]])
    before = both.tilts.column("rlnDefocusU").to_pylist()
    four.write_text(four.read_text().replace(" 0.0000 ", " 9.0000 ").replace("3", "4", 1) + "\n")
    both.write(tmp_path / "both.star")
    assert TomogramSet.read(tmp_path / "both.star").tilts.column("rlnDefocusU").to_pylist() == before


def test_compressed_tilt_series_stay_so(path: Path) -> None:
    import gzip

    series = path.parent / "tilt_series/TS_01.star"
    packed = series.with_suffix(".star.gz")
    packed.write_bytes(gzip.compress(series.read_bytes()))
    path.write_text(path.read_text().replace("TS_01.star", "TS_01.star.gz"))
    TomogramSet.read(path).with_tilt_columns(rlnPhaseShift=2.0).write(path)
    assert b"data_TS_01" in gzip.decompress(packed.read_bytes())
    assert TomogramSet.read(path)[0].tilt_series.phase_shift.tolist() == [2, 2, 2]


def test_another_name_in_the_same_folder_changes_no_tilt_series(path: Path) -> None:
    tomos = TomogramSet.read(path)
    before = {file.name: file.read_bytes() for file in path.parent.rglob("*.star")}
    with pytest.raises(
        tomoset.SetError, match="which is of the set that was read; write over that set"
    ) as raised:
        tomos.drop_tilts(keep_least_dosed=1).write(path.with_name("good.star"))
    assert raised.value.code == "collision"
    assert {file.name: file.read_bytes() for file in path.parent.rglob("*.star")} == before
    # A set of whose tilt series nothing changes may be beside.
    tomos.drop(["TS_02"]).write(path.with_name("good.star"))
    assert TomogramSet.read(path.with_name("good.star")).names == ["TS_01"]
    assert TomogramSet.read(path).num_tilts == 6


@pytest.mark.parametrize("target", ["", "Select/job950", "set.star.gz"])
def test_targets_that_are_no_star_files(target: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(ValueError, match=r"a set is written to a \.star file"):
        TomogramSet.read(path).write(target)


def test_targets_that_are_folders(path: Path, tmp_path: Path) -> None:
    tomos = TomogramSet.read(path).drop_tilts(keep_least_dosed=1)
    (tmp_path / "o/tilt_series/TS_02.star").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        tomos.write(tmp_path / "o/tomograms.star")
    assert sorted(each.name for each in (tmp_path / "o").rglob("*")) == ["TS_02.star", "tilt_series"]


def test_links_that_lead_to_one_file(tmp_path: Path) -> None:
    path = make_set(tmp_path, ("A", "B"))
    out = tmp_path / "o"
    (out / "a").mkdir(parents=True)
    (out / "b").symlink_to(out / "a")
    tomos = TomogramSet.read(path).with_columns(rlnTomoTiltSeriesStarFile=["a/x.star", "b/x.star"])
    with pytest.raises(tomoset.SetError, match="two files of the set would be one"):
        tomos.write(out / "tomograms.star")
    assert not list(out.rglob("*.star"))


def test_a_reader_beside_a_writer(path: Path) -> None:
    sets = [TomogramSet.read(path).with_tilt_columns(rlnPhaseShift=value) for value in (1.0, 2.0)]
    sets = [each.with_columns(rlnMine=str(at)) for at, each in enumerate(sets, start=1)]
    sets[0].write(path)
    stop = threading.Event()

    def keep_writing() -> None:
        at = 0
        while not stop.is_set():
            at = 1 - at
            sets[at].write(path, durable=False)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for _ in range(100):
            tomos = TomogramSet.read(path)
            shifts = set(tomos.tilts.column("rlnPhaseShift").to_pylist())
            assert shifts == {float(value) for value in tomos.table.column("rlnMine").to_pylist()}
    finally:
        stop.set()
        writer.join()


# Odd content.


def test_a_tomogram_named_as_the_sets_block(four: Path) -> None:
    four.write_text(four.read_text().replace("TS_43 ", "global "))
    with pytest.raises(tomoset.SetError, match="the name is that of the set's own block") as raised:
        TomogramSet.read(four)
    assert raised.value.code == "odd-name"
    assert TomogramSet.read(four, missing="skip").names == ["TS_45"]


def test_a_label_that_is_a_number_here_and_text_there(tmp_path: Path) -> None:
    text = (
        "data_global\n\nloop_\n_rlnTomoName\n_rlnMine\nA 1\nB x\n\n"
        "data_A\n\nloop_\n_rlnDefocusU\n_rlnOther\n1 5\n\ndata_B\n\nloop_\n_rlnDefocusU\n_rlnOther\n2 y\n"
    )
    (tmp_path / "set.star").write_text(text)
    tomos = TomogramSet.read(tmp_path / "set.star")
    assert tomos.tilts.column("rlnOther").to_pylist() == ["5", "y"]
    both = TomogramSet.concat([tomos[:1].with_columns(rlnMine=3), tomos[1:]])
    assert both.table.column("rlnMine").to_pylist() == ["3", "x"]


def test_a_tilt_series_with_its_own_names(path: Path) -> None:
    series = path.parent / "tilt_series/TS_01.star"
    series.write_text(series.read_text().replace("_rlnDefocusU", "_rlnTomoName"))
    tomos = TomogramSet.read(path).rename_tomograms({"TS_01": "Z"})
    assert tomos.tilts.column_names[0] == "rlnTomoName"
    assert tomos.tilts.column("rlnTomoName").to_pylist() == ["Z"] * 3 + ["TS_02"] * 3
    assert tomos.filter_tilts("rlnTomoName == 'Z'").num_tilts == 3


def test_values_that_are_missing(path: Path) -> None:
    tomos = TomogramSet.read(path)
    both = TomogramSet.concat([tomos[:1].with_columns(rlnTomoTiltSeriesPixelSize=1.5), tomos[1:]])
    assert both[0].pixel_size == 1.5
    with pytest.raises(tomoset.MissingLabelError, match="has no value for rlnTomoTiltSeriesPixelSize"):
        _ = both[1].pixel_size
    assert "1.5 A/px" in repr(both)
    assert both.plot().axes


def test_paths_that_are_too_long(path: Path) -> None:
    path.write_text(path.read_text().replace("tilt_series/TS_01", f"tilt_series/{'x' * 300}"))
    tomos = TomogramSet.read(path, missing="skip")
    assert tomos.names == ["TS_02"]
    assert len(tomos.findings) == 1


def test_images_that_are_pipes(path: Path) -> None:
    os.mkfifo(path.parents[2] / "pipe.mrc")
    tomos = TomogramSet.read(path).with_columns(
        rlnTomoSizeX=10, rlnTomoSizeY=10, rlnTomoSizeZ=10, rlnTomoTiltSeriesPixelSize=1.0
    )
    aligned = tomos.with_tilt_columns(
        rlnMicrographName="pipe.mrc",
        rlnTomoYTilt=0.0,
        rlnTomoZRot=0.0,
        rlnTomoXShiftAngst=0.0,
        rlnTomoYShiftAngst=0.0,
    )
    with pytest.raises(tomoset.SetError, match="cannot be read: It is no file"):
        aligned.projection_matrices()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda t: t.with_columns(_rlnTomoHand=1), ValueError, "without the underscore"),
        (lambda t: t.drop_tilts(50), TypeError, "did you mean angle_above=50"),
        (lambda t: t.drop_tilts(angle_above="50"), ValueError, "it must be a number"),
        (lambda t: t.drop_tilts(dose_above=float("nan")), ValueError, "it must be a number"),
        (lambda t: t.drop(["TS_1"]), tomoset.MissingTomogramError, "did you mean"),
        (lambda t: t.drop("TS_01"), TypeError, "did you mean"),
        (lambda t: t[["TS_01"]], TypeError, "select"),
        (lambda _: TomogramSet("set.star"), TypeError, r"read by TomogramSet\.read"),  # type: ignore[arg-type]
        (
            lambda t: t.rename_tomograms({"TS_01": "a\0b"}).write("a.star"),
            tomoset.SetError,
            "cannot be named",
        ),
    ],
)
def test_what_cannot_be_meant(call: Any, error: type[Exception], words: str, path: Path) -> None:
    with pytest.raises(error, match=words):
        call(TomogramSet.read(path))


def test_layouts_of_columns(path: Path) -> None:
    tomos = TomogramSet.read(path)
    text = pa.array([f"x{at}" for at in range(6)])
    layouts = {
        "rlnView": text.cast(pa.string_view()),
        "rlnRuns": pa.RunEndEncodedArray.from_arrays(pa.array([6], pa.int32()), pa.array([7])),
        "rlnKeys": text.dictionary_encode(),
    }
    kept = tomos.with_tilt_columns(layouts).drop_tilts(keep_least_dosed=1)
    assert kept.tilts.column("rlnView").to_pylist() == ["x0", "x3"]
    assert kept.tilts.column("rlnRuns").to_pylist() == [7, 7]
    kept.write(path)
    assert TomogramSet.read(path).tilts.column("rlnKeys").to_pylist() == ["x0", "x3"]


def test_particles_of_unknown_optics_groups(tmp_path: Path) -> None:
    text = (
        "data_optics\n\nloop_\n_rlnOpticsGroup\n_rlnTomoTiltSeriesPixelSize\n1 2.0\n3 4.0\n\ndata_particles\n\nloop_\n"
        "_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n_rlnOpticsGroup\nA 1 2 3 3\n"
    )
    (tmp_path / "p.star").write_text(text)
    particles = tomoset.ParticleSet.read(tmp_path / "p.star")
    assert particles.pixel_sizes.tolist() == [4.0]
    with pytest.raises(tomoset.SetError, match="of optics group 2, and there are 1, 3") as raised:
        particles.with_columns(rlnOpticsGroup=2)
    assert raised.value.code == "unknown-optics-group"
    with pytest.raises(tomoset.SetError, match="no particle is left"):
        particles.filter("rlnTomoName == 'B'").write(tmp_path / "q.star")
    assert particles.filter("rlnTomoName == 'B'").visible_frames is None


@pytest.mark.parametrize(("groups", "own"), [("1", "<NA>"), ("<NA>", "1")])
def test_optics_groups_that_are_null(tmp_path: Path, groups: str, own: str) -> None:
    text = (
        f"data_optics\nloop_\n_rlnOpticsGroup\n_rlnTomoTiltSeriesPixelSize\n{groups} 2\n\ndata_particles\nloop_\n"
        f"_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n_rlnOpticsGroup\nA 1 2 3 {own}\n"
    )
    (tmp_path / "p.star").write_text(text)
    wanted, known = (number.replace("<NA>", "0") for number in (own, groups))
    with pytest.raises(tomoset.SetError, match=f"of optics group {wanted}, and there are {known}"):
        tomoset.ParticleSet.read(tmp_path / "p.star")


def test_particles_of_a_set(tmp_path: Path) -> None:
    folder = GEOMETRY.parent / "particles/relion5_full"
    tomos = TomogramSet.read(folder / "tomograms.star")
    particles = tomoset.ParticleSet.read(folder / "particles.star", tomograms=tomos)
    some = particles.of(tomos.drop(["TS_01"]))
    assert set(some.tomogram_names) == set(particles.tomogram_names) - {"TS_01"}
    assert some.tomograms is not None
    assert "TS_01" not in some.tomograms
    assert some.findings == ()
    renamed = particles.rename_tomograms({"TS_01": "new"})
    assert [name for name in renamed.names if name.startswith("new/")]
    assert np.array_equal(renamed.positions_px, particles.positions_px)
    with pytest.raises(tomoset.MissingTomogramError):
        particles.rename_tomograms({"TS_99": "x"})
    with pytest.raises(ValueError, match="two tomograms named"):
        particles.rename_tomograms(lambda _: "one")
    some.write(tmp_path / "new/folder/particles.star")
    assert len(tomoset.ParticleSet.read(tmp_path / "new/folder/particles.star")) == len(some)
