"""The STAR files of a tree, and the projects that they are of. Links are not followed."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ProjectFiles", "is_star_name", "marked_root", "project_files", "star_files"]

ENDINGS = (".star", ".tomostar", ".star.gz", ".star.zst")
_MARK = "default_pipeline.star"


def is_star_name(name: str) -> bool:
    """Whether a file is one of those that an archive's index has."""
    return name.lower().endswith(ENDINGS)


def star_files(path: str | os.PathLike[str]) -> Iterator[str]:
    """Give the STAR files below a folder in the order of their names, or the file that a path leads to.

    Raises
    ------
    OSError
        There is nothing at the path, or a folder cannot be listed.
    """
    where = os.fspath(path)
    # Says what is not there.
    if os.stat(where, follow_symlinks=True) and not os.path.isdir(where):  # noqa: PTH112, PTH116
        yield where
        return
    for folder, files in _walk(where):
        yield from (os.path.join(folder, name) for name in files)  # noqa: PTH118


class ProjectFiles(NamedTuple):
    """The STAR files of a project, and projects within it, whose files are none of its own."""

    files: list[str]
    inner: list[str]


def project_files(root: str | os.PathLike[str]) -> ProjectFiles:
    """List the STAR files of a project by their paths.

    Raises
    ------
    NotADirectoryError, FileNotFoundError, PermissionError
        It is no folder, or one in it cannot be listed.
    """
    top = os.fspath(root)
    found = ProjectFiles([], [])
    for folder, files in _walk(top, found.inner):
        found.files.extend(os.path.join(folder, name) for name in files)  # noqa: PTH118
    return found


def _walk(top: str, inner: list[str] | None = None) -> Iterator[tuple[str, list[str]]]:
    """Give folders with their STAR files; those of other projects, if they are asked for, are listed only."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        folders, files = [], []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False) and is_star_name(entry.name):
                    files.append(entry.name)
        if inner is not None and folder != top and _MARK in files:
            inner.append(folder)
            continue
        yield folder, sorted(files)
        waiting.extend(sorted(folders, reverse=True))


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
    return mark.is_file() and not mark.is_symlink()


@lru_cache(maxsize=65_536)
def marked_root(folder: str) -> str | None:
    """Give the project that a folder is of, as an absolute path: the nearest folder above with a pipeline.

    Unlike `tomoset.sets.paths.project_root` it makes no guesses.
    """
    here = Path(folder).absolute()
    if (here / _MARK).exists():
        return str(here)
    return None if here.parent == here else marked_root(str(here.parent))
