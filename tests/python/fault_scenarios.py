"""Ways to stop a crawl, each as long as one likes: seconds in `test_faults`, minutes in ``tests/torture``."""

import itertools
import os
import re
import shutil
import signal
import statistics
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from fault_runs import (
    Changes,
    Indexer,
    Witness,
    build_calls,
    litter,
    require_as_fresh,
    require_plain_delta,
    require_whole,
    small_archive,
    states_in,
    states_on_disk,
)
from tomoset.catalog.journal import Head, Pending
from tomoset.catalog.schema import TABLES

FAILED = 3


def require_in_order(indexer: Indexer, beside: Path) -> None:
    """Run once more, undisturbed, and find everything as it should be."""
    code, told = indexer.run()
    assert code == 0, told
    require_whole(indexer.catalog)
    assert states_in(indexer.catalog) == states_on_disk(indexer.root)
    require_as_fresh(indexer.catalog, indexer.root, beside)
    assert litter(indexer.catalog) == []
    assert Pending.read(indexer.catalog) is None
    require_plain_delta(indexer.catalog)


def kill_at_random(tmp: Path, kills: int, seed: int, arguments: tuple[str, ...] = ()) -> dict[str, float]:
    """Kill crawls of a changing tree at random instants; return how many were, and how long a whole one takes."""
    random = Random(seed)
    indexer = Indexer(tmp / "archive", tmp / "catalog", arguments)
    small_archive(indexer.root)
    changes, witness = Changes(indexer.root, random), Witness(indexer.root, indexer.catalog)
    took: list[float] = []
    killed = crawls = commits = 0
    while killed < kills:
        witness.note()
        usual = statistics.median(took[-9:]) if took else 1.1**killed
        # Beyond the end now and then, so that not all work is left to the next.
        whole = indexer.run_killed(random.uniform(0, 1.3 * usual), tmp / "go")
        crawls += 1
        if whole is None:
            killed += 1
        else:
            took.append(whole)
        if (indexer.catalog / "head.json").exists():
            commits = Head.read(indexer.catalog).batch
            witness.look()
        changes.make(random.randrange(1, 5))
    require_in_order(indexer, tmp / "fresh")
    return {"killed": killed, "crawls": crawls, "batches": commits, "seconds": statistics.median(took or [0])}


def _strike_each_call(
    tmp: Path, stride: int, arguments: tuple[str, ...], **options: int
) -> Iterator[tuple[Indexer, int, int, str]]:
    """Strike at call number 1, 1 + stride and so on of a first crawl and of a refresh; give exit code and message."""
    calls = build_calls(tmp)
    if calls is None:
        pytest.skip("no C compiler")
    indexer = Indexer(tmp / "archive", tmp / "catalog", arguments)
    small_archive(indexer.root, 1)
    for before in (None, tmp / "before"):
        if before is not None:
            assert indexer.run()[0] == 0
            indexer.catalog.rename(before)
            Changes(indexer.root, Random(3)).make(9)
        at, told = 1, tmp / "told"
        while True:
            shutil.rmtree(indexer.catalog, ignore_errors=True)
            if before is not None:
                shutil.copytree(before, indexer.catalog)
            code, words = indexer.run(preload=calls, at=at, told=told, **options)
            if not told.exists():
                assert code == 0, words
                break
            told.unlink()
            yield indexer, at, code, words
            at += stride


def kill_after_each_call(tmp: Path, stride: int, arguments: tuple[str, ...] = ()) -> int:
    """Kill right after fsync, rename, link, unlink or mkdir number k, for every k; return how many were killed."""
    struck = 0
    for indexer, at, code, words in _strike_each_call(tmp, stride, arguments):
        struck += 1
        assert code == -signal.SIGKILL, (at, words)
        require_mended(indexer, at)
    return struck


def fail_each_call(tmp: Path, stride: int, number: int, arguments: tuple[str, ...] = ()) -> int:
    """Let each such call fail once; return how many did."""
    struck = 0
    for indexer, at, code, words in _strike_each_call(tmp, stride, arguments, error=number):
        struck += 1
        # What was only to be tidied up may stay until the next.
        assert code in (0, FAILED), (at, words)
        told = re.fullmatch(rf"tomoset: .+: {os.strerror(number)}\n", words)
        assert (words == "") if code == 0 else told, (at, words)
        require_mended(indexer, at)
    return struck


