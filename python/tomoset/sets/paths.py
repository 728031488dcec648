"""Where the paths in a set lead to: they are relative to RELION's project directory, not to the file they stand in."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tomoset import _core
from tomoset.remote import refuse_url

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NO_FILES", "Within", "folder_made", "leads_out", "project_root", "repeated", "text_path"]

#: What stands for a path where there is no file.
NO_FILES = tuple(_core.no_paths())

_JOB = re.compile(r"job\d{3,}")
#: What RELION keeps at the top of a project.
_MARKS = ("default_pipeline.star", ".gui_projectdir")


def project_root(path: Path, example: str | None = None) -> Path:
    """Find the project directory of a file.

    The first that holds of: a folder above the file with ``default_pipeline.star``; the folder above the job type,
    as in ``ROOT/Tomograms/job006/tomograms.star``; the nearest folder above from which `example`, a path in the
    file, leads to something; the working directory, if it does so there; the file's own folder.
    """
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100 (links must stay: they may lead out of the project)
    above = [folder, *folder.parents]
    for candidate in above:
        if any(os.path.exists(candidate / mark) for mark in _MARKS):  # noqa: PTH110
            return candidate
    for candidate in above:
        if _JOB.fullmatch(candidate.name) and len(candidate.parts) > 2:
            return candidate.parent.parent
    if example is not None:
        for candidate in [*above[:-1], Path.cwd()]:
            # Unlike Path.exists it does not raise for a path that is too long.
            if os.path.exists(candidate / example):  # noqa: PTH110
                return candidate
    return folder


def leads_out(path: Path, root: Path) -> bool:
    """Whether a path leads out of the project, by ``..``, as an absolute path, or by links."""
    return _lies_out(os.path.realpath(path), os.path.realpath(root))


class Within:
    """Whether paths lead out of a project, where many are asked about: each folder is looked at once.

    Parameters
    ----------
    root : Path
        The project's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = os.fspath(root)
        self._real = os.path.realpath(root)
        #: The real paths of folders.
        self._known = {self.root: self._real}

    def leads_out(self, path: str) -> bool:
        """Whether a path from the project's folder leads out of it, as `leads_out` tells."""
        place = os.path.join(self.root, path)  # noqa: PTH118 (many thousands)
        folder, name = os.path.split(place)
        # What goes up from what is not there is followed all the same.
        if ".." not in path and _is_plain(place, name):
            return _lies_out(os.path.join(self._real_path(folder), name), self._real)  # noqa: PTH118
        return _lies_out(os.path.realpath(place), self._real)

    def _real_path(self, folder: str) -> str:
        below: list[tuple[str, str]] = []
        while folder not in self._known:
            above, name = os.path.split(folder)
            if not _is_plain(folder, name):
                self._known[folder] = os.path.realpath(folder)
                break
            below.append((folder, name))
            folder = above
        real = self._known[folder]
        for folder, name in reversed(below):
            real = self._known[folder] = f"{real.rstrip('/')}/{name}"
        return real


def _is_plain(place: str, name: str) -> bool:
    """Whether the last part of a path leads to nowhere but below the one before it."""
    return name not in {"", "."} and not os.path.islink(place)  # noqa: PTH114


def _lies_out(path: str, root: str) -> bool:
    return path != root and not path.startswith(root.rstrip("/") + "/")


def text_path(path: str | os.PathLike[str]) -> str:
    """Give a local path as text."""
    where = os.fspath(path)
    if not isinstance(where, str):
        raise TypeError(f"the path is {type(path).__name__}; it must be text or os.PathLike[str]")
    refuse_url(path, "sets, which are many files, are read and written on local disks alone")
    return where


def folder_made(path: str | os.PathLike[str]) -> str:
    """Give a path as text, after its folder was made."""
    where = text_path(path)
    Path(where).absolute().parent.mkdir(parents=True, exist_ok=True)
    return where


def repeated(values: Iterable[str]) -> dict[str, list[int]]:
    """Give the places of values that are there more than once."""
    values = list(values)
    if len(set(values)) == len(values):
        return {}
    places: dict[str, list[int]] = {}
    for index, value in enumerate(values):
        places.setdefault(value, []).append(index)
    return {value: found for value, found in places.items() if len(found) > 1}
