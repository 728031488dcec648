"""The Delta tables of a catalogue: made, changed batch by batch, and read as one snapshot."""

from __future__ import annotations

import math
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Field, Schema, Transaction
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from tomoset.catalog.delta import (
    APPLICATION,
    active_files,
    delta_faults,
    is_whole,
    last_batch,
    parts_of,
    version_of,
)
from tomoset.catalog.faults import CatalogFormatError
from tomoset.catalog.folder import force, locked, make_subfolder, new_folder, open_folder
from tomoset.catalog.journal import Change, Head, Pending
from tomoset.catalog.schema import SHARD, TABLES, catalog_schemas
from tomoset.catalog.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Self

    from tomoset.catalog.parts import Part

_AGES = 1e6  # days; deltalake counts in hours, and not without end
_PROPERTIES = {"delta.dataSkippingNumIndexedCols": "-1"}  # statistics of every column, not of the first 32


@dataclass(frozen=True)
class TableFiles:
    """The files that make up a table in one snapshot.

    Attributes
    ----------
    schema
        Its columns, without the partition; units and words are field metadata.
    paths
        Absolute paths of its Parquet files, in the order of their names.
    version
        Version of the Delta table.
    complete
        Whether every file has every column; those of an older tomoset may lack some.
    """

    schema: pa.Schema
    paths: tuple[str, ...]
    version: int
    complete: bool


@dataclass(frozen=True)
class Snapshot:
    """Tables as one batch of changes left them."""

    batch: int
    tables: dict[str, TableFiles]


