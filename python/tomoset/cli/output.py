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
    """Open `target` for writing; a file is written beside, forced to the disk, then renamed.

    Links are followed and stay. A device or a pipe is written to, and never replaced.

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
    path = Path(target)
    if path.exists() and not path.is_file():
        with _named(path), path.open("wb") as device:
            yield device
        return
    place = Path(os.path.realpath(path))  # resolve() would raise RuntimeError for links in a circle
    temporary = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        with _named(path), _created(temporary, path) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)


def refuse_existing(target: str, *, replace: bool) -> None:
    """Raise `FileExistsError` unless the file may be written."""
    refuse_url(target, "commands write to local files and to standard output")
    path = Path(target)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not replace:
        raise FileExistsError(errno.EEXIST, "exists already; --force replaces it", str(path))


def terminal_width() -> int | None:
    """Return the columns of the terminal, or None when standard output is none."""
    if not sys.stdout.isatty():
        return None
    return os.get_terminal_size(sys.stdout.fileno()).columns or 80


def echo_lines(lines: Iterator[str]) -> None:
    """Write lines of text to standard output as they come."""
    for line in lines:
        click.echo(line)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in faults that do not say which it is, so that one knows which disk is full."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as fault:
        if fault.filename is not None or fault.errno is None:
            raise
        raise OSError(fault.errno, fault.strerror, str(path)) from fault


def _created(temporary: Path, path: Path) -> BinaryIO:
    """Create the file beside, but name the wanted file in a fault."""
    try:
        return temporary.open("wb")
    except OSError as fault:
        raise type(fault)(fault.errno, fault.strerror, str(path)) from None
