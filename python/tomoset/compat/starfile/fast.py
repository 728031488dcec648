"""Plain files, by the Rust core: structure, numbers and text at once; odd ones are left to `careful`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoset import _core
from tomoset.compat.starfile.columns import is_text, named, typed
from tomoset.compat.starfile.words import numericise
from tomoset.exceptions import TomosetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

__all__ = ["read"]

#: What the core reports and `starfile` reads the same, or what it loses and is kept here (``docs/starfile.md``).
_HARMLESS = frozenset(
    [
        "L101",
        "L103",
        "L107",
        "B105",
        "B106",
        "B107",
        "B110",
        "B111",
        "B112",
        "B113",
        "H105",
        "H106",
        "H108",
        "H109",
        "R101",
        "R102",
        "R103",
        "R104",
        "R105",
        "R109",
        "Q101",
        "V108",
    ]
)
#: Values looked at to tell whether a column is text.
_FIRST = 1000
#: How the core calls the types of numbers.
_NUMBERS = ("double", "int64")


def read(path: Path, limit: int | None, text: frozenset[str]) -> dict[str, Any] | None:
    """Read a file's blocks by name.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    limit : int, optional
        How many blocks to read; all when not given or negative.
    text : frozenset of str
        Labels whose values stay text.

    Returns
    -------
    dict or None
        Nothing when the file is not plain.
    """
    blocks: dict[str, Any] = {}
    options = _core.ReadOptions.for_pandas(set(text))
    try:
        for name, tables, index in _blocks(path, limit, options):
            if len(blocks) == limit:
                break
            block = _block(tables, index, text)
            blocks[name] = block if isinstance(block, dict) else named(block, name)
    except (TomosetError, _NotPlainError):
        return None
    return blocks


class _NotPlainError(Exception):
    """Something in the file is better looked at line by line."""


def _blocks(
    path: Path, limit: int | None, options: _core.ReadOptions
) -> Iterator[tuple[str, _core.StarTables, int]]:
    """Give each block's name, and where its tables are."""
    if limit is None or limit < 0:
        tables = _core.read_path(path, options)
        _check(tables)
        yield from ((name, tables, index) for index, name in enumerate(tables.names()))
        return
    outline = _core.scan_path(path, on_error="raise", threads=None)
    _check(outline)
    for index, (name, *_) in enumerate(outline.blocks()):
        tables = outline.read(index, options)
        _check(tables)
        yield name, tables, 0


def _check(found: _core.StarTables | _core.Outline) -> None:
    if not {code for code, *_ in found.diagnostics()} <= _HARMLESS:
        raise _NotPlainError


def _block(tables: _core.StarTables, index: int, text: frozenset[str]) -> dict[str, Any] | pd.DataFrame:
    parts = tables.tables(index)
    if not parts:
        return {}
    (is_list, num_rows, labels) = parts[0]
    table = tables.table(index, 0)
    if is_list:
        words = {label: _words(column)[0] for label, column in zip(labels, table.columns, strict=True)}
        return {label: word if label in text else numericise(word) for label, word in words.items()}
    return _frame(table, text) if num_rows else empty_frame(labels)


def empty_frame(labels: list[str]) -> pd.DataFrame:
    """Give a table without rows: its columns are floats."""
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(np.zeros((0, len(labels))))
    frame.columns = pd.Index(labels)
    return frame


def _frame(table: pa.Table, text: frozenset[str]) -> pd.DataFrame:
    """Give a loop as a data frame, whose memory is its own."""
    frame: pd.DataFrame = table.to_pandas()
    for index, field in enumerate(table.schema):
        column = table.column(index)
        if str(field.type) not in _NUMBERS and field.name not in text and not is_text(_words(column, _FIRST)):
            frame[field.name] = typed(_words(column), as_text=False)
        elif column.null_count and frame[field.name].dtype == object:
            values = frame[field.name]
            frame[field.name] = values.where(values.notna(), float("nan"))
    return frame


def _words(column: pa.ChunkedArray, first: int | None = None) -> list[str]:
    """Give the words of a column of text, of its first values or all; missing values are words too."""
    import pyarrow as pa

    words: list[str] = []
    for chunk in column.slice(0, first).chunks:
        _, ends, text = chunk.buffers()
        whole = pa.LargeStringArray.from_buffers(len(chunk), ends, text, offset=chunk.offset)
        words += whole.to_pylist()
    return words
