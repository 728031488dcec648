"""How commands write STAR files: to a path as a whole or not at all, or to standard output."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tomoset.cli.options import by_label
from tomoset.cli.output import STDOUT, refuse_existing
from tomoset.exceptions import TomosetError

STAR_SUFFIXES = (".star", ".tomostar")
_COMPRESSED = (".gz", ".zst")


def is_star(path: str) -> bool:
    """Whether a name says that a file is STAR, compressed or not."""
    name = Path(path.lower())
    return (Path(name.stem) if name.suffix in _COMPRESSED else name).suffix in STAR_SUFFIXES


def refuse_target(target: str, *, replace: bool) -> None:
    """Refuse names that do not say STAR, and files that exist, before anything is read.

    Raises
    ------
    click.UsageError
        Another suffix.
    FileExistsError
        The file exists and `replace` is false.
    """
    if target == STDOUT:
        return
    if not is_star(target):
        raise click.UsageError(f"OUT must end in .star, .star.gz or .star.zst, not {Path(target).name!r}")
    refuse_existing(target, replace=replace)


def star_options(
    floats: Sequence[str] = (), layout: str | None = None, na: Sequence[str] = ()
) -> dict[str, Any]:
    """Give those options of `write_star` that were asked for.

    Raises
    ------
    click.UsageError
        A value that `write_star` does not take.
    """
    from tomoset.writing import write_options

    asked: dict[str, Any] = {
        "floats": by_label("--floats", floats),
        "layout": layout,
        "na": by_label("--na", na),
    }
    options = {option: value for option, value in asked.items() if value}
    try:
        write_options(**options)
    except ValueError as fault:
        raise click.UsageError(str(fault)) from fault
    return options


def write_star_to(data: object, target: str, **options: Any) -> None:  # noqa: ANN401
    """Write with `write_star`; ``-`` is standard output."""
    from tomoset import write_star

    try:
        if target != STDOUT:
            write_star(data, target, **options)
            return
        sys.stdout.flush()
        write_star(data, sys.stdout.buffer, **options)
        sys.stdout.buffer.flush()
    except TomosetError:
        raise
    except ValueError as fault:
        # An option for a label that is nowhere is known only now.
        raise click.UsageError(str(fault)) from fault
