"""Where the paths in a set lead to: they are relative to RELION's project directory, not to the file they stand in."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Outside", "Places", "bare_image", "project_root", "repeated"]

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
        if any((candidate / mark).exists() for mark in _MARKS):
            return candidate
    for candidate in above:
        if _JOB.fullmatch(candidate.name) and len(candidate.parts) > 2:
            return candidate.parent.parent
    if example is not None:
        for candidate in [*above[:-1], Path.cwd()]:
            if (candidate / example).exists():
                return candidate
    return folder


def bare_image(name: str) -> str:
    """Give the path of an image as RELION names it: without ``000001@`` before and ``:mrcs`` behind."""
    _, at, behind = name.rpartition("@") if re.match(r"\d+@", name) else ("", "", name)
    path = behind if at else name
    before, colon, ending = path.rpartition(":")
    return before if colon and ending and "/" not in ending else path


class Outside(Exception):  # noqa: N818 (caught where the row is known, and told as one of the public errors)
    """A path leads out of the project."""


class Places:
    """Files of a project, by their paths in it."""

    def __init__(self, root: Path, *, allow_outside: bool) -> None:
        self.root = root
        self._real_root = os.path.realpath(root)
        self._allow_outside = allow_outside
        # Folders are looked up once: a set has thousands of files in one.
        self._inside: dict[str, bool] = {}

    def find(self, path: str) -> str:
        """Give where a path of the project leads to.

        Raises
        ------
        Outside
            Out of the project, by ``..``, as an absolute path or by a link.
        """
        found = os.path.join(self.root, path)  # noqa: PTH118 (a thousand Path objects take milliseconds)
        if not self._allow_outside and not self._is_inside(found):
            raise Outside(found)
        return found

    def _is_inside(self, path: str) -> bool:
        folder, name = os.path.split(path)
        if name in {"", ".", ".."} or os.path.islink(path):  # noqa: PTH114
            return self._is_below(os.path.realpath(path))
        if folder not in self._inside:
            self._inside[folder] = self._is_below(os.path.realpath(folder))
        return self._inside[folder]

    def _is_below(self, real: str) -> bool:
        return real == self._real_root or real.startswith(self._real_root.rstrip("/") + "/")


def repeated(values: Iterable[str]) -> dict[str, list[int]]:
    """Give the places of values that are there more than once."""
    places: dict[str, list[int]] = {}
    for index, value in enumerate(values):
        places.setdefault(value, []).append(index)
    return {value: found for value, found in places.items() if len(found) > 1}
