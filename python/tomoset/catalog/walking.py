"""The walk through an archive, unit by unit: by threads of this process, or in parts by workers elsewhere."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from tomoset.catalog.runners import Handle, Runner

STARTS_PER_WORKER = 8
"""Folders for each worker to begin in: so many that a large one does not keep the others waiting for long."""
LEAST_STARTS = 64
"""The same in all: of a cluster that grows the first worker alone may be there yet."""
DEPTH = 4
"""Levels of folders that are listed here at most."""
_MARK = "default_pipeline.star"
#: What a walk calls the empty files with which jobs say how they ended; they are not in the table ``files``.
MARKER = 3

#: A folder to begin in, the unit that it is a part of and whether that is a project, and whether the folders in it
#: are left out.
Start: TypeAlias = tuple[bytes, tuple[bytes, bool] | None, bool]


class Found(NamedTuple):
    """A unit that is new or other than before; see `tomoset.catalog.tasks.Unit`."""

    folder: bytes
    is_project: bool
    fingerprint: bytes
    entries: pa.RecordBatch


@dataclass(frozen=True)
class Ground:
    """What is walked.

    Attributes
    ----------
    root
        The folder, absolute.
    exclude
        Absolute paths of folders that are left out.
    starts
        Folders that are walked, relative to the root and none within another; all if there are none.
    known
        Fingerprints of units: those that are as they were are seen, and not found.
    """

    root: bytes
    exclude: tuple[bytes, ...] = ()
    starts: tuple[bytes, ...] = ()
    known: Mapping[bytes, bytes] = field(default_factory=dict)


@dataclass
class Walked:
    """What a walk has met so far.

    Attributes
    ----------
    files, num_bytes
        STAR files, and their size.
    seen
        Folders of all units, changed or not; whole when the walk is done.
    closed
        Folders that could not be listed: nothing is known of what lies in them.
    is_done
        Whether there is no more to come.
    """

    files: int = 0
    num_bytes: int = 0
    seen: set[bytes] = field(default_factory=set)
    closed: list[bytes] = field(default_factory=list)
    is_done: bool = False


def walk_here(ground: Ground, walked: Walked, threads: int) -> Iterator[Found]:
    """Walk in threads of this process.

    Parameters
    ----------
    ground
        What to walk.
    walked
        Kept up to date.
    threads
        How many.

    Raises
    ------
    OSError
        The root cannot be listed.
    """
    starts: list[Start] = [(folder, None, False) for folder in ground.starts]
    for folder, is_project, fingerprint, entries, _ in _walk(ground, walked, starts, threads):
        yield Found(folder, is_project, fingerprint, entries)
    walked.is_done = True


def is_empty(root: str) -> bool:
    """Tell whether there is nothing to index below a folder; of large archives this asks for the first unit alone.

    Raises
    ------
    OSError
        The root cannot be listed.
    """
    return next(walk_here(Ground(os.fsencode(os.path.abspath(root))), Walked(), 1), None) is None  # noqa: PTH100


def walk_apart(
    ground: Ground, walked: Walked, runner: Runner, on_wait: Callable[[], None]
) -> Iterator[Found]:
    """Walk in parts, on workers; it finds the same as `walk_here`.

    Parameters
    ----------
    ground
        What to walk.
    walked
        Kept up to date.
    runner
        Where the parts are walked.
    on_wait
        Called several times a second while there is nothing to give out.

    Raises
    ------
    OSError
        The root cannot be listed.
    """
    wanted = max(LEAST_STARTS, STARTS_PER_WORKER * runner.workers)
    starts = _spread(ground, wanted)
    folders = sorted(ground.known)
    waiting = [_part(ground, folders, starts[first::wanted]) for first in range(min(wanted, len(starts)))]
    sums: dict[bytes, _Sum] = {}
    running: set[Handle] = set()
    while waiting or running:
        # No more than the workers can do: what they have done waits in their memory.
        while waiting and len(running) < 2 * runner.workers:
            running.add(runner.submit(walk_part, *waiting.pop()))
        done = runner.wait(running)
        for handle in done:
            running.remove(handle)
            found: Part = handle.result()
            walked.files += found.walked.files
            walked.num_bytes += found.walked.num_bytes
            walked.seen |= found.walked.seen
            walked.closed += found.walked.closed
            yield from found.units
            for unit in found.parts:
                sums.setdefault(unit.folder, _Sum()).add(unit)
        if not done:
            on_wait()
    for folder, total in sums.items():
        unit = total.unit()
        if pc.all(pc.equal(unit.entries.column("sort"), MARKER)).as_py():
            # Marks of jobs alone are no unit.
            continue
        walked.seen.add(folder)
        if ground.known.get(folder) != unit.fingerprint:
            yield unit
    walked.is_done = True


@dataclass(frozen=True)
class Part:
    """What a part of a walk found.

    Attributes
    ----------
    walked
        What it met.
    units
        Units that are new or other than before.
    parts
        Parts of units whose other parts others have.
    """

    walked: Walked
    units: list[Found]
    parts: list[Found]


def walk_part(ground: Ground, starts: list[Start]) -> Part:
    """Walk below some folders, on a worker.

    One thread, as with all tasks: a worker has as many tasks at a time as it has threads.

    Parameters
    ----------
    ground
        The root, and what is known of the units below these folders.
    starts
        The folders.
    """
    walked = Walked()
    units: list[Found] = []
    parts: list[Found] = []
    for *unit, is_part in _walk(ground, walked, starts, 1):
        (parts if is_part else units).append(Found(*unit))
    return Part(walked, units, parts)


def _walk(
    ground: Ground, walked: Walked, starts: list[Start], threads: int
) -> Iterator[tuple[bytes, bool, bytes, pa.RecordBatch, bool]]:
    from tomoset import _core

    walk = _core.walk_tree(
        os.fsdecode(ground.root),
        threads=threads,
        exclude=[os.fsdecode(path) for path in ground.exclude],
        starts=starts,
        known=dict(ground.known),
    )
    for unit in walk:
        walked.files, walked.num_bytes = walk.counts[1:]
        yield unit
    walked.files, walked.num_bytes = walk.counts[1:]
    walked.seen, walked.closed = set(walk.units), walk.closed


def _spread(ground: Ground, wanted: int) -> list[Start]:
    """Return folders to begin in, which have all of the tree between them; of the upper levels each for itself.

    Projects are not gone into: they are the work of one walk.
    """
    if ground.starts and ground.starts != (b"",):
        return [(folder, None, False) for folder in ground.starts]
    starts: list[Start] = []
    level: list[tuple[bytes, tuple[bytes, bool] | None]] = [(b"", None)]
    for depth in range(DEPTH):
        below = []
        for folder, within in level:
            folders = _folders(ground, folder)
            if folders is None:
                starts.append((folder, within, False))
                continue
            # Loose files of the root are a unit of their own, and those further down of the folder of the first level.
            unit = (folder, False) if depth == 1 else within
            starts.append((folder, unit, True))
            below += [(name, unit) for name in folders]
        level = below
        if len(level) >= wanted:
            break
    return starts + [(folder, within, False) for folder, within in level]


def _folders(ground: Ground, folder: bytes) -> list[bytes] | None:
    """Return the folders in a folder; None for a project, and for what cannot be listed."""
    place = os.path.join(ground.root, folder)  # noqa: PTH118  bytes
    found = []
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.name == _MARK.encode() and entry.is_file(follow_symlinks=False):
                    return None
                if entry.is_dir(follow_symlinks=False) and entry.path not in ground.exclude:
                    found.append(folder + b"/" + entry.name if folder else entry.name)
    except OSError:
        # Whoever walks there tells.
        return None
    return sorted(found)


def _part(ground: Ground, folders: list[bytes], starts: list[Start]) -> tuple[Ground, list[Start]]:
    """Return what a worker is told: of what is known only that which is below its folders."""
    known = {}
    for folder, _, is_flat in starts:
        if folder in ground.known:
            known[folder] = ground.known[folder]
        if not is_flat:
            # "0" comes after "/": all that is below a folder is between the two.
            first = bisect_left(folders, folder + b"/") if folder else 0
            last = bisect_left(folders, folder + b"0") if folder else len(folders)
            known |= {name: ground.known[name] for name in folders[first:last]}
    return Ground(ground.root, ground.exclude, (), known), starts


class _Sum:
    """A unit whose parts were walked apart."""

    def __init__(self) -> None:
        self._parts: list[Found] = []

    def add(self, part: Found) -> None:
        """Take a part."""
        self._parts.append(part)

    def unit(self) -> Found:
        """Return the unit, as one walk would have found it."""
        first = self._parts[0]
        # The fingerprint of a project has one more, which no part of it has.
        total = first.is_project + sum(int.from_bytes(part.fingerprint, "little") for part in self._parts)
        table = pa.Table.from_batches([part.entries for part in self._parts])
        entries = table.sort_by("path").combine_chunks().to_batches() or [first.entries]
        return Found(first.folder, first.is_project, (total % 2**128).to_bytes(16, "little"), entries[0])


def units_of(root: str, paths: Iterable[str]) -> set[bytes]:
    """Return the folders of the units that files belong to.

    Parameters
    ----------
    root
        The folder that is indexed.
    paths
        Files, absolute or relative to the root; those that are elsewhere are passed over.
    """
    units = set()
    for path in paths:
        # A path that goes up and down again is still one below the root.
        below = Path(os.path.relpath(os.path.normpath(Path(root) / path), root))
        if below.parts and below.parts[0] != os.pardir:
            units.add(os.fsencode(_unit_of(Path(root), below)))
    return units


def starts_of(units: set[bytes]) -> tuple[bytes, ...]:
    """Return the folders of units without those that lie in others."""
    return tuple(folder for folder in sorted(units) if not is_inside(folder, units))


def _unit_of(root: Path, below: Path) -> str:
    """Return the unit of a file: the nearest folder above it that is a project, or else the first."""
    for folder in below.parents:
        if is_project(root / folder):
            return "" if folder == Path() else str(folder)
    return below.parts[0] if len(below.parts) > 1 else ""


def is_project(folder: Path) -> bool:
    """Tell whether a folder is a project as the walk sees it, to which a link or a FIFO is no mark of one."""
    mark = folder / _MARK
    return mark.is_file() and not mark.is_symlink()


def is_below(folder: bytes, others: Container[bytes]) -> bool:
    """Tell whether a folder is one of others, or lies in one."""
    return folder in others or is_inside(folder, others)


def is_inside(folder: bytes, others: Container[bytes]) -> bool:
    """Tell whether a folder lies in one of others."""
    while folder:
        folder = folder.rpartition(b"/")[0]
        if folder in others:
            return True
    return False
