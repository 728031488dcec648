"""Values as text for people: one line each, without control characters, with sensible digits."""

import math
from collections.abc import Sequence

import pyarrow as pa

from tomoset.cli.words import counted, printable

NULL = "null"
_DIGITS = 6


def column_cells(column: pa.ChunkedArray, *, exact: bool) -> list[str]:
    """Return every value of a column as one line of text.

    Parameters
    ----------
    column
        Values of any type.
    exact
        Whether numbers keep all digits; otherwise six significant ones, and one count of
        decimals for the whole column.
    """
    if pa.types.is_timestamp(column.type):
        return [_moment(text) for text in column.cast(pa.string()).to_pylist()]
    values = column.to_pylist()
    if pa.types.is_floating(column.type) and not exact:
        return _aligned_decimals(values)
    return [cell(value) for value in values]


def cell(value: object) -> str:
    """Return a value as one line of text."""
    match value:
        case None:
            text = NULL
        case bool():
            text = "true" if value else "false"
        case bytes():
            text = value.decode("utf-8", "backslashreplace")
        case pa.MonthDayNano():
            text = _span(value)
        case list():
            text = f"[{','.join(cell(item) for item in value)}]"
        case _:
            text = str(value)
    return printable(text)


def _moment(text: str | None) -> str:
    """Return a time stamp without a fraction of zeros."""
    if text is None:
        return NULL
    head, dot, tail = text.partition(".")
    zone = "Z" if tail.endswith("Z") else ""
    fraction = tail.removesuffix("Z").rstrip("0")
    return f"{head}{'.' if fraction else ''}{fraction}{zone}" if dot else text


def _span(value: pa.MonthDayNano) -> str:
    """Return a length of time, for instance ``3 days 01:30:00``."""
    months, days, nanoseconds = value
    sign = "-" if nanoseconds < 0 else ""
    seconds = abs(nanoseconds) // 1_000_000_000
    clock = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}" if seconds else ""
    parts = [counted(months, "month") if months else "", counted(days, "day") if days else "", clock]
    return " ".join(part for part in parts if part) or "00:00:00"


def _aligned_decimals(values: Sequence[float | None]) -> list[str]:
    """Return numbers with six significant digits; where their sizes allow it, with their points in line."""
    texts = [NULL if value is None else _short_number(value) for value in values]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    largest = max(map(abs, finite), default=0.0)
    digits_before_point = max(1, math.floor(math.log10(largest)) + 1) if largest else 1
    most = max((len(text.partition(".")[2]) for text in texts), default=0)
    decimals = min(most, max(0, _DIGITS - digits_before_point))
    too_small = any(0 < abs(value) < 10.0 ** (1 - decimals) for value in finite) and decimals < most
    if too_small or any("e" in text for text in texts):
        return texts
    return [
        f"{value:.{decimals}f}" if value is not None and math.isfinite(value) else text
        for value, text in zip(values, texts, strict=True)
    ]


def _short_number(value: float) -> str:
    if 1e6 <= abs(value) < 1e15:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.{_DIGITS}g}"
