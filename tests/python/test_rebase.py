"""References that are moved: in all files or in none, and nothing else in them."""

from __future__ import annotations

import fcntl
import gzip
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tomoset
from cli_runs import environment, run
from nobody import open_folder, run_as_nobody
from tomoset import _core
from tomoset.sets.together import Together

pytestmark = pytest.mark.usefixtures("no_hang")

TILTS = b"""# of Movies/a
data_TS_1
loop_
_rlnMicrographName #1
_rlnTomoName #2   kept
_rlnCtfImage
Movies/a/1.mrc   Movies/a   3@Movies/a/ctf.mrcs:mrcs # Movies/a
Movies/ab/1.mrc  Movies/a   "./Movies//a/with blank.mrc"

'Movies/a/2.mrc' Movies/a   None
Movies/a True 5
"""
MOVED = b"""# of Movies/a
data_TS_1
loop_
_rlnMicrographName #1
_rlnTomoName #2   kept
_rlnCtfImage
Raw/1.mrc   Movies/a   3@Raw/ctf.mrcs:mrcs # Movies/a
Movies/ab/1.mrc  Movies/a   "Raw/with blank.mrc"

'Raw/2.mrc' Movies/a   None
Raw True 5
"""
JOB = b"data_joboptions_values\n\nloop_ \n_rlnJobOptionVariable #1 \n_rlnJobOptionValue #2 \n"
JOB += b"movie_files Movies/a/*.mrc \n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "p"
    (root / "Import" / "job001").mkdir(parents=True)
    (root / "Raw").mkdir()
    (root / "Raw" / "1.mrc").write_text("")
    (root / "default_pipeline.star").write_text(
        "data_pipeline_nodes\n_rlnPipeLineNodeName Import/job001/a.star\n"
    )
    (root / "Import" / "job001" / "a.star").write_bytes(TILTS)
    (root / "Import" / "job001" / "job.star").write_bytes(JOB)
    (root / "b.star.gz").write_bytes(gzip.compress(TILTS))
    return root


def contents(root: Path) -> dict[str, bytes]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_references_are_moved_and_nothing_else(project: Path) -> None:
    before = contents(project)
    found = tomoset.rebase("Movies/a", "Raw", project)
    after = contents(project)
    assert after.keys() == before.keys()
    assert after["Import/job001/a.star"] == MOVED
    assert gzip.decompress(after["b.star.gz"]) == MOVED
    assert after["Import/job001/job.star"] == JOB.replace(b"Movies/a", b"Raw")
    assert after["default_pipeline.star"] == before["default_pipeline.star"]
    assert (found.num_files, found.num_values, found.written) == (3, 11, True)
    assert [(moved.file, moved.block, moved.label, moved.count) for moved in found.moved] == [
        ("b.star.gz", "TS_1", "rlnMicrographName", 3),
        ("b.star.gz", "TS_1", "rlnCtfImage", 2),
        ("Import/job001/a.star", "TS_1", "rlnMicrographName", 3),
        ("Import/job001/a.star", "TS_1", "rlnCtfImage", 2),
        ("Import/job001/job.star", "joboptions_values", "rlnJobOptionValue", 1),
    ]
    assert found.moved[1].examples[0] == ("3@Movies/a/ctf.mrcs:mrcs", "3@Raw/ctf.mrcs:mrcs")
    assert set(found.missing) == {"Raw/ctf.mrcs", "Raw/with blank.mrc", "Raw/2.mrc"}
    assert found.outside == ()
    # And back; a value that was in no folder of its own is not told from others.
    tomoset.rebase("Raw", "Movies/a", project)
    assert contents(project)["Import/job001/a.star"] == TILTS.replace(b"./Movies//a", b"Movies/a")


def test_a_dry_run_writes_nothing(project: Path) -> None:
    before = contents(project)
    found = tomoset.rebase("Movies/a", "/far/away", project, dry_run=True)
    assert (found.num_values, found.written) == (11, False)
    assert found.missing == ()
    assert "/far/away/1.mrc" in found.outside
    assert contents(project) == before


