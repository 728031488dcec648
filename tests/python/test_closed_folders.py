"""Folders that cannot be listed: they are told, and keep nobody from what lies in others."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomoset
from catalog_samples import powerless
from cli_runs import run

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("no_hang", "closed")

BAD = b"data_x\n\nloop_\n_rlnImageName #1\n_rlnEnabled #2\nMovies/1.mrc True\n"
GOOD = BAD.replace(b"True", b"1")


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be somebody who may not list the second of three folders, in the folder that they are in."""
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.star").write_bytes(BAD)
    for above in tmp_path.parents:
        if above.stat().st_uid == os.geteuid() and above.stat().st_mode & 0o7777 == 0o700:
            above.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    # What is imported later may be out of reach.
    for name in ("fix", "paths", "rebase", "formats"):
        importlib.import_module(f"tomoset.cli.{name}")
    for name in ("trees", "references", "rebasing", "diffs"):
        importlib.import_module(f"tomoset.mending.{name}")
    with powerless(tmp_path):
        (tmp_path / "b").chmod(0)
        yield
    (tmp_path / "b").chmod(0o755)


def test_others_are_mended() -> None:
    found = list(tomoset.mend("."))
    assert [(file.path, file.error, file.is_changed) for file in found] == [
        ("./a/x.star", None, True),
        ("./b/", "Permission denied", False),
        ("./c/x.star", None, True),
    ]
    # As it is named, too.
    found = list(tomoset.mend(["a", "b", "c"]))
    assert [(file.path, file.error) for file in found] == [
        ("a/x.star", None),
        ("b/", "Permission denied"),
        ("c/x.star", None),
    ]


def test_the_command_mends_others(capfd: pytest.CaptureFixture[str]) -> None:
    done = run(capfd, "fix", ".", "-q")
    assert done.code == 3
    assert done.err.splitlines() == [
        "tomoset: ./b/: Permission denied",
        "tomoset: 1 folder could not be mended",
    ]
    assert [Path(name, "x.star").read_bytes() for name in "ac"] == [GOOD, GOOD]


def test_references_of_others_are_found(capfd: pytest.CaptureFixture[str]) -> None:
    found = tomoset.find_references(".")
    assert found.files == ("a/x.star", "c/x.star")
    assert found.faults == (("b/", "Permission denied"),)
    assert found.table["count"].to_pylist() == [1, 1]
    done = run(capfd, "paths", ".")
    assert done.code == 3
    assert done.err.splitlines() == [
        "tomoset: b/: Permission denied",
        "2 files, 2 references to 1 path; 1 missing; 0 outside",
        "tomoset: 1 folder could not be read, or not all of it",
    ]


def test_no_reference_is_moved() -> None:
    with pytest.raises(tomoset.RebaseError, match=r"/b: Permission denied; nothing was moved"):
        tomoset.rebase("Movies", "Raw", ".")
    assert [Path(name, "x.star").read_bytes() for name in "ac"] == [BAD, BAD]


def test_a_project_that_cannot_be_listed() -> None:
    for call in (lambda: tomoset.find_references("b"), lambda: tomoset.rebase("Movies", "Raw", "b")):
        with pytest.raises(PermissionError, match="Permission denied"):
            call()
