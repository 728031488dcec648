"""Crawls that are killed, compete, or run out of space or memory: short forms of what ``make torture`` does."""

import errno
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_clusters import VICTIMS, kill_on_a_cluster
from fault_order import crawl_in_order
from fault_runs import Indexer, litter, require_whole, small_archive, states_in, states_on_disk
from fault_scenarios import (
    compete,
    fail_each_call,
    fill_the_disk,
    kill_after_each_call,
    kill_at_random,
    require_mended,
    small_disk,
)
from fault_trees import crawl_a_moving_tree
from tomoset import Catalog
from tomoset.catalog import CatalogFormatError, QueryError

pytestmark = pytest.mark.usefixtures("no_hang")


def test_killed_at_random(tmp_path: Path) -> None:
    assert kill_at_random(tmp_path, 2, seed=11)["killed"] == 2


def test_killed_on_a_cluster(tmp_path: Path) -> None:
    struck = kill_on_a_cluster(tmp_path, len(VICTIMS), seed=4)
    assert {victim: struck[victim] for victim in VICTIMS} == dict.fromkeys(VICTIMS, 1)


def test_killed_after_a_call(tmp_path: Path) -> None:
    assert kill_after_each_call(tmp_path, 230) >= 2


def test_calls_that_fail(tmp_path: Path) -> None:
    assert fail_each_call(tmp_path, 250, errno.EIO) >= 2


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    assert fill_the_disk(tmp_path, 400_000, first=20_000)["part"] >= 1


def test_two_at_once(tmp_path: Path) -> None:
    assert compete(tmp_path, 1.0, (0.0, 60.0), seed=1)["done"] >= 1


def test_a_tree_that_changes_meanwhile(tmp_path: Path) -> None:
    assert crawl_a_moving_tree(tmp_path, 2.0, seed=1)["changes"] > 0


def test_nothing_is_shown_before_it_is_on_the_disk(tmp_path: Path) -> None:
    first, second = crawl_in_order(tmp_path)
    assert min(first.values()) >= 1
    assert min(second.values()) >= 1


#: What is told where memory is short: our own message, or the last words of what could not go on without.
SHORT = (
    "out of memory",
    "threads",
    "failed to map",
    "bad_alloc",
    "memory allocation",
    "temporarily unavailable",
)


@pytest.mark.skipif("TORTURE_MEMORY" not in os.environ, reason="what the system gives differs: make torture")
@pytest.mark.parametrize("limit", ["--as=1100000000", "--data=400000000"])
def test_too_little_memory_spoils_nothing(tmp_path: Path, limit: str) -> None:
    if shutil.which("prlimit") is None:
        pytest.skip("no prlimit")
    indexer = Indexer(tmp_path / "archive", tmp_path / "catalog")
    small_archive(indexer.root, 1)
    code, told = Indexer(indexer.root, indexer.catalog, within=("prlimit", limit)).run()
    # Compiled code that gets no memory ends the process by SIGABRT.
    assert code in (0, 1, 3, -6), told
    assert code == 0 or any(words in told for words in SHORT), told
    require_mended(indexer, 0)


def nobody() -> tuple[str, ...]:
    """Return what runs a process without the rights of root; skips where that cannot be."""
    if os.geteuid() != 0:
        return ()
    prefix = ("setpriv", "--reuid=65534", "--clear-groups")
    if shutil.which("setpriv") is None or subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("root may read everything, and there is no setpriv")
    return prefix


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that `nobody` may write to; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


def test_a_folder_that_cannot_be_read_keeps_its_rows_and_is_told(open_folder: Path) -> None:
    indexer = Indexer(open_folder / "archive", open_folder / "catalog", within=nobody())
    small_archive(indexer.root)
    closed = [indexer.root / "s1/p0", indexer.root / "s1/p1/MotionCorr/job002"]
    if os.geteuid() == 0:
        for path in (indexer.root, *indexer.root.rglob("*")):
            os.chown(path, 65534, -1)
    code, told = indexer.run()
    assert code == 0, told
    before = states_in(indexer.catalog)
    for folder in closed:
        folder.chmod(0o000)
    try:
        assert indexer.run() == (0, "")
        seen = states_in(indexer.catalog)
        assert seen["s1/p0"] == before["s1/p0"]
        assert seen["s1/p1"] >= before["s1/p1"]
        with Catalog.open(indexer.catalog) as catalog:
            told_of = catalog.sql("SELECT path FROM problems WHERE message LIKE '%ermission%' ORDER BY 1")
        assert told_of["path"].to_pylist() == ["s1/p0/", "s1/p1/MotionCorr/job002/"]
    finally:
        for folder in closed:
            folder.chmod(0o755)
    assert indexer.run() == (0, "")
    assert states_in(indexer.catalog) == before == states_on_disk(indexer.root)


def test_a_catalogue_that_cannot_be_written(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 16 << 20) as disk:
        indexer = Indexer(tmp_path / "archive", disk / "catalog")
        small_archive(indexer.root, 1)
        assert indexer.run() == (0, "")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        code, told = indexer.run()
        assert (code, told) == (3, f"tomoset: {disk}/catalog/catalog.lock: Read-only file system\n")
        require_whole(indexer.catalog)


COPIES = int(os.environ.get("TORTURE_COPIES", "2"))


def test_a_copy_that_is_made_while_somebody_writes(tmp_path: Path) -> None:
    indexer = Indexer(tmp_path / "archive", tmp_path / "catalog")
    small_archive(indexer.root)
    copies = 0
    crawl = indexer.start()
    while crawl.poll() is None:
        if not (indexer.catalog / "head.json").exists():
            continue
        copy = tmp_path / f"copy{copies}"
        if copies == COPIES:
            break
        # Of what vanishes meanwhile cp tells.
        subprocess.run(["cp", "-r", indexer.catalog, copy], capture_output=True)
        copies += 1
        time.sleep(0.05)
    crawl.communicate()
    assert copies > 0
    whole = 0
    for copy in (tmp_path / f"copy{at}" for at in range(copies)):
        try:
            require_whole(copy)
            whole += 1
        except (CatalogFormatError, QueryError) as fault:
            assert "copied while somebody wrote" in str(fault)
        # A writer goes on from what readers see, or leaves all as it is.
        code, told = Indexer(indexer.root, copy).run()
        if code == 0:
            require_whole(copy)
            assert states_in(copy) == states_on_disk(indexer.root)
            assert litter(copy) == []
        else:
            assert (code, told.count("\n")) == (3, 1), told
            assert "copied while somebody wrote" in told or "are gone" in told
    print(f"{whole} of {copies} copies were whole")
