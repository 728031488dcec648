"""From trees of STAR files to the tables of a catalogue, unit by unit: only what has changed is read."""

from __future__ import annotations

import errno
import os
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tomoset.catalog.faults import ArchiveShrunk
from tomoset.catalog.journal import Change, Checked
from tomoset.catalog.parts import PartWriter
from tomoset.catalog.progress import IndexProgress, IndexSummary, ProgressCallback
from tomoset.catalog.schema import catalog_schemas
from tomoset.catalog.shard import join_small, refresh_shard
from tomoset.catalog.tasks import Counts, Options, Result, Task, Unit, shard_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tomoset.catalog.runners import Handle, Runner
    from tomoset.catalog.store import Store, Writer

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
    allow_shrink
        Go on where a root has less than half of the files that it had.
    wait
        Seconds for which to wait for another writer.
    """

    root: str | os.PathLike[str]
    paths: Iterable[str] | None = None
    options: Options = field(default_factory=Options)
    allow_shrink: bool = False
    wait: float = 0.0


@dataclass(frozen=True)
class _Known:
    """What the catalogue has of a unit."""

    folder: bytes
    fingerprint: bytes | None
    files: int
    errors: int


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
        The root is missing, is no folder, or cannot be read; or writing failed.
    CatalogBusy
        Somebody else is writing to the catalogue.
    ArchiveShrunk
        The root has less than half of the files that it had.
    """
    root = _readable_folder(request.root, store.folder)
    with store.writing(catalog_schemas(), wait=request.wait) as writer:
        crawl = _Crawl(writer, root, request, runner, progress, clock)
        try:
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
        self._runner = runner
        self._progress = progress
        self._started = time.perf_counter()
        self._now_ns = clock()
        self._clock = clock
        self._known = _known_units(writer, text_of(os.fsencode(root)))
        self._counts = Counts()
        self._errors = {text_of(known.folder): known.errors for known in self._known.values()}
        self._met_files = self._met_bytes = 0
        self._walk_done = False
        self._waiting: dict[int, list[Unit]] = defaultdict(list)
        self._running: dict[Handle, int] = {}
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
        return self._finish()

    def _walk(self) -> Iterator[Unit]:
        """Give the units that are new or other than before."""
        from tomoset import _core

        starts: list[bytes] = []
        self._targets: set[bytes] | None = None
        if self._request.paths is not None:
            wanted = _starts(self._root, self._request.paths)
            self._targets = set(wanted)
            place = Path(self._root)
            starts = [folder for folder in wanted if (place / os.fsdecode(folder)).is_dir()]
            if not starts:
                self._seen: set[bytes] = set()
                self._closed: list[bytes] = []
                self._walk_done = True
                return
        verify = self._request.options.verify or self._request.options.recall
        known = (
            {}
            if verify
            else {
                folder: known.fingerprint
                for folder, known in self._known.items()
                if known.fingerprint is not None
            }
        )
        walk = _core.walk_tree(
            self._root,
            threads=self._runner.workers,
            exclude=_inside(self._writer.folder, self._root),
            starts=[(folder, None, False) for folder in starts],
            known=known,
        )
        for folder, is_project, fingerprint, entries, _ in walk:
            self._met_files, self._met_bytes = walk.counts[1:]
            yield Unit(folder, is_project, fingerprint, entries, folder in self._known)
            self._tell()
        self._met_files, self._met_bytes = walk.counts[1:]
        self._walk_done = True
        self._seen = set(walk.units)
        self._closed = walk.closed
        self._tell()

    def _refuse_shrinking(self) -> None:
        before = sum(known.files for known in self._known.values())
        if self._request.allow_shrink or self._request.paths is not None or before < _MANY:
            return
        if self._met_files * 2 < before:
            raise ArchiveShrunk(self._root, before, self._met_files)

    def _gone(self) -> list[Unit]:
        """Give the units that are no longer there, unless they lie in a folder that cannot be listed."""
        gone = [folder for folder in self._known if folder not in self._seen]
        if self._targets is not None:
            gone = [folder for folder in gone if folder in self._targets]
        units = [
            Unit(folder, False, None, None, True)
            for folder in gone
            if not any(_is_below(folder, closed) for closed in self._closed)
        ]
        for unit in units:
            del self._errors[unit.path]
        return units

    def _take(self, unit: Unit) -> None:
        """Put a unit to the others of its shard, and begin with these when they are many."""
        shard = shard_of(text_of(os.fsencode(self._root)), unit.folder)
        self._waiting[shard].append(unit)
        if _size(self._waiting[shard]) >= FILES_AT_ONCE:
            while not self._begin(shard):
                self._collect()
        if len(self._running) > 2 * self._runner.workers:
            self._collect()

    def _drain(self) -> None:
        """Begin with all that waits, and wait for it."""
        while self._waiting or self._running:
            for shard in list(self._waiting):
                if len(self._running) > 2 * self._runner.workers:
                    break
                self._begin(shard)
            self._collect()

    def _begin(self, shard: int) -> bool:
        """Hand the units of a shard over, unless others of it are still being read."""
        if shard in self._running.values():
            return False
        units = self._waiting.pop(shard)
        parts = {name: self._writer.parts(name, shard) for name in catalog_schemas()}
        task = Task(
            catalog=str(self._writer.folder),
            root=os.fsencode(self._root),
            shard=shard,
            crawl=self._writer.crawl,
            now_ns=self._now_ns,
            units=tuple(units),
            parts=parts,
            options=self._request.options,
        )
        self._running[self._runner.submit(refresh_shard, task)] = shard
        return True

    def _collect(self) -> None:
        """Take what is done, and show it to readers from time to time."""
        for handle in self._runner.wait(list(self._running)) if self._running else ():
            del self._running[handle]
            result: Result = handle.result()
            self._writer.stage(result.changes)
            self._counts.add(result.counts)
            self._errors.update(result.errors)
        if self._writer.has_staged and time.monotonic() - self._committed > COMMIT_SECONDS:
            self._writer.commit()
            self._committed = time.monotonic()
        self._tell()

    def _finish(self) -> IndexSummary:
        """Commit the rest, and say that the root was looked at."""
        changed = self._writer.has_staged or self._writer.head.crawl >= self._writer.crawl
        if changed:
            self._writer.stage(self._crawl_row())
            self._writer.commit()
        if self._request.paths is None:
            root = text_of(os.fsencode(self._root))
            Checked(root, _time(self._now_ns), self._writer.head.crawl, self._met_files).write(
                self._writer.folder
            )
        return IndexSummary(
            root=text_of(os.fsencode(self._root)),
            crawl=self._writer.head.crawl,
            changed=changed,
            files=self._met_files,
            num_bytes=self._met_bytes,
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
        from tomoset import __version__

        schema = catalog_schemas()["crawls"]
        row = {
            "crawl": self._writer.crawl,
            "root": text_of(os.fsencode(self._root)),
            "started": _time(self._now_ns),
            "finished": _time(self._clock()),
            "files": self._met_files,
            "bytes": self._met_bytes,
            "new_files": self._counts.new,
            "changed_files": self._counts.changed,
            "deleted_files": self._counts.deleted,
            "changed_projects": self._counts.units,
            "errors": self._counts.problems["error"],
            "warnings": self._counts.problems["warning"],
            "version": __version__,
        }
        writer = PartWriter(self._writer.folder, self._writer.crawl, 0)
        parts = self._writer.parts("crawls", 0)
        try:
            rows = pa.Table.from_pylist([row], schema=schema)
            change = join_small(self._writer.folder, writer, "crawls", [rows], parts, [], schema)
            change.added = writer.settle()["crawls"]
        except BaseException:
            writer.abandon()
            raise
        return {"crawls": change}

    def _tell(self) -> None:
        if self._progress is not None:
            done = self._counts.new + self._counts.changed + self._counts.unchanged
            self._progress(IndexProgress(self._met_files, self._walk_done, done, self._counts.num_bytes))


def _known_units(writer: Writer, root: str) -> dict[bytes, _Known]:
    """Return what the catalogue has of the units of a root, by folder."""
    found = {}
    columns = ["root", "path", "path_bytes", "files", "fingerprint", "errors"]
    for part in writer.all_parts("projects"):
        table = pq.read_table(writer.folder / "projects" / part.name, columns=columns, partitioning=None)
        for row in table.filter(pc.equal(table.column("root"), root)).to_pylist():
            folder: bytes = row["path_bytes"] if row["path_bytes"] is not None else row["path"].encode()
            found[folder] = _Known(folder, row["fingerprint"], row["files"], row["errors"])
    return found


def _starts(root: str, paths: Iterable[str]) -> list[bytes]:
    """Return the folders of the units that files belong to, none within another.

    Paths are absolute or relative to the root; those that are elsewhere are passed over.
    """
    units = set()
    for path in paths:
        # A path that goes up and down again is still one below the root.
        below = Path(os.path.relpath(os.path.normpath(Path(root) / path), root))
        if below.parts and below.parts[0] != os.pardir:
            units.add(_unit_of(Path(root), below))
    folders = sorted(os.fsencode(unit) for unit in units)
    return [
        folder
        for folder in folders
        if not any(_is_below(folder, other) for other in folders if other != folder)
    ]


def _unit_of(root: Path, below: Path) -> str:
    """Return the unit of a file: the nearest folder above it that is a project, or else the first."""
    for folder in below.parents:
        if (root / folder / "default_pipeline.star").is_file():
            return "" if folder == Path() else str(folder)
    return below.parts[0] if len(below.parts) > 1 else ""


def _is_below(folder: bytes, other: bytes) -> bool:
    return not other or folder == other or folder.startswith(other + b"/")


def _size(units: list[Unit]) -> int:
    return sum(unit.entries.num_rows for unit in units if unit.entries is not None)


def _time(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


def _readable_folder(root: str | os.PathLike[str], catalog: Path) -> str:
    """Return the absolute path of the root, or say why it cannot be indexed."""
    absolute = os.path.abspath(root)  # noqa: PTH100  resolve() would follow symbolic links
    os.scandir(absolute).close()
    if catalog.samefile(absolute):
        raise OSError(errno.EINVAL, "this is the catalogue itself, not an archive", absolute)
    return absolute


def _inside(catalog: Path, root: str) -> list[str]:
    """Return the path by which the walk would meet the catalogue, if it lies inside the root."""
    below = Path(os.path.relpath(catalog.resolve(), Path(root).resolve()))
    return [] if below.parts[0] == os.pardir else [str(Path(root) / below)]
