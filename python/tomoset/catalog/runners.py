"""What tasks run on: threads of this process, or the workers of a Dask cluster."""

from __future__ import annotations

import concurrent.futures
import os
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_POLL_SECONDS = 0.1


class Handle(Protocol):
    """A task that was handed over."""

    def result(self) -> Any:  # noqa: ANN401
        """Return what it gave, or raise what it raised."""


class Runner(Protocol):
    """What runs tasks somewhere."""

    workers: int

    def submit(self, function: Callable[..., Any], *arguments: object) -> Handle:
        """Hand a task over."""

    def wait(self, handles: Collection[Handle]) -> set[Handle]:
        """Wait a moment; return those that are done."""

    def close(self) -> None:
        """Give up what does not run yet, and wait for the rest."""


class ThreadRunner:
    """Runs tasks in threads of this process.

    Parameters
    ----------
    threads
        How many; one for each core if None.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.workers = threads or len(os.sched_getaffinity(0))
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
