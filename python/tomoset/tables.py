"""Whatever callers have as a table, as `pyarrow.Table`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "check_labels",
    "is_expression",
    "is_scalar",
    "list_table",
    "mask_indices",
    "plain_column",
    "plain_text",
    "row_indices",
    "rows_table",
    "to_column",
    "to_table",
    "writable",
]


def to_table(data: Any, block: str = "") -> pa.Table:  # noqa: ANN401
    """Give a pyarrow table, a pandas or polars frame, or anything with ``__arrow_c_stream__`` as a table.

    Raises
    ------
    TypeError
        Data of another kind, labels that are no text, or a column whose values have no common type.
    """
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if _is_of_pandas(data, "DataFrame"):
        return _from_pandas(data, block)
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    what = type(data).__name__
    raise TypeError(
        f"block {block!r} is {what}; it must be a table (pyarrow, pandas, polars or with __arrow_c_stream__), a"
        " StarBlock or a dictionary of label to value"
    )


def check_labels(table: pa.Table, block: str) -> pa.Table:
    """Give the table back, unless a label is there twice.

    Raises
    ------
    ValueError
        It is.
    """
    known: set[str] = set()
    for label in table.column_names:
        if label in known:
            raise ValueError(f"block {block!r}: label {label!r} is there twice")
        known.add(label)
    return table


def _is_of_pandas(data: object, name: str) -> bool:
    """Tell a pandas frame or series, also of a subclass, without importing pandas."""
    return any(
        kind.__name__ == name and kind.__module__.split(".")[0] == "pandas" for kind in type(data).__mro__
    )


def _from_pandas(frame: pd.DataFrame, block: str) -> pa.Table:
    import pyarrow as pa

    for label in frame.columns:
        if not isinstance(label, str):
            raise TypeError(f"block {block!r}: the columns of the frame must be named by text, not {label!r}")
    # Not Table.from_pandas, which gives the index too and merges columns of one name.
    columns = [to_column(frame.iloc[:, at], label, block) for at, label in enumerate(frame.columns)]
    return pa.Table.from_arrays(columns, names=[str(label) for label in frame.columns])


def to_column(values: Any, label: str, block: str = "") -> pa.ChunkedArray:  # noqa: ANN401
    """Give values of any kind as a column.

    Raises
    ------
    TypeError
        The values have no common type.
    """
    import pyarrow as pa

    if isinstance(values, pa.ChunkedArray):
        return values
    if not hasattr(values, "__arrow_c_array__") and not hasattr(values, "__arrow_c_stream__"):
        values = _sequence(values)
    elif not hasattr(values, "dtype"):
        return pa.chunked_array(values if hasattr(values, "__arrow_c_stream__") else [pa.array(values)])
    try:
        array = _array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, OverflowError) as error:
        where = f"block {block!r}, label {label!r}" if block else f"label {label!r}"
        raise TypeError(f"{where}: the values have no common type: {error}") from None
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _sequence(values: Any) -> Any:  # noqa: ANN401
    return values if hasattr(values, "__len__") else list(values)


def _array(values: Any) -> pa.Array | pa.ChunkedArray:  # noqa: ANN401
    """Make an array; paths among objects become text. In pandas nan is a gap, elsewhere a value."""
    import pyarrow as pa

    gaps = _is_of_pandas(values, "Series") or _is_of_pandas(values, "Index")
    # Among objects nan stands for what is missing, too: pyarrow would find no type for it and text.
    gaps = gaps or str(getattr(values, "dtype", "")) == "object"
    try:
        return pa.array(values, from_pandas=gaps)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        plain = [os.fspath(value) if isinstance(value, os.PathLike) else value for value in values]
        return pa.array(plain, from_pandas=True)


def list_table(values: Mapping[Any, Any], block: str = "") -> pa.Table:
    """Give label to value as a table of one row; sequences of numbers are vectors.

    Raises
    ------
    TypeError
        A label that is no text, or a value of a kind that no list can have.
    """
    import pyarrow as pa

    columns = []
    for label, value in values.items():
        if not isinstance(label, str):
            raise TypeError(f"block {block!r}: labels are text, not {label!r}")
        try:
            # Here nan is a value, and no gap as in a data frame.
            columns.append(pa.chunked_array([pa.array([value])]))
        except (pa.ArrowTypeError, TypeError, ValueError, OverflowError):
            columns.append(to_column([value], label, block))
    return pa.Table.from_arrays(columns, names=list(values))


def rows_table(rows: Any, block: str = "") -> pa.Table:  # noqa: ANN401
    """Give rows as a table: a table, or lists of values by label.

    Raises
    ------
    TypeError, ValueError
        As in `to_table`; columns of different lengths.
    """
    import pyarrow as pa

    if not isinstance(rows, Mapping):
        return check_labels(to_table(rows, block), block)
    columns = [to_column(values, label, block) for label, values in rows.items()]
    if len({len(column) for column in columns}) > 1:
        raise ValueError(f"block {block!r}: the columns of the rows have different lengths")
    return pa.Table.from_arrays(columns, names=list(rows))


def is_scalar(values: object) -> bool:
    """Whether something is one value, and not values for many rows."""
    import numpy as np

    dated = date | time | timedelta
    return values is None or isinstance(
        values, str | bytes | int | float | Decimal | np.generic | os.PathLike | dated
    )


def is_expression(mask: object) -> bool:
    """Whether a mask is one of pyarrow's expressions."""
    import pyarrow.compute as pc

    return isinstance(mask, pc.Expression)


