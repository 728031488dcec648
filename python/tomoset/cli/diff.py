"""``tomoset diff``: what differs between two STAR files."""

import json
import math
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tomoset.cli.faults import DiffersOrFails, ExitCode
from tomoset.cli.options import globs
from tomoset.cli.output import echo_lines
from tomoset.cli.words import counted, printable, shorten

if TYPE_CHECKING:
    from tomoset.compare import ChangedCell, StarDiff, TableDiff

_WIDTH = 80
_INDENT = "  "
_EPILOG = """\b
Exit codes:
  0  both say the same
  1  they differ
  2  trouble: wrong usage, or a file cannot be read
"""


class Tolerance(click.FloatRange):
    """A number that is not negative; nan is none, and click's own range takes it."""

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """Read the number."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail("nan is no tolerance", param, ctx)
        return number


@click.command(cls=DiffersOrFails, epilog=_EPILOG)
@click.argument("old", metavar="A", type=click.Path())
@click.argument("new", metavar="B", type=click.Path())
@click.option(
    "--key",
    "keys",
    metavar="LABEL[,LABEL]",
    multiple=True,
    help="Match rows by these columns instead of by position, in blocks that have them.",
)
@click.option("--rtol", type=Tolerance(), default=0.0, help="Relative tolerance of floats.")
@click.option("--atol", type=Tolerance(), default=0.0, help="Absolute tolerance of floats.")
@click.option("--columns", metavar="GLOB", multiple=True, help="Compare these columns only.")
@click.option("--ignore", metavar="GLOB", multiple=True, help="Leave these columns out.")
@click.option(
    "--max",
    "most",
    metavar="N",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Changed cells, and rows that only one file has, shown for each block; all are counted.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="json is one object."
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the exit code says it.")
def diff(
    old: str,
    new: str,
    keys: tuple[str, ...],
    rtol: float,
    atol: float,
    columns: tuple[str, ...],
    ignore: tuple[str, ...],
    most: int,
    form: str,
    quiet: bool,
) -> int:
    """Compare the STAR files A and B by what they say.

    Layout, comments, and the order of blocks and columns make no difference, nor does how a
    number is written. NaN equals NaN. Rows are counted from 0.

    \b
    tomoset diff run_it024_data.star run_it025_data.star
    tomoset diff a.star b.star --key rlnTomoParticleName --ignore "rln*Angle*"
    tomoset diff a.star b.star --columns "rlnDefocus*" --rtol 1e-5
    """  # noqa: D301  click reads the mark
    from tomoset import read_star
    from tomoset.compare import compare

    found = compare(
        read_star(old),
        read_star(new),
        key=[label.removeprefix("_") for label in globs(keys)],
        columns=globs(columns),
        ignore=globs(ignore),
        rtol=rtol,
        atol=atol,
        most=most,
    )
    if not quiet:
        echo_lines(iter([_json(old, new, found)]) if form == "json" else _lines(old, new, found))
    return ExitCode.FINE if found.same else ExitCode.PROBLEMS


def _json(old: str, new: str, found: "StarDiff") -> str:
    facts = {"old": old, "new": new, "same": found.same} | asdict(found)
    facts["tables"] = [
        {**asdict(table), "same": table.same}
        for table in found.tables
        if not table.same or table.columns_reordered
    ]
    return json.dumps(_jsonable(facts), ensure_ascii=False)


def _jsonable(value: Any) -> Any:  # noqa: ANN401
    """Return a value made of what JSON knows; ``nan`` and ``inf`` as text."""
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _lines(old: str, new: str, found: "StarDiff") -> Iterator[str]:
    if not found.same:
        yield f"A: {printable(old)}"
        yield f"B: {printable(new)}"
    for which, names in (("A", found.blocks_removed), ("B", found.blocks_added)):
        if names:
            yield from _listed(f"blocks only in {which}: ", [_named(name) for name in names], "")
    for before, after in found.blocks_renamed:
        yield f"block {_named(before)} of A is {_named(after)} in B, and says the same"
    if found.blocks_reordered:
        yield "blocks come in another order, which is no difference"
    for table in found.tables:
        yield from _table(table)


def _named(block: str) -> str:
    return f"data_{printable(block)}"


def _table(table: "TableDiff") -> Iterator[str]:
    title = _named(table.block) + (f" (table {table.number + 1})" if table.number else "")
    if table.same and not table.columns_reordered:
        return
    facts = []
    if table.kind_old != table.kind_new:
        facts.append(f"a {table.kind_old} in A, a {table.kind_new} in B")
    counts = (
        (table.num_changed, "changed"),
        (table.num_removed, "only in A"),
        (table.num_added, "only in B"),
    )
    facts += [f"{counted(number, 'row')} {what}" for number, what in counts if number]
    if table.key and (table.num_changed or table.num_removed or table.num_added):
        facts.append(f"matched by {', '.join(map(printable, table.key))}")
    yield from textwrap.wrap(
        f"{title}: {', '.join(facts)}" if facts else f"{title}:", _WIDTH, subsequent_indent=_INDENT
    )
    for which, labels in (("A", table.columns_removed), ("B", table.columns_added)):
        if labels:
            yield from _listed(f"columns only in {which}: ", [printable(label) for label in labels])
    for change in table.types:
        yield f"{_INDENT}type of {printable(change.label)}: {change.old} in A, {change.new} in B"
    if table.columns_reordered:
        yield f"{_INDENT}columns come in another order, which is no difference"
    for which, rows, number in (
        ("A", table.rows_removed, table.num_removed),
        ("B", table.rows_added, table.num_added),
    ):
        if rows:
            more = [f"{number - len(rows):,} more"] if number > len(rows) else []
            yield from _listed(f"rows only in {which}: ", [*_ranges(rows), *more])
    yield from _cells(table)


def _cells(table: "TableDiff") -> Iterator[str]:
    for cell in table.cells:
        yield from _cell(cell)
    total = sum(table.cells_changed.values())
    if total > len(table.cells):
        shown = " more" if table.cells else ""
        yield f"{_INDENT}{total - len(table.cells):,}{shown} changed {'cell' if total == 1 else 'cells'} (--max)"
        counts = [f"{printable(label)} {number:,}" for label, number in table.cells_changed.items()]
        yield from _listed("changed cells in all: ", counts)


def _cell(cell: "ChangedCell") -> Iterator[str]:
    """Yield one line if it fits, else one for each value."""
    row = f"row {cell.row_old}"
    if cell.key:
        row = ", ".join(_value(value) for value in cell.key)
    elif cell.row_new != cell.row_old:
        row += f" (row {cell.row_new})"
    head = f"{_INDENT}{row}, {printable(cell.label)}:"
    old, new = _value(cell.old), _value(cell.new)
    if len(head) + len(old) + len(new) + 5 <= _WIDTH:
        yield f"{head} {old} -> {new}"
        return
    yield head
    for which, value in (("A", old), ("B", new)):
        yield shorten(f"{2 * _INDENT}{which}: {value}", _WIDTH)


def _value(value: object) -> str:
    from tomoset.cli.text import cell

    return '""' if value == "" else cell(value)


def _ranges(rows: tuple[int, ...]) -> Iterator[str]:
    """Yield ``3`` and ``5-9`` for rows that follow one another."""
    start = 0
    for at in range(1, len(rows) + 1):
        if at < len(rows) and rows[at] == rows[at - 1] + 1:
            continue
        first, last = rows[start], rows[at - 1]
        yield str(first) if first == last else f"{first}-{last}"
        start = at


def _listed(head: str, words: list[str], indent: str = _INDENT) -> list[str]:
    return textwrap.wrap(
        head + ", ".join(words),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
