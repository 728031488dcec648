"""Whatever callers have as a table, as `pyarrow.Table`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    import pyarrow as pa

__all__ = ["list_table", "plain_column", "to_column", "to_table"]


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
    if _is_frame(data):
        return _from_pandas(data, block)
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    what = type(data).__name__
    raise TypeError(
        f"block {block!r} is {what}; it must be a table (pyarrow, pandas, polars or with __arrow_c_stream__), a"
        " StarBlock or a dictionary of label to value"
    )


def _is_frame(data: object) -> bool:
    """Tell a pandas frame, also of a subclass, without importing pandas."""
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.split(".")[0] == "pandas"
        for kind in type(data).__mro__
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
    """Make an array; paths among objects become text."""
    import pyarrow as pa

    try:
        return pa.array(values, from_pandas=True)
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
        columns.append(to_column([value], label, block))
    return pa.Table.from_arrays(columns, names=list(values))


def plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a column in a layout the core writes: dates and decimals become text."""
    import pyarrow as pa

    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain_column(pa.chunked_array(_storages(column.chunks), type=kind.storage_type))
    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.large_string())
    return column


def _storages(chunks: Iterable[Any]) -> list[pa.Array]:
    return [chunk.storage for chunk in chunks]
