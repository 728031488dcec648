"""The workers of a Dask cluster: what they must see, and how tasks come to them and back."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import pickle
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tomoset.catalog.faults import ClusterError, WorkerLost, dask_extra
from tomoset.catalog.folder import CARD

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from distributed import Client, Future

    from tomoset.catalog.runners import Handle

WORKERLESS_SECONDS = 600.0
"""How long a crawl waits for a worker when all that it had are gone."""
SETTLING_SECONDS = 2.0
"""How long a worker that comes late waits before its first task."""
_FIRST_TRIES = 5
_POLL_SECONDS = 0.1
_COUNT_SECONDS = 2.0
_SAMPLES = 8


class DaskRunner:
    """Runs tasks on the workers of a Dask cluster.

    A task has one thread. Dask gives a worker as many tasks at a time as it has threads: so all its cores have work,
    however they are divided, and none has it twice.

    Parameters
    ----------
    client
        Connected to the cluster; it stays open.

    Raises
    ------
    TypeError
        The client is asynchronous.
    ClusterError
        It is closed.
    ImportError
        The extra ``dask`` is missing.
    """

    def __init__(self, client: Client) -> None:
        with dask_extra():
            from distributed import KilledWorker
        if client.asynchronous:
            raise TypeError("runner must be a distributed.Client with asynchronous=False")
        self._killed_worker: type[Exception] = KilledWorker
        self._client = client
        self._place: Place | None = None
        self._running: set[_Handle] = set()
        self._done: set[_Handle] = set()
        self._news = threading.Event()
        self._counted = 0.0
        self._staffed: float | None = None
        self.workers = 1
        self._count()

    def look(self, root: str, catalog: Path) -> None:
        """Make sure that the workers see an archive and a catalogue, and can write to this, until `close`.

        It waits for a first worker. Those that come later look around before their first task.

        Parameters
        ----------
        root
            Folder of the archive.
        catalog
            Folder of the catalogue.

        Raises
        ------
        ClusterError
            One does not; the message has its host and the path.
        """
        self._await_worker()
        place = Place.of(root, catalog)
        self._place = place
        place.mark.touch(mode=0o600)
        try:
            shown = self._on_all(show, place)
            for address, answer in shown.items():
                if isinstance(answer, Exception):
                    raise ClusterError(f"worker {address}: {_words(answer)}")
                host, path = answer
                if not Path(path).exists():
                    raise ClusterError(_elsewhere(host, catalog))
        finally:
            self._on_all(hide, place)

    def submit(self, function: Callable[..., Any], *arguments: object) -> _Handle:
        """Hand a task over.

        Raises
        ------
        ClusterError
            The cluster is lost.
        """
        self._refuse_if_lost()
        try:
            future = self._client.submit(run, self._place, pack((function, arguments)), pure=False)
        except Exception as fault:
            # The connection may be lost at any time; what is raised then differs from version to version.
            self._refuse_if_lost(fault)
            raise
        handle = _Handle(future, self._take)
        self._running.add(handle)
        future.add_done_callback(lambda _: self._finish(handle))
        return handle

    def wait(self, handles: Collection[Handle]) -> set[Handle]:
        """Wait a moment; return those that are done.

        Raises
        ------
        ClusterError
            The cluster is lost, or has had no worker for long.
        """
        if self._done.isdisjoint(handles):
            self._news.wait(_POLL_SECONDS)
            self._news.clear()
        self._refuse_if_lost()
        if time.monotonic() - self._counted > _COUNT_SECONDS:
            self._count()
        return {handle for handle in handles if handle in self._done}

    def close(self) -> None:
        """Give up what does not run yet. What runs ends in vain: nobody adds what it writes, and that is swept up."""
        if self._place is not None:
            # A task that begins only now sees by this that nobody waits for it.
            self._place.mark.unlink(missing_ok=True)
            self._place = None
        futures = [handle.future for handle in self._running]
        self._running, self._done = set(), set()
        if futures and self._client.status == "running":
            # Whatever is wrong with the cluster, the crawl is over.
            with contextlib.suppress(Exception):
                self._client.cancel(futures)

    def _finish(self, handle: _Handle) -> None:
        self._done.add(handle)
        self._news.set()

    def _take(self, handle: _Handle) -> Any:  # noqa: ANN401
        """Return what a task gave, and let the cluster forget it."""
        try:
            answer: bytes = handle.future.result()
        except self._killed_worker as fault:
            raise WorkerLost(f"each worker that tried this was lost: {_words(fault)}") from fault
        except (concurrent.futures.CancelledError, asyncio.CancelledError) as fault:
            raise self._lost() from fault
        except Exception as fault:
            self._refuse_if_lost(fault)
            raise
        finally:
            self._running.discard(handle)
            self._done.discard(handle)
            handle.future.release()
        return unpack(answer)

    def _await_worker(self) -> None:
        """Wait until something is done: that makes clusters grow that have no workers while nothing is to be done."""
        for tries_left in reversed(range(_FIRST_TRIES)):
            first = self.submit(socket.gethostname)
            while first not in self.wait([first]):
                pass
            try:
                first.result()
                break
            except WorkerLost:
                # That one ended just then says nothing of the others.
                if not tries_left:
                    raise
            except ClusterError:
                raise
            except Exception as fault:
                raise ClusterError(
                    f"the cluster of {self._address} cannot run tomoset: {_words(fault)}"
                ) from fault
        self._count()

    def _on_all(self, function: Callable[[Place], Any], place: Place) -> dict[str, Any]:
        """Call something on each worker; leave out the workers that are lost over it."""
        try:
            answers = self._client.run(function, place, on_error="return")
        except Exception as fault:
            self._refuse_if_lost(fault)
            raise
        return {address: answer for address, answer in answers.items() if not isinstance(answer, OSError)}

    def _count(self) -> None:
        """Count the workers' threads: they come and go."""
        self._refuse_if_lost()
        try:
            threads = sum(self._client.nthreads().values())
        except Exception as fault:
            raise self._lost() from fault
        self._counted = time.monotonic()
        self.workers = max(1, threads)
        if threads:
            self._staffed = self._counted
        elif self._staffed is not None and self._counted - self._staffed > WORKERLESS_SECONDS:
            message = f"the cluster of {self._address} has had no worker for {WORKERLESS_SECONDS:.0f} s"
            raise ClusterError(f"{message}; {_RERUN}")

    def _refuse_if_lost(self, fault: Exception | None = None) -> None:
        if self._client.status != "running":
            raise self._lost() from fault

    def _lost(self) -> ClusterError:
        return ClusterError(f"the connection to the scheduler at {self._address} is closed or lost; {_RERUN}")

    @property
    def _address(self) -> str:
        return getattr(self._client.scheduler, "address", None) or "an unknown address"


