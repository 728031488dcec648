"""From a tree of STAR files to the tables of a catalogue, in one crawl."""

import errno
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, cast

import pyarrow as pa

from tomoset.catalog.progress import IndexProgress, IndexSummary, ProgressCallback
from tomoset.catalog.schema import TABLES
from tomoset.catalog.store import Crawl, Store
from tomoset.catalog.threads import ReadAhead

UNIT_FILES = 2048
"""Files read at a time: a tenth of a second on a local disk, so that a progress bar moves."""


class HarvestUnit(Protocol):
    """Rows of some thousand files, for every table of the catalogue."""

    files: pa.Table
    tomograms: pa.Table
    tilts: pa.Table
    problems: pa.Table
    num_files: int
    num_bytes: int


class Harvest(Protocol):
    """Walks a tree and reads its STAR files, unit by unit."""

    num_found: int
    walk_done: bool

    def __iter__(self) -> Iterator[HarvestUnit]: ...


def index_tree(
    store: Store,
    root: str | os.PathLike[str],
    schemas: Mapping[str, pa.Schema],
    *,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
    harvest: Callable[..., Harvest] | None = None,
) -> IndexSummary:
    """Read every STAR file below a folder and replace what the catalogue has of it.

    Parameters
    ----------
    store
        The catalogue.
    root
        Folder to read; symbolic links inside it are not followed.
    schemas
        Columns of the tables.
    threads
        Reading threads; all cores if None.
    progress
        Called as units arrive.
    harvest
        What walks and reads; the compiled one if None.

    Raises
    ------
    OSError
        `root` is missing, is no folder, or cannot be read; or writing failed.
    CatalogBusy
        Somebody else is writing to the catalogue.
    """
    started = time.perf_counter()
    absolute = _readable_folder(root, store.folder)
    harvest = harvest or _compiled_harvest()
    with store.writing(os.fsencode(absolute).decode("utf-8", "replace"), schemas) as crawl:
        excluded = _inside(store.folder, absolute)
        units = harvest(absolute, threads=threads, unit_files=UNIT_FILES, exclude=excluded)
        files, num_bytes, problems = _take(units, crawl, progress)
        crawl.commit()
        return IndexSummary(
            root=crawl.root,
            crawl=crawl.number,
            files=files,
            num_bytes=num_bytes,
            tomograms=crawl.num_rows("tomograms"),
            tilts=crawl.num_rows("tilts"),
            problems=dict(problems),
            seconds=time.perf_counter() - started,
        )


def _take(units: Harvest, crawl: Crawl, progress: ProgressCallback | None) -> tuple[int, int, Counter[str]]:
    """Write the units as they arrive; return files, bytes, and findings by severity."""
    files = num_bytes = 0
    problems: Counter[str] = Counter()

    def tell() -> None:
        if progress is not None:
            progress(IndexProgress(units.num_found, units.walk_done, files, num_bytes))

    with ReadAhead(units, on_wait=tell) as arriving:
        for unit in arriving:
            for name in TABLES:
                crawl.write(name, getattr(unit, name))
            files += unit.num_files
            num_bytes += unit.num_bytes
            for count in unit.problems["severity"].value_counts().to_pylist():
                problems[count["values"]] += count["counts"]
            tell()
    return files, num_bytes, problems


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


def _compiled_harvest() -> Callable[..., Harvest]:
    from tomoset import _core

    return cast("Callable[..., Harvest]", _core.harvest)
