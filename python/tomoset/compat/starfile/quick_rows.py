"""Rows of plain tables as text, by the Rust core; odd ones are left to `rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoset import _core
from tomoset.exceptions import StarWriteError
from tomoset.writing import write_options

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    import pyarrow as pa

__all__ = ["plain_rows"]

#: Columns of NumPy that are written as they are.
_NUMBERS = ("float64", "int64", "bool")
#: What is written for missing values must be one word that needs no quotes.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<>.-+/")


def plain_rows(
    df: pd.DataFrame, *, float_format: str | Callable[[float], str] | None, sep: str, na_rep: str
) -> memoryview | None:
    """Give all rows of a table as UTF-8 lines.

    Returns
    -------
    memoryview or None
        Nothing when the table or the options are not plain.
    """
    if sep != "\t" or not isinstance(float_format, str) or not df.shape[0] or not df.shape[1]:
        return None
    if not na_rep or not _PLAIN.issuperset(na_rep) or na_rep in {"raise", "keep"}:
        return None
    columns = [_column(df.iloc[:, index]) for index in range(df.shape[1])]
    if any(column is None for column in columns):
        return None
    text = _rendered(columns, float_format, na_rep)
    # Texts with a tab are refused by `rows`, and those with a quote may need the other kind.
    if text is None or (b'"' in text and any(_is_odd(column) for column in columns)):
        return None
    # What stands around the rows is not needed: the last label above, and an empty line or two below.
    last = f"\n_c{len(columns) - 1} #{len(columns)}\n".encode()
    return memoryview(text)[text.index(last) + len(last) : len(text) - len("\n\n")]


def _rendered(columns: list[Any], float_format: str, na_rep: str) -> bytes | None:
    import pyarrow as pa

    names = [f"c{index}" for index in range(len(columns))]
    draft = _core.Draft()
    draft.add_block("x")
    draft.add_table(pa.table(columns, names=names), is_list=False)
    try:
        options = write_options(
            floats=float_format, layout="starfile", na=na_rep, booleans="words", any_types=True
        )
        return draft.to_bytes(options)
    except (StarWriteError, ValueError):
        return None


def _column(values: pd.Series[Any]) -> pa.Array | pa.ChunkedArray | None:
    """Give a column of numbers or text; nothing for others."""
    import pyarrow as pa

    if str(values.dtype) in _NUMBERS:
        return pa.array(values.to_numpy())
    if str(values.dtype) not in {"str", "string", "object"}:
        return None
    try:
        return pa.array(values, pa.large_string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return None


def _is_odd(column: pa.Array | pa.ChunkedArray) -> bool:
    """Whether there is a quote or tab within a text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_large_string(column.type):
        return False
    return any(pc.any(pc.match_substring(column, mark)).as_py() for mark in '"\t')
