"""The package starfile beside `tomoset.compat.starfile`: what both read and write, and whether it is the same."""

from __future__ import annotations

import linecache
import re
import warnings
from typing import TYPE_CHECKING, Any

import pandas as pd
import starfile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: One unit in the last place of a double, twice: the parser of pandas 2 does not round correctly.
CLOSE = 1e-13


def theirs(path: Path, **options: Any) -> Any:
    """What the package reads, or the error; it remembers lines after an error, so they are dropped here."""
    linecache.clearcache()
    try:
        return attempt(starfile.read, path, always_dict=True, **options)
    finally:
        linecache.clearcache()


def attempt(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*arguments, **options)
        except Exception as error:
            return error


def difference(ours: Any, other: Any, *, close: float = 0) -> str | None:
    """How two readings differ, in types, order or values; nothing when they do not."""
    if isinstance(ours, Exception) or isinstance(other, Exception):
        return None if type(ours) is type(other) else f"{ours!r} is not {other!r}"
    if type(ours) is not type(other):
        return f"{ours!r} is not {other!r}"
    if isinstance(ours, dict):
        if list(ours) != list(other):
            return f"keys {list(ours)} are not {list(other)}"
        found = (difference(ours[key], other[key], close=close) for key in ours)
        return next((f"{key!r}: {one}" for key, one in zip(ours, found, strict=True) if one), None)
    if isinstance(ours, pd.DataFrame):
        try:
            pd.testing.assert_frame_equal(ours, other, check_exact=not close, rtol=close or 1, atol=0)
        except AssertionError as error:
            return str(error)
        same = "name" in ours.columns or ours.name == other.name
        return None if same else f"name {ours.name!r} is not {other.name!r}"
    return None if repr(ours) == repr(other) else f"{ours!r} is not {other!r}"


def plain(blocks: Any) -> Any:
    """Blocks as `docs/starfile.md` writes them."""
    if isinstance(blocks, Exception):
        return f"raises {type(blocks).__name__}"
    if isinstance(blocks, pd.DataFrame):
        return {label: blocks[label].tolist() for label in blocks}
    if isinstance(blocks, dict):
        return {name: plain(block) for name, block in blocks.items()}
    return blocks


def timeless(text: Any) -> Any:
    """A text that was written, without the clock in its first line."""
    if isinstance(text, Exception):
        return type(text)
    return re.sub(r"\) at \S+ on \S+\n", ")\n", text, count=1)
