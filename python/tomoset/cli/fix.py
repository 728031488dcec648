"""``tomoset fix``: mend STAR files in their places."""

import os
import sys
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from tomoset.cli.faults import ExitCode, Failure
from tomoset.cli.options import globs
from tomoset.cli.words import counted, counted_places, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tomoset.mending import MendedFile

_WIDTH = 80
#: How many files with faults are named without --verbose.
_MOST_NAMED = 10
_EPILOG = """\b
Exit codes:
  0  done, though there may be faults left, which tomoset check tells by its
     exit code; with --diff: there is nothing to change
  1  with --diff: there is something to change
  2  wrong usage
  3  a file could not be read or written, or a folder not be listed; all
     others are done
"""


@dataclass
class _Sum:
    """What happened to all files."""

    made: int = 0
    files: int = 0
    unsafe: int = 0
    left: int = 0
    failed: list[str] = field(default_factory=list)
    #: A line on each file with faults that no fix mends.
    faulty: list[str] = field(default_factory=list)


def _list(context: click.Context, _: click.Parameter, asked: bool) -> None:
    """Print all fixes and end."""
    if not asked:
        return
    from tomoset.mending import all_fixes

    for fix in all_fixes().values():
        click.echo(f"{fix.code} {fix.name} ({'safe' if fix.safe else 'unsafe'})")
        click.echo(_wrapped(fix.does, "  "))
    context.exit()


