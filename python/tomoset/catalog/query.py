"""SQL over one snapshot of a catalogue: DuckDB in this process, able to read nothing else."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import duckdb
import pyarrow as pa

from tomoset.catalog.faults import QueryError
from tomoset.catalog.schema import REPEATED, sql_type
from tomoset.catalog.store import Snapshot, TableFiles
from tomoset.catalog.threads import wait_for
from tomoset.catalog.views import view_statements

_BATCH_ROWS = 122_880
_DAMAGED = "a part of the catalogue is damaged or was deleted, or the folder was copied while somebody wrote"

Answer = TypeVar("Answer")


class QuerySession:
    """A database whose only content are the tables of a snapshot, and views over them.

    The tables are views over exactly the Parquet files of the snapshot: that was 4 to 40 times
    faster than handing DuckDB a pyarrow dataset. Afterwards the session can open no other file,
    load no extension, look into no Python variable and change no setting, and it runs nothing
    but queries, so it cannot write either.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._parts = [path for table in snapshot.tables.values() for path in table.paths]
        self._spill = tempfile.mkdtemp(prefix="tomoset-query-")
        self._clean_up = weakref.finalize(self, shutil.rmtree, self._spill, ignore_errors=True)
        self._database = duckdb.connect(
            config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        )
        self._run(f"SET temp_directory = {_text(self._spill)}")
        # Of the cursors, too.
        self._run("SET GLOBAL TimeZone = 'UTC'")
        for name, table in snapshot.tables.items():
            self._show(name, table)
        for statement in view_statements():
            self._run(statement)
        self._run(f"SET allowed_paths = {_list(self._parts)}")
        for setting in ("enable_external_access = false", "python_enable_replacements = false"):
            self._run(f"SET {setting}")
        self._run("SET lock_configuration = true")

    def table(self, query: str) -> pa.Table:
        """Run a query and return its whole answer."""
        self._refuse_other_than_query(query)
        return self._interruptible(lambda: self._database.sql(query).to_arrow_table())

    def stream(self, query: str) -> pa.RecordBatchReader:
        """Run a query and hand out its answer batch by batch, in bounded memory."""
        self._refuse_other_than_query(query)
        # An answer that is not read to its end keeps no other query waiting.
        cursor = self._database.cursor()
        reader = self._interruptible(lambda: cursor.sql(query).to_arrow_reader(_BATCH_ROWS), cursor)
        return pa.RecordBatchReader.from_batches(reader.schema, self._batches(reader, cursor))

    def close(self) -> None:
        """Let go of memory and files."""
        self._database.close()
        self._clean_up()

    def _batches(
        self, reader: pa.RecordBatchReader, cursor: duckdb.DuckDBPyConnection
    ) -> Iterator[pa.RecordBatch]:
        while (batch := self._interruptible(lambda: next(reader, None), cursor)) is not None:
            yield batch

    def _show(self, name: str, table: TableFiles) -> None:
        """Make a table of the snapshot visible under its name."""
        options = f"union_by_name = {not table.complete}, hive_partitioning = false"
        rows = f"FROM read_parquet({_list(table.paths)}, {options})"
        if not table.complete or not table.paths:
            empty = self._empty_table(name, table.schema)
            rows = f"{empty} UNION ALL BY NAME {rows}" if table.paths else empty
        if name in REPEATED:
            rows = f"SELECT DISTINCT * FROM ({rows})"  # noqa: S608  no words of others
        self._run(f"CREATE VIEW {_name(name)} AS {rows}")

    def _empty_table(self, name: str, schema: pa.Schema) -> str:
        """Return a query without rows that has the columns of a table."""
        columns = ", ".join(f"{_name(field.name)} {sql_type(field.type)}" for field in schema)
        self._run("CREATE SCHEMA IF NOT EXISTS columns_of")
        self._run(f"CREATE TABLE columns_of.{_name(name)} ({columns})")
        return f"FROM columns_of.{_name(name)}"

    def _refuse_other_than_query(self, query: str) -> None:
        try:
            query.encode()
        except UnicodeEncodeError as fault:
            raise QueryError(f"the SQL is not UTF-8, from character {fault.start + 1:,} on") from fault
        with self._sql_faults():
            statements = self._database.extract_statements(query)
        if len(statements) != 1:
            raise QueryError(f"expected one query, found {len(statements)}")
        kind = statements[0].type
        if kind != duckdb.StatementType.SELECT:
            message = "a catalogue answers queries only (SELECT, WITH, FROM, DESCRIBE, SHOW, SUMMARIZE)"
            raise QueryError(f"{message}; this is {kind.name}")

    def _run(self, statement: str) -> None:
        with self._sql_faults():
            self._database.execute(statement)

    def _interruptible(
        self, work: Callable[[], Answer], connection: duckdb.DuckDBPyConnection | None = None
    ) -> Answer:
        """Do the work in a thread of its own: DuckDB does not notice Ctrl-C while it computes."""
        with self._sql_faults():
            return wait_for(work, on_interrupt=(connection or self._database).interrupt)

    @contextmanager
    def _sql_faults(self) -> Iterator[None]:
        """Hand on what the database says, without its types, and tell damage from wrong SQL."""
        try:
            yield
        except (duckdb.Error, pa.ArrowException) as fault:
            words = str(fault).strip()
            part = next((path for path in self._parts if path in words), None)
            # What the reader of Parquet stumbles over comes without a type, and without a name.
            if part is not None or type(fault) is duckdb.Error:
                said = words.partition("\n")[0]
                if part is not None and not os.path.isfile(part):  # noqa: PTH113  a string
                    said = f"{part}: no such file"
                words = f"{_DAMAGED}: {said}"
            raise QueryError(words) from fault


def _name(identifier: str) -> str:
    doubled = identifier.replace('"', '""')
    return f'"{doubled}"'


def _text(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def _list(values: list[str] | tuple[str, ...]) -> str:
    return f"[{', '.join(_text(value) for value in values)}]"
