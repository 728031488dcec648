"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["replace_file"]


def replace_file(path: Path, pieces: Sequence[bytes | memoryview]) -> None:
    """Write pieces of a file beside it, then put them in its place; it keeps its mode.

    What is no ordinary file, such as a pipe, is written to as it is.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG | _new_mode()
    if not stat.S_ISREG(mode):
        with path.open("wb") as file:
            file.writelines(pieces)
        return
    handle, beside = _beside(target)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(stat.S_IMODE(mode))
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _beside(target: Path) -> tuple[int, str]:
    try:
        return tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".part", dir=target.parent)
    except FileNotFoundError:
        # The folder is not there: say so of the file that was asked for.
        raise FileNotFoundError(2, os.strerror(2), str(target)) from None


def _new_mode() -> int:
    """Give the mode that a new file gets; the only way to ask for the mask is to set it."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
