"""``tomoset merge``: several STAR files as one."""

from typing import TYPE_CHECKING, cast

import click

from tomoset.cli.options import (
    by_label,
    floats_option,
    force_option,
    layout_option,
    na_option,
    output_option,
)
from tomoset.cli.output import STDOUT
from tomoset.cli.star_output import refuse_target, star_options, write_star_to
from tomoset.cli.words import counted, printable

if TYPE_CHECKING:
    from tomoset.merging import Columns, Duplicates


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@output_option
@click.option(
    "--columns",
    type=click.Choice(["raise", "common", "all"]),
    default="raise",
    show_default=True,
    help="Columns that some files lack: an error, left out, or filled up with --na.",
)
@na_option("For --columns all, the values of columns that a file lacks; keep for <NA>")
@click.option(
    "--duplicates",
    type=click.Choice(["keep", "drop", "raise"]),
    default="keep",
    show_default=True,
    help="Particles whose name stands above: a warning, left out, or an error.",
)
@floats_option
@layout_option
@force_option
def merge(
    files: tuple[str, ...],
    target: str,
    columns: str,
    na: tuple[str, ...],
    duplicates: str,
    floats: tuple[str, ...],
    layout: str | None,
    force: bool,
) -> None:
    """Put the rows of STAR files below one another, block by block.

    Optics groups stay consistent: equal ones are one, others get new numbers, in the particles
    too, and names of their own; standard error tells. Of lists, the first is kept. So is the
    text of the first FILE; --floats and --layout are for what is written anew.

    \b
    tomoset merge a/particles.star b/particles.star -o particles.star
    tomoset merge a.star b.star -o c.star --columns all --na rlnClassNumber=1
    """  # noqa: D301  click reads the mark
    from tomoset.merging import merge, read_alike

    if len(files) < 2:
        raise click.UsageError("one FILE is nothing to merge")
    fill = by_label("--na", na)
    if (columns == "all") != bool(fill):
        raise click.UsageError(
            "--columns all needs --na, which says what columns are that a file lacks"
            if columns == "all"
            else "--na is for --columns all"
        )
    options = star_options(floats, layout)
    refuse_target(target, replace=force)
    merged = merge(
        read_alike(files),
        columns=cast("Columns", columns),
        na=fill,
        duplicates=cast("Duplicates", duplicates),
    )
    for note in merged.notes:
        click.echo(f"tomoset: {printable(note)}", err=True)
    for warning in merged.warnings:
        click.echo(f"tomoset: warning: {printable(warning)}", err=True)
    # What was missing or nan before may stay so.
    write_star_to(merged.blocks, target, na="keep", **options)
    if target != STDOUT:
        for name, block in merged.blocks.items():
            if not block.is_list:
                click.echo(f"data_{printable(name)}: {counted(block.num_rows, 'row')}")
