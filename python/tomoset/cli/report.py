"""``tomoset report``: a catalogue as one page of HTML."""

import math
from pathlib import Path

import click

from tomoset.cli.options import catalog_option
from tomoset.cli.output import STDOUT, binary_output
from tomoset.cli.words import counted, printable, size_text


def _number(_: click.Context, option: click.Parameter, size: float) -> float:
    """Refuse what is less than no number, and greater than none."""
    if math.isnan(size):
        raise click.BadParameter("nan is no number", param=option)
    return size


@click.command()
@catalog_option
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    default="report.html",
    show_default=True,
    type=click.Path(),
    help="The page, in place of what it was; '-' for standard output.",
)
@click.option(
    "--project",
    "projects",
    metavar="FOLDER",
    multiple=True,
    help="Details of this project, or of those that fit a pattern such as 'krios1/2026/*'; may be repeated.",
)
@click.option(
    "--panels",
    metavar="N",
    type=click.IntRange(min=0),
    default=300,
    show_default=True,
    help="Projects with details where no --project says which.",
)
@click.option(
    "--series",
    metavar="N",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Tilt series in the details of a project.",
)
@click.option(
    "--paths",
    metavar="N",
    type=click.IntRange(1, 999_999),
    default=50,
    show_default=True,
    help="Paths listed for each problem and each kind of change.",
)
@click.option(
    "--max-size",
    metavar="MB",
    type=click.FloatRange(1, 1e6),
    callback=_number,
    default=20.0,
    show_default=True,
    help="How large the page may become; what is left out, it says.",
)
def report(
    folder: str,
    target: str,
    projects: tuple[str, ...],
    panels: int,
    series: int,
    paths: int,
    max_size: float,
) -> None:
    """Write one page of HTML that tells how an archive is.

    It holds totals, a table of projects to search, sort and filter, what was
    measured, problems with what RELION makes of them, and what the last crawl
    found changed; details of the projects that matter most. The page needs a
    browser and nothing else: no network, no other file.

    \b
    tomoset report --catalog DIR -o report.html
    tomoset report --catalog DIR -o session.html --project krios1/2026/nt31204-1
    """  # noqa: D301  click reads the mark
    from tomoset.catalog import Catalog

    with Catalog.open(folder) as catalog:
        made = catalog.report(
            projects=projects, panels=panels, series=series, paths=paths, max_bytes=int(max_size * 1e6)
        )
    with binary_output(target, replace=True) as file:
        file.write(made.html)
    if target != STDOUT:
        details = f"{counted(made.projects, 'project')}, {made.detailed:,} with details"
        left_out = f", {made.projects - made.listed:,} not listed" if made.listed < made.projects else ""
        click.echo(f"{printable(str(Path(target)))}: {size_text(len(made.html))}, {details}{left_out}")
