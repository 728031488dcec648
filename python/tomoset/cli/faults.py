"""What the exit codes mean, and how a fault becomes one clear message instead of a traceback."""

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import click

from tomoset.cli.words import printable
from tomoset.exceptions import TomosetError


class ExitCode(IntEnum):
    """Exit codes of ``tomoset``."""

    FINE = 0
    PROBLEMS = 1
    USAGE = 2
    FAILURE = 3
    INTERRUPTED = 130


class Failure(click.ClickException):
    """Input, output or SQL failed."""

    exit_code = ExitCode.FAILURE


class Trouble(Failure):
    """The same, where 2 says so."""

    exit_code = ExitCode.USAGE


class FaultsAsMessages(click.Group):
    """A group whose commands tell their faults on standard error."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take nothing at all as wrong usage, as newer versions of click do by themselves."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(ExitCode.USAGE)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's own signature
        """Run the command that was asked for."""
        try:
            with _told_as(Failure):
                code = super().invoke(ctx)
                sys.stdout.flush()
        except BrokenPipeError:
            _let_go_of_stdout()
            return ExitCode.FINE
        return code


class DiffersOrFails(click.Command):
    """A command with the exit codes of ``diff``: 1 tells a difference, 2 that something failed."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  click's own signature
        """Run the command."""
        with _told_as(Trouble):
            return super().invoke(ctx)


def report(fault: click.ClickException) -> None:
    """Write the message of a fault, which steers no terminal, to standard error."""
    if isinstance(fault, click.UsageError):
        usage = io.StringIO()
        fault.show(usage)
        text = usage.getvalue()
    else:
        text = f"tomoset: {fault.format_message()}\n"
    click.echo(re.sub(r"[^\n\t]+", lambda part: printable(part[0]), text), err=True, nl=False)


@contextmanager
def _told_as(kind: type[Failure]) -> Iterator[None]:
    """Turn faults of input and output, and our own, into one message; a closed pipe is none."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as fault:
        raise kind(words_of(fault)) from fault
    except (TomosetError, ImportError) as fault:
        raise kind(words_of(fault)) from fault
    except MemoryError as fault:
        raise kind(f"out of memory{_in_brackets(fault)}; fewer --threads need less") from fault
    except RuntimeError as fault:
        if "can't start new thread" not in str(fault):
            raise
        raise kind("the system lets no more threads start (ulimit -u, -v); try --threads 1") from fault


def _let_go_of_stdout() -> None:
    """Nobody reads on (``tomoset query ... | head``), so the last flush must not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def words_of(fault: Exception) -> str:
    """Return the message of a fault of the operating system, or of ours."""
    if isinstance(fault, OSError):
        return _os_message(fault)
    if isinstance(fault, KeyError):
        return str(fault.args[0]) if fault.args else type(fault).__name__
    return str(fault)


def _in_brackets(fault: Exception) -> str:
    words = str(fault).partition("\n")[0]
    return f" ({words})" if words else ""


def _os_message(fault: OSError) -> str:
    """Return the message of an operating system fault, the path first."""
    words = fault.strerror or str(fault)
    if fault.filename is None:
        return words
    return f"{click.format_filename(fault.filename)}: {words}{_lacks_folder(fault)}"


def _lacks_folder(fault: OSError) -> str:
    """Tell that the folder is what is missing, where it is."""
    if not isinstance(fault, FileNotFoundError) or isinstance(fault.filename, int):
        return ""
    above = os.path.dirname(fault.filename)  # noqa: PTH120  text or bytes
    if not above or os.path.exists(above):  # noqa: PTH110
        return ""
    return f": there is no folder {click.format_filename(above)}"
