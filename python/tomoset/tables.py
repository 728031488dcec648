"""Whatever callers have as a table, as `pyarrow.Table`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tomoset import _core
from tomoset.exceptions import MissingLabelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "aligned",
    "as_numpy",
    "check_bare",
    "check_labels",
    "is_expression",
    "is_scalar",
    "list_table",
    "mask_indices",
    "one_below_other",
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
    what = type(data).__name__
    if _is_of_pandas(data, "Series"):
        what = f"a {what} of values without labels"
    elif hasattr(data, "__arrow_c_stream__"):
        try:
            return pa.table(data)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            # A single column, such as a Series, has a stream too.
            what = f"a {what} of values without labels"
    raise TypeError(
        f"block {block!r} is {what}; it must be a table (pyarrow, pandas, polars or with __arrow_c_stream__), a"
        " StarBlock or a dictionary of label to value"
    )


def check_bare(label: object, known: Iterable[str]) -> None:
    """Raise if a label is given with its underscore: it is there, or is RELION's, without it.

    Raises
    ------
    ValueError
        It is.
    """
    if isinstance(label, str) and label.startswith("_"):
        bare = label.removeprefix("_")
        if bare in known or any(bare == name for name, *_ in _core.labels()):
            raise ValueError(f"labels are given without the underscore: {bare!r}, not {label!r}")


def check_labels(table: pa.Table, block: str) -> pa.Table:
    """Give the table back, unless a label is there twice, or with its underscore.

    Raises
    ------
    ValueError
        It is.
    """
    known: set[str] = set()
    for label in table.column_names:
        check_bare(label, ())
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

    named = [name for name in frame.index.names if name is not None]
    if named:
        names = ", ".join(map(repr, named))
        raise ValueError(
            f"block {block!r}: the frame's index is named {names}, and would be lost; reset_index() makes a column"
            " of it, and reset_index(drop=True) drops it"
        )
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
    except (
        pa.ArrowInvalid,
        pa.ArrowTypeError,
        pa.ArrowNotImplementedError,
        TypeError,
        OverflowError,
    ) as error:
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


def list_table(values: Mapping[Any, Any], block: str = "", *, alone: bool = True) -> pa.Table:
    """Give label to value as a table of one row; sequences of numbers are vectors.

    Raises
    ------
    TypeError
        A label that is no text, or a value of a kind that no list can have; with `alone`, columns of a loop.
    """
    import pyarrow as pa

    if alone and _is_loop(values):
        raise TypeError(
            f"block {block!r}: a dictionary of label to value is a list, and here each value is a column; for a loop"
            " give a table, as from pyarrow.table(...) or pandas.DataFrame(...)"
        )

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


def _is_loop(values: Mapping[Any, Any]) -> bool:
    """Whether all values are columns of one length, and some under a label that RELION has no vectors for."""
    many = [value for value in values.values() if hasattr(value, "__len__") and not is_scalar(value)]
    if len(many) < len(values) or len({len(value) for value in many}) != 1:
        return False
    return any(label in values and "vector" not in kind for label, kind, *_ in _core.labels())


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


def aligned(values: Any, what: str, rows: int) -> Any:  # noqa: ANN401
    """Give a pandas Series in the order of a table's rows, if its index counts them; other values as they are.

    Raises
    ------
    ValueError
        The index is of other numbers, and in no order.
    """
    import numpy as np

    if not _is_of_pandas(values, "Series") or len(values) != rows:
        return values
    index = np.asarray(values.index)
    if index.dtype.kind not in "iu" or (np.diff(index) > 0).all():
        return values
    if not np.array_equal(np.sort(index), np.arange(rows)):
        raise ValueError(
            f"{what}: the Series has an index that neither counts the rows nor goes up, so that it is not clear which"
            " value is of which row; .to_numpy() takes them in their order"
        )
    return values.iloc[np.argsort(index)]


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
    MissingLabelError
        An expression of a column that is not there.
    """
    import numpy as np
    import pyarrow as pa

    if not isinstance(rows, int):
        numbered = rows.append_column("", pa.array(np.arange(rows.num_rows)))
        try:
            kept: npt.NDArray[np.int64] = numbered.filter(mask).column(rows.num_columns).to_numpy()
        except pa.ArrowInvalid as error:
            # pyarrow tells the whole schema.
            name = re.match(r"No match for FieldRef\.Name\((.*?)\) in ", str(error))
            if name is None:
                raise
            meant = _core.hint(name[1], "_", rows.column_names)
            raise MissingLabelError(f"{mask}: the table has no column {name[1]!r}{meant}", name[1]) from None
        return kept
    if is_scalar(mask) or not (hasattr(mask, "__iter__") or hasattr(mask, "__arrow_c_array__")):
        what = f"{mask!r} of {type(mask).__name__}"
        raise TypeError(
            f"a mask has a truth value for each row, and is not {what}; compare with NumPy or pandas, as in"
            " block.to_pandas()['rlnTomoName'] == 'TS_01', or give an expression of pyarrow.compute"
        )
    chosen = to_column(aligned(mask, "the mask", rows), "mask")
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
    if pa.types.is_duration(kind):
        raise TypeError("a duration has no unit in STAR; give a number, as from .dt.total_seconds()")
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


def one_below_other(tables: Sequence[pa.Table]) -> pa.Table:
    """Give the rows of tables as one table; a column that some lack is null there.

    Whole numbers and others become doubles; numbers and text become text, as if they had been read together.

    Raises
    ------
    TypeError
        A column that is of vectors in one table and of something else in another.
    """
    import pyarrow as pa

    kinds: dict[str, set[Any]] = {}
    for table in tables:
        for field in table.schema:
            kinds.setdefault(field.name, set()).add(field.type)
    mixed = {label: _common(label, found) for label, found in kinds.items() if len(found) > 1}
    cast = []
    for each in tables:
        table = each
        for label in mixed.keys() & set(table.column_names):
            at = table.column_names.index(label)
            table = table.set_column(at, label, table.column(at).cast(mixed[label], safe=False))
        cast.append(table)
    return pa.concat_tables(cast, promote_options="default")


def _common(label: str, kinds: set[pa.DataType]) -> pa.DataType:
    """Give a type that has the values of several."""
    import pyarrow as pa

    kinds = {kind.value_type if pa.types.is_dictionary(kind) else kind for kind in kinds}
    kinds.discard(pa.null())
    if all(pa.types.is_integer(kind) or pa.types.is_boolean(kind) for kind in kinds):
        return pa.int64()
    if all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds):
        return pa.float64()
    lists = {isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType) for kind in kinds}
    if lists == {True}:
        return pa.large_list(pa.float64())
    if lists == {True, False}:
        raise TypeError(f"{label!r} is of vectors in one table, and not in another")
    return pa.large_string()


def as_numpy(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[Any]:
    """Give a column as an array: its memory where it is in one piece; nulls are NaN."""
    import numpy as np
    import pyarrow as pa

    kind = column.type
    piece = column
    if isinstance(column, pa.ChunkedArray):
        chunks = column.chunks or [pa.array([], kind)]
        piece = chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)
    if piece.null_count == 0 and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        # Arrow's own conversion would load pandas.
        return np.from_dlpack(piece)
    found: npt.NDArray[Any] = piece.to_numpy(zero_copy_only=False)
    return found


def _storages(chunks: Iterable[Any]) -> list[pa.Array]:
    return [chunk.storage for chunk in chunks]
