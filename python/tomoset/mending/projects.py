"""The STAR files of a tree, and the projects that they are of. Links are not followed."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tomoset import _core

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

__all__ = ["Listed", "ProjectFiles", "is_marked", "marked_root", "own_folders", "project_files", "star_files"]

_MARK = "default_pipeline.star"
#: What a walk calls files, and folders that cannot be listed.
_FILE, _FOLDER = 0, 4


class Listed(NamedTuple):
    """Something in a tree: a STAR file; or a folder that cannot be listed, whose path ends in ``/``, and why."""

    path: str
    error: str | None = None


def star_files(path: str | os.PathLike[str]) -> Iterator[Listed]:
    """Give the STAR files below a folder in the order of their names, or the file that a path leads to.

    Folders that cannot be listed are among them.
    """
    where = os.fspath(path)
    if not os.path.isdir(where):  # noqa: PTH112
        yield Listed(where)
        return
    try:
        units = list(_core.walk_tree(where))
    except OSError as error:
        yield Listed(os.path.join(where, ""), error.strerror)  # noqa: PTH118
        return
    yield from _listed(where, (entries for _, _, _, entries, _ in units))


class ProjectFiles(NamedTuple):
    """The STAR files of a project, and projects within it, whose files are none of its own."""

    files: list[str]
    inner: list[str]
    closed: list[Listed]


def project_files(root: str | os.PathLike[str]) -> ProjectFiles:
    """List the STAR files of a project by their paths, and the folders in it that cannot be listed.

    Raises
    ------
    NotADirectoryError, FileNotFoundError, PermissionError
        It is no folder, or cannot be listed itself.
    """
    top = os.fspath(root)
    units = list(_core.walk_tree(top))
    own = [entries for folder, is_project, _, entries, _ in units if not (is_project and folder)]
    files, closed = [], []
    for each in _listed(top, own):
        if each.error is None:
            files.append(each.path)
        else:
            closed.append(each)
    inner: list[bytes] = []
    for folder in sorted((unit[0] for unit in units if unit[1] and unit[0]), key=_order):
        # Those that are in one of these are its own matter.
        if not (inner and folder.startswith(inner[-1] + b"/")):
            inner.append(folder)
    return ProjectFiles(files, [os.path.join(top, os.fsdecode(folder)) for folder in inner], closed)  # noqa: PTH118


def _listed(top: str, units: Iterable[pa.RecordBatch]) -> Iterator[Listed]:
    """Give files and closed folders among what a walk met: of each folder first the files, then folders."""
    found: list[tuple[bytes, str | None]] = []
    for entries in units:
        columns = (entries.column(name).to_pylist() for name in ("path", "sort", "error"))
        for path, sort, error in zip(*columns, strict=True):
            if sort == _FILE:
                found.append((path, None))
            elif sort == _FOLDER:
                found.append((path + b"/", error.partition(" (os error")[0]))
    for path, error in sorted(found, key=lambda each: _order(each[0])):
        yield Listed(os.path.join(top, os.fsdecode(path)), error)  # noqa: PTH118


def _order(path: bytes) -> list[tuple[bool, bytes]]:
    *folders, name = path.split(b"/")
    return [*((True, folder) for folder in folders), (False, name)]


def own_folders(root: str | os.PathLike[str]) -> Iterator[tuple[str, list[str]]]:
    """Give the folders of a project with the names of all files in them, but no projects within it."""
    top = os.fspath(root)
    for folder, folders, names in os.walk(top):
        if folder != top and _MARK in names and is_marked(Path(folder)):
            folders.clear()
            continue
        folders.sort()
        yield folder, names


def is_marked(folder: Path) -> bool:
    """Whether a folder is a project's own: it has a pipeline, which is no link."""
    mark = folder / _MARK
    # False where it may not be looked at, which Path's own would raise.
    return os.path.isfile(mark) and not os.path.islink(mark)  # noqa: PTH113, PTH114


@lru_cache(maxsize=65_536)
def marked_root(folder: str) -> str | None:
    """Give the project that a folder is of, as an absolute path: the nearest folder above with a pipeline.

    Unlike `tomoset.sets.paths.project_root` it makes no guesses.
    """
    here = Path(folder).absolute()
    if os.path.exists(here / _MARK):  # noqa: PTH110
        return str(here)
    return None if here.parent == here else marked_root(str(here.parent))
