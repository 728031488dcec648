"""From trees of STAR files to the tables of a catalogue, unit by unit: only what has changed is read."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from tomoset.catalog.crawls import crawl_change, keeps_particles, time_of
from tomoset.catalog.faults import ArchiveEmpty, ArchiveShrunk, WorkerLost
from tomoset.catalog.journal import Checked
from tomoset.catalog.known import Known, known_units
from tomoset.catalog.parts import read_part
from tomoset.catalog.progress import IndexProgress, IndexSummary, ProgressCallback
from tomoset.catalog.roots import inside, readable_folder, refuse_overlap
from tomoset.catalog.runners import RemoteRunner
from tomoset.catalog.schema import catalog_schemas
from tomoset.catalog.shard import refresh_shard
from tomoset.catalog.tasks import (
    FOLDER_CLOSED,
    WORKERS_LOST,
    Counts,
    Options,
    Result,
    Task,
    Unit,
    shard_of,
    text_of,
)
from tomoset.catalog.walking import (
    Ground,
    Walked,
    is_below,
    is_inside,
    is_project,
    starts_of,
    units_of,
    walk_apart,
    walk_here,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tomoset.catalog.journal import Change
    from tomoset.catalog.runners import Handle, Runner
    from tomoset.catalog.store import Store
    from tomoset.catalog.writer import Writer

FILES_AT_ONCE = 4096
"""Files of a task, when there are that many in its shard."""
COMMIT_SECONDS = 5.0
"""How often readers are shown what is done, and what an interruption can cost."""
_MANY = 16
"""An archive with fewer files may shrink."""


@dataclass(frozen=True)
class Request:
    """What is indexed, and how.

    Attributes
    ----------
    root
        Folder to read.
    paths
        Files that are said to have changed: only their projects are looked at; all if None.
    options
        How units are read.
    particles
        Whether each particle is kept; as in the last crawl of the root if None.
    allow_shrink
        Go on where a root has less than half of the files that it had.
    allow_empty
        Take in a root that is new and has no STAR file.
    wait
        Seconds for which to wait for another writer.
    """

    root: str | os.PathLike[str]
    paths: Iterable[str] | None = None
    options: Options = field(default_factory=Options)
    particles: bool | None = None
    allow_shrink: bool = False
    allow_empty: bool = False
    wait: float = 0.0


def index_tree(
    store: Store,
    request: Request,
    runner: Runner,
    *,
    progress: ProgressCallback | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> IndexSummary:
    """Bring a catalogue up to date with what lies below a folder.

    Parameters
    ----------
    store
        The catalogue.
    request
        What to index.
    runner
        Where tasks run.
    progress
        Called now and then.
    clock
        Gives the time in nanoseconds since 1970.

    Raises
    ------
    OSError
        The root is missing, is no folder, or cannot be read, or shares files with another one; or writing failed.
    CatalogBusy
        Somebody else is writing to the catalogue.
    ArchiveShrunk
        The root has less than half of the files that it had.
    ArchiveEmpty
        The root is new, and has no STAR file.
    ClusterError
        The workers do not see the archive or the catalogue, or the cluster was lost.
    """
    root = readable_folder(request.root, store.folder)
    refuse_overlap(root, store.folder)
    with store.writing(catalog_schemas(), wait=request.wait) as writer:
        crawl = _Crawl(writer, root, request, runner, progress, clock)
        try:
            if isinstance(runner, RemoteRunner):
                runner.look(root, store.folder)
            return crawl.run()
        finally:
            runner.close()


class _Crawl:
    """One crawl of one root."""

    def __init__(
        self,
        writer: Writer,
        root: str,
        request: Request,
        runner: Runner,
        progress: ProgressCallback | None,
        clock: Callable[[], int],
    ) -> None:
        self._writer = writer
        self._root = root
        self._request = request
        particles = request.particles
        if particles is None:
            particles = keeps_particles(writer, text_of(os.fsencode(root)))
        self._options = replace(request.options, particles=particles)
        self._runner = runner
        self._progress = progress
        self._started = time.perf_counter()
        self._now_ns = clock()
        self._clock = clock
        self._known = known_units(writer, text_of(os.fsencode(root)))
        self._counts = Counts()
        self._errors = {text_of(known.folder): known.errors for known in self._known.values()}
        self._walked = Walked()
        self._targets: set[bytes] | None = None
        #: Projects that the catalogue has around files that are said to have changed, and that are none any more.
        self._ended: set[bytes] = set()
        self._waiting: dict[int, list[Unit]] = defaultdict(list)
        self._running: dict[Handle, Task] = {}
        self._suspects: list[Unit] = []
        #: Units whose folders cannot be listed.
        self._closed: list[Unit] = []
        self._committed = time.monotonic()

    def run(self) -> IndexSummary:
        """Walk, read, commit."""
        walk = self._walk()
        if self._known:
            # Nothing is changed before it is clear that the archive is there.
            units = list(walk)
            self._refuse_shrinking()
            units += self._gone()
        else:
            units = walk  # type: ignore[assignment]
        for unit in units:
            self._take(unit)
        self._drain()
        self._refuse_emptiness()
        return self._finish()

    def _walk(self) -> Iterator[Unit]:
        """Give the units that are new or other than before."""
        starts: tuple[bytes, ...] = ()
        if self._request.paths is not None:
            paths = list(self._request.paths)
            units = {self._holder(unit) for unit in units_of(self._root, paths)}
            self._ended = self._ended_around(paths)
            wanted = starts_of(units | self._ended)
            self._targets = set(wanted)
            starts = tuple(folder for folder in wanted if self._is_folder(folder))
            if not starts:
                self._walked.is_done = True
                return
        looks_again = self._options.verify or self._options.recall
        mark = self._options.mark
        known = {} if looks_again else self._known
        ground = Ground(
            root=os.fsencode(self._root),
            exclude=inside(self._writer.folder, self._root),
            starts=starts,
            known={folder: unit.seen for folder, unit in known.items() if unit.is_read_by(mark)},
        )
        if isinstance(self._runner, RemoteRunner):
            found = walk_apart(ground, self._walked, self._runner, self._collect)
        else:
            found = walk_here(ground, self._walked, self._runner.workers)
        for each in found:
            if self._targets is not None and not is_below(each.folder, self._targets):
                # A start that was a project a moment ago: what lies there is but a part of the unit above it.
                continue
            before = self._known.get(each.folder)
            unit = Unit(
                each.folder,
                each.is_project,
                each.fingerprint + mark,
                each.entries,
                is_known=before is not None,
            )
            if _is_closed(unit):
                self._closed.append(replace(unit, is_project=before is not None and before.is_project))
            else:
                yield unit
            self._tell()
        self._tell()

    def _refuse_shrinking(self) -> None:
        before = sum(known.files for known in self._known.values())
        if self._request.allow_shrink or self._request.paths is not None or before < _MANY:
            return
        if self._walked.files * 2 < before:
            raise ArchiveShrunk(self._root, before, self._walked.files)

    def _refuse_emptiness(self) -> None:
        """Refuse a new root of which there is nothing to tell: its name may be mistyped, or it is not mounted yet."""
        if self._request.allow_empty or self._request.paths is not None or self._known or self._is_changed:
            return
        root = text_of(os.fsencode(self._root))
        if root not in (checked.root for checked in Checked.read(self._writer.folder)):
            raise ArchiveEmpty(self._root)

    @property
    def _is_changed(self) -> bool:
        """Whether readers see something else after this crawl, if only that a folder cannot be listed."""
        return self._writer.has_staged or self._writer.head.crawl >= self._writer.crawl

    def _gone(self) -> list[Unit]:
        """Give the units that are no longer there, unless they lie in a folder that cannot be listed."""
        gone = [folder for folder in self._known if folder not in self._walked.seen]
        if self._targets is not None:
            gone = [folder for folder in gone if self._is_told_as_gone(folder, self._targets)]
        closed = set(self._walked.closed)
        units = [Unit(folder, False, None, None, True) for folder in gone if not is_below(folder, closed)]
        for unit in units:
            del self._errors[unit.path]
        return units

    def _is_told_as_gone(self, folder: bytes, targets: set[bytes]) -> bool:
        """Tell whether a unit that a walk of some folders did not meet is none any more."""
        if folder in self._ended and is_inside(folder, targets):
            return True
        if folder in targets:
            return not self._is_folder(folder) or b"/" not in folder
        # Its files are those of the unit around it now. What is gone altogether is told by a crawl of all.
        return is_below(folder, targets) and self._is_folder(folder)

    def _ended_around(self, paths: list[str]) -> set[bytes]:
        """Return the projects that the catalogue has around files, and that are none any more."""
        ended = set()
        for path in paths:
            below = os.path.relpath(os.path.normpath(Path(self._root) / path), self._root)
            for folder in (Path(below), *Path(below).parents):
                known = self._known.get(os.fsencode(folder))
                if known is not None and known.is_project:
                    if not is_project(Path(self._root) / folder):
                        ended.add(known.folder)
                    break
        return ended

    def _is_folder(self, folder: bytes) -> bool:
        return Path(self._root, os.fsdecode(folder)).is_dir()

    def _holder(self, folder: bytes) -> bytes:
        """Return the unit to begin in for one that may be new: files of it may be known as those of one around it."""
        if folder in self._known:
            return folder
        above = folder
        while above:
            above = above.rpartition(b"/")[0]
            known = self._known.get(above)
            if known is not None and (above or known.is_project) and self._has_files(known, folder):
                return above
        return folder

    def _has_files(self, known: Known, folder: bytes) -> bool:
        """Tell whether the catalogue has files in a folder as those of a unit."""
        root, below = text_of(os.fsencode(self._root)), text_of(folder)
        for part in self._writer.parts("files", shard_of(root, known.folder)):
            if part.may_hold([below]):
                table = read_part(self._writer.folder, "files", part, ["root", "path"])
                paths = table.filter(pc.equal(table.column("root"), root)).column("path")
                if pc.any(pc.starts_with(paths, f"{below}/")).as_py():
                    return True
        return False

    def _take(self, unit: Unit) -> None:
        """Put a unit to the others of its shard, and begin with these when they are many."""
        shard = self._shard_of(unit)
        self._waiting[shard].append(unit)
        if _size(self._waiting[shard]) >= FILES_AT_ONCE:
            while not self._begin(shard):
                self._collect()
        if len(self._running) > 2 * self._runner.workers:
            self._collect()

    def _shard_of(self, unit: Unit) -> int:
        return shard_of(text_of(os.fsencode(self._root)), unit.folder)

    def _drain(self) -> None:
        """Begin with all that waits, and wait for it."""
        while self._waiting or self._running:
            for shard in list(self._waiting):
                if len(self._running) > 2 * self._runner.workers:
                    break
                self._begin(shard)
            self._collect()
        self._try_singly()
        for unit in self._closed:
            task = self._task(self._shard_of(unit), [unit])
            self._take_over(refresh_shard(replace(task, hindrance=FOLDER_CLOSED)))

    def _begin(self, shard: int) -> bool:
        """Hand the units of a shard over, unless others of it are still being read."""
        if any(task.shard == shard for task in self._running.values()):
            return False
        task = self._task(shard, self._waiting.pop(shard))
        self._running[self._runner.submit(refresh_shard, task)] = task
        return True

    def _task(self, shard: int, units: list[Unit]) -> Task:
        return Task(
            catalog=str(self._writer.folder),
            root=os.fsencode(self._root),
            shard=shard,
            crawl=self._writer.crawl,
            now_ns=self._now_ns,
            units=tuple(units),
            parts={name: self._writer.parts(name, shard) for name in catalog_schemas()},
            options=self._options,
        )

    def _collect(self) -> None:
        """Take what is done, and show it to readers from time to time."""
        for handle in self._runner.wait(list(self._running)) if self._running else ():
            task = self._running.pop(handle)
            try:
                self._take_over(handle.result())
            except WorkerLost:
                self._suspects += task.units
        if self._writer.has_staged and time.monotonic() - self._committed > COMMIT_SECONDS:
            self._writer.commit()
            self._committed = time.monotonic()
        self._tell()

    def _take_over(self, result: Result) -> None:
        self._writer.stage(result.changes)
        self._counts.add(result.counts)
        self._errors.update(result.errors)

    def _try_singly(self) -> None:
        """Read the units of lost tasks one by one: with nothing beside it, the one that loses a worker is known."""
        suspects, self._suspects = self._suspects, []
        for unit in suspects:
            task = self._task(self._shard_of(unit), [unit])
            self._running[self._runner.submit(refresh_shard, task)] = task
            while self._running:
                self._collect()
            if self._suspects:
                # Nothing is read for this, so it is safe here.
                self._take_over(refresh_shard(replace(task, hindrance=WORKERS_LOST)))
                self._suspects = []

    def _finish(self) -> IndexSummary:
        """Commit the rest, and say that the root was looked at."""
        changed = self._is_changed
        if changed:
            self._writer.stage(self._crawl_row())
            self._writer.commit()
        if self._request.paths is None:
            root = text_of(os.fsencode(self._root))
            Checked(root, time_of(self._now_ns), self._writer.head.crawl, self._walked.files).write(
                self._writer.folder
            )
        return IndexSummary(
            root=text_of(os.fsencode(self._root)),
            crawl=self._writer.head.crawl,
            changed=changed,
            files=self._walked.files,
            num_bytes=self._walked.num_bytes,
            new_files=self._counts.new,
            changed_files=self._counts.changed,
            deleted_files=self._counts.deleted,
            tomograms=self._counts.tomograms,
            tilts=self._counts.tilts,
            problems=dict(self._counts.problems),
            num_errors=sum(self._errors.values()),
            seconds=time.perf_counter() - self._started,
        )

    def _crawl_row(self) -> dict[str, Change]:
        return crawl_change(
            self._writer,
            text_of(os.fsencode(self._root)),
            self._counts,
            started_ns=self._now_ns,
            finished_ns=self._clock(),
            files=self._walked.files,
            num_bytes=self._walked.num_bytes,
            particles=self._options.particles,
        )

    def _tell(self) -> None:
        if self._progress is not None:
            done = self._counts.new + self._counts.changed + self._counts.unchanged
            self._progress(
                IndexProgress(self._walked.files, self._walked.is_done, done, self._counts.num_bytes)
            )


def _is_closed(unit: Unit) -> bool:
    """Tell whether all that is known of a unit is that its folder cannot be listed."""
    entries = unit.entries
    return entries is not None and entries.num_rows == 1 and entries.column("path")[0].as_py() == unit.folder


def _size(units: list[Unit]) -> int:
    return sum(unit.entries.num_rows for unit in units if unit.entries is not None)
