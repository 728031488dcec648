"""Columns of text as pandas has them: numbers, booleans, or text with missing values."""

from __future__ import annotations

import math
import re
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["NOT_A_NUMBER", "is_text", "named", "typed"]

#: What stands for a missing value, in columns of text too.
NOT_A_NUMBER = ("nan", "NaN", "<NA>")

#: Whatever pandas may take for a number, a boolean or a missing value.
_PERHAPS_NO_TEXT = re.compile(
    r"\s*(?:[0-9.eE+-]*|[+-]?inf|[+-]?infinity|[+-]?nan|<na>|true|false)\s*", re.IGNORECASE
)

#: An exponent at which the parser of pandas 2 reads beyond its memory.
_ENDLESS = re.compile(r"[eE][+-]?\d{5}")


def is_text(values: Sequence[str]) -> bool:
    """Whether some value can be nothing but text, which makes the whole column text."""
    return any(_PERHAPS_NO_TEXT.fullmatch(value) is None for value in values)


def typed(values: Sequence[str], *, as_text: bool) -> pd.Series[Any]:
    """Give a column of texts the type that pandas finds for all of them together.

    Parameters
    ----------
    values : sequence of str
        The column.
    as_text : bool
        Whether it is text whatever it holds; `NOT_A_NUMBER` is missing all the same.

    Returns
    -------
    pandas.Series
        bool, int64, uint64, float64, or text (``str`` with pandas 3, ``object`` before).
    """
    import pandas as pd

    if pd.__version__.startswith("2."):
        as_text = as_text or any(_ENDLESS.search(value) for value in values)
    quoted = (value.replace('"', '""') for value in values)
    column = pd.read_csv(
        StringIO('"' + '"\n"'.join(quoted) + '"\n'),
        header=None,
        sep=",",
        dtype=str if as_text else None,
        keep_default_na=False,
        na_values=list(NOT_A_NUMBER),
        skip_blank_lines=False,
        low_memory=False,
    )[0]
    if as_text:
        return column
    try:
        numbers = pd.to_numeric(column)
    except ValueError:
        return column
    if numbers.isna().all():
        return column
    return _rounded(numbers, values) if numbers.dtype == "float64" else numbers


def _rounded(numbers: pd.Series[Any], texts: Sequence[str]) -> pd.Series[Any]:
    """Round floats correctly; the parser of pandas may be some units in the last place off."""
    pairs = zip(numbers.tolist(), texts, strict=True)
    try:
        exact = [float(text) if math.isfinite(number) else number for number, text in pairs]
    except ValueError:
        # Booleans with missing values among them are floats to pandas.
        return numbers
    return type(numbers)(exact, dtype="float64")


def named(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Note the block's name as an attribute; a column called ``name`` keeps its values."""
    object.__setattr__(frame, "name", name)
    return frame
