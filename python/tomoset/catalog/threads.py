"""Work in a thread of its own, so that Ctrl-C and a progress bar do not wait for compiled code."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

_POLL_SECONDS = 0.1

Item = TypeVar("Item")


def wait_for(work: Callable[[], Item], *, on_interrupt: Callable[[], None]) -> Item:
    """Do some work elsewhere and return its answer; an interrupt here is passed on to it.

    Parameters
    ----------
    work
        What to do; its exception is raised here.
    on_interrupt
        Makes the work end soon.
    """
    answers: list[Item] = []
    faults: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as fault:  # raised again in the thread that waits
            faults.append(fault)
        finally:
            done.set()

    threading.Thread(target=run, name="tomoset-work", daemon=True).start()
    try:
        while not done.wait(_POLL_SECONDS):
            pass
    except BaseException:
        on_interrupt()
        done.wait()
        raise
    if faults:
        raise faults[0]
    return answers[0]


class ReadAhead(Generic[Item]):
    """Take items from an iterator one ahead, in a thread: the next is read while one is written.

    Parameters
    ----------
    items
        Where they come from; its exception is raised here, after the items before it.
    on_wait
        Called several times a second while there is nothing to give out.
    """

    def __init__(self, items: Iterable[Item], on_wait: Callable[[], None]) -> None:
        self._items = items
        self._on_wait = on_wait
        self._queue: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(maxsize=1)
        self._stopped = threading.Event()

    def __enter__(self) -> Iterator[Item]:
        threading.Thread(target=self._read, name="tomoset-read-ahead", daemon=True).start()
        return self._given()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()

    def _given(self) -> Iterator[Item]:
        while True:
            try:
                item, fault = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                self._on_wait()
                continue
            if fault is not None:
                raise fault
            if item is None:
                return
            yield item

    def _read(self) -> None:
        end: tuple[None, BaseException | None] = (None, None)
        try:
            for item in self._items:
                if not self._put((item, None)):
                    return
        except BaseException as fault:  # raised again in the thread that writes
            end = (None, fault)
        self._put(end)

    def _put(self, entry: tuple[Item | None, BaseException | None]) -> bool:
        """Wait for room; tell whether somebody still wants the entry."""
        while not self._stopped.is_set():
            try:
                self._queue.put(entry, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False
