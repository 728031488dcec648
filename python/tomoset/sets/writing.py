"""Tomogram sets into files: the set's own, and one for each tilt series."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoset import _core
from tomoset.blocks import StarBlock
from tomoset.exceptions import SetError, TomosetError, printable
from tomoset.sets.contents import Contents, Origin, stamp_of
from tomoset.sets.edits import with_columns_of
from tomoset.sets.labels import GLOBAL, NAME, SERIES_FILE
from tomoset.sets.paths import repeated
from tomoset.sets.together import Together, finish
from tomoset.sources import read_options
from tomoset.star import StarFile, read_star
from tomoset.tables import writable
from tomoset.writing import write_options, write_star

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

__all__ = ["kept_path", "write_contents"]

_JOB = re.compile(r"(?:.*?/)?job\d{3,}[^/]*/")


def kept_path(path: str) -> str:
    """Give what RELION keeps of a path: what comes after the first job folder, or all of it.

    As RELION's ``getOutputFileWithNewUniqueDate``: ``tilt_series/TS.star`` of ``Align/job005/tilt_series/TS.star``.
    """
    found = _JOB.match(path)
    return path[found.end() :] if found else path.lstrip("/")


def write_contents(contents: Contents, path: str, *, durable: bool, options: Mapping[str, Any]) -> None:
    """Write a set, as `TomogramSet.write` does."""
    target = Path(os.path.abspath(path))  # noqa: PTH100 (links must stay)
    if target.suffix != ".star" or target.is_dir():
        where = printable(path, 1000)
        raise ValueError(
            f"{where}: a set is written to a .star file, such as {where.rstrip('/')}/tomograms.star"
        )
    if len(contents.offsets) < 2:
        where = printable(path, 1000)
        raise SetError(
            f"{where}: RELION takes a set without tomograms for none", code="no-tomograms", path=path
        )
    writer = _Writer(contents, path, options)
    writer.check_names()
    finish(target)
    with Together(target, durable=durable) as together:
        if contents.layout == "relion5":
            names = writer.series_files()
            writer.check_origins(target, names)
            writer.add_series([f"{target.parent}/{name}" for name in names], together)
            folder = writer.folder(target)
            table = with_columns_of(
                contents.table, {SERIES_FILE: [f"{folder}{name}" for name in names]}, text=True
            )
            together.add(str(target), writer.global_file(table))
        else:
            together.add(str(target), writer.one_file())
        together.commit()


class _Writer:
    """Makes the bytes of a set's files; all that was not edited keeps its text."""

    def __init__(self, contents: Contents, path: str, options: Mapping[str, Any]) -> None:
        self._contents = contents
        self._path = path
        self._options = options
        self._names = contents.names
        #: The file that was read again last: sets of one file have all their tilt series in it.
        self._files: dict[str, StarFile | None] = {}

    def _fail(self, code: str, row: int, found: str) -> SetError:
        return self._contents.error(code, row, found, self._path)

    def check_names(self) -> None:
        for name, rows in repeated(self._names).items():
            raise self._fail(
                "repeated-name", rows[1], f"{name!r} is also in row {rows[0]}; RELION mixes them up"
            )
        for row, name in enumerate(self._names):
            if not name or name == GLOBAL or "\0" in name:
                raise self._fail("odd-name", row, f"a tomogram cannot be named {name!r}")
            if self._contents.offsets[row] == self._contents.offsets[row + 1]:
                found = "no tilt image is left; RELION stops at an empty tilt series (leave the tomogram out)"
                raise self._fail("empty-tilt-series", row, found)

    def folder(self, target: Path) -> str:
        """Give what goes before the paths of tilt series, as RELION has it: the folder of the set's file."""
        root = os.path.realpath(self._contents.project_root)
        folder = os.path.realpath(target.parent)
        if folder == root:
            return ""
        inside = folder.startswith(root.rstrip("/") + "/")
        return f"{os.path.relpath(folder, root) if inside else folder}/"

    def series_files(self) -> list[str]:
        """Give the file of each tilt series, from the folder of the set's file."""
        table = self._contents.table
        if SERIES_FILE in table.column_names:
            old: list[str | None] = table.column(SERIES_FILE).to_pylist()
        else:
            old = [None] * len(self._names)
        files = []
        for row, (name, path) in enumerate(zip(self._names, old, strict=True)):
            if not path and ("/" in name or name in {".", ".."}):
                raise self._fail("odd-name", row, "no file can be named so")
            kept = os.path.normpath(kept_path(path) if path else f"tilt_series/{name}.star")
            if kept.startswith("..") or kept == Path(self._path).name:
                raise self._fail("collision", row, f"the tilt series' file would be {printable(kept, 1000)}")
            files.append(kept)
        for file, rows in repeated(files).items():
            found = (
                f"the tilt series of row {rows[0]} would be written to the same file, {printable(file, 1000)}"
            )
            raise self._fail("collision", rows[1], found)
        return files

    def check_origins(self, target: Path, names: list[str]) -> None:
        """Refuse to change the tilt series of the set that this one was read from, under another name."""
        contents = self._contents
        if contents.path is not None and os.path.realpath(target) == os.path.realpath(contents.path):
            return
        folder = os.path.realpath(target.parent)
        real: dict[str, str] = {}
        for row, name in enumerate(names):
            origin = contents.origins[row]
            if origin is None:
                continue
            above, _, base = origin.path.rpartition("/")
            if above not in real:
                real[above] = os.path.realpath(above)
            if f"{real[above]}/{base}" != f"{folder}/{name}":
                continue
            if contents.edited or self._rows(row) is not None or origin.block != self._names[row]:
                found = f"this would change {printable(origin.path, 1000)}, which is of the set that was read"
                mend = "write over that set, or into another folder"
                raise self._fail("collision", row, f"{found}; {mend}")

    def add_series(self, files: list[str], together: Together) -> None:
        """Make the files of all tilt series."""
        contents = self._contents
        own = [origin is not None and self._is_own(origin) for origin in contents.origins]
        for index in np.flatnonzero(own).tolist():
            together.add(files[index], _to_bytes({self._names[index]: self._block(index)}, self._options))
        rest: list[int] = np.flatnonzero(np.logical_not(own)).tolist()
        if not rest:
            return
        keep_text = self._options.get("keep_text", True)
        options = {name: value for name, value in self._options.items() if name != "keep_text"}
        batch = writable(contents.tilts).combine_chunks().to_batches()[0]
        header, offsets = contents.header.tolist(), contents.offsets.tolist()
        made = []
        for index in rest:
            order = None if contents.rows is None else self._rows(index)
            source = contents.origins[index] if keep_text else None
            place = (offsets[index], offsets[index + 1], header[index], self._names[index])
            made.append(
                (
                    *place,
                    source,
                    None if order is None else order.tolist(),
                    *together.reserve(files[index]),
                )
            )
        _core.write_stack(
            batch,
            contents.headers,
            made,
            read_options(None, None, "relion", "large_string", "raise", "replace", False, None),
            write_options(**options),
            edited=contents.edited,
            durable=together.durable,
        )

    def global_file(self, table: pa.Table) -> bytes:
        """Make the file of a RELION 5 set's own table."""
        contents = self._contents
        if contents.global_file is None:
            return _to_bytes({GLOBAL: StarBlock.from_table(GLOBAL, table)}, self._options)
        if any(origin and self._is_own(origin) for origin in contents.origins):
            return _to_bytes({GLOBAL: self._global_block(table)}, self._options)
        star = contents.global_file.copy()
        star[contents.global_block] = self._global_block(table)
        if contents.global_block != GLOBAL:
            star.rename({contents.global_block: GLOBAL})
        return star.to_bytes(**self._options)

    def one_file(self) -> bytes:
        """Make the file of a RELION 4 set, its blocks in the order of its table."""
        contents = self._contents
        blocks = {GLOBAL: self._global_block(contents.table)}
        for index, name in enumerate(self._names):
            blocks[name] = self._block(index)
        if contents.global_file is not None:
            # What else is in the file, below all that RELION counts.
            own = contents.global_file
            series = {contents.global_block, *own[contents.global_block][NAME].to_pylist()}
            blocks.update((name, own[name]) for name in own if name not in series and name not in blocks)
        return _to_bytes(blocks, self._options)

    def _block(self, index: int) -> StarBlock:
        """Make the block of a tilt series, wherever it was."""
        contents = self._contents
        origin = contents.origins[index]
        star = None
        if origin is not None:
            star = contents.global_file if self._is_own(origin) else self._read_again(origin)
        if origin is None or star is None or origin.block not in star:
            return self._fresh(index)
        rows = self._rows(index)
        as_read = rows is None and not contents.edited and stamp_of(origin.path) == origin.stamp
        return star[origin.block] if as_read else star[origin.block].replaced(self._table(index), rows)

    def _read_again(self, origin: Origin) -> StarFile | None:
        """Read the file of a tilt series; None when it is no longer one of the same rows."""
        if origin.path not in self._files:
            try:
                self._files = {origin.path: read_star(origin.path)}
            except (OSError, TomosetError):
                self._files = {origin.path: None}
        star = self._files[origin.path]
        there = star is not None and origin.block in star and star[origin.block].num_rows == origin.num_rows
        return star if there else None

    def _is_own(self, origin: Origin) -> bool:
        """Whether a tilt series was in the set's own file, as in RELION 4."""
        own = self._contents.global_file
        return own is not None and own.path is not None and origin.path == os.path.abspath(own.path)  # noqa: PTH100

    def _global_block(self, table: pa.Table) -> StarBlock:
        contents = self._contents
        if contents.global_file is None:
            return StarBlock.from_table(GLOBAL, table)
        block = contents.global_file[contents.global_block]
        return block.replaced(table, contents.global_rows)

    def _rows(self, index: int) -> Any:  # noqa: ANN401
        """Give which row of its file each image of a tilt series was; None when all are in their places."""
        contents = self._contents
        if contents.rows is None:
            return None
        start, stop = contents.offsets[index : index + 2]
        rows = contents.rows[start:stop]
        origin = contents.origins[index]
        whole = (
            origin is not None and origin.num_rows == len(rows) and np.array_equal(rows, np.arange(len(rows)))
        )
        return None if whole else rows

    def _table(self, index: int) -> pa.Table:
        return self._contents.series(index)

    def _fresh(self, index: int) -> StarBlock:
        return StarBlock.from_table(self._names[index], self._table(index))


def _to_bytes(blocks: Mapping[str, StarBlock], options: Mapping[str, Any]) -> bytes:
    import io

    file = io.BytesIO()
    write_star(blocks, file, **options)
    return file.getvalue()
