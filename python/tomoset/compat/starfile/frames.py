"""Tables of the Rust core as data frames whose memory is their own."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tomoset.compat.starfile.columns import is_text, typed

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["empty_frame", "frame"]

#: Values looked at to tell whether a column is text.
_FIRST = 1000
#: How Arrow calls the types of numbers, and NumPy.
_NUMBERS = {"double": "float64", "int64": "int64"}
#: From so many numbers on, it is worth having them copied by several threads.
_MANY = 1 << 20


def empty_frame(labels: list[str]) -> pd.DataFrame:
    """Give a table without rows: its columns are floats."""
    import numpy as np
    import pandas as pd

    found = pd.DataFrame(np.zeros((0, len(labels))))
    found.columns = pd.Index(labels)
    return found


def frame(table: pa.Table, text: frozenset[str]) -> pd.DataFrame:
    """Give a loop, read for pandas, as a data frame.

    Parameters
    ----------
    table : pyarrow.Table
        Numbers, and text in which missing values are null but have their words.
    text : frozenset of str
        Labels whose values stay text.
    """
    found = _copied(table)
    for index, field in enumerate(table.schema):
        column = table.column(index)
        if str(field.type) in _NUMBERS:
            continue
        if field.name not in text and not is_text(words(column, _FIRST)):
            found[field.name] = typed(words(column), as_text=False)
        elif column.null_count and found[field.name].dtype == object:
            values = found[field.name]
            found[field.name] = values.where(values.notna(), float("nan"))
    return found


def words(column: pa.ChunkedArray, first: int | None = None) -> list[str]:
    """Give the words of a column of text, all or the first; missing values are words too."""
    import pyarrow as pa

    found: list[str] = []
    for chunk in column.slice(0, first).chunks:
        _, ends, text = chunk.buffers()
        whole = pa.LargeStringArray.from_buffers(len(chunk), ends, text, offset=chunk.offset)
        found += whole.to_pylist()
    return found


def _copied(table: pa.Table) -> pd.DataFrame:
    """Copy a table: what comes from the core can be read only, and data frames are written to."""
    numbers = [index for index, field in enumerate(table.schema) if str(field.type) in _NUMBERS]
    if len(numbers) * table.num_rows < _MANY:
        small: pd.DataFrame = table.to_pandas()
        return small
    import pandas as pd

    columns: dict[int, Any] = dict(zip(numbers, _blocks(table, numbers), strict=True))
    others = [index for index in range(table.num_columns) if index not in columns]
    texts = table.select(others).to_pandas()
    columns.update({index: texts.iloc[:, at] for at, index in enumerate(others)})
    return pd.DataFrame({name: columns[at] for at, name in enumerate(table.column_names)}, copy=False)


def _blocks(table: pa.Table, numbers: list[int]) -> list[Any]:
    """Copy columns of numbers, those of one type into one piece of memory."""
    import numpy as np

    kinds = [_NUMBERS[str(table.schema.field(index).type)] for index in numbers]
    rooms = {kind: iter(np.empty((kinds.count(kind), table.num_rows), kind)) for kind in set(kinds)}
    copies = [next(rooms[kind]) for kind in kinds]
    columns = [table.column(index).to_numpy() for index in numbers]
    # NumPy lets go of the interpreter while it copies.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        list(threads.map(np.copyto, copies, columns))
    return copies
