"""``tomoset check``: what is wrong with STAR files, sets and projects."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from tomoset.cli.faults import ExitCode
from tomoset.cli.fix import carry_out
from tomoset.cli.output import echo_lines
from tomoset.cli.words import counted
from tomoset.diagnostics import SEVERITIES

if TYPE_CHECKING:
    from tomoset.checking.config import Config
    from tomoset.cli.check_known import Known
    from tomoset.cli.check_run import Checks

#: Options that have nothing to do beside others; all others, where none is named.
_IDLE = {
    "explain": (),
    "no_baseline": ("baseline", "write_baseline"),
    "diff": ("write_baseline", "form", "brief", "statistics"),
    "write_baseline": ("form", "brief", "statistics"),
    "form": ("brief", "statistics"),
    "statistics": ("brief",),
}


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="How findings are told.",
)
@click.option(
    "--select", metavar="CODES", multiple=True, help="Codes, beginnings of codes (O), or names that are told."
)
@click.option("--ignore", metavar="CODES", multiple=True, help="Of these, those that are not.")
@click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    help="The least severity that is told.  [default: warning]",
)
@click.option("--images", is_flag=True, help="Read the headers of images, stacks and maps, too.")
@click.option("--recall", is_flag=True, help="Read also the files that lie on tape.")
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="What is known and not told; else .tomoset-baseline.json in each project.",
)
@click.option("--write-baseline", is_flag=True, help="Write what is found as what is known.")
@click.option("--no-baseline", is_flag=True, help="Tell also what is known.")
@click.option(
    "--fix", is_flag=True, help="Mend first what is told and can be mended safely; see tomoset fix."
)
@click.option("--diff", is_flag=True, help="Print what --fix would change, and nothing else.")
@click.option(
    "--unsafe-fixes", "unsafe", is_flag=True, help="Mend also what changes the values that are read."
)
@click.option("--brief", is_flag=True, help="One line for each finding.")
@click.option("--statistics", is_flag=True, help="How many findings of each code, in place of the findings.")
@click.option("--explain", metavar="CODE", help="Tell what a code is about, and check nothing.")
@click.option(
    "--threads", metavar="N", type=click.IntRange(1, 1024), help="Threads or processes that share the work."
)
def check(
    paths: tuple[str, ...],
    form: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    severity: str | None,
    images: bool,
    recall: bool,
    baseline: str | None,
    write_baseline: bool,
    no_baseline: bool,
    fix: bool,
    diff: bool,
    unsafe: bool,
    brief: bool,
    statistics: bool,
    explain: str | None,
    threads: int | None,
) -> int:
    """Tell what is wrong with STAR files, or may be, and what RELION makes of it.

    A PATH is a file, with those that it names if it is a set; a project; or a folder with any number of projects.
    Options also come from .tomoset.toml or pyproject.toml in the nearest folder above. Exit code 1 if anything is told;
    with --diff, if something would change.
    """
    from tomoset.checking.baseline import BaselineError
    from tomoset.checking.config import ConfigError
    from tomoset.cli.check_known import Known
    from tomoset.cli.check_programs import program_lines
    from tomoset.cli.check_run import Checks
    from tomoset.cli.check_text import explanation, text_lines

    _refuse_idle(click.get_current_context())
    if explain is not None:
        echo_lines(explanation(_codes("--explain", [explain])))
        return ExitCode.FINE
    if not paths:
        raise click.UsageError("give a PATH: a file, a project, or a folder of projects")
    _codes("--select", select)
    _codes("--ignore", ignore)
    if unsafe and not (fix or diff):
        raise click.UsageError("--unsafe-fixes is given without --fix or --diff")

    def checked(*, write: bool, heed: bool) -> "Checks":
        run = Checks(Known(baseline, write=write, heed=heed), threads)
        for path in paths:
            try:
                run.add(path, _settings(path, select, ignore, severity, images=images, recall=recall))
            except (ConfigError, BaselineError) as error:
                raise click.UsageError(str(error)) from None
        return run

    run = None
    if fix or diff:
        from tomoset.cli.check_mending import mended, to_mend

        run = checked(write=False, heed=not (no_baseline or write_baseline))
        codes = to_mend(run)
        code = carry_out(mended(run, codes, unsafe=unsafe), only_diff=diff, quiet=form != "text")
        if diff:
            return code
        run = None if codes or write_baseline else run
    if run is None:
        run = checked(write=write_baseline, heed=not no_baseline)
    if write_baseline:
        click.echo(_written(run.known))
        return ExitCode.FINE
    found = run.findings
    if form == "text":
        echo_lines(text_lines(found, run, brief=brief, statistics=statistics))
    else:
        echo_lines(program_lines(found, form))
    return ExitCode.PROBLEMS if found else ExitCode.FINE


def _refuse_idle(context: click.Context) -> None:
    """Refuse options that others leave nothing to do.

    Raises
    ------
    click.UsageError
        It names the two.
    """
    source = context.get_parameter_source
    given = [
        parameter
        for parameter in context.command.params
        if parameter.name is not None and source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    names = {each.name: each.opts[0] if isinstance(each, click.Option) else "a PATH" for each in given}
    if context.params["form"] == "text":
        names.pop("form", None)
    for one, others in _IDLE.items():
        for other in others or names:
            if one in names and other in names and one != other:
                raise click.UsageError(f"{names[other]} does nothing beside {names[one]}")


def _written(known: "Known") -> str:
    """Write what is known from now on, and say where."""
    known.write()
    left = f", and {known.num_left:,} as before" if known.num_left else ""
    return f"{counted(known.num_written, 'finding')} known from now on{left}: {known.files_written}"


def _codes(option: str, words: Sequence[str]) -> frozenset[str]:
    from tomoset.checking.registry import chosen

    try:
        return chosen(_split(words))
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from None


def _split(words: Sequence[str]) -> list[str]:
    return [word for each in words for word in each.replace(",", " ").split()]


def _settings(
    path: str,
    select: Sequence[str],
    ignore: Sequence[str],
    severity: str | None,
    *,
    images: bool,
    recall: bool,
) -> "Config":
    """Give the options for a path: those of the command before those of a file."""
    from dataclasses import replace

    from tomoset.checking.config import find_config

    config = find_config(path)
    return replace(
        config,
        select=tuple(_split(select)) or config.select or ("all",),
        ignore=(*config.ignore, *_split(ignore)),
        severity=severity or config.severity or "warning",  # type: ignore[arg-type]
        images=images or config.images,
        recall=recall or config.recall,
    )
