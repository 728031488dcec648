"""What interrupted moves of references left in a project: it is finished or removed, unless others are at it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tomoset.mending.projects import is_marked, own_folders
from tomoset.sets.together import PREFIX, SUFFIX, finish, is_at_work

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["clean_up"]


def clean_up(root: Path, kind: str) -> None:
    """Finish what was begun in a project's folder, and in those around it that may have the same files.

    Of what was not begun to be put in its place, the files are removed. Projects within are left alone: they are
    finished from their own folder.

    Parameters
    ----------
    root : Path
        The folder, which nobody else moves references in meanwhile; with the links that lead there.
    kind : str
        The name of the moves' journals, and of the files they make.

    Raises
    ------
    SetError
        Something that was begun cannot be finished here.
    """
    for top in (root, *_above(root)):
        finish(top / kind)
    made: list[tuple[str, str]] = []
    for folder, names in own_folders(root):
        if is_at_work(Path(folder, kind)):
            finish(Path(folder, kind))
        made += [
            (folder, name) for name in names if name.startswith(f"{PREFIX}{kind}-") and name.endswith(SUFFIX)
        ]
    for folder, name in made:
        if not any(top != root and _is_needed(top, kind) for top in _tops(Path(folder))):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, name))  # noqa: PTH108, PTH118


def _above(root: Path) -> Iterator[Path]:
    """Give the folders between one in a project and the project's own, and that one."""
    *_, last = tops = list(_tops(root))
    if is_marked(last):
        yield from tops[1:]


def _tops(folder: Path) -> Iterator[Path]:
    """Give the folders from which a file in a folder may be moved: those up to the project's, or all above."""
    for top in (folder, *folder.parents):
        yield top
        if is_marked(top):
            return


def _is_needed(top: Path, kind: str) -> bool:
    """Whether somebody is moving references below a folder, or was interrupted when half was done."""
    if is_at_work(top / kind):
        return True
    try:
        handle = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    except OSError:
        # Somebody else may see more of it.
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
