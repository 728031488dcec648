"""Parquet files of the tables: what workers write and the committer adds."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tomoset.catalog.faults import CatalogFormatError
from tomoset.catalog.folder import make_subfolder, naming, settle
from tomoset.catalog.schema import SHARD

PART_ROWS = 1 << 16
"""Rows of a part at most: what is rewritten when one of its projects changes."""

_STATS_TEXT = 32
_SETTLING_THREADS = 8


@dataclass(frozen=True)
class Part:
    """One finished Parquet file of a table.

    Attributes
    ----------
    name
        Path inside the folder of its table.
    shard
        Its partition.
    size
        Bytes.
    rows
        Rows.
    stats
        Row count, null counts, least and greatest values as Delta's JSON.
    """

    name: str
    shard: int
    size: int
    rows: int
    stats: str

    def may_hold(self, folders: list[str]) -> bool:
        """Tell whether rows of files in any of these folders may be in it, by the bounds of their paths."""
        known: dict[str, Any] = json.loads(self.stats)
        low, high = known.get("minValues", {}).get("path"), known.get("maxValues", {}).get("path")
        if low is None or high is None:
            return True
        # "0" comes after "/": a folder and all paths below it are between the two.
        bounds = ((folder, f"{folder}0") if folder else ("", "\U0010ffff") for folder in folders)
        return any(begin <= high and low <= end for begin, end in bounds)


def read_part(catalog: Path, name: str, part: Part, columns: list[str] | None = None) -> pa.Table:
    """Read a part of a table, or some of its columns.

    Raises
    ------
    CatalogFormatError
        It is damaged.
    OSError
        It cannot be read.
    """
    path = catalog / name / part.name
    try:
        with naming(path):
            return pq.read_table(path, columns=columns, partitioning=None)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError) as fault:
        if isinstance(fault, OSError) and fault.errno:
            raise
        words = str(fault).partition("\n")[0]
        raise CatalogFormatError(f"{path} is damaged: {words}; index into a new folder") from fault


class PartWriter:
    """Write the parts of one task, so that all or none of them have names.

    Parameters
    ----------
    catalog
        Folder of the catalogue.
    crawl
        Number of the crawl, which is in the names of the parts.
    shard
        The partition.
    """

    def __init__(self, catalog: Path, crawl: int, shard: int) -> None:
        self._catalog = catalog
        self._crawl = crawl
        self._shard = shard
        self._written: list[tuple[str, Path, Path, Part]] = []

    def write(self, name: str, rows: pa.Table) -> None:
        """Write the rows of a table into as many parts as they need."""
        if not rows.num_rows:
            return
        count = -(-rows.num_rows // PART_ROWS)
        each = -(-rows.num_rows // count)
        for start in range(0, rows.num_rows, each):
            self._write(name, rows.slice(start, each))

    def settle(self) -> dict[str, list[Part]]:
        """Force everything to the disk and give the parts their names; return them by table."""
        with ThreadPoolExecutor(_SETTLING_THREADS) as pool:
            list(pool.map(lambda entry: settle(entry[1], entry[2]), self._written))
        found: dict[str, list[Part]] = {}
        for name, _, _, part in self._written:
            found.setdefault(name, []).append(part)
        return found

    def abandon(self) -> None:
        """Delete what was written: nobody will add it."""
        for _, temporary, path, _ in self._written:
            temporary.unlink(missing_ok=True)
            path.unlink(missing_ok=True)

    def _write(self, name: str, rows: pa.Table) -> None:
        folder = self._catalog / name / f"{SHARD}={self._shard:02d}"
        folder.parent.mkdir(exist_ok=True)
        make_subfolder(folder)
        # Two workers may be given one task, where one of them is thought to be lost.
        file = f"part-{self._crawl:08d}-{uuid.uuid4().hex}.parquet"
        temporary, path = folder / f".{file}.tmp", folder / file
        self._written.append((name, temporary, path, Part("", 0, 0, 0, "")))
        texts = [field.name for field in rows.schema if pa.types.is_large_string(field.type)]
        with naming(path):
            pq.write_table(
                rows,
                temporary,
                compression="zstd",
                row_group_size=PART_ROWS,
                use_dictionary=texts,
            )
        metadata = pq.read_metadata(temporary)
        part = Part(
            name=f"{folder.name}/{file}",
            shard=self._shard,
            size=temporary.stat().st_size,
            rows=rows.num_rows,
            stats=json.dumps(_delta_stats(metadata, rows.schema)),
        )
        self._written[-1] = (name, temporary, path, part)


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
