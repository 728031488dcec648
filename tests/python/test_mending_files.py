"""Files that are mended: each is replaced as a whole or not at all, and keeps what it is."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tomoset
from test_write_faults import names, small_disk
from tomoset import _core
from tomoset.mending.projects import marked_root, project_files, star_files

pytestmark = pytest.mark.usefixtures("no_hang")

BAD = b"data_x\n\nloop_\n_rlnTomoName #1\n_rlnEnabled #2\na True\n\nb no\n"
GOOD = b"data_x\n\nloop_\n_rlnTomoName #1\n_rlnEnabled #2\na 1\nb 0\n"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "a.star"
    path.write_bytes(BAD)
    return path


def mend(path: Path, **options: Any) -> tomoset.mending.MendedFile:
    found = tomoset.mend_file(path, **options)
    found.write()
    return found


def test_nothing_is_written_before_write(bad: Path) -> None:
    found = tomoset.mend_file(bad)
    assert found.is_changed
    assert (found.before, found.after, bad.read_bytes()) == (BAD, GOOD, BAD)
    found.write()
    assert bad.read_bytes() == GOOD
    assert names(bad.parent) == {"a.star"}
    again = tomoset.mend_file(bad)
    assert not again.is_changed
    again.write()


def test_permissions_are_kept(bad: Path) -> None:
    bad.chmod(0o640)
    mend(bad)
    assert bad.stat().st_mode & 0o7777 == 0o640


def test_a_link_stays(bad: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.star"
    link.symlink_to("a.star")
    mend(link)
    assert link.is_symlink()
    assert bad.read_bytes() == GOOD


def test_other_names_of_a_file_keep_the_old_text(bad: Path, tmp_path: Path) -> None:
    os.link(bad, tmp_path / "backup")
    mend(bad)
    assert (tmp_path / "backup").read_bytes() == BAD


@pytest.mark.parametrize("change", ["rewritten", "replaced", "gone"])
def test_a_file_that_changed_is_left(bad: Path, change: str) -> None:
    found = tomoset.mend_file(bad)
    if change == "gone":
        bad.unlink()
        with pytest.raises(FileNotFoundError):
            found.write()
        return
    if change == "replaced":
        (bad.parent / "new").write_bytes(BAD)
        (bad.parent / "new").rename(bad)
    else:
        bad.write_bytes(BAD + b"c 1\n")
    now = bad.read_bytes()
    with pytest.raises(OSError, match="the file changed since it was read; it is left as it is"):
        found.write()
    assert bad.read_bytes() == now
    assert names(bad.parent) == {"a.star"}


def test_packed_files_stay_packed(tmp_path: Path) -> None:
    packed = tmp_path / "a.star.gz"
    packed.write_bytes(gzip.compress(BAD))
    assert mend(packed).before == BAD
    assert gzip.decompress(packed.read_bytes()) == GOOD
    zstd = tmp_path / "a.star.zst"
    zstd.write_bytes(_core.pack_text(BAD, "zstd"))
    mend(zstd)
    assert zstd.read_bytes()[:4] == b"\x28\xb5\x2f\xfd"
    assert _core.load_text(zstd)[0] == GOOD
    # Told by what is in it, not by its name.
    plain = tmp_path / "b.star"
    plain.write_bytes(gzip.compress(BAD))
    mend(plain)
    assert gzip.decompress(plain.read_bytes()) == GOOD


def test_damaged_packed_files_are_refused(tmp_path: Path) -> None:
    packed = tmp_path / "a.star.gz"
    packed.write_bytes(gzip.compress(BAD)[:-9])
    with pytest.raises(OSError, match="gzip data is cut short or damaged"):
        tomoset.mend_file(packed)
    (found,) = tomoset.mend(tmp_path)
    assert found.error is not None
    assert "gzip data is cut short or damaged" in found.error


def test_lines_that_end_in_cr(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(BAD.replace(b"\n", b"\r"))
    assert mend(path, select=["L102"]).made[0].count == 8
    assert path.read_bytes() == BAD
    path.write_bytes(BAD.replace(b"\n", b"\r"))
    mend(path, ignore=["L"])
    assert path.read_bytes() == GOOD.replace(b"\n", b"\r")


def test_what_is_left_of_lines_that_end_in_cr_in_what_is_no_star_file(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(b"?data_\rdata_")
    found = tomoset.mend_file(path)
    assert not found.is_changed
    assert [str(left) for left in found.left] == [
        "1: L102 cr-line-ends: left: line 1 is no part of a STAR file"
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_files_that_may_not_be_written_to(bad: Path) -> None:
    bad.chmod(0o444)
    found = tomoset.mend_file(bad)
    with pytest.raises(PermissionError):
        found.write()
    assert bad.read_bytes() == BAD


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.star")
    with pytest.raises(OSError, match="not a regular file"):
        tomoset.mend_file(tmp_path / "pipe.star")
    with pytest.raises(IsADirectoryError):
        tomoset.mend_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        tomoset.mend_file(tmp_path / "none.star")
    with pytest.raises(FileNotFoundError):
        tomoset.mend([tmp_path, tmp_path / "none.star"])
    for path in (os.fsencode(tmp_path), [os.fsencode(tmp_path)]):
        with pytest.raises(TypeError, match=r"the path is bytes; it must be text or os.PathLike\[str\]"):
            tomoset.mend(path)  # type: ignore[arg-type]
    # A tree may have anything in it.
    assert list(tomoset.mend(tmp_path)) == []


def test_a_full_disk(tmp_path: Path) -> None:
    rows = "\n".join(f"a_name_that_takes_room_{row} yes" for row in range(25_000))
    text = BAD.decode().replace("a True\n", f"{rows}\n")
    look = (
        "import errno, os, pathlib, sys, tomoset\n"
        "path = pathlib.Path(sys.argv[1])\n"
        f"path.write_text({text[:60]!r} + {rows!r} + '\\n')\n"
        "before = path.read_bytes()\n"
        "try:\n    found = tomoset.mend_file(path); found.write()\n"
        "except OSError as error:\n    print(errno.errorcode[error.errno], error.filename == str(path))\n"
        "print(path.read_bytes() == before, os.listdir(path.parent))\n"
    )
    with small_disk(tmp_path) as inside:
        script = Path(shutil.copy(__file__, tmp_path.parent / f"{tmp_path.name}.py"))
        script.write_text(look)
        command = [*inside, sys.executable, str(script), str(tmp_path / "a.star")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["ENOSPC True", "True ['a.star']"]


def test_names_that_no_encoding_knows(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    odd = [b"caf\xe9.star", b"new\nline.star", b" .star", b"a#b:c.star"]
    for name in odd:
        (tmp_path / os.fsdecode(name)).write_bytes(BAD)
    found = list(tomoset.mend(tmp_path))
    assert [os.fsencode(file.path) for file in found] == sorted(folder + b"/" + name for name in odd)
    for file in found:
        file.write()
    assert all((tmp_path / os.fsdecode(name)).read_bytes() == GOOD for name in odd)


# Trees.


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in [
        "b/x.star",
        "a.star",
        "b/inner/default_pipeline.star",
        "b/inner/y.STAR",
        "b/note.txt",
        "c/z.star.gz",
    ]:
        path = tmp_path / "p" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(BAD)
    (tmp_path / "p" / "c" / "z.star.gz").write_bytes(gzip.compress(BAD))
    (tmp_path / "out.star").write_bytes(BAD)
    (tmp_path / "p" / "link.star").symlink_to("../out.star")
    (tmp_path / "p" / "up").symlink_to("..")
    return tmp_path / "p"


def test_trees_are_walked_in_order_and_without_links(tree: Path) -> None:
    files = [os.path.relpath(each.path, tree) for each in star_files(tree)]
    assert files == ["a.star", "b/x.star", "b/inner/default_pipeline.star", "b/inner/y.STAR", "c/z.star.gz"]
    assert [os.path.relpath(file.path, tree) for file in tomoset.mend(tree)] == files
    found = project_files(tree)
    assert [os.path.relpath(path, tree) for path in found.files] == ["a.star", "b/x.star", "c/z.star.gz"]
    assert [os.path.relpath(path, tree) for path in found.inner] == ["b/inner"]
    assert marked_root(str(tree / "b" / "inner" / "deeper")) == str(tree / "b" / "inner")


def test_what_was_mended_elsewhere_is_not_touched(tree: Path) -> None:
    for file in tomoset.mend(tree):
        file.write()
    assert (tree.parent / "out.star").read_bytes() == BAD
    assert (tree / "b" / "note.txt").read_bytes() == BAD


# Paths and names that need a project.


def test_absolute_paths_into_the_project(tmp_path: Path) -> None:
    root = tmp_path / "p"
    (root / "Import").mkdir(parents=True)
    (root / "default_pipeline.star").write_text(
        "data_pipeline_nodes\n\nloop_\n_rlnPipeLineNodeName\n/nowhere/x\n"
    )
    path = root / "Import" / "a.star"
    lines = [
        f"{root}/frames/1.mrc",
        f"3@{root}//s.mrcs:mrcs",
        f"{tmp_path}/other/1.mrc",
        f"{root}x/1.mrc",
        "frames/2",
    ]
    path.write_text(
        "data_x\nloop_\n_rlnMicrographName #1\n_rlnTomoName #2\n" + "".join(f"{x} {x}\n" for x in lines)
    )
    found = mend(path)
    assert [(made.code, made.line, made.count) for made in found.made] == [("N103", 5, 2)]
    table = tomoset.read_star(path)["x"]
    assert table["rlnMicrographName"].to_pylist() == ["frames/1.mrc", "3@s.mrcs:mrcs", *lines[2:]]
    assert table["rlnTomoName"].to_pylist() == lines
    assert not mend(path).made
    # By another name of the same folder.
    (tmp_path / "alias").symlink_to("p")
    path.write_text(f"data_x\n_rlnMicrographName {tmp_path}/alias/frames/1.mrc\n")
    assert not tomoset.mend_file(path).made
    assert mend(path, project_root=tmp_path / "alias").made
    assert path.read_text() == "data_x\n_rlnMicrographName frames/1.mrc\n"


def test_renamed_tilt_series(tmp_path: Path) -> None:
    (tmp_path / "default_pipeline.star").write_text("")
    folder = tmp_path / "Tomograms" / "job001" / "tilt_series"
    folder.mkdir(parents=True)
    rows = [("TS_1", "TS_1.star"), ("TS_2", "TS_2.star"), ("TS_3", "TS_3.star"), ("TS_4", "none.star")]
    tomograms = [name for name, _ in rows]
    files = [f"Tomograms/job001/tilt_series/{file}" for _, file in rows]
    table = pa.table({"rlnTomoName": tomograms, "rlnTomoTiltSeriesStarFile": files})
    tomoset.write_star({"global": table}, folder.parent / "tomograms.star")
    series = b"data_%s # c\n\nloop_\n_rlnMicrographPreExposure\n1.50\n"
    (folder / "TS_1.star").write_bytes(series % b"TS_1")
    (folder / "TS_2.star").write_bytes(series % b"old")
    (folder / "TS_3.star").write_bytes(series % b"old" + b"\n" + series % b"more")
    assert not any(made.code == "T203" for file in tomoset.mend(tmp_path) for made in file.made)
    found = {Path(file.path).name: file for file in tomoset.mend(tmp_path, select=["T203"], unsafe=True)}
    assert [str(made) for made in found["TS_2.star"].made] == [
        "1: T203 missing-block: data_old becomes data_TS_2"
    ]
    assert found["TS_2.star"].after == series % b"TS_2"
    assert [left.why for left in found["TS_3.star"].left if left.code == "T203"] == [
        "the set calls it TS_3, and the file has 2 blocks"
    ]
    assert not found["TS_1.star"].made


def test_two_sets_that_do_not_agree(tmp_path: Path) -> None:
    (tmp_path / "default_pipeline.star").write_text("")
    (tmp_path / "s.star").write_bytes(b"data_old\n_rlnMicrographPreExposure 1\n")
    for name in ("TS_1", "TS_2"):
        table = pa.table({"rlnTomoName": [name], "rlnTomoTiltSeriesStarFile": ["s.star"]})
        tomoset.write_star({"global": table}, tmp_path / f"{name}.star")
    assert not [file for file in tomoset.mend(tmp_path, unsafe=True) if file.made]
