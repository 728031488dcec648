"""``tomoset subset``: some rows and columns of a STAR file."""

import re
from typing import TYPE_CHECKING

import click

from tomoset.cli.options import force_option, globs, output_option
from tomoset.cli.star_output import refuse_target, write_star_to
from tomoset.cli.words import counted, printable

if TYPE_CHECKING:
    from tomoset.star import StarFile


def _slice(context: click.Context, option: click.Parameter, value: str | None) -> slice | None:
    """Turn ``START:STOP:STEP`` into a slice."""
    if value is None:
        return None
    if not re.fullmatch(r"(-?\d{1,18})?:(-?\d{1,18})?(:\d{0,18})?", value):
        words = f"{value!r} is not START:STOP or START:STOP:STEP, such as 0:100, -10: or ::2"
        raise click.BadParameter(words, context, option)
    parts = [int(part) if part else None for part in value.split(":")]
    if parts[2:] == [0]:
        raise click.BadParameter("STEP is 0", context, option)
    return slice(*parts)


@click.command()
@click.argument("source", metavar="IN", type=click.Path())
@output_option
@click.option(
    "--block",
    metavar="NAME",
    help="By default particles, or the only loop besides optics; others stay whole.",
)
@click.option("--where", metavar="CONDITION", help="Keep the rows for which this is true.")
@click.option(
    "--rows", metavar="START:STOP:STEP", callback=_slice, help="Keep rows by number, from 0, as in Python."
)
@click.option("--random", metavar="N", type=click.IntRange(min=0), help="Keep N rows by chance.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="For --random; equal seeds choose equal rows.  [default: 0]",
)
@click.option("--columns", metavar="GLOB", multiple=True, help="Keep these columns only.")
@click.option("--drop", metavar="GLOB", multiple=True, help="Leave these columns out.")
@click.option("--prune-optics", is_flag=True, help="Leave out optics groups that no row belongs to any more.")
@force_option
def subset(
    source: str,
    target: str,
    block: str | None,
    where: str | None,
    rows: slice | None,
    random: int | None,
    seed: int | None,
    columns: tuple[str, ...],
    drop: tuple[str, ...],
    prune_optics: bool,
    force: bool,
) -> None:
    """Keep some rows and columns of the STAR file IN, and the text of all that is kept.

    CONDITION is of labels, numbers and quoted texts: == != < <= > >=, in, is null, + - * / **,
    abs(), and, or, not. Rows are chosen by --where first, then by --rows, then by --random.
    Optics groups are never renumbered.

    \b
    tomoset subset run_data.star -o good.star \\
        --where "rlnClassNumber in (1, 3) and rlnTomoName == 'TS_01'"
    tomoset subset run_data.star -o few.star --random 1000 --prune-optics
    tomoset subset run_data.star -o - --rows :10 --columns "rln*Coordinate*"
    """  # noqa: D301  click reads the mark
    from tomoset import read_star
    from tomoset.subsets import Choice, block_of, chosen

    if seed is not None and random is None:
        raise click.UsageError("--seed is for --random")
    if not (columns or drop or prune_optics) and all(option is None for option in (where, rows, random)):
        raise click.UsageError(
            "nothing is chosen: add --where, --rows, --random, --columns, --drop or --prune-optics"
        )
    refuse_target(target, replace=force)
    star = read_star(source)
    before = block_of(star, block)
    choice = Choice(
        where=where, rows=rows, random=random, seed=seed or 0, columns=globs(columns), drop=globs(drop)
    )
    # The groups are those of the rows that are left, also if their column is not.
    star[before.name] = chosen(before, Choice(where=where, rows=rows, random=random, seed=choice.seed))
    if prune_optics:
        _prune(star)
    star[before.name] = after = chosen(star[before.name], Choice(columns=choice.columns, drop=choice.drop))
    write_star_to(star, target, na="keep")
    kept = f"{after.num_rows:,} of {counted(before.num_rows, 'row')}"
    labels = f"{len(after.labels):,} of {counted(len(before.labels), 'column')}"
    click.echo(f"data_{printable(after.name)}: {kept}, {labels}", err=True)
    if before.num_rows and not after.num_rows:
        click.echo("tomoset: warning: no row is left", err=True)


def _prune(star: "StarFile") -> None:
    """Leave out optics groups, and tell which."""
    from tomoset.optics import GROUP
    from tomoset.subsets import prune_optics

    star["optics"], gone = prune_optics(star)
    left = star["optics"][GROUP].to_pylist()
    if gone:
        click.echo(f"data_optics: without group {', '.join(map(str, gone))}", err=True)
    if left != list(range(1, len(left) + 1)):
        click.echo("tomoset: warning: RELION expects optics groups 1, 2, 3 and so on", err=True)
