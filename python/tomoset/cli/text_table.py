"""An Arrow table as text: in columns where they fit, one record below the other where they do not."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from tomoset.cli.text import column_cells
from tomoset.cli.words import display_width, pad, printable, shorten

_GAP = "  "
_LEAST_WIDTH = 16


def table_lines(table: pa.Table, width: int | None, *, exact: bool = False) -> Iterator[str]:
    """Yield a table as lines of text.

    Parameters
    ----------
    table
        Any table.
    width
        Columns of the terminal: long text is shortened to fit and numbers are rounded to six
        digits. None keeps everything as it is.
    exact
        Round no numbers: a program may read them.
    """
    names = [printable(name) for name in table.column_names]
    columns = [column_cells(column, exact=exact or width is None) for column in table.columns]
    widths = [
        max((display_width(text) for text in (name, *cells)), default=0)
        for name, cells in zip(names, columns, strict=True)
    ]
    numeric = [_is_number(field.type) for field in table.schema]
    if width is not None:
        fitted = _fit(widths, numeric, names, width)
        if fitted is None:
            yield from _records(names, columns, width)
            return
        widths = fitted
    yield _row(names, widths, numeric)
    yield _GAP.join("-" * column_width for column_width in widths).rstrip()
    for row in zip(*columns, strict=True):
        yield _row(row, widths, numeric)


def _row(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = (
        pad(shorten(text, width), width, right=right)
        for text, width, right in zip(cells, widths, numeric, strict=True)
    )
    return _GAP.join(padded).rstrip()


def _fit(widths: list[int], numeric: list[bool], names: list[str], width: int) -> list[int] | None:
    """Return widths that fit the terminal, taken from the widest texts; None if there are none.

    Numbers are never cut: half a number is a wrong number.
    """
    room = width - len(_GAP) * (len(widths) - 1)
    least = [
        column_width if number else min(column_width, _LEAST_WIDTH)
        for column_width, number, name in zip(widths, numeric, names, strict=True)
    ]
    if sum(least) > room:
        return None
    widths = list(widths)
    while sum(widths) > room:
        widest = max(
            (place for place in range(len(widths)) if widths[place] > least[place]), key=widths.__getitem__
        )
        widths[widest] -= 1
    return widths


def _records(names: list[str], columns: list[list[str]], width: int) -> Iterator[str]:
    """Yield every row as a block of its own, one line a column."""
    name_width = min(max(map(display_width, names)), width // 2)
    for number, row in enumerate(zip(*columns, strict=True), start=1):
        title = f"--- row {number} "
        yield title + "-" * max(0, min(width, 80) - len(title))
        for name, text in zip(names, row, strict=True):
            room = max(_LEAST_WIDTH, width - name_width - len(_GAP))
            yield f"{pad(shorten(name, name_width), name_width)}{_GAP}{shorten(text, room)}"


def _is_number(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_integer(dtype) or pa.types.is_floating(dtype) or pa.types.is_decimal(dtype))