@click.command(epilog=_EPILOG)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(exists=True))
@click.option(
    "--diff",
    "--dry-run",
    "only_diff",
    is_flag=True,
    help="Write nothing; print what would change, as a unified diff.",
)
@click.option("--unsafe-fixes", "unsafe", is_flag=True, help="Make fixes that change what is read, too.")
@click.option(
    "--select", metavar="CODES", multiple=True, help="Mend these only: codes, their beginnings, or names."
)
@click.option("--ignore", metavar="CODES", multiple=True, help="Leave these.")
@click.option(
    "--project",
    "root",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="The project of all files; else the nearest folder above with a pipeline.",
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list,
    help="Print all fixes there are.",
)
@click.option(
    "-v", "--verbose", is_flag=True, help="Print what was left, and why, and all files with other faults."
)
@click.option("-q", "--quiet", is_flag=True, help="Print only what failed.")
def fix(
    paths: tuple[str, ...],
    only_diff: bool,
    unsafe: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    root: str | None,
    verbose: bool,
    quiet: bool,
) -> int:
    """Mend files, and the STAR files below folders.

    Safe fixes change nothing of what tomoset reads; RELION, which read something else or
    stopped, then reads it too. All other bytes stay. A file is replaced as a whole or not
    at all, and not if it changed meanwhile. Faults that there is no fix for are named at the
    end, and stay.

    \b
    tomoset fix Import/job001 --diff
    tomoset fix particles.star --select R --ignore R109
    tomoset fix . --unsafe-fixes
    """  # noqa: D301  click reads the mark
    from tomoset.mending import mend

    try:
        files = mend(
            paths,
            select=_words(select) if select else None,
            ignore=_words(ignore),
            unsafe=unsafe,
            project_root=root,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return carry_out(files, only_diff=only_diff, verbose=verbose, quiet=quiet)


def _words(options: "Sequence[str]") -> list[str]:
    """Give words that may be separated by commas and blanks, as those of a check."""
    return [word for glob in globs(options) for word in glob.split()]


def carry_out(
    files: "Iterable[MendedFile]", *, only_diff: bool = False, verbose: bool = False, quiet: bool = False
) -> ExitCode:
    """Write mended files, or print what would change, and tell it.

    Raises
    ------
    Failure
        Some could not be read or written; all others are done.
    """
    total = _Sum()
    for file in files:
        _one(file, total, only_diff=only_diff, verbose=verbose, quiet=quiet)
    if not quiet:
        for line in _summary(total, only_diff=only_diff, verbose=verbose):
            click.echo(line, err=only_diff)
    if total.failed:
        raise Failure(f"{counted_places(total.failed)} could not be mended")
    return ExitCode.PROBLEMS if only_diff and total.files else ExitCode.FINE


def _one(file: "MendedFile", total: _Sum, *, only_diff: bool, verbose: bool, quiet: bool) -> None:
    """Write a file, or print what would change, and tell what was done."""
    error = file.error
    if error is None and file.is_changed and not only_diff:
        try:
            file.write()
        except OSError as fault:
            error = fault.strerror or str(fault)
    if error is not None:
        total.failed.append(file.path)
        click.echo(f"tomoset: {printable(file.path)}: {error}", err=True)
        return
    total.files += file.is_changed
    total.made += sum(made.count for made in file.made)
    for left in file.left:
        total.unsafe += left.count if left.is_unsafe else 0
        total.left += 0 if left.is_unsafe else left.count
    if file.faults:
        total.faulty.append(_faults_line(file))
    if file.is_changed and only_diff:
        _echo_diff(file)
    shown = [*(() if only_diff else file.made), *(file.left if verbose else ())]
    if shown and not quiet:
        click.echo(printable(file.path), err=only_diff)
        for each in shown:
            click.echo(_wrapped(printable(str(each)), "  "), err=only_diff)


def _echo_diff(file: "MendedFile") -> None:
    """Print a unified diff: in colours and without odd characters on a terminal, byte by byte elsewhere."""
    from tomoset.mending.diffs import unified_diff

    name = os.fsencode(file.path)
    lines = unified_diff(file.before, file.after, name, name)
    if sys.stdout.isatty():
        for line in lines:
            text = line.removesuffix(b"\n").decode("utf-8", "backslashreplace")
            click.secho("".join(c if c == "\t" else printable(c) for c in text), **_style(text))
        return
    sys.stdout.flush()
    sys.stdout.buffer.writelines(lines)


def _style(line: str) -> dict[str, Any]:
    if line.startswith(("---", "+++")):
        return {"bold": True}
    return {"fg": {"@": "cyan", "-": "red", "+": "green"}.get(line[:1])}


def _summary(total: _Sum, *, only_diff: bool, verbose: bool) -> "Iterator[str]":
    if total.files:
        done = "would mend" if only_diff else "mended"
        words = [f"{done} {counted(total.made, 'place')} in {counted(total.files, 'file')}"]
    else:
        untouched = total.left + total.unsafe + len(total.faulty)
        words = ["nothing was mended" if untouched else "nothing to mend"]
    if total.unsafe:
        words.append(f"{total.unsafe:,} more with --unsafe-fixes")
    if total.left:
        words.append(f"{total.left:,} left")
    if total.left or total.unsafe:
        words[-1] += " (see tomoset fix -v)"
    yield _wrapped("; ".join(words), "")
    if not total.faulty:
        return
    have = "has" if len(total.faulty) == 1 else "have"
    yield f"{counted(len(total.faulty), 'file')} {have} faults that no fix mends (tomoset check tells more):"
    shown = len(total.faulty) if verbose else _MOST_NAMED
    yield from (f"  {line}" for line in total.faulty[:shown])
    if len(total.faulty) > shown:
        yield f"  and {counted(len(total.faulty) - shown, 'more file')} (-v names all)"


def _faults_line(file: "MendedFile") -> str:
    """Tell the first fault of a file that no fix mends, and how many more there are."""
    first = file.faults[0]
    if first.code == "L201":
        # How many lines of it there are says nothing.
        return f"{printable(file.path)}: no STAR file, left as it is (L201)"
    more = sum(fault.count for fault in file.faults) - 1
    line = f"{printable(file.path)}:{first.line}: {first.code} {first.name}"
    return f"{line}, and {more:,} more" if more else line


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=2 * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
