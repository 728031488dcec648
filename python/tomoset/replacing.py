"""Files that Python writes: there as a whole, or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from tomoset import _core

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["replacing"]


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Give a file to write to, which takes the place of the one at a path when all is written, and is on disk then.

    Whatever fails leaves the old one as it was. Its permissions are kept; links are followed, and stay. What is no
    regular file, such as a pipe, is written to directly.

    Raises
    ------
    OSError
        It cannot be written; the fault names the path.
    """
    new = _core.Replacement(path)
    try:
        with open(new.descriptor(), "wb") as file:  # noqa: PTH123  a descriptor
            yield file
    except BrokenPipeError:
        raise
    except OSError as fault:
        # Of a descriptor, the system does not say which disk is full.
        if fault.filename is not None or fault.errno is None:
            raise
        raise OSError(fault.errno, fault.strerror, str(path)) from fault
    new.put(durable=True)
