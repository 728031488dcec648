"""A Dask cluster whose driver, scheduler and workers are killed, and what a crawl on it leaves."""

import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from cli_runs import environment
from fault_runs import Changes, Indexer, Witness, small_archive
from fault_scenarios import FAILED, require_in_order

WORKERS = 2
#: What may be killed.
VICTIMS = ("driver", "worker", "scheduler")
SECONDS = 180.0
"""When a crawl, or a cluster that should be there, is given up."""


class Cluster:
    """A scheduler and workers, each a process of its own that is started again when it has ended."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self._port}"
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def keep(self) -> None:
        """Start what does not run, and wait for the scheduler."""
        end = time.monotonic() + SECONDS
        self._start(
            "scheduler", "dask_scheduler", "--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard"
        )
        while not self._answers():
            assert time.monotonic() < end, "the scheduler does not answer"
            time.sleep(0.05)
        for number in range(WORKERS):
            options = (
                "--no-nanny",
                "--nthreads",
                "1",
                "--no-dashboard",
                "--local-directory",
                str(self._folder),
            )
            self._start(f"worker{number}", "dask_worker", self.address, *options)

    def kill(self, name: str) -> None:
        self._processes[name].send_signal(signal.SIGKILL)
        self._processes[name].wait()

    def end(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _start(self, name: str, module: str, *arguments: str) -> None:
        if name in self._processes and self._processes[name].poll() is None:
            return
        log = (self._folder / f"{name}.log").open("ab")
        with log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
                env=environment(),
                stdout=log,
                stderr=log,
            )

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Start a cluster; its logs are in the folder."""
    folder.mkdir()
    own = Cluster(folder)
    try:
        own.keep()
        yield own
    finally:
        own.end()


def kill_on_a_cluster(tmp: Path, kills: int, seed: int) -> dict[str, float]:
    """Kill driver, workers and scheduler at random instants of crawls; return how often each was."""
    random = Random(seed)
    with cluster(tmp / "cluster") as own:
        indexer = Indexer(tmp / "archive", tmp / "catalog", ("--scheduler", own.address))
        small_archive(indexer.root)
        changes, witness = Changes(indexer.root, random), Witness(indexer.root, indexer.catalog)
        struck = Counter[str]()
        took: list[float] = []
        while sum(struck.values()) < kills:
            witness.note()
            # Each is struck in turn, at an instant by chance.
            victim = VICTIMS[sum(struck.values()) % len(VICTIMS)]
            usual = statistics.median(took[-9:]) if took else 1.0
            whole = _run_struck(indexer, own, victim, random.uniform(0, 1.1 * usual), tmp / "go")
            if whole is None:
                struck[victim] += 1
            else:
                took.append(whole)
            own.keep()
            if (indexer.catalog / "head.json").exists():
                witness.look()
            changes.make(random.randrange(1, 5))
        require_in_order(indexer, tmp / "fresh")
    return {**struck, "seconds": statistics.median(took or [0])}


def _run_struck(indexer: Indexer, own: Cluster, victim: str, after: float, go: Path) -> float | None:
    """Kill somebody so many seconds after the imports are done; return how long it took if it was over before."""
    process = indexer.start_and_wait(go)
    began = time.monotonic()
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        if victim == "driver":
            process.send_signal(signal.SIGKILL)
        else:
            own.kill(f"{victim}0" if victim == "worker" else victim)
    else:
        victim = "nobody"
    whole = time.monotonic() - began
    try:
        _, told = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    code = process.returncode
    if victim == "scheduler" and code == FAILED:
        assert re.match("tomoset: .*(what is committed stays|no scheduler answers)", told), told
    else:
        assert code == (-signal.SIGKILL if victim == "driver" else 0), (victim, code, told)
    return whole if victim == "nobody" else None
