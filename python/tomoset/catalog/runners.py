"""What tasks run on: threads of this process, or workers elsewhere."""

from __future__ import annotations

import concurrent.futures
import sys
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from tomoset import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

_POLL_SECONDS = 0.1


class Handle(Protocol):
    """A task that was handed over."""

    def result(self) -> Any:  # noqa: ANN401
        """Return what it gave, or raise what it raised.

        Raises
        ------
        WorkerLost
            Each worker that tried it was lost.
        """


@runtime_checkable
class Runner(Protocol):
    """What runs tasks somewhere.

    Attributes
    ----------
    workers
        How many tasks it runs at a time.
    """

    workers: int

    def submit(self, function: Callable[..., Any], *arguments: object) -> Handle:
        """Hand a task over."""

    def wait(self, handles: Collection[Handle]) -> set[Handle]:
        """Wait a moment; return those that are done."""

    def close(self) -> None:
        """Give up what does not run yet, and wait for the rest."""


@runtime_checkable
class RemoteRunner(Runner, Protocol):
    """What runs tasks in other processes: the walk is their work, too, and they may not see what this one sees."""

    def look(self, root: str, catalog: Path) -> None:
        """Make sure that its workers see an archive and a catalogue, and can write to this, until it is closed.

        Raises
        ------
        ClusterError
            One does not.
        """


def as_runner(runner: object, threads: int | None) -> Runner:
    """Return what runs the tasks of a crawl.

    Parameters
    ----------
    runner
        A ``distributed.Client``, a `Runner`, or None for threads of this process.
    threads
        How many, all cores if None.

    Raises
    ------
    TypeError
        It is something else, or threads are asked for beside it.
    """
    if runner is None:
        return ThreadRunner(threads)
    if threads is not None:
        raise TypeError("threads are those of this process: give either threads or a runner")
    # Whoever has a client has imported the package.
    distributed = sys.modules.get("distributed")
    if distributed is not None and isinstance(runner, distributed.Client):
        from tomoset.catalog.clusters import DaskRunner

        return DaskRunner(runner)
    if isinstance(runner, Runner) and not isinstance(runner, type):
        return runner
    expected = "a distributed.Client, or an object with workers, submit, wait and close"
    raise TypeError(f"runner must be {expected}, not {type(runner).__name__}")


class ThreadRunner:
    """Runs tasks in threads of this process.

    Parameters
    ----------
    threads
        How many; one for each core if None.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.workers = threads or _core.processors()
        self._pool = concurrent.futures.ThreadPoolExecutor(self.workers, "tomoset-task")

    def submit(self, function: Callable[..., Any], *arguments: object) -> concurrent.futures.Future[Any]:
        """Hand a task over."""
        return self._pool.submit(function, *arguments)

    def wait(self, handles: Collection[Any]) -> set[Any]:
        """Wait a moment; return those that are done."""
        return concurrent.futures.wait(
            handles, timeout=_POLL_SECONDS, return_when=concurrent.futures.FIRST_COMPLETED
        ).done

    def close(self) -> None:
        """Give up what does not run yet, and wait for the rest."""
        self._pool.shutdown(wait=True, cancel_futures=True)
