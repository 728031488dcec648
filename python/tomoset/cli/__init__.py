"""The command ``tomoset``."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from tomoset.cli.changes import changes
from tomoset.cli.check import check
from tomoset.cli.convert import convert
from tomoset.cli.diff import diff
from tomoset.cli.faults import ExitCode, FaultsAsMessages
from tomoset.cli.faults import report as report_fault
from tomoset.cli.fix import fix
from tomoset.cli.forget import forget
from tomoset.cli.index import index
from tomoset.cli.merge import merge
from tomoset.cli.paths import paths
from tomoset.cli.plot import plot
from tomoset.cli.query import query
from tomoset.cli.rebase import rebase
from tomoset.cli.report import report
from tomoset.cli.show import show
from tomoset.cli.status import status
from tomoset.cli.subset import subset
from tomoset.cli.vacuum import vacuum
from tomoset.cli.version import show_version
from tomoset.no_pandas import hide_pandas

_EXIT_CODES = """\b
Exit codes:
  0    fine
  1    index --strict: problems that are fatal or silent; check: something
       was found; diff: files differ; fix --diff: there are changes; paths:
       missing or outside
  2    wrong usage; check: wrong options in a file; diff: any trouble
  3    input, output or SQL failed
  130  interrupted
"""


@click.group(
    cls=FaultsAsMessages, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXIT_CODES
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the version, and what it was built from and runs with.",
)
def commands() -> None:
    """Read, convert and catalogue the STAR files of RELION and cryo-EM."""


#: What the list of commands says where the first sentence of a command's help is too long for a line.
_SUMMARIES = {
    "changes": "List the files that are new, changed or deleted.",
    "check": "Tell what is wrong with STAR files, and what RELION does.",
    "convert": "Convert a table of a STAR file, or a table to STAR.",
    "index": "Bring a catalogue up to date with the files of an archive.",
    "paths": "List the paths in STAR files, and whether they lead somewhere.",
    "plot": "Draw the tilts, defocus and shifts of a tomogram set.",
    "rebase": "Move references in the STAR files of a project.",
    "show": "Show what is in a STAR file, and what is odd in it.",
    "status": "Tell what a catalogue holds, and of which archives.",
    "subset": "Keep some rows and columns of a STAR file.",
}

for _command in (
    show,
    check,
    plot,
    convert,
    diff,
    merge,
    subset,
    fix,
    paths,
    rebase,
    index,
    status,
    changes,
    query,
    report,
    vacuum,
    forget,
):
    _command.short_help = _SUMMARIES.get(_command.name or "")
    commands.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; see `ExitCode` for what the codes mean."""
    _open_missing_streams()
    if arguments is None:
        # The process is ours.
        hide_pandas()
    try:
        code = commands.main(arguments, prog_name="tomoset", standalone_mode=False)
    except click.ClickException as fault:
        report_fault(fault)
        code = fault.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("tomoset: interrupted", err=True)
        code = ExitCode.INTERRUPTED
    sys.exit(code or ExitCode.FINE)


def _open_missing_streams() -> None:
    """Let streams that whoever started this has closed (``>&-``) lead to nowhere, as those of a daemon do."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115  open as long as the process
