"""``tomoset index``."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from catalog_samples import make_project, powerless, tilt_series, write
from cli_runs import environment, run
from tomoset.catalog import Catalog
from tomoset.cli import main


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    make_project(tmp_path / "archive/p")
    return tmp_path / "archive"


def test_an_archive_becomes_a_catalogue(
    capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path
) -> None:
    arguments = ("index", archive, "--catalog", tmp_path / "catalog", "--threads", "2")
    done = run(capfd, *arguments)
    assert (done.code, done.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert lines.pop("time").endswith(" files/s)")
    assert lines == {
        "root": str(archive),
        "files": "11 (2.31 kB)",
        "changes": "11 new",
        "tomograms": "6",
        "tilts": "18",
        "problems": "none",
    }
    (archive / "p/Import/job001/tilt_series.star").unlink()
    write(archive / "p/Import/job001/tilt_series/TS_01.star", tilt_series("TS_01", 5), age=50)
    done = run(capfd, *arguments)
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert (lines["changes"], lines["tilts"]) == ("1 changed, 1 deleted", "5")
    assert done.out.splitlines()[3:5] == ["in what was read now:", f"tomograms  {lines['tomograms']}"]
    with Catalog.open(tmp_path / "catalog") as catalog:
        assert catalog.sql("SELECT count(*) AS n FROM files")["n"].to_pylist() == [10]


def test_strict_and_quiet(capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path) -> None:
    arguments = ("index", archive, "--catalog", tmp_path / "catalog", "--quiet", "--strict")
    assert run(capfd, *arguments).code == 0
    write(archive / "note.star", "data_\n\nloop_\n_rlnNothingLikeThat\n1\n")
    assert run(capfd, *arguments).code == 0
    write(archive / "broken.star", "data_\n\nloop_\n_rlnTomoName\n_rlnTomoHand\n1\n")
    # The second time the error is known and the file is not read.
    for _ in range(2):
        done = run(capfd, *arguments)
        assert (done.code, done.out, done.err) == (1, "", "")
    assert run(capfd, *arguments[:-1]).code == 0


def test_several_roots(capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path) -> None:
    make_project(tmp_path / "other/q")
    done = run(capfd, "index", archive, tmp_path / "other", "--catalog", tmp_path / "catalog")
    assert [line for line in done.out.splitlines() if line.startswith("root")] == [
        f"root       {archive}",
        f"root       {tmp_path / 'other'}",
    ]


def test_a_list_of_paths(capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path) -> None:
    arguments = ("index", archive, "--catalog", tmp_path / "catalog")
    run(capfd, *arguments)
    write(archive / "p/new.star", tilt_series("TS_05"))
    write(archive / "other/new.star", tilt_series("TS_06"))
    (tmp_path / "changes").write_text("p/new.star\n\nnowhere/x.star\n")
    done = run(capfd, *arguments, "--paths-from", tmp_path / "changes")
    assert done.out.splitlines()[2] == "changes    1 new"
    done = run(capfd, *arguments[:2], tmp_path, *arguments[2:], "--paths-from", tmp_path / "changes")
    assert (done.code, "--paths-from is for one ROOT" in done.err) == (2, True)


def test_a_list_of_paths_that_are_elsewhere(
    capfd: pytest.CaptureFixture[str],
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ("index", "archive", "--catalog", "catalog", "--paths-from", "changes")
    write(archive / "p/new.star", tilt_series("TS_05"))
    # As `find archive` prints it, which is relative to here.
    (tmp_path / "changes").write_text("archive/p/new.star\n/elsewhere/a.star\n")
    done = run(capfd, *arguments)
    words = "none of them is of a project below ROOT; they must be absolute, or relative to ROOT"
    assert (done.code, done.err) == (0, f"tomoset: --paths-from: 2 paths, and {words}\n")
    assert run(capfd, *arguments, "--quiet").err == ""
    (tmp_path / "changes").write_text("")
    assert run(capfd, *arguments).err == ""
    (tmp_path / "changes").write_text(f"{archive}/p/new.star\n/elsewhere/a.star\n")
    for changes in ("12 new", "none"):
        done = run(capfd, *arguments)
        assert (done.err, done.out.splitlines()[2]) == ("", f"changes    {changes}")


def test_an_archive_that_is_not_mounted(
    capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path
) -> None:
    for at in range(10):
        write(archive / f"{at}.star", tilt_series(f"TS_{at}"))
    arguments = ("index", archive, "--catalog", tmp_path / "catalog")
    run(capfd, *arguments)
    archive.rename(tmp_path / "away")
    archive.mkdir()
    done = run(capfd, *arguments)
    assert (done.code, done.out) == (3, "")
    assert "has 0 files, and the catalogue 21: is it mounted? --allow-shrink" in done.err
    # Other roots are indexed all the same.
    make_project(tmp_path / "other/q")
    done = run(capfd, "index", archive, tmp_path / "other", "--catalog", tmp_path / "catalog")
    assert (done.code, "is it mounted?" in done.err, "11 new" in done.out) == (3, True, True)
    # So they are where a root is not there at all, and the catalogue is.
    command = ("index", tmp_path / "none", archive, tmp_path / "other", tmp_path / "gone")
    done = run(capfd, *command, "--catalog", tmp_path / "catalog")
    words = [line.removeprefix(f"tomoset: {tmp_path}/") for line in done.err.splitlines()]
    assert words[:2] == ["none: No such file or directory", "gone: No such file or directory"]
    assert (done.code, len(words), "is it mounted?" in words[2]) == (3, 3, True)
    assert "changes    none" in done.out
    assert run(capfd, *arguments, "--allow-shrink").out.splitlines()[2] == "changes    21 deleted"


def test_folders_that_may_not_be_read_are_no_wrong_usage() -> None:
    # Of its own, as the folders above pytest's are closed to others.
    with tempfile.TemporaryDirectory() as folder:
        catalog, root = Path(folder) / "catalog", Path(folder) / "root"
        make_project(root / "p")
        Catalog.create(catalog).close()
        index = ("index", root, "--catalog", catalog)
        for closed, command in ((root, index), (catalog, index), (catalog, ("status", "--catalog", catalog))):
            with powerless(Path(folder)):
                closed.chmod(0)
                with pytest.raises(SystemExit) as exit_:
                    main(list(map(str, command)))
                closed.chmod(0o700)
            assert exit_.value.code == 3


def test_bad_roots_leave_no_catalogue(
    capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path
) -> None:
    (archive / "file").write_text("")
    for root, words in (("missing", "No such file or directory"), ("file", "Not a directory")):
        done = run(capfd, "index", archive, archive / root, "--catalog", tmp_path / "catalog")
        assert (done.code, done.err) == (3, f"tomoset: {archive / root}: {words}\n")
    assert not (tmp_path / "catalog").exists()
    assert run(capfd, "index", "--catalog", tmp_path / "catalog").code == 2


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
    capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path
) -> None:
    root = archive / os.fsdecode(b"caf\xe9")
    root.mkdir()
    command = ("index", root, "--catalog", tmp_path / "catalog")
    done = run(capfd, *command)
    assert (done.code, "caf\\udce9 has no STAR file" in done.err) == (3, True)
    done = run(capfd, *command, "--allow-empty")
    assert (done.code, "caf\\xe9" in done.out) == (0, True)


def test_control_c_leaves_the_old_content(
    capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capfd, "index", archive, "--catalog", tmp_path / "catalog")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tomoset.catalog.indexing.refresh_shard", interrupt)
    write(archive / "new.star", tilt_series("TS_05"))
    done = run(capfd, "index", archive, "--catalog", tmp_path / "catalog")
    assert (done.code, done.out, done.err.strip()) == (130, "", "tomoset: interrupted")
    with Catalog.open(tmp_path / "catalog") as catalog:
        assert catalog.sql("SELECT count(*) AS n FROM files")["n"].to_pylist() == [11]


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
        done = run(capfd, "index", archive, "--catalog", tmp_path / "catalog", "--wait", "0.3")
        assert (done.code, "another 'tomoset index' is writing" in done.err) == (3, True)
        holder.communicate("\n")
    assert run(capfd, "index", archive, "--catalog", tmp_path / "catalog", "--wait", "5").code == 0


def test_status_and_vacuum(capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path) -> None:
    arguments = ("--catalog", tmp_path / "catalog")
    run(capfd, "index", archive, *arguments)
    write(archive / "p/new.star", tilt_series("TS_05"))
    run(capfd, "index", archive, *arguments)
    done = run(capfd, "status", *arguments)
    lines = done.out.splitlines()
    assert (done.code, lines[0]) == (0, f"catalogue  {tmp_path / 'catalog'}, crawl 2")
    assert lines[1].startswith(f"root       {archive}: 12 files, looked at 20")
    rows = {line.split()[0]: line.split()[1:] for line in lines[3:]}
    assert rows["table"] == ["rows", "size", "parts", "version"]
    assert (rows["tilts"][0], rows["tilts"][-2:], rows["crawls"][0]) == ("21", ["1", "2"], "2")
    assert run(capfd, "vacuum", *arguments).out == "0 files (0 bytes) are deleted\n"
    done = run(capfd, "vacuum", *arguments, "--keep-days", "0", "--dry-run")
    count = int(done.out.split()[0])
    assert (count > 3, done.out.rstrip().endswith("would be deleted")) == (True, True)
    assert run(capfd, "vacuum", *arguments, "--keep-days", "0").out.startswith(f"{count} files (")
    assert run(capfd, "status", *arguments).out.splitlines()[3:] == lines[3:]
    for days in ("inf", "1e300"):
        assert run(capfd, "vacuum", *arguments, "--keep-days", days).out == "0 files (0 bytes) are deleted\n"
    for command, option in (
        (("vacuum",), "--keep-days"),
        (("vacuum",), "--wait"),
        (("index", archive), "--wait"),
    ):
        for number in ("nan", "-1", "soon"):
            done = run(capfd, *command, *arguments, option, number)
            assert (done.code, f"Invalid value for '{option}'" in done.err) == (2, True)
    (tmp_path / "catalog/pending.json").write_text('{"batch": 9, "crawl": 9, "changes": {}}')
    assert "a commit was interrupted" in run(capfd, "status", *arguments).out


def test_changes(capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path) -> None:
    arguments = ("--catalog", tmp_path / "catalog")
    run(capfd, "index", archive, *arguments)
    write(archive / "p/new.star", tilt_series("TS_05"))
    (archive / "p/Import/job001/tilt_series.star").unlink()
    run(capfd, "index", archive, *arguments)
    lines = [line.split() for line in run(capfd, "changes", *arguments).out.splitlines()]
    assert lines[0] == ["crawl", "change", "kind", "size", "path"]
    assert [line[:3] + line[-1:] for line in lines[2:]] == [
        ["2", "deleted", "tomogram_set", "p/Import/job001/tilt_series.star"],
        ["2", "new", "tilt_series", "p/new.star"],
    ]
    # Of the eleven of the first crawl one is gone by now.
    assert len(run(capfd, "changes", *arguments, "--since", "0").out.splitlines()) == 2 + 12
    only = run(capfd, "changes", *arguments, "--since", "0", "--kind", "particles").out.splitlines()
    assert len(only) == 3
    other = run(capfd, "changes", *arguments, "--since", "0", "--kind", os.fsdecode(b"\xff"))
    assert other.code == 2
    assert "there is no kind '\ufffd'; there are tomogram_set, tilt_series," in other.err
