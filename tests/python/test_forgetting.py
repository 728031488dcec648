"""Roots that are given up, and those that are not taken in as there is nothing in them."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from catalog_samples import answer, content, fresh
from cli_runs import environment, run
from fault_runs import HERE, build_calls, litter, require_whole, small_archive
from tomoset import Catalog
from tomoset.catalog import ArchiveEmpty, UnknownRoot

pytestmark = pytest.mark.usefixtures("no_hang")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    (folder / "frames").mkdir(parents=True)
    (folder / "frames/a.eer").write_text("")
    return folder


def test_a_new_root_without_star_files_is_refused(catalog: Catalog, empty: Path) -> None:
    with pytest.raises(ArchiveEmpty, match="has no STAR file, and is new to the catalogue"):
        catalog.index(empty)
    assert catalog.status().roots == ()
    assert catalog._store.head().batch == 0
    summary = catalog.index(empty, allow_empty=True)
    assert (summary.files, summary.crawl, summary.changed) == (0, 0, False)
    # It is known from now on.
    assert [root.root for root in catalog.status().roots] == [str(empty)]
    assert catalog.index(empty).files == 0


def test_a_root_that_has_become_empty_is_known(catalog: Catalog, archive: Path) -> None:
    catalog.index(archive)
    shutil.rmtree(archive)
    archive.mkdir()
    assert catalog.index(archive, allow_shrink=True).deleted_files == 32
    assert catalog.index(archive).files == 0


def test_a_mistyped_root_leaves_no_catalogue_behind(
    capfd: pytest.CaptureFixture[str], archive: Path, empty: Path, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    done = run(capfd, "index", archive, empty, "--catalog", made)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(f"tomoset: {empty} has no STAR file, and is new to the catalogue: ")
    assert not made.exists()
    assert run(capfd, "index", empty, "--catalog", made, "--allow-empty").code == 0
    # What is there already takes the roots that have something.
    done = run(capfd, "index", archive, tmp_path / "empty/frames/..", archive, "--catalog", made)
    assert done.code == 0
    (tmp_path / "other").mkdir()
    done = run(capfd, "index", tmp_path / "other", archive, "--catalog", made)
    assert done.code == 3
    assert f"root       {archive}" in done.out
    assert f"{tmp_path}/other has no STAR file" in done.err
    assert f"{tmp_path}/other" not in run(capfd, "status", "--catalog", made).out


def test_a_root_is_forgotten(catalog: Catalog, archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(archive, other)
    catalog.index(archive)
    before = content(catalog)
    catalog.index(other, particles=True)
    both = content(catalog)
    other.rename(tmp_path / "away")
    assert catalog.forget(other, dry_run=True) == 32
    assert content(catalog) == both
    assert catalog.forget(f"{other}/") == 32
    assert content(catalog) == before
    assert [root.root for root in catalog.status().roots] == [str(archive)]
    assert answer(catalog, "SELECT root, count(*), min(deleted_crawl) FROM deletions GROUP BY root") == [
        (str(other), 32, 3)
    ]
    row = "SELECT root, files, deleted_files, particles FROM crawls ORDER BY crawl DESC LIMIT 1"
    assert answer(catalog, row) == [(str(other), 0, 32, False)]
    require_whole(Path(catalog.path))
    with pytest.raises(UnknownRoot, match=r"/other is no root of this catalogue \(tomoset status"):
        catalog.forget(other)
    # Indexed again, it is as if it was new.
    (tmp_path / "away").rename(other)
    assert catalog.index(other).new_files == 32
    catalog.forget(archive)
    assert content(catalog) == fresh(tmp_path, other)
    # What shares files with it may be indexed now.
    assert catalog.index(archive / "2026").files > 0


def test_all_that_a_root_ever_was(catalog: Catalog, empty: Path) -> None:
    catalog.index(empty, allow_empty=True)
    assert catalog.forget(empty) == 0
    assert catalog.status().roots == ()
    assert answer(catalog, "SELECT count(*) FROM crawls") == [(0,)]


def test_a_root_of_which_nobody_knows_when_it_was_looked_at(catalog: Catalog, archive: Path) -> None:
    catalog.index(archive)
    (Path(catalog.path) / "checked.json").unlink()
    with pytest.raises(UnknownRoot, match="did you mean"):
        catalog.forget(f"{archive}s")
    assert catalog.forget(archive) == 32
    assert answer(catalog, "SELECT count(*) FROM files") == [(0,)]


def test_the_command(capfd: pytest.CaptureFixture[str], catalog: Catalog, archive: Path) -> None:
    catalog.index(archive)
    command = ("forget", archive, "--catalog", catalog.path)
    assert run(capfd, *command, "--dry-run").out == f"{archive} would be forgotten, with 32 files\n"
    assert run(capfd, *command).out == f"{archive} is forgotten, with 32 files\n"
    done = run(capfd, *command)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(f"tomoset: {archive} is no root of this catalogue")


def test_killed_after_a_call_it_is_there_or_gone(tmp_path: Path) -> None:
    calls = build_calls(tmp_path)
    if calls is None:
        pytest.skip("no C compiler")
    root, before, folder, told = (tmp_path / name for name in ("archive", "before", "catalog", "told"))
    small_archive(root, 1)
    with Catalog.create(before) as catalog:
        count = catalog.index(root).files
        whole = content(catalog)
    command = [sys.executable, str(HERE / "fault_driver.py"), "forget", str(root), "--catalog", str(folder)]
    seen, at = set(), 1
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before, folder)
        variables = {"LD_PRELOAD": str(calls), "FAULT_AT": str(at), "FAULT_TOLD": str(told)}
        done = subprocess.run(command, env={**environment(), **variables}, capture_output=True, text=True)
        if not told.exists():
            assert done.returncode == 0, done.stderr
            break
        told.unlink()
        assert done.returncode == -signal.SIGKILL, done.stderr
        with Catalog.open(folder) as catalog:
            is_gone = answer(catalog, "SELECT count(*) FROM files") == [(0,)]
            seen.add(is_gone)
            assert is_gone or content(catalog) == whole
            if not is_gone or catalog.status().roots:
                catalog.forget(root)
            require_whole(folder)
            assert catalog.status().roots == ()
            assert answer(catalog, "SELECT count(*) FROM deletions") == [(count,)]
        if not is_gone:
            assert litter(folder) == [], at
        at += int(os.environ.get("TORTURE_STRIDE", "9"))
    assert seen == {False, True}
