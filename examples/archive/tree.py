"""The folder being written, and the count of what went into it."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Flaw:
    """A path below the archive's root, and what is wrong there on purpose."""

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Summary:
    """Exactly what an archive holds.

    Attributes
    ----------
    files, bytes : int
        All files and their total size, those of ``broken/`` and those that are not STAR included.
    projects, tomograms, tilts : int
        RELION projects; the tomograms in them; the tilt images recorded for those tomograms.
    kinds : mapping of str to int
        STAR files outside ``broken/``, counted by kind, such as ``tilt_series`` or ``pipeline``.
    tomogram_rows, tilt_rows : int
        Rows in all tomogram sets, and in all tilt tables, outside ``broken/``. A tomogram has one row for
        each job that wrote it.
    oddities : tuple of Flaw
        Healthy files with something a checker should notice.
    broken : tuple of Flaw
        The files in ``broken/``.
    """

    files: int
    bytes: int
    projects: int
    tomograms: int
    tilts: int
    kinds: Mapping[str, int]
    tomogram_rows: int
    tilt_rows: int
    oddities: tuple[Flaw, ...]
    broken: tuple[Flaw, ...]

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"{self.files:,} files ({self.bytes / 1e6:,.1f} MB), {self.projects:,} projects, "
            f"{self.tomograms:,} tomograms, {self.tilts:,} tilt images, {len(self.broken)} broken files"
        )


class Tree:
    """Writes files below one folder and counts them.

    Parameters
    ----------
    root : Path
        The archive's folder; made when it is absent.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._folders: set[str] = set()
        self._files = 0
        self._bytes = 0
        self._kinds: Counter[str] = Counter()
        self._oddities: list[Flaw] = []
        self._broken: list[Flaw] = []
        self.projects = 0
        self.tomograms = 0
        self.tilts = 0
        self.tomogram_rows = 0
        self.tilt_rows = 0

    def star(self, path: str, kind: str, *tables: str) -> None:
        """Write a healthy STAR file of the given kind, made of one or more tables."""
        self._write(path, "".join(tables).encode())
        self._kinds[kind] += 1

    def other(self, path: str, text: str) -> None:
        """Write a file that is not STAR."""
        self._write(path, text.encode())

    def odd(self, path: str, what: str) -> None:
        """Note that something at this path is unusual on purpose."""
        self._oddities.append(Flaw(path, what))

    def break_file(self, path: str, what: str, content: bytes) -> None:
        """Write a broken file, unless the file system refuses its name."""
        try:
            self._write(path, content)
        except OSError as error:
            if error.errno not in (errno.EILSEQ, errno.EINVAL):
                raise
            return
        self._broken.append(Flaw(path, what))

    def summary(self) -> Summary:
        """What has been written so far."""
        return Summary(
            files=self._files,
            bytes=self._bytes,
            projects=self.projects,
            tomograms=self.tomograms,
            tilts=self.tilts,
            kinds=dict(sorted(self._kinds.items())),
            tomogram_rows=self.tomogram_rows,
            tilt_rows=self.tilt_rows,
            oddities=tuple(self._oddities),
            broken=tuple(self._broken),
        )

    def _write(self, path: str, content: bytes) -> None:
        full = f"{self._root}/{path}"
        folder = full.rpartition("/")[0]
        if folder not in self._folders:
            os.makedirs(folder, exist_ok=True)
            self._folders.add(folder)
        with open(os.fsencode(full), "wb", buffering=0) as file:
            file.write(content)
        self._files += 1
        self._bytes += len(content)
