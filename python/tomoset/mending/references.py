"""Every path that the STAR files of a project hold, and where it leads to as RELION resolves it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tomoset import _core
from tomoset.mending.projects import project_files
from tomoset.remote import refuse_url
from tomoset.sources import check_threads

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FoundReferences", "find_references"]


class NumPaths(NamedTuple):
    """Numbers of different paths."""

    all: int
    missing: int
    outside: int


@dataclass(frozen=True)
class FoundReferences:
    """The paths in a project's STAR files.

    Attributes
    ----------
    root : str
        The project's folder.
    files : tuple of str
        The STAR files that were read, from the project's folder.
    table : pyarrow.Table
        One row for each path in a column of a block: ``file``, from the project's folder; ``block``; ``label``;
        ``kind``, what the label's paths lead to: image, star, file, folder, node (of the pipeline), stem (what names of
        files begin with) or option (of a job); ``path``, without the place in a stack and the format; ``count``, how
        many values have it; ``inside``, whether it leads into the project; ``way``, how it is written: relative,
        absolute, dots (with ``..``) or link (out by a symbolic link); ``present``, whether something is there, and null
        where that was not looked at, since it is outside, or cannot be.
    faults : tuple of (str, str)
        Files that cannot be read, or not all of them, and why; then folders that cannot be listed, which end in ``/``.
    inner : tuple of str
        Projects within the project, whose files were not read.
    """

    root: str
    files: tuple[str, ...]
    table: pa.Table
    faults: tuple[tuple[str, str], ...]
    inner: tuple[str, ...]

    @property
    def missing(self) -> pa.Table:
        """The paths that lead into the project, to nothing."""
        return self.table.filter(pc.equal(self.table["present"], False))

    @property
    def outside(self) -> pa.Table:
        """The paths that lead out of the project."""
        return self.table.filter(pc.invert(self.table["inside"]))

    @property
    def num_paths(self) -> NumPaths:
        """How many different paths there are, and how many of these are missing or outside."""
        places = self.table.select(["path", "inside", "present"])
        each = places.group_by("path").aggregate([("inside", "min"), ("present", "min")])
        missing = pc.sum(pc.equal(each["present_min"], False)).as_py()
        outside = pc.sum(pc.invert(each["inside_min"])).as_py()
        return NumPaths(each.num_rows, int(missing or 0), int(outside or 0))


def find_references(
    project: str | os.PathLike[str],
    *,
    files: Iterable[str | os.PathLike[str]] | None = None,
    threads: int | None = None,
) -> FoundReferences:
    """Find every path in the STAR files of a project, and whether something is there.

    Paths are resolved as RELION does it: from the project's folder. What lies outside of it is not looked at, and
    nothing that a path leads to is opened.

    Parameters
    ----------
    project : path
        The project's folder, mostly the one with ``default_pipeline.star``.
    files : iterable of paths, optional
        Those to read; all STAR files below the folder when not given, but for those of projects within it.
    threads : int, optional
        How many read files; all processors when not given.

    Returns
    -------
    FoundReferences

    Raises
    ------
    OSError
        The project is no folder, or cannot be listed.
    ValueError
        Fewer threads than one, or an address in place of the project's folder.

    Examples
    --------
    >>> found = tomoset.find_references("my_project")  # doctest: +SKIP
    >>> found.missing.group_by("label").aggregate([("path", "count")])  # doctest: +SKIP
    """
    refuse_url(project, "references are looked for on local disks alone")
    root = os.fspath(project)
    check_threads(threads)
    if files is None:
        found, inner, closed = project_files(root)
    else:
        found, inner, closed = [os.fspath(file) for file in files], [], []
    table, faults = _core.find_references(root, found, threads)
    names = [_shown(os.path.relpath(file, root)) for file in found]
    places = table["file"].combine_chunks()
    column = pa.DictionaryArray.from_arrays(places, pa.array(names, pa.large_string()))
    table = table.set_column(0, "file", column.cast(pa.large_string()))
    return FoundReferences(
        root,
        tuple(names),
        table,
        (
            *((names[file], words) for file, words in faults),
            *((_shown(os.path.relpath(each.path, root)) + "/", each.error or "") for each in closed),
        ),
        tuple(_shown(os.path.relpath(folder, root)) for folder in inner),
    )


def _shown(path: str) -> str:
    """Give a path whose bytes are no UTF-8 as text that can be stored."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
