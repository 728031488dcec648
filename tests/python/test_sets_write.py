"""Tomogram sets edited, put together and written: RELION's path rules, text that stays, and all files or none."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tomoset
from set_files import GEOMETRY, REAL, make_set
from tomoset.sets import together
from tomoset.sets.writing import kept_path

pytestmark = pytest.mark.usefixtures("no_hang")

SETS = sorted(path.parent for path in GEOMETRY.glob("relion*/tomograms.star"))


def texts(folder: Path) -> dict[str, bytes]:
    """Give all STAR files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.star"))}


def litter(folder: Path) -> list[Path]:
    """Give what a writer left behind."""
    return sorted(path for path in folder.rglob(".tomoset-*"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Make a set of two tomograms."""
    return make_set(tmp_path)


def test_paths_as_relion_keeps_them() -> None:
    # The first is RELION's own, the others from its rule.
    assert kept_path("Align/job005/tilt_series/TS.star") == "tilt_series/TS.star"
    assert kept_path("A/job001/B/job002/x") == "B/job002/x"
    assert kept_path("job001/x/TS.star") == "x/TS.star"
    assert kept_path("tilt_series/TS.star") == "tilt_series/TS.star"
    assert kept_path("/abs/TS.star") == "abs/TS.star"
    assert kept_path("Import/job01/x") == "Import/job01/x"
    assert kept_path("Import/job0012_old/x") == "x"


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_an_untouched_set_keeps_its_text(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(folder, root)
    tomos = tomoset.TomogramSet.read(root / "tomograms.star")
    before = texts(root)
    tomos.write(root / "tomograms.star")
    assert texts(root) == before
    tomos.write(root / "Out" / "job009" / "tomograms.star")
    assert litter(root) == []
    again = tomoset.TomogramSet.read(root / "Out" / "job009" / "tomograms.star", project_root=root)
    assert again.tilts.equals(tomos.tilts)
    assert again.names == tomos.names
    for name in tomos if tomos.layout == "relion5" else []:
        assert again[name].tilt_series_file == f"Out/job009/{tomos[name].tilt_series_file}"
        own = root / str(tomos[name].tilt_series_file)
        assert (root / str(again[name].tilt_series_file)).read_bytes() == own.read_bytes()
        # RELION wrote its own copy: the same values, but for the matrices that it drops.
        theirs = tomoset.read_star(folder / "rewritten" / str(tomos[name].tilt_series_file))[name]
        labels = set(again[name].tilt_series.labels)
        assert labels - set(theirs.labels) <= {f"rlnTomoProj{axis}" for axis in "XYZW"}
        for label in labels & set(theirs.labels):
            ours = again[name].tilt_series[label].to_pylist()
            if theirs.to_arrow().schema.field(label).type == "double":
                np.testing.assert_allclose(ours, theirs[label].to_pylist(), rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real data here")
def test_real_sets_are_edited_written_and_read_again(tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(REAL / "empiar-10164-relion5", root, ignore=shutil.ignore_patterns("*.mrc*"))
    count = 0
    for path in sorted(root.rglob("*.star")):
        outline = tomoset.scan_star(path, on_error="collect")
        if "global" not in outline or "rlnTomoTiltSeriesStarFile" not in outline["global"].labels:
            continue
        count += 1
        tomos = tomoset.TomogramSet.read(path)
        edited = tomos.sorted_by("dose").drop_tilts(keep_least_dosed=20).with_tilt_columns(rlnCtfBfactor=1.5)
        edited.write(root / "Select" / "job901" / path.name)
        again = tomoset.TomogramSet.read(root / "Select" / "job901" / path.name)
        assert not again.findings
        assert again.project_root == root
        for name in tomos:
            old, new = tomos[name].tilt_series, again[name].tilt_series
            least = np.argsort(old.pre_exposure, kind="stable")[:20]
            assert new.bfactor.tolist() == [1.5] * 20
            assert new.table.drop_columns(["rlnCtfBfactor"]).equals(
                old.table.take(least).drop_columns(
                    [label for label in old.labels if label == "rlnCtfBfactor"]
                )
            )
            lines = (root / str(tomos[name].tilt_series_file)).read_text().splitlines()
            kept = (root / str(again[name].tilt_series_file)).read_text().splitlines()
            if "rlnCtfBfactor" not in old.labels:
                rows = [line.rstrip() for line in lines if line.strip() and line[0] not in "_#dl"]
                # Every token is as it was, and one comes behind.
                new_rows = [line for line in kept if line.strip() and line[0] not in "_#dl"]
                assert [row.split()[:-1] for row in new_rows] == [rows[at].split() for at in least]
    assert count > 5


def test_edits(path: Path) -> None:
    tomos = tomoset.TomogramSet.read(path)
    edited = tomos.with_columns(rlnTomoHand=-1, rlnVoltage=[300.0, 200.0]).with_tilt_columns(
        rlnDefocusU=np.arange(6) + 0.5, rlnPhaseShift=90.0
    )
    assert (edited["TS_01"].hand, edited["TS_02"].voltage) == (-1, 200)
    assert edited["TS_02"].tilt_series.defocus_u.tolist() == [3.5, 4.5, 5.5]
    assert edited["TS_02"].tilt_series.phase_shift.tolist() == [90, 90, 90]
    assert tomos["TS_02"].tilt_series.phase_shift.tolist() == [0, 0, 0]
    edited.select(["TS_02"]).sorted_by("tilt").write(path)
    again = tomoset.TomogramSet.read(path)
    assert again.names == ["TS_02"]
    assert again["TS_02"].tilt_series.defocus_u.tolist() == [5.5, 3.5, 4.5]
    # Tokens that were not edited are as they were, for example 3.00 and 300.0.
    assert (path.parent / "tilt_series" / "TS_02.star").read_text().split()[-12:] == (
        ["6.0", "-3.0", "5.5", "90.0", "0.00", "0.0", "3.5", "90.0", "3.0", "3.00", "4.5", "90.0"]
    )
    assert "TS_02 Align/job005/tilt_series/TS_02.star 200.0 mine" in path.read_text()
    with pytest.raises(ValueError, match="'rlnVoltage' has 1 values; there are 2 rows"):
        tomos.with_columns(rlnVoltage=[1.0])
    with pytest.raises(ValueError, match="'x' has 2 values; there are 6 rows"):
        tomos.with_tilt_columns(x=[1.0, 2.0])
    with pytest.raises(ValueError, match="rename_tomograms"):
        tomos.with_columns(rlnTomoName=["a", "b"])
    with pytest.raises(ValueError, match="rename_tomograms"):
        tomos.with_tilt_columns(rlnTomoName="a")


def test_columns_of_some_series_are_not_written_to_others(path: Path) -> None:
    other = path.parent / "tilt_series" / "TS_02.star"
    other.write_text(other.read_text().replace("_rlnDefocusU #3", "_rlnPhaseShift #3"))
    tomos = tomoset.TomogramSet.read(path)
    tomos.with_tilt_columns(rlnCtfBfactor=2.0).write(path)
    series = path.parent / "tilt_series"
    assert tomoset.read_star(series / "TS_01.star")["TS_01"].labels[2:] == ["rlnDefocusU", "rlnCtfBfactor"]
    assert tomoset.read_star(series / "TS_02.star")["TS_02"].labels[2:] == ["rlnPhaseShift", "rlnCtfBfactor"]


def test_renaming(path: Path) -> None:
    tomos = tomoset.TomogramSet.read(path)
    renamed = tomos.rename_tomograms({"TS_02": "b"})
    assert renamed.names == ["TS_01", "b"]
    assert renamed["b"].tilt_series_file == "Align/job005/tilt_series/b.star"
    renamed.write(path)
    assert "data_b\n" in (path.parent / "tilt_series" / "b.star").read_text()
    assert tomoset.TomogramSet.read(path)["b"].tilt_series.defocus_u.tolist() == [15000, 15100, 15200]
    assert tomos.rename_tomograms(str.lower).names == ["ts_01", "ts_02"]
    with pytest.raises(ValueError, match="there would be two tomograms named 'TS_01'"):
        tomos.rename_tomograms({"TS_02": "TS_01"})
    with pytest.raises(tomoset.MissingTomogramError):
        tomos.rename_tomograms({"TS_3": "x"})
    with pytest.raises(ValueError, match="cannot be named ''"):
        tomos.rename_tomograms({"TS_01": ""})


def test_sets_put_together(path: Path, tmp_path: Path) -> None:
    tomos = tomoset.TomogramSet.read(path)
    first, second = tomos.select(["TS_01"]), tomos.select(["TS_02"]).with_tilt_columns(rlnPhaseShift=1.0)
    both = tomoset.TomogramSet.concat([second, first])
    assert both.names == ["TS_02", "TS_01"]
    assert both["TS_02"].tilt_series.phase_shift.tolist() == [1, 1, 1]
    assert "rlnPhaseShift" not in both["TS_01"].tilt_series.labels
    both.write(tmp_path / "Select" / "job010" / "tomograms.star")
    again = tomoset.TomogramSet.read(tmp_path / "Select" / "job010" / "tomograms.star")
    assert again.names == ["TS_02", "TS_01"]
    assert again["TS_01"].tilt_series.table.equals(tomos["TS_01"].tilt_series.table)
    with pytest.raises(ValueError, match="'TS_01' is in several sets"):
        tomoset.TomogramSet.concat([tomos, first])
    assert tomoset.TomogramSet.concat([tomos, first], clashes="first").names == tomos.names
    assert tomoset.TomogramSet.concat([tomos, first], clashes="number").names == ["TS_01", "TS_02", "TS_01_2"]
    with pytest.raises(ValueError, match="no sets"):
        tomoset.TomogramSet.concat([])
    with pytest.raises(ValueError, match="clashes is 'x'"):
        tomoset.TomogramSet.concat([tomos], clashes="x")  # type: ignore[arg-type]
    elsewhere = make_set(tmp_path / "other")
    with pytest.raises(ValueError, match="several projects"):
        tomoset.TomogramSet.concat([tomos, tomoset.TomogramSet.read(elsewhere)])


# Bad input.


def test_sets_that_are_not_written(path: Path, tmp_path: Path) -> None:
    tomos = tomoset.TomogramSet.read(path)
    before = texts(tmp_path)
    files = ["Align/job005/tilt_series/TS.star", "Align/job006/tilt_series/TS.star"]
    cases = [
        (
            tomos.with_columns(rlnTomoTiltSeriesStarFile=files),
            "collision",
            r"row 1 .*the tilt series of row 0 would",
        ),
        (
            tomos.with_columns(rlnTomoTiltSeriesStarFile="Align/job005/../x.star"),
            "collision",
            r"would be \.\./x\.star",
        ),
        (tomos.filter([False, False]), "no-tomograms", "RELION takes a set without tomograms for none"),
        (
            tomos.drop_tilts("rlnTomoName == 'TS_02'"),
            "empty-tilt-series",
            r"row 1 \(TS_02\): no tilt image is left",
        ),
        (tomos.rename_tomograms({"TS_02": "global"}), "odd-name", "cannot be named 'global'"),
    ]
    for odd, code, words in cases:
        with pytest.raises(tomoset.SetError, match=words) as raised:
            odd.write(path)
        assert raised.value.code == code
    with pytest.raises(tomoset.StarWriteError, match="expected a finite number"):
        tomos.with_tilt_columns(rlnDefocusU=np.nan).write(path)
    with pytest.raises(TypeError, match="unexpected keyword argument 'float'"):
        tomos.with_tilt_columns(x=1).write(path, float="%.3f")
    assert texts(tmp_path) == before
    assert litter(tmp_path) == []


def test_a_set_elsewhere_has_absolute_paths(path: Path, tmp_path: Path) -> None:
    inner = make_set(tmp_path / "a")
    target = tmp_path / "b" / "tomograms.star"
    tomoset.TomogramSet.read(inner).write(target)
    assert f"TS_01 {tmp_path}/b/tilt_series/TS_01.star 300.0 mine" in target.read_text()
    assert len(tomoset.TomogramSet.read(target, project_root=tmp_path / "b")) == 2


def test_series_that_others_changed_are_written_as_they_were_read(path: Path) -> None:
    tomos = tomoset.TomogramSet.read(path)
    own = path.parent / "tilt_series" / "TS_01.star"
    own.write_text(own.read_text().replace("15100", "99999"))
    (path.parent / "tilt_series" / "TS_02.star").unlink()
    tomos.write(path)
    again = tomoset.TomogramSet.read(path)
    assert again.tilts.equals(tomos.tilts)


@pytest.mark.skipif(os.geteuid() != 0, reason="sets the mode of files of others")
def test_modes_and_links_stay(path: Path, tmp_path: Path) -> None:
    own, far = path.parent / "tilt_series" / "TS_01.star", tmp_path / "far.star"
    shutil.move(own, far)
    own.symlink_to(far)
    path.chmod(0o640)
    tomos = tomoset.TomogramSet.read(path).with_tilt_columns(rlnPhaseShift=1.0)
    tomos.write(path)
    assert own.is_symlink()
    assert "rlnPhaseShift" in far.read_text()
    assert path.stat().st_mode & 0o777 == 0o640


# All files or none.

WRITER = """
import sys, tomoset
tomos = tomoset.TomogramSet.read(sys.argv[1])
print("ready", flush=True)
value = 0
while True:
    value += 1
    tomos.with_tilt_columns(rlnPhaseShift=float(value)).with_columns(rlnPixel=value).write(sys.argv[1], durable=False)
"""


def test_a_writer_that_is_killed_leaves_a_whole_set(tmp_path: Path) -> None:
    path = make_set(tmp_path, tuple(f"TS_{number:02}" for number in range(20)))
    tomoset.TomogramSet.read(path).with_tilt_columns(rlnPhaseShift=0.0).with_columns(rlnPixel=0).write(path)
    rng = np.random.default_rng(1)
    for _ in range(20):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(float(rng.uniform(0.0, 0.1)))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        tomos = tomoset.TomogramSet.read(path)
        shifts = set(tomos.tilts.column("rlnPhaseShift").to_pylist())
        assert len(tomos) == 20
        assert len(shifts) == 1, "images of several sets"
        assert shifts == {float(value) for value in tomos.table.column("rlnPixel").to_pylist()}
        assert not list(tmp_path.rglob("*.journal"))


def test_an_interrupted_set_is_finished(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tomos = tomoset.TomogramSet.read(path).with_tilt_columns(rlnPhaseShift=1.0)

    def stop(made: list[tuple[str, str]], **_: bool) -> None:
        Path(made[0][0]).replace(made[0][1])
        os._exit(9)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(together, "_rename", stop)
        tomos.write(path)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    (journal,) = path.parent.glob("*.journal")
    assert len(litter(path.parent)) == 3
    again = tomoset.TomogramSet.read(path)
    assert again.tilts.column("rlnPhaseShift").to_pylist() == [1.0] * 6
    assert not journal.exists()
    assert litter(path.parent) == []


def test_an_interrupted_set_is_finished_through_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = path.parent / "elsewhere"
    elsewhere.mkdir()
    links = [path, next(path.parent.glob("tilt_series/*.star"))]
    for link in links:
        link.symlink_to(link.replace(elsewhere / link.name))
    tomos = tomoset.TomogramSet.read(path).with_tilt_columns(rlnPhaseShift=1.0)
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(together, "_rename", lambda _, **__: os._exit(9))
        tomos.write(path)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    again = tomoset.TomogramSet.read(path)
    assert again.tilts.column("rlnPhaseShift").to_pylist() == [1.0] * 6
    assert all(link.is_symlink() for link in links)
    assert litter(path.parent) == []


@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_interrupt_while_files_are_renamed(at: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tomos = tomoset.TomogramSet.read(path).with_tilt_columns(rlnPhaseShift=1.0)
    replace, calls = os.replace, 0

    def stop(made: str, target: str) -> None:
        nonlocal calls
        calls += 1
        if calls == at + 1:
            raise KeyboardInterrupt
        replace(made, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            tomos.write(path)
    assert litter(path.parent) == []
    again = tomoset.TomogramSet.read(path)
    assert again.tilts.column("rlnPhaseShift").to_pylist() == [1.0] * 6


def test_a_new_set_that_cannot_be_put_is_finished_later(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomos = tomoset.TomogramSet.read(path)
    target = tmp_path / "Out/job009/tomograms.star"
    target.parent.mkdir(parents=True)

    def fail(made: str, target: str) -> None:
        raise OSError(5, "Input/output error", target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="Input/output error"):
            tomos.write(target)
    assert tomoset.TomogramSet.read(target).names == tomos.names
    assert litter(tmp_path) == []


def test_two_writers_take_turns(path: Path) -> None:
    tomos = tomoset.TomogramSet.read(path)
    faults: list[BaseException] = []

    def keep_writing(value: float) -> None:
        try:
            for _ in range(60):
                tomos.with_tilt_columns(rlnPhaseShift=value).write(path, durable=False)
        except BaseException as error:
            faults.append(error)

    writers = [threading.Thread(target=keep_writing, args=(value,)) for value in (1.0, 2.0, 3.0)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert faults == []
    shifts = set(tomoset.TomogramSet.read(path).tilts.column("rlnPhaseShift").to_pylist())
    assert len(shifts) == 1, "images of several sets"
    assert litter(path.parent) == []


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"files": 1}', *(json.dumps({"files": [pair]}) for pair in (
        ["x", "y"], ["/etc/.tomoset-x", "y"], ["../.tomoset-x", "y"], [".tomoset-x", "/etc/y"], [".tomoset-x", "../y"],
    ))],
)  # fmt: skip
def test_a_journal_of_others_moves_nothing(content: str, path: Path) -> None:
    (path.parent / f".tomoset-{path.name}.journal").write_text(content)
    (path.parent / ".tomoset-x").write_text("x")
    (path.parent / "x").write_text("x")
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(tomoset.SetError, match="was interrupted, and it has a journal that") as raised:
        tomoset.TomogramSet.read(path)
    assert raised.value.code == "interrupted"
    assert sorted(path.parent.rglob("*")) == before
