"""Files on tape: a size, and no blocks."""

import os
import subprocess
from pathlib import Path

import pytest
from catalog_samples import (
    answer,
    content,
    make_project,
    tilt_series,
    tomogram_set,
    write,
)
from tomoset import Catalog

pytestmark = pytest.mark.usefixtures("no_hang")


def send_to_tape(path: Path) -> None:
    """Take a file's blocks away, and leave its size, time and inode."""
    facts = path.stat()
    hole = [
        "fallocate",
        "--punch-hole",
        "--offset",
        "0",
        "--length",
        str(-(-facts.st_size // 4096) * 4096),
        str(path),
    ]
    if subprocess.run(hole, capture_output=True, check=False).returncode:
        pytest.skip("no holes in files here")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    if path.stat().st_blocks:
        pytest.skip("holes have blocks here")


def test_what_goes_to_tape_keeps_what_is_known(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    make_project(root / "p")
    tilts, tomograms = root / "p/long.star", root / "p/Import/job001/tilt_series.star"
    write(tilts, tilt_series("LONG", 500))
    write(tomograms, tomogram_set("Import/job001", [f"TS_{at}" for at in range(200)]))
    catalog.index(root)
    before = content(catalog)
    for path in (tilts, tomograms):
        send_to_tape(path)
    assert not catalog.index(root, verify=True).changed_files
    for name in ("tilts", "tomograms", "files"):
        assert content(catalog)[name] == before[name]
    # A set is looked at again where files have come, but not from tape.
    write(root / "p/more.star", tilt_series("MORE"))
    catalog.index(root)
    assert len(content(catalog)["tomograms"]) == len(before["tomograms"])
    # What was brought back is read without being asked for.
    new = root / "p/new.star"
    write(new, tilt_series("NEW", 500))
    text = new.read_bytes()
    send_to_tape(new)
    catalog.index(root)
    status = "SELECT status, kind FROM files WHERE path = 'p/new.star'"
    assert answer(catalog, status) == [("offline", "unknown")]
    facts = new.stat()
    new.write_bytes(text)
    os.utime(new, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    catalog.index(root)
    assert answer(catalog, status) == [("ok", "tilt_series")]


def test_small_files_without_blocks_are_not_on_tape(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with (tmp_path / "root/small.star").open("wb") as file:
        file.truncate(4000)
    catalog.index(tmp_path / "root")
    assert answer(catalog, "SELECT status FROM files") == [("faulty",)]
