"""Rows of a table chosen, and columns set, as all sets do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tomoset.tables import check_bare, is_scalar, mask_indices, to_column

if TYPE_CHECKING:
    from tomoset.sets.values import Integers

__all__ = ["chosen", "with_columns_of"]


def with_columns_of(table: pa.Table, given: Mapping[str, Any], *, text: bool = False) -> pa.Table:
    """Set columns of a table, or one value for all rows."""
    for label, values in given.items():
        check_bare(label, table.column_names)
        if is_scalar(values):
            column = to_column([values], label).take(pa.array(np.zeros(table.num_rows, dtype=np.int64)))
        else:
            column = (
                pa.chunked_array([pa.array(values, pa.large_string())]) if text else to_column(values, label)
            )
        column = _plain(column)
        if len(column) != table.num_rows:
            raise ValueError(f"{label!r} has {len(column)} values; there are {table.num_rows} rows")
        if label in table.column_names:
            table = table.set_column(table.column_names.index(label), label, column)
        else:
            table = table.append_column(label, column)
    return table


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a column in a layout whose rows can be taken."""
    if pa.types.is_run_end_encoded(column.type):
        return pc.run_end_decode(column)
    if pa.types.is_string_view(column.type):
        return column.cast(pa.large_string())
    return column


def chosen(which: Any, table: pa.Table) -> Integers:  # noqa: ANN401
    """Give the rows for which a condition, an expression or a mask holds."""
    if isinstance(which, str):
        from tomoset.expressions import condition

        which = condition(which, table.schema)
    return mask_indices(which, table if isinstance(which, pc.Expression) else table.num_rows)
