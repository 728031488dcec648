"""Rows of a table as text, and the quotes that values need."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

__all__ = ["quote", "quoted_text", "row_lines"]

#: No word, or none that can stand bare wherever it is.
_ODD = re.compile(
    r"""^$ | ^[#'"_;] | ^(?:data_.*|save_.*|loop_|stop_|global_)$ | [\x00-\x20\x7f]""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
#: Columns of these types hold no text.
_NO_TEXT = ("float64", "int64", "bool")


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

    def column(index: int) -> pd.Series[Any]:
        values, quotes_all = df.iloc[:, index], quote_all_strings
        if str(values.dtype) in _NO_TEXT:
            return values
        if not exact and values.dtype.kind in "mM":
            values = pd.Series(values.to_csv(index=False, header=False, na_rep=na_rep).split("\n")[:-1])
            values.index, quotes_all = df.index, False
        give = quote if exact else quoted_text

        def quoted(value: object) -> object:
            return give(value, quote_character=quote_character, quote_all_strings=quotes_all)

        return values.map(quoted)

    columns = [column(index) for index in range(df.shape[1])]
    frame: Any = pd.concat(columns, axis=1) if columns else df
    text: str = frame.to_csv(
        sep=sep,
        header=False,
        index=False,
        float_format=float_format,
        na_rep=na_rep,
        quoting=csv.QUOTE_NONE,
        lineterminator=None if exact else "\n",
    )
    # Certain control characters would make two lines of one.
    return text.splitlines() if exact else text.split("\n")[:-1]


def quote(x: Any, *, quote_character: str = '"', quote_all_strings: bool = False) -> Any:  # noqa: ANN401
    """Put quotes around a text with a blank in it, or without anything; leave all else as it is."""
    if isinstance(x, str) and (quote_all_strings or " " in x or not x):
        return f"{quote_character}{x}{quote_character}"
    return x


def quoted_text(x: Any, *, quote_character: str = '"', quote_all_strings: bool = False) -> Any:  # noqa: ANN401
    """Do as `quote`, so that the value reads back equal, and also for what is no text but has blanks as text.

    Raises
    ------
    ValueError
        Neither kind of quote can stand around the text.
    """
    text = x if isinstance(x, str) else _spaced(x)
    if text is None:
        return x
    return _between(quote_character, text) if quote_all_strings or _ODD.search(text) else x


def _between(quote_character: str, text: str) -> str:
    marks = (quote_character, '"', "'")
    for mark in marks:
        if mark not in text:
            return f"{mark}{text}{mark}"
    for mark in marks:
        # A quote that a blank follows would end the value.
        if f"{mark} " not in text and f"{mark}\t" not in text:
            return f"{mark}{text}{mark}"
    raise ValueError(f"a text with both kinds of quote before blanks cannot be written: {text[:60]!r}")


def _spaced(x: object) -> str | None:
    """Give the text of what is neither text nor number, such as a path or a list, if it holds a blank."""
    if x is None or isinstance(x, int | float):
        return None
    text = str(x)
    return text if " " in text else None
