"""The Delta tables of a catalogue: made, replaced crawl by crawl, and read as one snapshot."""

import hashlib
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Field, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from tomoset.catalog.faults import CatalogFormatError
from tomoset.catalog.folder import create_folder, locked, open_folder
from tomoset.catalog.parts import Part, PartWriter
from tomoset.catalog.schema import TABLES
from tomoset.exceptions import CatalogBusy

_APPLICATION = "tomoset"
_PROPERTIES = {"delta.dataSkippingNumIndexedCols": "-1"}  # statistics of every column, not of the first 32
_PART_NAME = re.compile(r"part-(\d{8})-([0-9a-f]{16})-\d{5}\.parquet")


@dataclass(frozen=True)
class TableFiles:
    """The files that make up a table in one snapshot.

    Attributes
    ----------
    schema
        Its columns; units and words are field metadata.
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
    """All tables as one crawl left them."""

    crawl: int
    tables: dict[str, TableFiles]


class Store:
    """The Delta tables in the folder of a catalogue.

    Every crawl is one commit a table. The commits carry the number of the crawl as an application
    transaction: a snapshot is the newest crawl that has reached every table, so a reader never
    sees one table of tonight beside another of yesterday.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: str | os.PathLike[str], schemas: Mapping[str, pa.Schema]) -> "Store":
        """Make an empty catalogue in a new or empty folder."""
        store = cls(_absolute(folder))
        create_folder(store.folder)
        store.prepare(schemas)
        return store

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> "Store":
        """Open a catalogue that exists."""
        store = cls(_absolute(folder))
        open_folder(store.folder)
        return store

    def snapshot(self) -> Snapshot:
        """Return the files of every table as of the newest crawl that is in all of them."""
        tables = {name: self._load(name) for name in TABLES}
        crawl = min(_crawl_of(table) for table in tables.values())
        whole = {name: self._as_of(name, table, crawl) for name, table in tables.items()}
        return Snapshot(crawl, {name: self._table_files(name, table) for name, table in whole.items()})

    def fingerprint(self) -> tuple[int, ...]:
        """Return the newest version of every table; it changes when anything was committed."""
        return tuple(self._load(name).version() for name in TABLES)

    @contextmanager
    def writing(self, root: str, schemas: Mapping[str, pa.Schema]) -> Iterator["Crawl"]:
        """Keep other writers out and hand out the next crawl of `root`.

        Raises
        ------
        CatalogBusy
            Somebody else is writing.
        """
        with locked(self.folder) as alone:
            self.prepare(schemas)
            number = 1 + max(self.last_crawl(name) for name in TABLES)
            crawl = Crawl(self, root, number, schemas)
            if alone:
                crawl.sweep()
            try:
                yield crawl
            except BaseException:
                crawl.abandon()
                raise

    def last_crawl(self, name: str) -> int:
        """Return the number of the newest crawl that reached a table, 0 before the first."""
        return _crawl_of(self._load(name))

    def prepare(self, schemas: Mapping[str, pa.Schema]) -> None:
        """Make the tables that are missing, and add columns that a newer tomoset has."""
        for name, schema in schemas.items():
            wanted = Schema.from_arrow(schema)
            if not DeltaTable.is_deltatable(self._uri(name)):
                (self.folder / name).mkdir(exist_ok=True)
                self._create(name, wanted)
                continue
            table = self._load(name)
            there = {field.name: field for field in table.schema().fields}
            changed = [field.name for field in wanted.fields if _differs(field, there.get(field.name))]
            if changed:
                message = f"table {name!r} of {self.folder} has another type for {', '.join(changed)}"
                raise CatalogFormatError(f"{message}: index into a new folder")
            added = [field for field in wanted.fields if field.name not in there]
            if added:
                with _delta_faults(self.folder, name):
                    table.alter.add_columns(added)

    def add(self, name: str, root: str, crawl: int, parts: Sequence[Part]) -> None:
        """Replace the rows that a table has of one root, in one commit."""
        table = self._load(name)
        now = int(time.time() * 1000)
        added = [AddAction(part.name, part.size, {}, now, True, part.stats) for part in parts]
        removed = [
            RemoveAction(old["path"], True, now, old["size_bytes"], {})
            for old in _active(table)
            if self._belongs_to(name, old["path"], root)
        ]
        about = CommitProperties(
            custom_metadata={"tomosetRoot": root, "tomosetCrawl": crawl},
            app_transactions=[Transaction(_APPLICATION, crawl)],
        )
        with _delta_faults(self.folder, name):
            table.create_write_transaction(
                [*added, *removed], "append", table.schema(), commit_properties=about
            )

    def _belongs_to(self, name: str, path: str, root: str) -> bool:
        """Tell whether the rows of a file are of this root; files made by other tools are looked into."""
        match = _PART_NAME.fullmatch(path)
        if match:
            return match.group(2) == _root_digest(root)
        roots = pq.read_table(self.folder / name / path, columns=["root"])["root"].unique().to_pylist()
        if root in roots and len(roots) > 1:
            message = f"{self.folder / name / path} mixes several roots, so {root} cannot be replaced"
            raise CatalogFormatError(f"{message}: index into a new folder")
        return root in roots

    def _create(self, name: str, schema: Schema) -> None:
        about = CommitProperties(app_transactions=[Transaction(_APPLICATION, 0)])
        with _delta_faults(self.folder, name):
            create_table_with_add_actions(
                self._uri(name),
                schema,
                [],
                name=name,
                description=TABLES.get(name),
                configuration=_PROPERTIES,
                commit_properties=about,
            )

    def _load(self, name: str, version: int | None = None) -> DeltaTable:
        with _delta_faults(self.folder, name):
            return DeltaTable(self._uri(name), version=version)

    def _as_of(self, name: str, table: DeltaTable, crawl: int) -> DeltaTable:
        """Go back to the newest version that has nothing of a later crawl."""
        while _crawl_of(table) > crawl:
            table = self._load(name, table.version() - 1)
        return table

    def _table_files(self, name: str, table: DeltaTable) -> TableFiles:
        schema = pa.schema(table.schema().to_arrow())
        flat = [f"null_count.{field.name}" for field in schema if not pa.types.is_nested(field.type)]
        active = sorted(_active(table), key=lambda file: str(file["path"]))
        return TableFiles(
            schema=schema,
            paths=tuple(str(self.folder / name / file["path"]) for file in active),
            version=table.version(),
            complete=all(file.get(column) is not None for file in active for column in flat),
        )

    def _uri(self, name: str) -> str:
        """Return the URL of a table: spaces, ``#`` and ``?`` in the path must not be read as syntax."""
        return (self.folder / name).as_uri()


