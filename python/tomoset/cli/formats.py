"""Arrow batches as CSV, JSON lines, Parquet or Arrow IPC."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from tomoset.cli.columns import constant, csv_column, csv_type, joined, json_column, json_text

_TEXT_ROWS = 65_536

Writer = Callable[[pa.Schema, Iterable[pa.RecordBatch], BinaryIO], None]


def write_csv(schema: pa.Schema, batches: Iterable[pa.RecordBatch], file: BinaryIO) -> None:
    """Write comma-separated values with a header; lists as ``[a,b,c]``, null as nothing."""
    flat = pa.schema([pa.field(field.name, csv_type(field.type)) for field in schema])
    with pyarrow.csv.CSVWriter(file, flat) as writer:
        for batch in _pieces(batches):
            columns = [csv_column(column) for column in batch.columns]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=flat))


def write_json(schema: pa.Schema, batches: Iterable[pa.RecordBatch], file: BinaryIO) -> None:
    """Write one JSON object a line; numbers that JSON lacks (NaN, infinity) become null."""
    keys = [constant(f"{',' if place else '{'}{json_text(name)}:") for place, name in enumerate(schema.names)]
    end, nothing = constant("}\n"), constant("")
    for batch in _pieces(batches):
        pieces: list[Any] = []
        for key, column in zip(keys, batch.columns, strict=True):
            pieces += [key, json_column(column)]
        file.write(joined(pc.binary_join_element_wise(*pieces, end, nothing)))


def write_parquet(schema: pa.Schema, batches: Iterable[pa.RecordBatch], file: BinaryIO) -> None:
    """Write a Parquet file, compressed with zstd."""
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def write_arrow(schema: pa.Schema, batches: Iterable[pa.RecordBatch], file: BinaryIO) -> None:
    """Write an Arrow IPC file, which is also Feather version 2; uncompressed, so it can be mapped."""
    with pa.ipc.new_file(file, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


WRITERS: dict[str, Writer] = {
    "csv": write_csv,
    "json": write_json,
    "parquet": write_parquet,
    "arrow": write_arrow,
}


def _pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut large batches: text takes much more memory than numbers."""
    for batch in batches:
        for start in range(0, batch.num_rows, _TEXT_ROWS):
            yield batch.slice(start, _TEXT_ROWS)