@pytest.mark.parametrize("old", ["Movies/c", "ovies/a", "Movies/a/1", "movies/a", "/Movies/a", "TS_1"])
def test_nothing_below(project: Path, old: str) -> None:
    before = contents(project)
    with pytest.raises(
        tomoset.RebaseError, match=f"no reference in 4 STAR files is below {re.escape(old)}; nothing was"
    ):
        tomoset.rebase(old, "Raw", project)
    assert contents(project) == before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("", "Raw", "old is empty"),
        ("Movies", "", "new is empty"),
        (".", "Raw", "old is the project's folder itself"),
        ("Movies", "a\nb", "on one line, without control characters"),
        ("Movies", "a#b", "RELION opens no file whose path has a '#'"),
        ("Movies", "a  b", "RELION makes one blank of several"),
    ],
)
def test_what_is_no_path(project: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tomoset.rebase(old, new, project)


def test_to_the_projects_folder(project: Path) -> None:
    (project / "Import" / "job001" / "a.star").write_text(f"data_x\n_rlnImageName {project}/Raw/1.mrc\n")
    found = tomoset.rebase(project, ".", project)
    assert (project / "Import" / "job001" / "a.star").read_text() == "data_x\n_rlnImageName Raw/1.mrc\n"
    assert found.missing == found.outside == ()


@pytest.mark.parametrize(
    ("new", "written"),
    [
        ("with blank", b"\"with blank/1.mrc\" '3@with blank/1.mrc:mrc'"),
        ("_x", b"\"_x/1.mrc\" '3@_x/1.mrc:mrc'"),
        ("data_x", b"\"data_x/1.mrc\" '3@data_x/1.mrc:mrc'"),
        ("it's", b"it's/1.mrc 3@it's/1.mrc:mrc"),
        ('a" b', b"'a\" b/1.mrc' '3@a\" b/1.mrc:mrc'"),
        (os.fsdecode(b"caf\xe9"), b"caf\xe9/1.mrc '3@caf\xe9/1.mrc:mrc'"),
    ],
)
def test_quotes_are_put_where_they_are_needed(tmp_path: Path, new: str, written: bytes) -> None:
    head = b"data_x\nloop_\n_rlnImageName\n_rlnCtfImage\n"
    (tmp_path / "a.star").write_bytes(head + b"Movies/1.mrc '3@Movies/1.mrc:mrc'\n")
    tomoset.rebase("Movies", new, tmp_path)
    assert (tmp_path / "a.star").read_bytes() == head + written + b"\n"


def test_a_value_that_cannot_be_written(tmp_path: Path) -> None:
    text = b"data_x\nloop_\n_rlnImageName\n_a\nMovies/1.mrc 1\n"
    (tmp_path / "a.star").write_bytes(text)
    with pytest.raises(
        tomoset.RebaseError, match="1 of the new values of rlnImageName can stand in no quotes"
    ):
        tomoset.rebase("Movies", "a\" b' c", tmp_path)
    assert contents(tmp_path) == {"a.star": text}


def test_projects_within_are_left(project: Path) -> None:
    inner = project / "inner"
    inner.mkdir()
    (inner / "default_pipeline.star").write_bytes(TILTS)
    tomoset.rebase("Movies/a", "Raw", project)
    assert (inner / "default_pipeline.star").read_bytes() == TILTS


def test_permissions_and_lines_that_end_in_cr(project: Path) -> None:
    path = project / "Import" / "job001" / "a.star"
    path.write_bytes(TILTS.replace(b"\n", b"\r"))
    path.chmod(0o600)
    tomoset.rebase("Movies/a", "Raw", project)
    assert path.read_bytes() == MOVED.replace(b"\n", b"\r")
    assert path.stat().st_mode & 0o7777 == 0o600


def test_links_are_not_followed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "out.star").write_bytes(TILTS)
    (project / "link.star").symlink_to("../out.star")
    tomoset.rebase("Movies/a", "Raw", project)
    assert (tmp_path / "out.star").read_bytes() == TILTS


# What others do meanwhile.


