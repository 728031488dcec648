"""Where a command writes: standard output, or a file that appears whole or not at all."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from tomoset.remote import refuse_url
from tomoset.replacing import replacing

STDOUT = "-"
FORMAT_BY_SUFFIX = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}


@contextmanager
def binary_output(target: str, *, replace: bool) -> Iterator[BinaryIO]:
    """Open `target` for writing; a file is there as a whole or not at all.

    Raises
    ------
    FileExistsError
        The file exists and `replace` is false.
    OSError
        It cannot be written.
    """
    if target == STDOUT:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    refuse_existing(target, replace=replace)
    with replacing(target) as file:
        yield file


def refuse_existing(target: str, *, replace: bool) -> None:
    """Raise `FileExistsError` unless the file may be written."""
    refuse_url(target, "commands write to local files and to standard output")
    path = Path(target)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not replace:
        raise FileExistsError(errno.EEXIST, "exists already; --force replaces it", str(path))


def terminal_width() -> int | None:
    """Return the columns to fill: as COLUMNS says, or else those of the terminal; None when there is neither."""
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isascii() and wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    if not sys.stdout.isatty():
        return None
    return os.get_terminal_size(sys.stdout.fileno()).columns or 80


def echo_lines(lines: Iterator[str]) -> None:
    """Write lines of text to standard output as they come."""
    for line in lines:
        click.echo(line)
