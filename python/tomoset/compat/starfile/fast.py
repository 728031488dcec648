"""Plain files, by the Rust core: structure, numbers and text at once; odd ones are left to `careful`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoset import _core
from tomoset.compat.starfile.columns import named
from tomoset.compat.starfile.frames import empty_frame, frame, words
from tomoset.compat.starfile.words import numericise
from tomoset.exceptions import TomosetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

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
        values = {label: words(column)[0] for label, column in zip(labels, table.columns, strict=True)}
        return {label: word if label in text else numericise(word) for label, word in values.items()}
    return frame(table, text) if num_rows else empty_frame(labels)
