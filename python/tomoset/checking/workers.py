"""Processes that check units side by side: rules run in Python, of which one process does one thing at a time."""

from __future__ import annotations

import gc
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from tomoset.checking.units import Options, Unit, check_batch
from tomoset.no_pandas import hide_pandas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tomoset.sets.findings import Finding

__all__ = ["WorkerLost", "check_apart", "main"]

_LENGTH = struct.Struct("<Q")


class WorkerLost(Exception):  # noqa: N818
    """The process that checked a unit is no more."""


class _Worker:
    """A process that is given units and gives findings back."""

    def __init__(self) -> None:
        # Not forked, since other threads may hold locks; and not by multiprocessing, which would run the caller's
        # script again.
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tomoset.checking.workers import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"OPENBLAS_NUM_THREADS": "1"}
            | os.environ
            | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )

    def check(self, units: Sequence[Unit], options: Options) -> list[list[Finding]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            _send(self._process.stdin, (units, options))
            answer = _receive(self._process.stdout)
        except (EOFError, BrokenPipeError) as error:
            raise WorkerLost(f"it ended with {self._process.wait()}") from error
        if isinstance(answer, BaseException):
            raise answer
        found: list[list[Finding]] = answer
        return found

    def end(self) -> None:
        """Let it end, and wait for that."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


#: What was found in each of some units; the reason where its process was lost, or an error that is to be raised.
_Results: TypeAlias = "list[tuple[Unit, list[Finding] | WorkerLost]] | BaseException"


def check_apart(
    batches: Iterable[Sequence[Unit]], options: Options, count: int
) -> Iterator[tuple[Unit, list[Finding] | WorkerLost]]:
    """Check batches of units in so many processes, and give what each unit has as it comes.

    Units whose process is lost are tried once more, each alone.
    """
    team = _Team(iter(batches), options, count)
    with team:
        yield from team.results()


class _Team:
    """Threads that each have a process, and take one batch after another."""

    def __init__(self, waiting: Iterator[Sequence[Unit]], options: Options, count: int) -> None:
        self._waiting = waiting
        self._options = options
        self._working = count
        self._stopped = False
        #: Guards all that the threads share.
        self._ready = threading.Condition()
        self._done: deque[_Results] = deque()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(count)]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        with self._ready:
            self._stopped = True
        for thread in self._threads:
            thread.join()

    def results(self) -> Iterator[tuple[Unit, list[Finding] | WorkerLost]]:
        """Give what was found in each unit."""
        while True:
            with self._ready:
                while not self._done and self._working:
                    # So that an interruption is heeded.
                    self._ready.wait(0.2)
                if not self._done:
                    return
                results = self._done.popleft()
            if isinstance(results, BaseException):
                raise results
            yield from results

    def _work(self) -> None:
        worker: _Worker | None = None
        try:
            while (units := self._next()) is not None:
                worker, results = self._checked(units, worker)
                self._give(results)
        except BaseException as error:
            self._give(error)
        finally:
            if worker is not None:
                worker.end()
            with self._ready:
                self._working -= 1
                self._ready.notify()

    def _next(self) -> Sequence[Unit] | None:
        with self._ready:
            return None if self._stopped else next(self._waiting, None)

    def _give(self, results: _Results) -> None:
        with self._ready:
            self._done.append(results)
            self._ready.notify()

    def _checked(
        self, units: Sequence[Unit], worker: _Worker | None, *, again: bool = False
    ) -> tuple[_Worker | None, list[tuple[Unit, list[Finding] | WorkerLost]]]:
        """Check units, each in a new process where that is lost; give the process that is left, too."""
        worker = worker or _Worker()
        try:
            return worker, list(zip(units, worker.check(units, self._options), strict=True))
        except WorkerLost as error:
            worker.end()
            if again:
                return None, [(unit, error) for unit in units]
        results: list[tuple[Unit, list[Finding] | WorkerLost]] = []
        left: _Worker | None = None
        for unit in units:
            left, found = self._checked([unit], left, again=True)
            results += found
        return left, results


def main() -> None:
    """Check what standard input brings until it ends."""
    with os.fdopen(os.dup(1), "wb") as answers, suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        # What was imported stays; of the rest little is ever in cycles, and one look after each batch is enough.
        gc.freeze()
        gc.disable()
        hide_pandas()
        # Whatever else prints must not be taken for an answer.
        os.dup2(2, 1)
        while True:
            units, options = _receive(sys.stdin.buffer)
            _send(answers, _answer(units, options))
            gc.collect()


def _answer(units: Sequence[Unit], options: Options) -> list[list[Finding]] | Exception:
    """Give what is found, or what is raised on the other side."""
    try:
        return check_batch(units, options)
    except Exception as error:
        return error


def _send(pipe: IO[bytes], value: Any) -> None:  # noqa: ANN401
    data = pickle.dumps(value)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:  # noqa: ANN401
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)  # noqa: S301  from a process of ours