_RERUN = "what is committed stays, and running again does the rest"


class _Handle:
    """A task on a cluster."""

    def __init__(self, future: Future[bytes], take: Callable[[_Handle], Any]) -> None:
        self.future = future
        self._take = take

    def result(self) -> Any:  # noqa: ANN401
        """Return what it gave, or raise what it raised."""
        return self._take(self)


@dataclass(frozen=True)
class Place:
    """What a worker must see.

    Attributes
    ----------
    root
        Folder of the archive.
    samples
        Some names that are in it: a folder on which nothing is mounted has none of them.
    catalog
        Folder of the catalogue.
    card
        What its ``catalog.json`` says.
    token
        Random; the catalogue has a file of that name as long as the crawl lasts.
    version
        That of tomoset.
    """

    root: bytes
    samples: tuple[bytes, ...]
    catalog: Path
    card: bytes
    token: str
    version: str

    @classmethod
    def of(cls, root: str, catalog: Path) -> Place:
        """Describe what this process sees."""
        from tomoset import __version__

        folder = os.fsencode(root)
        samples = tuple(sorted(os.listdir(folder))[:_SAMPLES])  # noqa: PTH208  bytes
        card = (catalog / CARD).read_bytes()
        return cls(folder, samples, catalog, card, uuid.uuid4().hex, __version__)

    @property
    def mark(self) -> Path:
        """File in the catalogue that is there while the crawl lasts."""
        return self.catalog / f".crawl-{self.token}.tmp"

    @property
    def own_file(self) -> Path:
        """File in the catalogue that this process makes, and no other."""
        return self.catalog / f".look-{self.token}-{socket.gethostname()}-{os.getpid()}.tmp"

    def look_around(self) -> None:
        """Make sure that this process sees all of it; leaves a file in the catalogue.

        Raises
        ------
        ClusterError
            It does not.
        """
        from tomoset import __version__

        host = socket.gethostname()
        worker = f"the worker on {host}"
        if __version__ != self.version:
            raise ClusterError(f"{worker} has tomoset {__version__}, this machine has {self.version}")
        root = os.fsdecode(self.root)
        try:
            names = set(os.listdir(self.root))  # noqa: PTH208  bytes
        except OSError as fault:
            raise ClusterError(f"{worker} cannot read the archive {root}: {fault.strerror}") from None
        if self.samples and names.isdisjoint(self.samples):
            raise ClusterError(f"{worker} sees other files in {root} than this machine: is it mounted there?")
        try:
            card = (self.catalog / CARD).read_bytes()
        except OSError as fault:
            raise ClusterError(
                f"{worker} cannot read the catalogue {self.catalog}: {fault.strerror}"
            ) from None
        if card != self.card or not self.mark.exists():
            raise ClusterError(_elsewhere(host, self.catalog))
        try:
            self.own_file.touch(mode=0o600)
        except OSError as fault:
            message = f"{worker} cannot write to the catalogue {self.catalog}: {fault.strerror}"
            raise ClusterError(message) from None


