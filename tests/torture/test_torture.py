"""What a catalogue must outlive, at length: ``make torture``.

Each length is a variable of the environment; short forms of all are in ``tests/python/test_faults.py``. With -s each
test tells what it did.
"""

import errno
import os
from pathlib import Path
from random import randrange

import pytest
from fault_clusters import kill_on_a_cluster
from fault_order import crawl_in_order
from fault_scenarios import compete, fail_each_call, fill_the_disk, kill_after_each_call, kill_at_random
from fault_trees import crawl_a_moving_tree

KILLS = int(os.environ.get("TORTURE_KILLS", "200"))
#: Kills of driver, workers and scheduler of a cluster.
CLUSTER_KILLS = int(os.environ.get("TORTURE_CLUSTER_KILLS", "60"))
#: Of the calls that make changes last every so many is struck; 1 takes an hour.
STRIDE = int(os.environ.get("TORTURE_STRIDE", "12"))
DISK_STEP = int(os.environ.get("TORTURE_DISK_STEP", "4096"))
RIVALS_SECONDS = float(os.environ.get("TORTURE_RIVALS_SECONDS", "60"))
TREE_SECONDS = float(os.environ.get("TORTURE_TREE_SECONDS", "600"))
SEED = int(os.environ.get("TORTURE_SEED") or randrange(10_000))

#: More of the command line: whatever runs the tasks must stand the same.
RUNNERS = [(), ("--threads", "1")]


@pytest.fixture(autouse=True)
def told() -> None:
    print(f"TORTURE_SEED={SEED}")


@pytest.mark.parametrize("arguments", RUNNERS, ids=" ".join)
def test_killed_at_random(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    print(kill_at_random(tmp_path, KILLS // len(RUNNERS), SEED, arguments))


def test_killed_on_a_cluster(tmp_path: Path) -> None:
    print(kill_on_a_cluster(tmp_path, CLUSTER_KILLS, SEED))


def test_killed_after_each_call(tmp_path: Path) -> None:
    print(kill_after_each_call(tmp_path, STRIDE), "killed")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_each_call_fails(tmp_path: Path, number: int) -> None:
    print(fail_each_call(tmp_path, 4 * STRIDE, number), "failed")


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    struck = fill_the_disk(tmp_path, DISK_STEP)
    print(struck)
    if DISK_STEP <= 4096:
        assert struck.keys() >= {"part", "pending", "log"}


@pytest.mark.parametrize("waits", [(0.0, 60.0), (0.0, 0.0, 60.0)], ids=["two", "three"])
def test_several_at_once(tmp_path: Path, waits: tuple[float, ...]) -> None:
    print(compete(tmp_path, RIVALS_SECONDS, waits, SEED))


def test_a_tree_that_changes_meanwhile(tmp_path: Path) -> None:
    print(crawl_a_moving_tree(tmp_path, TREE_SECONDS, SEED))


@pytest.mark.parametrize("arguments", RUNNERS, ids=" ".join)
def test_nothing_is_shown_before_it_is_on_the_disk(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    print(crawl_in_order(tmp_path, arguments))
