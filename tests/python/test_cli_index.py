"""``tomoset index``, with prepared rows in place of a harvest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tomoset._core
from catalog_samples import SCHEMAS, SampleHarvest
from cli_runs import environment, run
from tomoset.catalog import Catalog


@pytest.fixture
def harvest(monkeypatch: pytest.MonkeyPatch) -> SampleHarvest:
    harvest = SampleHarvest()
    monkeypatch.setattr(tomoset._core, "harvest", harvest, raising=False)
    monkeypatch.setattr(tomoset._core, "catalog_schemas", lambda: SCHEMAS, raising=False)
    return harvest


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "archive").mkdir()
    return tmp_path / "archive"


def test_an_archive_becomes_a_catalogue(
    capfd: pytest.CaptureFixture[str], harvest: SampleHarvest, archive: Path, tmp_path: Path
) -> None:
    harvest.problems = 3
    done = run(capfd, "index", archive, "--catalog", tmp_path / "catalog", "--threads", "2")
    assert (done.code, done.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert lines.pop("time").endswith(" files/s)")
    assert lines == {
        "root": str(archive),
        "files": "5 (5 kB)",
        "tomograms": "5",
        "tilts": "5",
        "problems": "2 errors, 4 notes",
    }
    assert harvest.asked["threads"] == 2
    with Catalog.open(tmp_path / "catalog") as catalog:
        assert catalog.sql("SELECT count(*) AS n FROM files")["n"].to_pylist() == [5]
        run(capfd, "index", archive, "--catalog", tmp_path / "catalog")
        assert catalog.sql("SELECT count(*) AS n FROM files")["n"].to_pylist() == [5]


def test_strict_and_quiet(
    capfd: pytest.CaptureFixture[str], harvest: SampleHarvest, archive: Path, tmp_path: Path
) -> None:
    arguments = ("index", archive, "--catalog", tmp_path / "catalog", "--quiet")
    assert run(capfd, *arguments, "--strict").code == 0
    harvest.problems = 1  # one note
    assert run(capfd, *arguments, "--strict").code == 0
    harvest.problems = 2
    done = run(capfd, *arguments, "--strict")
    assert (done.code, done.out, done.err) == (1, "", "")
    assert run(capfd, *arguments).code == 0


def test_bad_roots_leave_no_catalogue(
    capfd: pytest.CaptureFixture[str], harvest: SampleHarvest, archive: Path, tmp_path: Path
) -> None:
    (archive / "file").write_text("")
    for root, words in (("missing", "No such file or directory"), ("file", "Not a directory")):
        done = run(capfd, "index", archive / root, "--catalog", tmp_path / "catalog")
        assert (done.code, done.err) == (3, f"tomoset: {archive / root}: {words}\n")
    assert not (tmp_path / "catalog").exists()
    assert harvest.asked == {}


@pytest.mark.usefixtures("harvest")
def test_other_folders_are_left_alone(
    capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("x")
    done = run(capfd, "index", archive, "--catalog", tmp_path / "thesis")
    assert (done.code, "is not a tomoset catalogue" in done.err) == (3, True)
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter1.tex"]
    done = run(capfd, "index", archive, "--catalog", tmp_path / "no" / "catalog")
    assert done.code == 3


def test_an_archive_that_is_not_utf8(
    capfd: pytest.CaptureFixture[str], harvest: SampleHarvest, archive: Path, tmp_path: Path
) -> None:
    root = archive / os.fsdecode(b"caf\xe9")
    root.mkdir()
    done = run(capfd, "index", root, "--catalog", tmp_path / "catalog")
    assert done.code == 0
    assert harvest.asked["root"] == str(root)


def test_control_c_leaves_the_old_content(
    capfd: pytest.CaptureFixture[str], harvest: SampleHarvest, archive: Path, tmp_path: Path
) -> None:
    run(capfd, "index", archive, "--catalog", tmp_path / "catalog")
    harvest.counts, harvest.fault = (7, 7), KeyboardInterrupt()
    done = run(capfd, "index", archive, "--catalog", tmp_path / "catalog")
    assert (done.code, done.out, done.err.strip()) == (130, "", "tomoset: interrupted")
    with Catalog.open(tmp_path / "catalog") as catalog:
        assert catalog.sql("SELECT count(*) AS n FROM files")["n"].to_pylist() == [5]


@pytest.mark.usefixtures("harvest")
def test_a_catalogue_that_is_being_written(
    capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path
) -> None:
    run(capfd, "index", archive, "--catalog", tmp_path / "catalog")
    hold = """
import fcntl, sys
with open(sys.argv[1]) as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    print("held", flush=True)
    input()
"""
    command: list[str | Path] = [sys.executable, "-c", hold, tmp_path / "catalog" / "catalog.lock"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = run(capfd, "index", archive, "--catalog", tmp_path / "catalog")
        assert (done.code, "another 'tomoset index' is writing" in done.err) == (3, True)
        holder.communicate("\n")