def mask_indices(mask: Any, rows: pa.Table | int) -> npt.NDArray[np.int64]:  # noqa: ANN401
    """Give the rows a mask keeps, of a table if the mask is an expression, else of so many.

    Raises
    ------
    TypeError, ValueError
        A mask that is not of booleans, or of another length.
    """
    import numpy as np
    import pyarrow as pa

    if not isinstance(rows, int):
        numbered = rows.append_column("", pa.array(np.arange(rows.num_rows)))
        kept: npt.NDArray[np.int64] = numbered.filter(mask).column(rows.num_columns).to_numpy()
        return kept
    chosen = to_column(mask, "mask")
    if len(chosen) and not pa.types.is_boolean(chosen.type):
        raise TypeError(f"a mask is of booleans, not {chosen.type}")
    if len(chosen) != rows:
        raise ValueError(f"the mask has {len(chosen)} values; the table has {rows} rows")
    return np.flatnonzero(chosen.fill_null(False).to_numpy()) if rows else np.arange(0)


def row_indices(indices: Any, rows: int) -> npt.NDArray[np.int64]:  # noqa: ANN401
    """Give indices counted from the first row.

    Raises
    ------
    IndexError, TypeError
        There is no such row; what is no whole number.
    """
    import numpy as np

    found = np.asarray(indices)
    if found.size and found.dtype.kind not in "iu":
        raise TypeError(f"rows are chosen by whole numbers, not {found.dtype}")
    found = found.astype(np.int64).reshape(-1)
    beyond = found[(found < -rows) | (found >= rows)]
    if beyond.size:
        raise IndexError(f"there is no row {beyond[0]}; there are {rows}")
    return np.where(found < 0, found + rows, found)


def writable(table: pa.Table) -> pa.Table:
    """Give a table whose columns have layouts the core writes."""
    columns = [plain_column(column) for column in table.columns]
    if all(new is old for new, old in zip(columns, table.columns, strict=True)):
        return table
    return type(table).from_arrays(columns, names=table.column_names)


def plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a column in a layout the core writes: dates and decimals become text."""
    import pyarrow as pa

    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain_column(pa.chunked_array(_storages(column.chunks), type=kind.storage_type))
    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.large_string())
    return column


def plain_text(table: pa.Table) -> pa.Table:
    """Give a table whose categories are spelt out."""
    import pyarrow as pa

    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(field.type.value_type))
    return table


def _storages(chunks: Iterable[Any]) -> list[pa.Array]:
    return [chunk.storage for chunk in chunks]
