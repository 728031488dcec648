"""Rows of a table as text."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

__all__ = ["quote", "quoted_text", "row_lines"]


def row_lines(
    df: pd.DataFrame,
    *,
    float_format: str | Callable[[float], str] | None,
    sep: str,
    na_rep: str,
    quote_character: str,
    quote_all_strings: bool,
    exact: bool,
) -> list[str]:
    """Give each row of a table as a line."""
    import pandas as pd

    give = quote if exact else quoted_text

    def quoted(value: object) -> object:
        return give(value, quote_character=quote_character, quote_all_strings=quote_all_strings)

    columns = [df.iloc[:, index] for index in range(df.shape[1])]
    # Of these a text column is the only one that quotes could be put into.
    columns = [column if str(column.dtype) in _NO_TEXT else column.map(quoted) for column in columns]
    frame = pd.concat(columns, axis=1) if columns else df
    text: str = frame.to_csv(
        sep=sep,
        header=False,
        index=False,
        float_format=float_format,
        na_rep=na_rep,
        quoting=csv.QUOTE_NONE,
        lineterminator=None if exact else "\n",
    )
    # As lines, texts with certain control characters in them are two.
    return text.splitlines() if exact else text.split("\n")[:-1]


_NO_TEXT = ("float64", "int64", "bool")


def quote(x: Any, *, quote_character: str = '"', quote_all_strings: bool = False) -> Any:  # noqa: ANN401
    """Put quotes around a text with a blank in it, or without anything; leave all else as it is."""
    if isinstance(x, str) and (quote_all_strings or " " in x or not x):
        return f"{quote_character}{x}{quote_character}"
    return x


def quoted_text(x: Any, *, quote_character: str = '"', quote_all_strings: bool = False) -> Any:  # noqa: ANN401
    """As `quote`, so that it reads back equal: values that are no text but hold blanks as text are quoted too.

    Raises
    ------
    ValueError
        Neither kind of quote can stand around the text.
    """
    text = x if isinstance(x, str) else _spaced(x)
    if text is None:
        return x
    if not (quote_all_strings or not text or " " in text or text[0] in "#'\""):
        return x
    for mark in (quote_character, '"', "'"):
        # A quote that a blank follows ends the value.
        if f"{mark} " not in text and f"{mark}\t" not in text:
            return f"{mark}{text}{mark}"
    raise ValueError(f"a text with both kinds of quote before blanks cannot be written: {text[:60]!r}")


def _spaced(x: object) -> str | None:
    """Give the text of what is neither text nor number, such as a path or a list, if it holds a blank."""
    if x is None or isinstance(x, int | float):
        return None
    text = str(x)
    return text if " " in text else None