class Store:
    """The Delta tables in the folder of a catalogue.

    Changes come in batches, each at most one commit a table. `Head` says which versions belong together, so a reader
    never sees one table of a batch beside another of the batch before; `Pending` is the promise of a batch that is
    being committed, so that whoever writes next finishes it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(
        cls, folder: str | os.PathLike[str], schemas: Mapping[str, pa.Schema], *, wait: float = 0.0
    ) -> Self:
        """Make an empty catalogue in a new or empty folder."""
        store = cls(_absolute(folder))
        with new_folder(store.folder, wait):
            store._prepare(schemas)
            store._begin()
        return store

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """Open a catalogue that exists."""
        store = cls(_absolute(folder))
        open_folder(store.folder)
        return store

    def head(self) -> Head:
        """Return what was committed last."""
        return Head.read(self.folder)

    def snapshot(self, names: Iterable[str] | None = None) -> Snapshot:
        """Return the files of tables, of all if none are named, as the last whole batch left them."""
        head = self.head()
        wanted = TABLES.keys() if names is None else TABLES.keys() & set(names)
        return Snapshot(
            head.batch, {name: self._table_files(name, head) for name in TABLES if name in wanted}
        )

    def parts(self, name: str, head: Head) -> list[Part]:
        """Return the files of a table."""
        if self._is_to_come(name, head):
            return []
        return list(parts_of(self._load(name, head.version(name))).values())

    def vacuum(self, name: str, keep_days: float, *, dry_run: bool) -> list[Path]:
        """Delete the files that only versions older than some days need; return those that were there."""
        with delta_faults(self.folder, name):
            # Whole hours are what it takes.
            paths = self._load(name).vacuum(
                math.ceil(24 * min(keep_days, _AGES)),
                dry_run=dry_run,
                enforce_retention_duration=False,
                full=True,
            )
        return [path for path in (self.folder / name / path for path in paths) if dry_run and path.is_file()]

    @contextmanager
    def writing(self, schemas: Mapping[str, pa.Schema], *, wait: float = 0.0) -> Iterator[Writer]:
        """Keep other writers out and hand out the means to change the tables.

        Raises
        ------
        CatalogBusy
            Somebody else is writing.
        """
        with locked(self.folder, wait) as alone:
            if alone:
                self._drop_torn_logs()
            self._finish()
            self._prepare(schemas)
            self._begin()
            writer = Writer(self.folder, self._take_back(), self._commit)
            writer.require_parts()
            if alone:
                writer.sweep()
            try:
                yield writer
            except BaseException:
                # What cannot be tidied up now, the next writer sweeps; the fault is what is told.
                with suppress(OSError):
                    writer.close()
                    if alone:
                        # Tasks beside the one that failed have finished parts that nobody staged.
                        writer.sweep()
                raise
            writer.close()

    def _drop_torn_logs(self) -> None:
        """Delete log entries that a power cut left half written.

        They are forced to the disk before readers see their version, so they can only be of the batch that is pending,
        or of a catalogue that was being made.
        """
        versions = self.head().versions if Head.is_there(self.folder) else {}
        for name in TABLES:
            log = self.folder / name / "_delta_log"
            newer = [path for path in log.glob("[0-9]*") if version_of(path) > versions.get(name, -1)]
            torn = [path for path in newer if path.suffix == ".json" and not is_whole(path)]
            if torn:
                # Checkpoints are made of the log, and needed by nobody.
                checkpoints = [path for path in newer if ".checkpoint." in path.name]
                for path in (log / "_last_checkpoint", *checkpoints, *torn):
                    path.unlink(missing_ok=True)
                force(log)

    def _finish(self) -> None:
        """Finish the batch of a writer that did not come to its end."""
        pending = Pending.read(self.folder)
        if pending is None:
            return
        unknown = pending.changes.keys() - TABLES.keys()
        if unknown:
            message = f"a newer tomoset was writing table {min(unknown)!r} of {self.folder}"
            raise CatalogFormatError(f"{message}, and was interrupted: upgrade tomoset")
        tables = {name: self._load(name) for name in TABLES}
        pending.require_parts(
            self.folder, [name for name in pending.changes if last_batch(tables[name]) < pending.batch]
        )
        self._commit(pending, tables)

    def _begin(self) -> None:
        """Show the empty tables of a new catalogue; whoever was making it may have been stopped."""
        if Head.is_there(self.folder):
            return
        tables = {name: self._load(name) for name in TABLES}
        if any(last_batch(table) for table in tables.values()):
            message = f"{self.folder} has lost its head.json, which says what of its tables is whole"
            raise CatalogFormatError(f"{message}: take it from a backup, or index into a new folder")
        Head(0, 0, {name: table.version() for name, table in tables.items()}).write(self.folder)

    def _take_back(self) -> dict[str, DeltaTable]:
        """Bring the tables back to what readers see, where batches were begun that nobody can finish.

        That is so when ``pending.json`` was deleted by hand, when an older ``head.json`` was put back, and in a copy
        that was made while somebody wrote.
        """
        head = self.head()
        tables = {name: self._load(name) for name in TABLES}
        batch = max(head.batch, *map(last_batch, tables.values()))
        for name, table in tables.items():
            seen = head.versions.get(name)
            if seen is not None and table.version() < seen:
                raise CatalogFormatError(
                    f"table {name!r} of {self.folder} ends with version {table.version()}, and head.json names {seen}: "
                    "was it copied while somebody wrote? Copy it again, or index into a new folder"
                )
            if seen is not None and last_batch(table) > head.batch:
                with delta_faults(self.folder, name):
                    table.restore(seen)
                    table.update_incremental()
                self._force_log(name, table)
        if batch > head.batch:
            versions = {name: table.version() for name, table in tables.items()}
            Head(batch, head.crawl, versions).write(self.folder)
        return tables

    def _commit(self, pending: Pending, tables: dict[str, DeltaTable]) -> None:
        """Bring a promised batch into every table that does not have it yet, then show it to readers."""
        for name, change in pending.changes.items():
            table = tables[name]
            if last_batch(table) < pending.batch:
                self._add(name, table, change, pending)
            self._force_log(name, table)
        versions = {name: table.version() for name, table in tables.items()}
        Head(pending.batch, pending.crawl, versions).write(self.folder)
        Pending.clear(self.folder)

    def _force_log(self, name: str, table: DeltaTable) -> None:
        """Force the newest log entry of a table to the disk, and the checkpoint that may have come with it."""
        log = self.folder / name / "_delta_log"
        for path in (*log.glob(f"{table.version():020d}.*"), log / "_last_checkpoint"):
            if path.exists():
                force(path)
        force(log)

    def _add(self, name: str, table: DeltaTable, change: Change, pending: Pending) -> None:
        now = int(time.time() * 1000)
        added = [
            AddAction(part.name, part.size, {SHARD: str(part.shard)}, now, True, part.stats)
            for part in change.added
        ]
        removed = [
            RemoveAction(part.name, True, now, part.size, {SHARD: str(part.shard)}) for part in change.removed
        ]
        about = CommitProperties(
            custom_metadata={"tomosetCrawl": pending.crawl, "tomosetBatch": pending.batch},
            app_transactions=[Transaction(APPLICATION, pending.batch)],
        )
        with delta_faults(self.folder, name):
            table.create_write_transaction(
                [*added, *removed], "append", table.schema(), partition_by=[SHARD], commit_properties=about
            )
            table.update_incremental()

    def _prepare(self, schemas: Mapping[str, pa.Schema]) -> None:
        """Make the tables that are missing, and add columns that a newer tomoset has."""
        for name, schema in schemas.items():
            wanted = Schema.from_arrow(schema.append(pa.field(SHARD, pa.int32())))
            if not DeltaTable.is_deltatable(self._uri(name)):
                make_subfolder(self.folder / name)
                self._create(name, wanted)
                force(self.folder / name)
                self._force_log(name, self._load(name))
                continue
            table = self._load(name)
            there = {field.name: field for field in table.schema().fields}
            changed = [field.name for field in wanted.fields if _differs(field, there.get(field.name))]
            if changed:
                message = f"table {name!r} of {self.folder} has another type for {', '.join(changed)}"
                raise CatalogFormatError(f"{message}: index into a new folder")
            added = [field for field in wanted.fields if field.name not in there]
            if added:
                with delta_faults(self.folder, name):
                    table.alter.add_columns(added)
                    table.update_incremental()
                self._force_log(name, table)

    def _create(self, name: str, schema: Schema) -> None:
        about = CommitProperties(app_transactions=[Transaction(APPLICATION, 0)])
        with delta_faults(self.folder, name):
            create_table_with_add_actions(
                self._uri(name),
                schema,
                [],
                partition_by=[SHARD],
                name=name,
                description=TABLES.get(name),
                configuration=_PROPERTIES,
                commit_properties=about,
            )

    def _load(self, name: str, version: int | None = None) -> DeltaTable:
        with delta_faults(self.folder, name):
            return DeltaTable(self._uri(name), version=version)

    def _is_to_come(self, name: str, head: Head) -> bool:
        """Tell whether a table is new in this version: it is there after the next crawl, and empty until then."""
        if name in head.versions:
            return False
        # Whoever was making it may have been stopped.
        return not DeltaTable.is_deltatable(self._uri(name)) or not last_batch(self._load(name))

    def _table_files(self, name: str, head: Head) -> TableFiles:
        if self._is_to_come(name, head):
            return TableFiles(catalog_schemas()[name], (), 0, complete=True)
        table = self._load(name, head.version(name))
        schema = pa.schema([field for field in pa.schema(table.schema().to_arrow()) if field.name != SHARD])
        flat = [f"null_count.{field.name}" for field in schema if not pa.types.is_nested(field.type)]
        active = sorted(active_files(table), key=lambda file: str(file["path"]))
        return TableFiles(
            schema=schema,
            paths=tuple(str(self.folder / name / file["path"]) for file in active),
            version=table.version(),
            complete=all(file.get(column) is not None for file in active for column in flat),
        )

    def _uri(self, name: str) -> str:
        """Return the URL of a table: spaces, ``#`` and ``?`` in the path must not be read as syntax."""
        return (self.folder / name).as_uri()


def _absolute(folder: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(folder))  # noqa: PTH100  resolve() would follow symbolic links


def _differs(wanted: Field, there: Field | None) -> bool:
    return there is not None and wanted.type != there.type
