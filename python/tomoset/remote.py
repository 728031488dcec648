"""Files that lie elsewhere, by addresses such as ``s3://bucket/particles.star``: fsspec brings and takes them."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from tomoset.exceptions import TomosetError, printable

__all__ = ["AddressError", "fetch", "fetched", "is_url", "local_path", "refuse_url", "store"]

#: As fsspec has them: a protocol, or several in a chain.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")
_NUMBERS: tuple[tuple[type[OSError], int], ...] = (
    (FileNotFoundError, errno.ENOENT),
    (FileExistsError, errno.EEXIST),
    (IsADirectoryError, errno.EISDIR),
    (NotADirectoryError, errno.ENOTDIR),
    (PermissionError, errno.EACCES),
    (TimeoutError, errno.ETIMEDOUT),
)

_FileSystem: TypeAlias = Any


class AddressError(TomosetError, ValueError):
    """An address that leads nowhere, or stands where only local files will do."""


def is_url(path: object) -> bool:
    """Whether text is an address and no local path; an `os.PathLike` is always local."""
    return isinstance(path, str) and "://" in path and _URL.match(path) is not None


def refuse_url(path: object, what: str) -> None:
    """Raise if a path is an address, where only local files will do.

    Raises
    ------
    AddressError
        It is.
    """
    if is_url(path):
        shown = printable(str(path), 1000)
        raise AddressError(f"{shown}: {what}")


def local_path(url: str) -> str | None:
    """Give the path of a file that an address says is local.

    Raises
    ------
    ImportError
        fsspec is not installed, or what it needs for this protocol.
    AddressError
        A protocol that fsspec does not know.
    """
    files, path = _find(url)
    return path if "file" in _protocols(files) else None


def fetch(url: str) -> bytes:
    """Give all bytes of a file.

    Raises
    ------
    OSError
        Whatever goes wrong on the way, with a number and the address.
    """
    files, path = _find(url)
    with _faults_of(url):
        data: bytes = files.cat_file(path)
    return data


@contextmanager
def fetched(url: str) -> Iterator[Path]:
    """Give a local copy, which goes at the end.

    Raises
    ------
    OSError
        As `fetch`.
    """
    files, path = _find(url)
    with tempfile.TemporaryDirectory(prefix="tomoset-") as folder:
        copy = Path(folder) / "copy"
        with _faults_of(url):
            files.get_file(path, str(copy))
        yield copy


def store(url: str, write: Callable[[Any], None]) -> None:
    """Write a file to an address: first a local one, then all of it goes there.

    Whatever `write` raises, nothing has been sent by then. Whether a file that is replaced may be seen half written
    is up to its file system; object stores show the old one or the new one.

    Parameters
    ----------
    url : str
        Where to.
    write : callable
        Gets a file opened for bytes.

    Raises
    ------
    OSError
        As `fetch`.
    """
    files, path = _find(url)
    if _protocols(files) & {"http", "https"}:
        raise OSError(errno.EROFS, "files are read by HTTP, but not written", url)
    with tempfile.TemporaryDirectory(prefix="tomoset-") as folder:
        made = Path(folder) / "made"
        with made.open("wb") as file:
            write(file)
        with _faults_of(url):
            files.put_file(str(made), path)


def _find(url: str) -> tuple[_FileSystem, str]:
    """Give the file system of an address, and the path there."""
    shown = printable(url, 1000)
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        protocol = shown.partition(":")[0]
        raise ImportError(
            f"{shown}: fsspec is needed for {protocol}: pip install 'tomoset[fsspec]'"
            " (for a local file of that name give a pathlib.Path)"
        ) from None
    with _faults_of(url):
        try:
            files, path = url_to_fs(url)
        except ImportError as fault:
            raise ImportError(f"{shown}: {fault}") from fault
        except (ValueError, TypeError) as fault:
            raise AddressError(f"{shown}: no address that fsspec knows: {fault}") from fault
    return files, str(path)


def _protocols(files: _FileSystem) -> set[str]:
    return {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)


@contextmanager
def _faults_of(url: str) -> Iterator[None]:
    """Raise whatever a file system raises as an `OSError` with a number and the address."""
    try:
        yield
    except (AddressError, ImportError, MemoryError):
        raise
    except OSError as fault:
        number = fault.errno or next((n for kind, n in _NUMBERS if isinstance(fault, kind)), errno.EIO)
        words = fault.strerror or (str(fault) if number == errno.EIO else os.strerror(number))
        # Of a kind of its own it may want other arguments; by the number it becomes FileNotFoundError and the like.
        raise OSError(number, words, url) from fault
    except Exception as fault:
        # Each file system has kinds of its own.
        raise OSError(errno.EIO, f"{type(fault).__name__}: {fault}", url) from fault
