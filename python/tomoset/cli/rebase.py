"""``tomoset rebase``: move the references of a project from one folder to another."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tomoset.cli.faults import ExitCode
from tomoset.cli.output import echo_lines
from tomoset.cli.words import counted, printable

if TYPE_CHECKING:
    from tomoset.mending import Rebased

_MOST = 10
_EPILOG = """\b
Exit codes:
  0  done
  2  wrong usage
  3  nothing is below OLD, or a file cannot be read or written; no file is
     changed then
"""


@click.command(epilog=_EPILOG)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.argument("project", metavar="PROJECT", type=click.Path(exists=True, file_okay=False))
@click.option("--dry-run", is_flag=True, help="Write nothing; print what would change.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Print what changes in each file, and all paths not there."
)
def rebase(old: str, new: str, project: str, dry_run: bool, verbose: bool) -> int:
    """Move references below OLD to NEW in all STAR files of PROJECT, or in none.

    OLD is as references have it, from the project's folder or absolute; NEW is '.' for the
    project's folder itself. Whole names of folders are compared: Movies/a is not in Movies/ab.
    The images and files themselves stay where they are.

    \b
    tomoset rebase /old/disk/frames frames . --dry-run
    tomoset rebase Import/job001 Import/job007 .
    """  # noqa: D301  click reads the mark
    from tomoset.mending import rebase as move

    try:
        found = move(old, new, project, dry_run=dry_run)
    except ValueError as error:
        if isinstance(error, UnicodeError):
            raise
        raise click.UsageError(str(error)) from error
    echo_lines(_lines(found, verbose=verbose))
    return ExitCode.FINE


def _lines(found: "Rebased", *, verbose: bool) -> Iterator[str]:
    if verbose or not found.written:
        yield from _columns(found)
    done = "moved" if found.written else "would move"
    yield f"{done} {counted(found.num_values, 'reference')} in {counted(found.num_files, 'file')}"
    for paths, words in ((found.missing, "not there"), (found.outside, "outside of the project")):
        if not paths:
            continue
        yield f"{counted(len(paths), 'new path')} {'is' if len(paths) == 1 else 'are'} {words}:"
        shown = paths if verbose else paths[:_MOST]
        yield from (f"  {printable(path)}" for path in shown)
        if len(paths) > len(shown):
            yield f"  and {len(paths) - len(shown):,} more (-v prints all)"


def _columns(found: "Rebased") -> Iterator[str]:
    last = None
    known: set[str] = set()
    for column in found.moved:
        if column.file != last:
            yield printable(column.file)
        last = column.file
        yield f"  data_{printable(column.block)} {printable(column.label)}: {column.count:,}"
        if column.label not in known:
            # Other files have the like of them.
            known.add(column.label)
            for one, other in column.examples:
                yield f"    {printable(one)}"
                yield f"    -> {printable(other)}"
