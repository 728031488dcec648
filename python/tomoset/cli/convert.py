"""``tomoset convert``: a table of a STAR file as Parquet, CSV, Arrow or JSON."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tomoset import _core
from tomoset.cli.blocks import block_tables
from tomoset.cli.output import FORMAT_BY_SUFFIX, STDOUT, binary_output, refuse_existing
from tomoset.cli.words import counted

if TYPE_CHECKING:
    import pyarrow as pa

    from tomoset.star import StarFile

_PLACEHOLDER = "{block}"


@click.command()
@click.argument("source", metavar="IN", type=click.Path())
@click.argument("target", metavar="OUT", type=click.Path())
@click.option("--block", "wanted", metavar="NAME", help="The block to convert, where there are several.")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), help="For OUT '-', standard output.")
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def convert(source: str, target: str, wanted: str | None, form: str | None, force: bool) -> None:
    """Convert a table of the STAR file IN to OUT.

    The name of OUT says the format: .parquet, .arrow or .feather, .csv, .json or .jsonl (one
    object a line). "{block}" in OUT writes every table to a file of its own.

    \b
    tomoset convert run_data.star particles.parquet --block particles
    tomoset convert run_data.star "run_data_{block}.csv"
    tomoset convert TS_01.star - --format csv
    """  # noqa: D301  click reads the mark
    from tomoset import read_star
    from tomoset.cli.formats import WRITERS

    form = _format_of(target, form)
    tables = _choose(_tables(read_star(source)), source, target, wanted)
    outputs = {target.replace(_PLACEHOLDER, table.file_name): table.content for table in tables}
    if target != STDOUT:
        for output in outputs:
            refuse_existing(Path(output), replace=force)
    for output, content in outputs.items():
        with binary_output(output, replace=force) as file:
            WRITERS[form](content.schema, content.to_batches(), file)


@dataclass(frozen=True)
class _BlockTable:
    """A table of a STAR file and what to call it."""

    block: str
    number: int
    content: "pa.Table"
    is_list: bool

    @property
    def file_name(self) -> str:
        """Its name as a part of a file name, distinct within the STAR file."""
        name = self.block.replace("/", "_") or "unnamed"
        return name if self.number == 1 else f"{name}-{self.number}"


def _format_of(target: str, form: str | None) -> str:
    if target == STDOUT:
        if form is None:
            raise click.UsageError("standard output needs --format csv or --format json")
        return form
    suffix = Path(target).suffix.lower()
    if form is not None:
        raise click.UsageError("--format is for standard output only; the name of OUT says the format")
    if suffix not in FORMAT_BY_SUFFIX:
        raise click.UsageError(
            f"OUT must end in one of {', '.join(FORMAT_BY_SUFFIX)}, not {suffix or 'nothing'!r}"
        )
    return FORMAT_BY_SUFFIX[suffix]


def _tables(star: "StarFile") -> list[_BlockTable]:
    """Return every table; the list of a block counts as a table of one row."""
    tables: list[_BlockTable] = []
    seen: Counter[str] = Counter()
    for block in star.blocks:
        for content, is_list in block_tables(block):
            seen[block.name] += 1
            tables.append(_BlockTable(block.name, seen[block.name], content, is_list))
    return tables


def _choose(tables: list[_BlockTable], source: str, target: str, wanted: str | None) -> list[_BlockTable]:
    """Return the tables that were asked for, or say which there are."""
    if wanted is not None:
        tables_of_block = [table for table in tables if table.block == wanted]
        if not tables_of_block:
            meant = _core.hint(wanted, "data_", [table.block for table in tables])
            raise click.UsageError(f"no block {wanted!r}{meant}\n{_listing(tables, source)}")
        tables = tables_of_block
    if _PLACEHOLDER in target and tables:
        return tables
    loops = [table for table in tables if not table.is_list]
    chosen = loops or tables
    if len(chosen) == 1:
        return chosen
    advice = "choose one with --block NAME, or put {block} into OUT"
    raise click.UsageError(f"{advice}: {_listing(tables, source)}")


def _listing(tables: list[_BlockTable], source: str) -> str:
    name = click.format_filename(source)
    if not tables:
        return f"{name} has no tables"
    lines = [
        f"  {table.block or '(unnamed)'}: "
        f"{counted(table.content.num_rows, 'row')}, {counted(table.content.num_columns, 'label')}"
        for table in tables
    ]
    return "\n".join([f"{name} has", *lines])
