"""Few large Parquet files from many small tables: what a worker writes and the committer adds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tomoset.catalog.folder import settle

ROW_GROUP_ROWS = 122_880
"""Rows of a row group: the grain in which DuckDB shares work between threads."""
ROW_GROUP_BYTES = 64 << 20
PART_ROWS = 1_000_000
PART_BYTES = 128 << 20

_STATS_TEXT = 32


@dataclass(frozen=True)
class Part:
    """One finished Parquet file of a table, not yet known to anybody.

    Attributes
    ----------
    name
        File name inside the folder of its table.
    size
        Bytes.
    rows
        Rows.
    stats
        Row count, null counts, least and greatest values as Delta's JSON.
    """

    name: str
    size: int
    rows: int
    stats: str


class PartWriter:
    """Gather tables of one schema into Parquet files of sensible size.

    Parameters
    ----------
    folder
        Folder of the table.
    schema
        Columns of every part.
    stem
        How the names begin; the number of the part follows.
    """

    def __init__(self, folder: Path, schema: pa.Schema, stem: str) -> None:
        self._folder = folder
        self._schema = schema
        self._stem = stem
        self._parts: list[Part] = []
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._waiting_bytes = 0
        self._writer: pq.ParquetWriter | None = None
        self._rows = 0
        self.num_rows = 0

    def write(self, table: pa.Table) -> None:
        """Take the rows of a table; they reach the disk a row group at a time."""
        if table.num_rows == 0:
            return
        self.num_rows += table.num_rows
        self._waiting.append(table if table.schema.equals(self._schema) else table.cast(self._schema))
        self._waiting_rows += table.num_rows
        self._waiting_bytes += table.nbytes
        if self._waiting_rows >= ROW_GROUP_ROWS or self._waiting_bytes >= ROW_GROUP_BYTES:
            self._write_row_groups()

    def close(self) -> list[Part]:
        """Finish the last part and return all of them, in the order of their rows."""
        self._write_row_groups()
        self._finish_part()
        return self._parts

    def abandon(self) -> None:
        """Delete what was written: nobody will add it."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._temporary.unlink(missing_ok=True)
        for part in self._parts:
            (self._folder / part.name).unlink(missing_ok=True)
        self._parts, self._waiting = [], []

    @property
    def _name(self) -> str:
        return f"{self._stem}-{len(self._parts):05d}.parquet"

    @property
    def _temporary(self) -> Path:
        return self._folder / f".{self._name}.tmp"

    def _write_row_groups(self) -> None:
        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting)
        self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._temporary, self._schema, compression="zstd")
        self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        self._rows += table.num_rows
        if self._rows >= PART_ROWS or self._temporary.stat().st_size >= PART_BYTES:
            self._finish_part()

    def _finish_part(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        name, temporary = self._name, self._temporary
        size = temporary.stat().st_size
        stats = json.dumps(_delta_stats(pq.read_metadata(temporary), self._schema))
        settle(temporary, self._folder / name)
        self._parts.append(Part(name=name, size=size, rows=self._rows, stats=stats))
        self._rows = 0


def _delta_stats(metadata: pq.FileMetaData, schema: pa.Schema) -> dict[str, Any]:
    """Gather Delta's file statistics from the footer of a Parquet file.

    Least and greatest values are given for text and integers only: NaN has no place in JSON and
    time stamps would have to be rounded.
    """
    least: dict[str, Any] = {}
    greatest: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    for number in range(metadata.num_columns):
        name = metadata.schema.column(number).path
        if name not in schema.names:
            continue  # inside a list, where Delta keeps no statistics
        chunks = [group.column(number).statistics for group in groups]
        nulls[name] = sum(chunk.null_count for chunk in chunks)
        filled = [chunk for chunk in chunks if chunk.num_values]
        if filled and all(chunk.has_min_max for chunk in filled):
            _add_bounds(name, schema.field(name).type, filled, least, greatest)
    return {"numRecords": metadata.num_rows, "minValues": least, "maxValues": greatest, "nullCount": nulls}


def _add_bounds(
    name: str, dtype: pa.DataType, chunks: list[Any], least: dict[str, Any], greatest: dict[str, Any]
) -> None:
    """Add the bounds of one column; long text is cut so that the bounds still hold."""
    low, high = min(chunk.min for chunk in chunks), max(chunk.max for chunk in chunks)
    if pa.types.is_integer(dtype):
        least[name], greatest[name] = low, high
    elif pa.types.is_string(dtype) or pa.types.is_large_string(dtype):
        least[name] = low[:_STATS_TEXT]
        greatest[name] = high if len(high) <= _STATS_TEXT else high[:_STATS_TEXT] + "\U0010ffff"
