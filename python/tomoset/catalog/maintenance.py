"""What an operator asks of a catalogue as a whole, and does to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoset.catalog.journal import Checked, Pending
from tomoset.catalog.schema import TABLES, catalog_schemas

if TYPE_CHECKING:
    from tomoset.catalog.store import Store


@dataclass(frozen=True)
class TableStatus:
    """How large a table is.

    Attributes
    ----------
    name
        Its name.
    rows, size, parts
        Rows, bytes and Parquet files of the version that readers see.
    version
        That version.
    """

    name: str
    rows: int
    size: int
    parts: int
    version: int


@dataclass(frozen=True)
class Status:
    """How a catalogue is.

    Attributes
    ----------
    crawl
        Number of the last crawl that changed something, 0 before the first.
    tables
        The tables.
    roots
        The folders that were indexed, and when they were looked at last.
    is_whole
        False if a writer was stopped within a commit; the next one finishes it, readers see what was before.
    """

    crawl: int
    tables: tuple[TableStatus, ...]
    roots: tuple[Checked, ...]
    is_whole: bool


def status(store: Store) -> Status:
    """Tell how a catalogue is, without waiting for a writer."""
    head = store.head()
    tables = []
    for name in TABLES:
        parts = store.parts(name, head)
        rows, size = sum(part.rows for part in parts), sum(part.size for part in parts)
        tables.append(TableStatus(name, rows, size, len(parts), head.versions.get(name, 0)))
    roots = sorted(Checked.read(store.folder), key=lambda checked: checked.root)
    return Status(head.crawl, tuple(tables), tuple(roots), Pending.read(store.folder) is None)


def vacuum(store: Store, *, keep_days: float, dry_run: bool, wait: float = 0.0) -> tuple[int, int]:
    """Delete the files of versions that are older than some days; return how many, and their bytes.

    Raises
    ------
    CatalogBusy
        Somebody else is writing.
    ValueError
        The days are less than none, or no number.
    """
    if not keep_days >= 0:
        raise ValueError(f"keep_days must be a number from 0 on, not {keep_days!r}")
    with store.writing(catalog_schemas(), wait=wait):
        count = size = 0
        for name in TABLES:
            for path in store.vacuum(name, keep_days, dry_run=True):
                count += 1
                size += path.stat().st_size
            if not dry_run:
                store.vacuum(name, keep_days, dry_run=False)
    return count, size
