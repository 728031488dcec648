"""``tomoset show``: what is in a STAR file, at a glance."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tomoset.cli.blocks import block_tables
from tomoset.cli.faults import Failure
from tomoset.cli.output import echo_lines, terminal_width
from tomoset.cli.sets import set_lines
from tomoset.cli.words import counted, display_width, pad, printable, severities_text, shorten, size_text
from tomoset.remote import is_url

if TYPE_CHECKING:
    import pyarrow as pa

    from tomoset.blocks import StarBlock
    from tomoset.diagnostics import Diagnostic
    from tomoset.star import StarFile

_WIDTH = 80
_INDENT = "  "
_GAP = "  "
_LEAST_VALUE = 8
_MOST_DIAGNOSTICS = 20
_MOST_BLOCKS = 20


@click.command()
@click.argument("file", metavar="FILE", type=click.Path())
@click.option(
    "--rows", metavar="N", type=click.IntRange(min=0), default=3, show_default=True, help="First rows shown."
)
@click.option(
    "--block", "wanted", metavar="NAME", multiple=True, help="Only this block; may be given several times."
)
@click.option("--all-blocks", is_flag=True, help=f"Not only the first {_MOST_BLOCKS} blocks.")
def show(file: str, rows: int, wanted: tuple[str, ...], all_blocks: bool) -> None:
    """Show the blocks of a STAR file, their labels, types, units and first rows, and what is odd in it.

    Of a set of tomograms, particles or trajectories, or an optimisation set, also what it holds and what is wrong
    with it, if it is a local file.
    """
    from tomoset import read_star

    star = read_star(file, on_error="collect")
    width = terminal_width()
    where = star.path or file
    _refuse_other(where, star)
    echo_lines(_title(where, star, width))
    if wanted:
        known = [name if name in star else name.removeprefix("data_") for name in wanted]
        blocks = tuple(star[name] for name in dict.fromkeys(known))
        names = {block.name for block in blocks}
        odd = tuple(each for each in star.diagnostics if each.block in names)
    else:
        blocks, odd = star.blocks, star.diagnostics
        if not is_url(where):
            echo_lines(set_lines(where, star, width))
    most = len(blocks) if wanted or all_blocks else _MOST_BLOCKS
    for block in blocks[:most]:
        echo_lines(_block(block, rows, width))
    if most < len(blocks):
        echo_lines(
            iter(["", f"and {counted(len(blocks) - most, 'block')} more (--all-blocks, --block NAME)"])
        )
    echo_lines(_diagnostics(odd, width or _WIDTH))


def _refuse_other(file: str, star: "StarFile") -> None:
    """Say that a file is none of which anything could be shown."""
    for diagnostic in star.diagnostics:
        if diagnostic.code == "L201" and not star.blocks:
            name = printable(click.format_filename(file))
            # What was found may be anything, and binary.
            expected = diagnostic.message.rpartition(": ")[2].partition(", found ")[0]
            raise Failure(f"{name}:{diagnostic.line}: no STAR file: {printable(expected)} [L201]")


def _title(file: str, star: "StarFile", width: int | None) -> Iterator[str]:
    name = printable(click.format_filename(file))
    facts = f": {counted(len(star.blocks), 'block')}"
    if not is_url(file):
        facts += f", {size_text(Path(file).stat().st_size)}"
    yield (name if width is None else shorten(name, width - len(facts))) + facts


def _block(block: "StarBlock", rows: int, width: int | None) -> Iterator[str]:
    heading = f"data_{printable(block.name)}"
    tables = block_tables(block)
    if not tables:
        yield ""
        yield f"{heading}: empty"
    for table, is_list in tables:
        yield ""
        size = "list" if is_list else counted(table.num_rows, "row")
        yield f"{heading}: {size}, {counted(table.num_columns, 'label')}"
        shown = table.slice(0, 1 if is_list else rows)
        titles = ["value"] if is_list else [f"row {row}" for row in range(shown.num_rows)]
        yield from _entries(_columns(shown, width), titles, width)


def _columns(table: "pa.Table", width: int | None) -> list[tuple[str, str, str, list[str]]]:
    """Return label, type, unit and values of every column."""
    from tomoset.cli.text import column_cells

    described = []
    for field, column in zip(table.schema, table.columns, strict=True):
        metadata = field.metadata or {}
        kind = metadata.get(b"relion_type", str(field.type).encode()).decode()
        unit = metadata.get(b"unit", b"").decode()
        described.append((field.name, kind, unit, column_cells(column, exact=width is None)))
    return described


def _entries(
    entries: Sequence[tuple[str, str, str, list[str]]], titles: Sequence[str], width: int | None
) -> Iterator[str]:
    """Yield one line a label; labels are whole, values share what is left of the width."""
    heads = [(printable(label), kind, unit) for label, kind, unit, _ in entries]
    head_widths = _widths([("label", "type", "unit"), *heads])
    value_widths = _widths([titles, *(values for *_, values in entries)])
    if width is not None:
        room = width - len(_INDENT) - sum(head_widths) - 3 * len(_GAP)
        value_widths = _share(value_widths, room)
    rows = [(("label", "type", "unit"), titles), *zip(heads, (values for *_, values in entries), strict=True)]
    for head, values in rows:
        texts = [pad(text, column) for text, column in zip(head, head_widths, strict=True)]
        texts += [
            pad(shorten(text, column), column) for text, column in zip(values, value_widths, strict=False)
        ]
        yield (_INDENT + _GAP.join(texts)).rstrip()


def _widths(rows: Iterable[Sequence[str]]) -> list[int]:
    return [max(map(display_width, column)) for column in zip(*rows, strict=True)]


def _share(widths: list[int], room: int) -> list[int]:
    """Return widths of as many value columns as fit, the widest cut first."""
    most = max(1, (room + len(_GAP)) // (_LEAST_VALUE + len(_GAP)))
    widths = widths[:most]
    while widths and sum(widths) + len(_GAP) * (len(widths) - 1) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    return widths


def _diagnostics(found: Sequence["Diagnostic"], width: int) -> Iterator[str]:
    if not found:
        return
    yield ""
    yield severities_text(Counter(diagnostic.severity for diagnostic in found))
    for diagnostic in found[:_MOST_DIAGNOSTICS]:
        where = f"line {diagnostic.line}" if diagnostic.line else "whole file"
        times = f" ({counted(diagnostic.count, 'time')})" if diagnostic.count > 1 else ""
        yield f"{_INDENT}{where}: {diagnostic.severity} {diagnostic.code} {diagnostic.name}{times}"
        yield from _wrapped(diagnostic.message, width)
        yield from _wrapped(f"RELION {diagnostic.relion}", width)
    if len(found) > _MOST_DIAGNOSTICS:
        yield f"{_INDENT}and {len(found) - _MOST_DIAGNOSTICS:,} more"


def _wrapped(text: str, width: int) -> list[str]:
    indent = 2 * _INDENT
    return textwrap.wrap(printable(text), width, initial_indent=indent, subsequent_indent=indent)
