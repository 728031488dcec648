"""``tomoset convert``: a table of a STAR file as Parquet, CSV, Arrow or JSON, and back."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tomoset import _core
from tomoset.cli.blocks import block_tables
from tomoset.cli.options import floats_option, force_option, layout_option, na_option
from tomoset.cli.output import FORMAT_BY_SUFFIX, STDOUT, binary_output, refuse_existing
from tomoset.cli.star_output import is_star, star_options, write_star_to
from tomoset.cli.to_star import PLACEHOLDER, file_name, star_outputs, table_format
from tomoset.cli.words import counted

if TYPE_CHECKING:
    import pyarrow as pa

    from tomoset.star import StarFile


class _Convert(click.Command):
    """The command, which tells where rows and columns are chosen."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as fault:
            if fault.option_name not in ("--columns", "--drop", "--where", "--rows", "--random"):
                raise
            words = f"No such option {fault.option_name!r}: tomoset subset chooses rows and columns."
            raise click.UsageError(words, ctx) from None


@click.command(cls=_Convert)
@click.argument("source", metavar="IN", type=click.Path())
@click.argument("target", metavar="OUT", type=click.Path())
@click.option(
    "--block",
    "wanted",
    metavar="NAME",
    help="The block to convert, where there are several; from a table to STAR, the name of the block.",
)
@click.option(
    "--format", "form", type=click.Choice(["csv", "json", "star"]), help="For OUT '-', standard output."
)
@floats_option
@layout_option
@na_option("What to write for missing values and nan, which else fail; keep for <NA> and nan")
@force_option
def convert(
    source: str,
    target: str,
    wanted: str | None,
    form: str | None,
    floats: tuple[str, ...],
    layout: str | None,
    na: tuple[str, ...],
    force: bool,
) -> None:
    """Convert a table of the STAR file IN to OUT, or a table IN to STAR.

    The name of OUT says the format: .parquet, .arrow or .feather, .csv, .json or .jsonl (one
    object a line), .star, .star.gz or .star.zst. "{block}" in OUT writes every table to a file
    of its own. IN may be any of these if OUT is STAR.

    From STAR to STAR, blocks keep their text, unless --floats, --layout or --na ask for another.

    \b
    tomoset convert run_data.star particles.parquet --block particles
    tomoset convert run_data.star "run_data_{block}.csv"
    tomoset convert TS_01.star - --format csv
    tomoset convert particles.parquet particles.star --block particles
    tomoset convert run_data.star short.star.gz --floats %.4f
    """  # noqa: D301  click reads the mark
    options = star_options(floats, layout, na)
    form = _format_of(target, form)
    if form == "star":
        outputs = star_outputs(source, target, wanted, keep_text=not options)
    elif options:
        raise click.UsageError("--floats, --layout and --na are for OUT in STAR")
    else:
        outputs = _table_outputs(source, target, wanted)
    if target != STDOUT:
        for output in outputs:
            refuse_existing(output, replace=force)
    for output, content in outputs.items():
        if form == "star":
            write_star_to(content, output, keep_text=not options, **options)
        else:
            _write_table(content, output, form, force)


def _table_outputs(source: str, target: str, wanted: str | None) -> dict[str, Any]:
    """Return which tables go where."""
    from tomoset import read_star

    if table_format(source) is not None:
        raise click.UsageError("IN must be STAR, or OUT must end in .star")
    tables = _choose(_tables(read_star(source)), source, target, wanted)
    return {target.replace(PLACEHOLDER, table.file_name): table.content for table in tables}


def _write_table(content: "pa.Table", output: str, form: str, force: bool) -> None:
    from tomoset.cli.formats import WRITERS

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
        return file_name(self.block, self.number)


def _format_of(target: str, form: str | None) -> str:
    if target == STDOUT:
        if form is None:
            raise click.UsageError("standard output needs --format csv, --format json or --format star")
        return form
    suffix = Path(target).suffix.lower()
    if form is not None:
        raise click.UsageError("--format is for standard output only; the name of OUT says the format")
    if is_star(target):
        return "star"
    if suffix not in FORMAT_BY_SUFFIX:
        known = ", ".join([*FORMAT_BY_SUFFIX, ".star", ".star.gz", ".star.zst"])
        raise click.UsageError(f"OUT must end in one of {known}, not {suffix or 'nothing'!r}")
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
    if PLACEHOLDER in target and tables:
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