def require_mended(indexer: Indexer, at: int) -> None:
    """Find whole units, and after another run the whole tree."""
    if (indexer.catalog / "head.json").exists():
        require_whole(indexer.catalog)
    code, words = indexer.run()
    assert code == 0, (at, words)
    require_whole(indexer.catalog)
    assert states_in(indexer.catalog) == states_on_disk(indexer.root), at
    assert litter(indexer.catalog) == [], at


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[Path]:
    """Mount a file system of so many bytes, and take it away again whatever happens."""
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "small", place], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small disk: {mounted.stderr}")
    try:
        yield place
    finally:
        # Lazily: a reader that a failed test left may still hold files.
        subprocess.run(["umount", "--lazy", place], check=True)


def fill_the_disk(tmp: Path, step: int, first: int = 0, arguments: tuple[str, ...] = ()) -> dict[str, int]:
    """Refresh with ever more free space until it is enough; return how often each kind of file struck the bounds."""
    struck: Counter[str] = Counter()
    with small_disk(tmp / "disk", 32 << 20) as disk:
        indexer = Indexer(tmp / "archive", disk / "catalog", arguments)
        small_archive(indexer.root, 2)
        assert indexer.run()[0] == 0
        shutil.copytree(indexer.catalog, tmp / "before")
        Changes(indexer.root, Random(1)).make(3)
        for free in itertools.count(first, step):
            shutil.rmtree(indexer.catalog)
            shutil.copytree(tmp / "before", indexer.catalog)
            before, seen = Head.read(indexer.catalog), states_in(indexer.catalog)
            leave_free(disk, free)
            # All in one batch: what fails, fails before readers see anything of it.
            code, told = indexer.run(commit_seconds=1000)
            head = Head.read(indexer.catalog)
            if code != 0:
                assert code == FAILED, told
                match = re.fullmatch(r"tomoset: (.+): No space left on device\n", told)
                assert match, told
                struck[kind_of(match[1])] += 1
            if head == before:
                assert code == FAILED
                assert states_in(indexer.catalog) == seen
            require_whole(indexer.catalog)
            assert litter(indexer.catalog) == []
            (disk / "ballast").unlink()
            require_mended(indexer, free)
            if code == 0:
                require_plain_delta(indexer.catalog)
                return dict(struck)
    raise AssertionError("unreachable")


def leave_free(disk: Path, free: int) -> None:
    """Fill a disk but for so many bytes."""
    facts = os.statvfs(disk)
    ballast = os.open(disk / "ballast", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(ballast, 0, facts.f_bavail * facts.f_bsize - free)
    finally:
        os.close(ballast)


def kind_of(path: str) -> str:
    """Tell what a file of a catalogue is."""
    name = Path(path.replace("$'", "")).name
    for word, kind in (("part-", "part"), ("json", name.strip(".").partition(".")[0])):
        if word in name:
            return kind
    return "log" if name in TABLES else name


def compete(
    tmp: Path, seconds: float, waits: tuple[float, ...], seed: int, arguments: tuple[str, ...] = ()
) -> dict[str, int]:
    """Let several index one changing tree at once, beside a reader; return how they fared."""
    indexer = Indexer(tmp / "archive", tmp / "catalog", arguments)
    small_archive(indexer.root, 2)
    fared: Counter[str] = Counter()
    until = time.monotonic() + seconds
    faults: list[str] = []

    def index(wait: float) -> None:
        own = replace(indexer, arguments=(*arguments, *(("--wait", str(wait)) if wait else ())))
        while time.monotonic() < until and not faults:
            code, told = own.run()
            busy = code == FAILED and told.startswith("tomoset: another 'tomoset index' is writing to ")
            fared["done" if code == 0 else "busy"] += 1
            if not (code == 0 or (busy and told.count("\n") == 1 and not wait)):
                faults.append(f"{wait=} {code=} {told}")

    def change() -> None:
        changes = Changes(indexer.root, Random(seed))
        while time.monotonic() < until:
            changes.make(1)
            time.sleep(0.1)

    threads = [threading.Thread(target=index, args=(wait,)) for wait in waits]
    threads.append(threading.Thread(target=change))
    for thread in threads:
        thread.start()
    try:
        while time.monotonic() < until and not faults:
            if (indexer.catalog / "head.json").exists():
                require_whole(indexer.catalog)
                fared["read"] += 1
            time.sleep(0.02)
    finally:
        for thread in threads:
            thread.join()
    assert not faults, faults
    require_in_order(indexer, tmp / "fresh")
    return dict(fared)
