"""What a tomogram set holds, and where its rows come from."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from tomoset import _core
from tomoset.exceptions import MissingLabelError, MissingTomogramError, SetError, printable
from tomoset.sets.edits import with_columns_of
from tomoset.sets.labels import NAME, SERIES_FILE
from tomoset.sets.naming import renamed_file
from tomoset.tables import as_numpy, one_below_other

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from tomoset.sets.findings import Finding
    from tomoset.sets.values import Integers
    from tomoset.star import StarFile

__all__ = ["Contents", "Layout", "Origin", "concatenated", "offsets_of", "stamp_of"]

#: One file for each tilt series, or all in the set's file.
Layout: TypeAlias = Literal["relion5", "relion4"]


class Origin(NamedTuple):
    """The table that a tilt series was read from."""

    #: Where it is, and its block's name.
    path: str
    block: str
    #: Time of the last change and size, by which a file that others wrote to is known.
    stamp: tuple[int, int]
    num_rows: int
    #: Whether the file is of this tilt series alone, so that all that is in it goes with it.
    alone: bool


def stamp_of(path: str) -> tuple[int, int]:
    """Give the stamp of a file, one that no file has where there is none."""
    try:
        facts = os.stat(path)  # noqa: PTH116 (a thousand Path objects take milliseconds)
    except OSError:
        return (0, -1)
    return (facts.st_mtime_ns, facts.st_size)


@dataclass(frozen=True)
class Contents:
    """A set is two tables: one row a tomogram, and all tilt images, tomogram by tomogram.

    Attributes
    ----------
    table : pyarrow.Table
        One row for each tomogram.
    tilts : pyarrow.Table
        All tilt images. A column that only some series have is null for the others.
    offsets : (n + 1,) int64 array
        The images of tomogram ``i`` are rows ``offsets[i]`` to ``offsets[i + 1]``.
    headers : tuple of tuples of str
        Labels that tilt series have.
    header : (n,) int64 array
        Which of them each tilt series has.
    rows : (num_tilts,) int64 array or None
        Which row of its file each image was, -1 where it is new; None when they are all in their places.
    edited : frozenset of str
        Labels of the images that are not as in the files: with other values, new, or gone.
    origins : tuple of Origin or None
        Where each tilt series was read from.
    global_file, global_block : StarFile and str, or None
        The file the table was read from, and its block.
    global_rows : (n,) int64 array or None
        Which row of that block each tomogram was.
    """

    table: pa.Table
    tilts: pa.Table
    offsets: Integers
    headers: tuple[tuple[str, ...], ...]
    header: Integers
    layout: Layout
    path: str | None
    project_root: Path
    origins: tuple[Origin | None, ...]
    rows: Integers | None = None
    edited: frozenset[str] = frozenset()
    global_file: StarFile | None = None
    global_block: str = "global"
    global_rows: Integers | None = None
    findings: tuple[Finding, ...] = ()

    @cached_property
    def names(self) -> list[str]:
        """Names of the tomograms."""
        names: list[str] = self.table.column(NAME).to_pylist()
        return names

    @cached_property
    def _places(self) -> dict[str, int]:
        # Of a name that is there twice the first, as RELION has it in most places.
        return {name: at for at, name in reversed(list(enumerate(self.names)))}

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def place(self, name: str) -> int:
        """Give the row of a tomogram.

        Raises
        ------
        MissingTomogramError
            There is none of this name.
        """
        if name not in self._places:
            names = self.names
            meant = _core.hint(name, "data_", names) if isinstance(name, str) else ""
            message = f"{self._where}no tomogram {name!r} among {len(names)}{meant}"
            raise MissingTomogramError(message, name, self.path)
        return self._places[name]

    @property
    def _where(self) -> str:
        return f"{printable(self.path, 1000)}: " if self.path else ""

    def missing_label(self, label: str, row: int | None = None) -> MissingLabelError:
        """Make the error of a label that the set's table does not have, or a tilt series."""
        known = self.table.column_names if row is None else self.labels(row)
        what = f"the set's block {self.global_block!r}" if row is None else f"tilt series {self.names[row]!r}"
        meant = _core.hint(label, "_", list(known)) if isinstance(label, str) else ""
        return MissingLabelError(f"{self._where}{what} has no column {label!r}{meant}", label)

    def numbers(self, label: str) -> npt.NDArray[Any]:
        """Give a column of all tilt images, which each tilt series that has images must have.

        Raises
        ------
        MissingLabelError
            One has not.
        """
        lacks = ~self.have(label) & (np.diff(self.offsets) > 0)
        if lacks.any():
            raise self.missing_label(label, int(np.argmax(lacks)))
        return as_numpy(self.tilts.column(label)) if label in self.tilts.column_names else np.empty(0)

    @property
    def named_tilts(self) -> pa.Table:
        """All tilt images with the names of their tomograms as the first column."""
        tilts = self.tilts
        if NAME in tilts.column_names:
            # Of some files' own, which need not be the set's.
            tilts = tilts.drop_columns([NAME])
        codes = pa.array(self.owners().astype(np.int32))
        names = pa.DictionaryArray.from_arrays(codes, pa.array(self.names, pa.large_string()))
        return tilts.add_column(0, NAME, names)

    def series(self, row: int) -> pa.Table:
        """Give the images of a tomogram with the labels of their own file, a slice."""
        start, stop = (int(at) for at in self.offsets[row : row + 2])
        return self.tilts.select(list(self.labels(row))).slice(start, stop - start)

    def labels(self, row: int) -> tuple[str, ...]:
        """Give the labels that a tilt series has."""
        at = int(self.header[row])
        return self.headers[at] if at >= 0 else ()

    def have(self, *labels: str) -> npt.NDArray[np.bool_]:
        """Give which tilt series have all of some labels."""
        known = [all(label in header for label in labels) for header in self.headers]
        return np.array([*known, False])[self.header]

    def where(self, row: int, path: str | None = None) -> str:
        """Say which tomogram of which file one is."""
        name = printable(self.table.column(NAME)[row].as_py())
        # Of the set that was read, if this is a part of it.
        place = row if self.global_rows is None else int(self.global_rows[row])
        return f"{printable(path or self.path or '<memory>', 1000)}: row {place} ({name})"

    def error(self, code: str, row: int, found: str, path: str | None = None) -> SetError:
        """Make the error of a tomogram, in the file at `path` if that is not the one it was read from."""
        name: str = self.table.column(NAME)[row].as_py()
        path = path or self.path
        return SetError(f"{self.where(row, path)}: {found}", code=code, path=path, tomogram=name, row=row)

    def take(self, indices: Integers) -> Contents:
        """Give some tomograms, in this order; their images are slices of the same memory."""
        counts = np.diff(self.offsets)[indices]
        whole = np.array_equal(indices, np.arange(len(self.offsets) - 1))
        if whole:
            return self
        pieces = [
            self.tilts.slice(int(self.offsets[at]), int(self.offsets[at + 1] - self.offsets[at]))
            for at in indices
        ]
        tilts = pa.concat_tables(pieces) if pieces else self.tilts.slice(0, 0)
        known = np.arange(len(self.origins)) if self.global_rows is None else self.global_rows
        names = set(self.table.column(NAME).take(indices).to_pylist())
        return replace(
            self,
            table=self.table.take(indices),
            tilts=tilts,
            offsets=offsets_of(counts),
            header=self.header[indices],
            origins=tuple(self.origins[at] for at in indices),
            rows=None if self.rows is None else self.rows[self.images_of(indices)],
            global_rows=known[indices],
            findings=tuple(finding for finding in self.findings if finding.tomogram in {None, *names}),
        )

    def images_of(self, indices: Integers) -> Integers:
        """Give the rows of `tilts` of some tomograms."""
        spans = [np.arange(self.offsets[at], self.offsets[at + 1]) for at in indices]
        return np.concatenate(spans) if spans else np.empty(0, dtype=np.int64)

    def take_images(self, images: Integers) -> Contents:
        """Give these images, which are sorted by tomogram."""
        owner = self.owners()[images]
        counts = np.bincount(owner, minlength=len(self.offsets) - 1)
        known = self.places() if self.rows is None else self.rows
        return replace(self, tilts=self.tilts.take(images), offsets=offsets_of(counts), rows=known[images])

    def renamed(self, names: list[str]) -> Contents:
        """Give all tomograms other names, and files that are named after them."""
        table = with_columns_of(self.table, {NAME: names}, text=True)
        if SERIES_FILE in table.column_names:
            files: list[str | None] = table.column(SERIES_FILE).to_pylist()
            moved = [renamed_file(*each) for each in zip(files, self.names, names, strict=True)]
            table = with_columns_of(table, {SERIES_FILE: moved}, text=True)
        new = dict(zip(self.names, names, strict=True))
        findings = [
            replace(finding, tomogram=new.get(finding.tomogram, finding.tomogram))
            if finding.tomogram
            else finding
            for finding in self.findings
        ]
        return replace(self, table=table, findings=tuple(findings))

    def owners(self) -> Integers:
        """Give the tomogram of each image."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def places(self) -> Integers:
        """Give the place of each image in its tilt series."""
        return np.arange(self.offsets[-1]) - np.repeat(self.offsets[:-1], np.diff(self.offsets))


def concatenated(parts: Sequence[Contents], clashes: Literal["raise", "number", "first"]) -> Contents:
    """Give the tomograms of several sets as one, as `TomogramSet.concat` does."""
    if clashes not in ("raise", "number", "first"):
        raise ValueError(f"clashes is {clashes!r}; it must be 'raise', 'number' or 'first'")
    if not parts:
        raise ValueError("there are no sets to put together")
    first = parts[0]
    for part in parts[1:]:
        if part.layout != first.layout:
            raise ValueError("sets of RELION 4, in one file, and of RELION 5 are not put together")
        if os.path.realpath(part.project_root) != os.path.realpath(first.project_root):
            roots = f"{first.project_root} and {part.project_root}"
            raise ValueError(
                f"the sets are of several projects, {roots}, so that their paths lead to other files"
            )
    known: set[str] = set()
    parts = [_unclashed(part, known, clashes) for part in parts]
    headers: dict[tuple[str, ...], int] = {}
    header = [headers.setdefault(part.headers[at], len(headers)) for part in parts for at in part.header]
    rows = None
    if any(part.rows is not None for part in parts):
        rows = np.concatenate([part.places() if part.rows is None else part.rows for part in parts])
    return replace(
        first,
        table=one_below_other([part.table for part in parts]),
        tilts=one_below_other([part.tilts for part in parts]),
        offsets=offsets_of(np.concatenate([np.diff(part.offsets) for part in parts])),
        headers=tuple(headers),
        header=np.array(header, dtype=np.int64),
        path=None,
        origins=tuple(origin for part in parts for origin in part.origins),
        rows=rows,
        edited=frozenset().union(*(part.edited for part in parts)),
        global_file=None,
        global_block="global",
        global_rows=None,
        findings=tuple(finding for part in parts for finding in part.findings),
    )


def _unclashed(part: Contents, known: set[str], clashes: str) -> Contents:
    """Rename or leave out tomograms whose names are taken."""
    names = part.names
    kept, renamed = [], []
    for index, name in enumerate(names):
        new = name
        if name in known:
            if clashes == "raise":
                raise ValueError(f"tomogram {name!r} is in several sets (clashes= says what to do)")
            if clashes == "first":
                continue
            number = 2
            while (new := f"{name}_{number}") in known or new in names:
                number += 1
        known.add(new)
        kept.append(index)
        renamed.append(new)
    return part.take(np.array(kept, dtype=np.int64)).renamed(renamed)


def offsets_of(counts: Sequence[int] | Integers) -> Integers:
    """Give where each tomogram's images begin, and where the last ones end."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    offsets.flags.writeable = False
    return offsets