class Crawl:
    """One crawl being written: parts go beside the tables, and into them by one commit each."""

    def __init__(self, store: Store, root: str, number: int, schemas: Mapping[str, pa.Schema]) -> None:
        self.root = root
        self.number = number
        self._store = store
        self._committing = False
        stem = f"part-{number:08d}-{_root_digest(root)}"
        self._writers = {
            name: PartWriter(store.folder / name, schema, stem) for name, schema in schemas.items()
        }

    def write(self, name: str, rows: pa.Table) -> None:
        """Take rows of a table."""
        self._writers[name].write(rows)

    def num_rows(self, name: str) -> int:
        """Return how many rows of a table were taken."""
        return self._writers[name].num_rows

    def commit(self) -> None:
        """Finish the parts of all tables, then show them to readers."""
        parts = {name: writer.close() for name, writer in self._writers.items()}
        self._committing = True
        for name, of_table in parts.items():
            self._store.add(name, self.root, self.number, of_table)

    def sweep(self) -> None:
        """Delete what interrupted crawls left: parts newer than the last commit of their table."""
        for name in self._writers:
            folder, committed = self._store.folder / name, self._store.last_crawl(name)
            for path in folder.glob("part-*.parquet"):
                match = _PART_NAME.fullmatch(path.name)
                if match and int(match.group(1)) > committed:
                    path.unlink(missing_ok=True)
            for path in folder.glob(".part-*.parquet.tmp"):
                path.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Delete what was written, unless commits have begun: readers may need it then."""
        if self._committing:
            return
        for writer in self._writers.values():
            writer.abandon()


def _absolute(folder: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(folder))  # noqa: PTH100  resolve() would follow symbolic links


def _root_digest(root: str) -> str:
    return hashlib.blake2b(root.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def _crawl_of(table: DeltaTable) -> int:
    return table.transaction_version(_APPLICATION) or 0


def _active(table: DeltaTable) -> list[dict[str, Any]]:
    """Return path, size and null counts of every file of the table."""
    # pa.table would load pandas wherever it is installed.
    actions = pa.RecordBatchReader.from_stream(table.get_add_actions(flatten=True)).read_all()
    wanted = [name for name in actions.column_names if name.startswith("null_count.")]
    files: list[dict[str, Any]] = actions.select(["path", "size_bytes", *wanted]).to_pylist()
    return files


def _differs(wanted: Field, there: Field | None) -> bool:
    return there is not None and wanted.type != there.type


@contextmanager
def _delta_faults(folder: Path, name: str) -> Iterator[None]:
    """Tell what deltalake could not do in the words of a catalogue."""
    try:
        yield
    except CommitFailedError as fault:
        raise CatalogBusy(
            f"somebody else wrote to table {name!r} of {folder}: {_first_line(fault)}"
        ) from fault
    except DeltaError as fault:
        message = f"table {name!r} of {folder} is damaged or missing: {_first_line(fault)}"
        raise CatalogFormatError(message) from fault


def _first_line(fault: Exception) -> str:
    return str(fault).partition("\n")[0]
