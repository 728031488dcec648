"""Tables in the formats that ``tomoset convert`` writes, read back: Parquet, Arrow, CSV, JSON lines."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tomoset import _core
from tomoset.exceptions import TomosetError, printable
from tomoset.remote import refuse_url
from tomoset.star import read_star
from tomoset.tables import writable
from tomoset.writing import write_draft, write_options

if TYPE_CHECKING:
    import os

__all__ = ["TableFormatError", "read_table"]

#: A row longer than this is no row.
_JSON_BLOCK = 64 << 20


class TableFormatError(TomosetError, ValueError):
    """A file is not what its format asks for."""


def read_table(path: str | os.PathLike[str], form: str) -> pa.Table:
    """Read a table for a STAR file.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    form : {"parquet", "arrow", "csv", "json"}
        Its format. Parquet and Arrow say their types. In CSV and JSON, columns get them as in STAR files: by RELION's
        dictionary, or else by their values. JSON is one object a line.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    TableFormatError
        The file is in another format, or broken, or a value does not fit its column's type.
    AddressError
        An address instead of a path.
    OSError
        What the system says.
    """
    refuse_url(path, "tables in other formats are read from local files alone")
    with Path(path).open("rb"):
        pass  # The system's own words for what cannot be opened, not Arrow's.
    where = printable(str(path), 1000)
    try:
        return _READERS[form](Path(path))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, pa.ArrowKeyError) as fault:
        message = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        raise TableFormatError(f"{where}: no {form} that can be read: {message}") from fault
    except TomosetError as fault:
        raise TableFormatError(f"{where}: {_without_position(fault)}") from fault
    except (json.JSONDecodeError, UnicodeDecodeError) as fault:
        raise TableFormatError(f"{where}: line 1: {fault}") from fault


def _without_position(fault: TomosetError) -> str:
    """Tell a fault about a value without its place in a text that nobody sees."""
    label, expected, found = (getattr(fault, name, None) for name in ("label", "expected", "found"))
    if expected is None:
        return str(fault)
    where = "" if label is None else f"column {printable(label)}: "
    return f"{where}expected {expected}, found {found}"


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read()


def _read_arrow(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def _read_csv(path: Path) -> pa.Table:
    """Read all as text, and let the reader of STAR files tell what it means."""
    import pyarrow.csv

    with path.open("rb") as file:
        names = pyarrow.csv.open_csv(
            file, convert_options=pyarrow.csv.ConvertOptions(column_types={})
        ).schema.names
    texts = pyarrow.csv.read_csv(
        path,
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
    )
    return _typed(texts)


def _typed(texts: pa.Table) -> pa.Table:
    """Give a table of texts the types it has in a STAR file; null stays null."""
    import pyarrow.compute as pc

    if not texts.num_columns:
        return texts
    draft = _core.Draft()
    draft.add_block("")
    draft.add_table(writable(texts), is_list=False)
    file = io.BytesIO()
    write_draft(draft, file, write_options(na="keep", any_types=True, empty_loops="keep"))
    typed = read_star(file.getvalue()).blocks[0].to_arrow()
    for at, field in enumerate(typed.schema):
        if texts.column(at).null_count and pa.types.is_large_string(field.type):
            # In text the marker of what is missing is text.
            column = pc.if_else(
                pc.is_valid(texts.column(at)), typed.column(at), pa.scalar(None, pa.large_string())
            )
            typed = typed.set_column(at, field, column)
    return typed


def _read_json(path: Path) -> pa.Table:
    with path.open("rb") as file:
        first = file.readline()
    if not first.strip():
        raise TableFormatError("no object in the first line, so no columns")
    record = json.loads(first)
    if not isinstance(record, dict):
        raise TableFormatError("line 1: expected an object; JSON has one object a line")
    known = {label: kind for label, kind, *_ in _core.labels()}
    types = {label: _JSON_TYPES[known[label]] for label in record if label in known}
    table = _json_table(path, types)
    # Arrow makes dates of texts that look like it.
    dates = [field.name for field in table.schema if pa.types.is_temporal(field.type)]
    if dates:
        table = _json_table(path, types | dict.fromkeys(dates, pa.large_string()))
    for field in table.schema:
        if pa.types.is_struct(field.type):
            raise TableFormatError(
                f"column {printable(field.name)}: objects within a row have no place in STAR"
            )
    order = [*record, *(name for name in table.column_names if name not in record)]
    return table.select(order)


def _json_table(path: Path, types: dict[str, Any]) -> pa.Table:
    import pyarrow.json

    return pyarrow.json.read_json(
        path,
        read_options=pyarrow.json.ReadOptions(block_size=_JSON_BLOCK),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=pa.schema(list(types.items())), unexpected_field_behavior="infer"
        ),
    )


_JSON_TYPES = {
    "double": pa.float64(),
    "int": pa.int64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "double_vector": pa.list_(pa.float64()),
    "int_vector": pa.list_(pa.int64()),
}
_READERS: dict[str, Callable[[Path], pa.Table]] = {
    "parquet": _read_parquet,
    "arrow": _read_arrow,
    "csv": _read_csv,
    "json": _read_json,
}