def test_a_file_that_changes_meanwhile(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project / "Import" / "job001" / "a.star"
    add = Together.add

    def add_late(self: Together, name: str, data: bytes, *, sync: bool = True) -> None:
        add(self, name, data, sync=sync)
        path.write_bytes(TILTS + b"x y z\n")

    monkeypatch.setattr(Together, "add", add_late)
    with pytest.raises(tomoset.RebaseError, match="the file changed since it was read; nothing was moved"):
        tomoset.rebase("Movies/a", "Raw", project)
    assert path.read_bytes() == TILTS + b"x y z\n"
    assert gzip.decompress((project / "b.star.gz").read_bytes()) == TILTS
    assert not [name for name in contents(project) if "tomoset" in name]


def test_relion_at_work(project: Path) -> None:
    (project / ".relion_lock").mkdir()
    with pytest.raises(tomoset.RebaseError, match="RELION is writing to the pipeline"):
        tomoset.rebase("Movies/a", "Raw", project)


def test_somebody_else_at_work(project: Path) -> None:
    handle = os.open(project, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(tomoset.RebaseError, match="somebody else is moving references"):
        tomoset.rebase("Movies/a", "Raw", project)
    os.close(handle)
    tomoset.rebase("Movies/a", "Raw", project)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files of another owner")
def test_a_file_that_only_its_owner_may_replace() -> None:
    with open_folder() as folder:
        inner = folder / "inner"
        inner.mkdir()
        for name in ("inner/a", "b"):
            (folder / f"{name}.star").write_bytes(TILTS)
            (folder / f"{name}.star").chmod(0o666)
        inner.chmod(0o1777)
        before = contents(folder)
        done = run_as_nobody(folder, "rebase", "Movies/a", "Raw", ".")
        assert done.code == 3
        assert done.err.endswith(f"tomoset: {folder}/inner/a.star: Operation not permitted\n")
        assert contents(folder) == before


def test_a_full_disk(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(project)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for name, file in (("fchmod", "b.star.gz"), ("fsync", "")):
        with monkeypatch.context() as patched:
            patched.setattr(os, name, fail)
            with pytest.raises(OSError, match="No space") as caught:
                tomoset.rebase("Movies/a", "Raw", project)
        # Which disk, and no file that nobody has heard of.
        assert Path(caught.value.filename).is_relative_to(project / file)
        assert "tomoset" not in caught.value.filename
        assert contents(project) == before


def test_what_cannot_be_finished_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def replace_some(made: str, target: str) -> None:
        if target.endswith("a.star"):
            raise OSError(28, "No space left on device", made, None, target)
        replace(made, target)

    monkeypatch.setattr(os, "replace", replace_some)
    with pytest.raises(
        OSError, match="some files are new by now, and the next call finishes the others"
    ) as caught:
        tomoset.rebase("Movies/a", "Raw", project)
    assert caught.value.filename == str(project / "Import/job001/a.star")
    monkeypatch.undo()
    with pytest.raises(tomoset.RebaseError, match="no reference"):
        tomoset.rebase("Movies/a", "Raw", project)
    assert contents(project)["Import/job001/a.star"] == MOVED
    assert gzip.decompress(contents(project)["b.star.gz"]) == MOVED


def test_a_damaged_file_keeps_all_as_they_are(project: Path) -> None:
    (project / "z.star.gz").write_bytes(gzip.compress(TILTS)[:-5])
    before = contents(project)
    with pytest.raises(OSError, match="cut short or damaged") as caught:
        tomoset.rebase("Movies/a", "Raw", project)
    assert caught.value.filename == str(project / "z.star.gz")
    assert contents(project) == before


def test_killed_at_any_time(tmp_path: Path) -> None:
    """All files are as they were, or the next call finishes it: they say the same then, and nothing is left over."""
    root = tmp_path / "p"
    root.mkdir()
    for number in range(60):
        (root / f"{number:02}.star").write_bytes(TILTS)
    script = (
        "import sys, tomoset\nprint('begun', flush=True)\ntomoset.rebase('Movies/a', 'Raw', sys.argv[1])\n"
    )
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", script, str(root)], check=True, capture_output=True)
    took = time.monotonic() - start
    pick = random.Random(3)
    seen = set()
    for path in root.iterdir():
        path.write_bytes(TILTS)
    for _ in range(25):
        process = subprocess.Popen([sys.executable, "-c", script, str(root)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(pick.uniform(0, took))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        # Whoever comes next, for whatever, finishes it.
        try:
            tomoset.rebase("Movies/none", "Raw", root)
        except tomoset.RebaseError as error:
            assert "no reference in 60" in str(error)
        found = set(contents(root).values())
        assert len(contents(root)) == 60
        assert found in ({TILTS}, {MOVED})
        seen |= found
        for path in root.iterdir():
            path.write_bytes(TILTS)
    assert seen == {TILTS, MOVED}


# What others left, or are at.

#: Ends after the first file has its new name, as if killed.
KILLED = """import os, sys, tomoset
replace = os.replace
def replace_once(*names):
    replace(*names)
    os._exit(9)
os.replace = replace_once
tomoset.rebase("Movies/a", "Raw", sys.argv[1])
"""


def nest(root: Path, *, mark: bool) -> Path:
    """Put three files in a folder of a project, which may be a project of its own."""
    inner = root / "inner"
    inner.mkdir()
    for number in range(3):
        (inner / f"{number}.star").write_bytes(TILTS)
    if mark:
        (inner / "default_pipeline.star").write_text("data_pipeline_general\n_rlnPipeLineJobCounter 1\n")
    return inner


def kill_rebase(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(root)], env=environment(), check=False)
    assert done.returncode == 9
    left = {path.name for path in root.rglob(".tomoset-*")}
    assert ".tomoset-rebase.journal" in left
    assert len(left) > 2


def test_an_unfinished_rebase_of_a_project_within_is_left(project: Path) -> None:
    inner = nest(project, mark=True)
    kill_rebase(inner)
    left = contents(inner)
    tomoset.rebase("Movies/a", "Other", project)
    assert contents(inner) == left
    # Whoever comes next there finishes it.
    with pytest.raises(tomoset.RebaseError, match="no reference in 4"):
        tomoset.rebase("Movies/none", "Raw", inner)
    stars = [path for path in inner.iterdir() if path.name != "default_pipeline.star"]
    assert [path.read_bytes() for path in stars] == [MOVED] * 3


def test_an_unfinished_rebase_of_a_folder_is_finished(project: Path) -> None:
    inner = nest(project, mark=False)
    kill_rebase(inner)
    tomoset.rebase("Movies/a", "Other", project)
    assert contents(inner) == {f"{n}.star": MOVED for n in range(3)}


@pytest.mark.parametrize("mark", [True, False])
def test_an_unfinished_rebase_of_a_folder_above_is_not_destroyed(project: Path, mark: bool) -> None:
    if not mark:
        (project / "default_pipeline.star").unlink()
    inner = nest(project, mark=False)
    kill_rebase(project)
    with pytest.raises(tomoset.RebaseError, match="no reference in 3"):
        tomoset.rebase("Movies/none", "Raw", inner)
    with pytest.raises(tomoset.RebaseError, match=r"no reference in [67]"):
        tomoset.rebase("Movies/none", "Raw", project)
    assert set(contents(inner).values()) == {MOVED}
    assert not list(project.rglob(".tomoset-*"))


@pytest.mark.parametrize("mark", [True, False])
def test_files_of_a_rebase_within_that_is_running_are_left(project: Path, mark: bool) -> None:
    inner = nest(project, mark=mark)
    made = inner / ".tomoset-rebase-0123-0.tmp"
    made.write_bytes(MOVED)
    handle = os.open(inner, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    tomoset.rebase("Movies/a", "Raw", project)
    assert made.exists()
    os.close(handle)
    with pytest.raises(tomoset.RebaseError, match="no reference"):
        tomoset.rebase("Movies/none", "Raw", inner if mark else project)
    assert not made.exists()


# The command.


def test_command(capfd: pytest.CaptureFixture[str], project: Path) -> None:
    done = run(capfd, "rebase", "Movies/a", "Raw", project, "--dry-run")
    assert done.code == 0
    assert done.out.splitlines() == [
        "b.star.gz",
        "  data_TS_1 rlnMicrographName: 3",
        "    Movies/a/1.mrc",
        "    -> Raw/1.mrc",
        "    Movies/a/2.mrc",
        "    -> Raw/2.mrc",
        "    Movies/a",
        "    -> Raw",
        "  data_TS_1 rlnCtfImage: 2",
        "    3@Movies/a/ctf.mrcs:mrcs",
        "    -> 3@Raw/ctf.mrcs:mrcs",
        "    ./Movies//a/with blank.mrc",
        "    -> Raw/with blank.mrc",
        "Import/job001/a.star",
        "  data_TS_1 rlnMicrographName: 3",
        "  data_TS_1 rlnCtfImage: 2",
        "Import/job001/job.star",
        "  data_joboptions_values rlnJobOptionValue: 1",
        "    Movies/a/*.mrc",
        "    -> Raw/*.mrc",
        "would move 11 references in 3 files",
        "3 new paths are not there:",
        "  Raw/2.mrc",
        "  Raw/ctf.mrcs",
        "  Raw/with blank.mrc",
    ]
    done = run(capfd, "rebase", "Movies/a", "Raw", project)
    assert done.out.splitlines()[0] == "moved 11 references in 3 files"
    done = run(capfd, "rebase", "Movies/a", "Raw", project)
    assert (done.code, done.out) == (3, "")
    assert "no reference in 4 STAR files is below Movies/a; nothing was moved" in done.err
    assert run(capfd, "rebase", "Movies/a", "a#b", project).code == 2


def test_texts_without_the_folder_are_not_changed() -> None:
    assert _core.rebase_text(TILTS, b"nothing", b"x", []) is None
    assert _core.rebase_text(TILTS, b"Movies/a", b"x", ["image"]) is None
    with pytest.raises(ValueError, match='"picture" is no kind of paths'):
        _core.rebase_text(TILTS, b"a", b"b", ["picture"])