_looked_around: set[str] = set()
"""Tokens of the places that this process has looked at."""


def show(place: Place) -> tuple[str, str]:
    """Look around on a worker; return its host and the file that it made."""
    place.look_around()
    _looked_around.add(place.token)
    return socket.gethostname(), str(place.own_file)


def hide(place: Place) -> None:
    """Delete the file that `show` made."""
    place.own_file.unlink(missing_ok=True)


def run(place: Place | None, packed: bytes) -> bytes:
    """Do a task on a worker."""
    if place is not None:
        if place.token not in _looked_around:
            # It may stand in for one that this very task has ended. If it is lost before its nanny knows of it, that
            # one gives up, and in the end there is no worker.
            time.sleep(SETTLING_SECONDS)
            show(place)
            hide(place)
        if not place.mark.exists():
            return b""  # the crawl is over, and nobody waits for this
    function, arguments = unpack(packed)
    return pack(function(*arguments))


def pack(value: object) -> bytes:
    """Return something as compressed bytes, which the scheduler passes on without a look: paths shrink tenfold."""
    text = pickle.dumps(value, protocol=5)
    compressed: bytes = pa.compress(text, codec="zstd", asbytes=True)
    return len(text).to_bytes(8, "little") + compressed


def unpack(packed: bytes) -> Any:  # noqa: ANN401
    """Return what was packed."""
    size = int.from_bytes(packed[:8], "little")
    return pickle.loads(pa.decompress(packed[8:], size, codec="zstd"))  # noqa: S301  from our own process


def _elsewhere(host: str, catalog: Path) -> str:
    there = f"the worker on {host} has another folder {catalog} than this machine"
    return f"{there}: the catalogue must be on a disk that all of them share"


def _words(fault: Exception) -> str:
    """Return the first line of a fault's message: those of Dask have pages."""
    lines = str(fault).strip().splitlines()
    return lines[0] if lines else type(fault).__name__
