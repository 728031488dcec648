"""Tomogram sets from their files: RELION 5 with a file for each tilt series, RELION 4 and Warp with one for all."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pyarrow as pa

from tomoset import _core
from tomoset.exceptions import MissingBlockError, SetError, TomosetError, printable
from tomoset.sets.contents import Contents, Layout, Origin, offsets_of, stamp_of
from tomoset.sets.findings import Finding
from tomoset.sets.kinds import reader_hint
from tomoset.sets.labels import FRAME_COUNT, GLOBAL, NAME, SERIES_FILE
from tomoset.sets.paths import project_root, repeated
from tomoset.sets.together import finish, is_at_work
from tomoset.sources import read_options
from tomoset.star import read_star
from tomoset.tables import one_below_other

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tomoset.diagnostics import Severity
    from tomoset.star import StarFile

__all__ = ["Missing", "read_contents"]

Missing: TypeAlias = Literal["raise", "skip"]

#: How often a set is read anew that others write to meanwhile: beside a writer that never rests, most readings meet it.
TRIES = 100


def read_contents(
    path: str,
    root: str | os.PathLike[str] | None,
    *,
    missing: Missing,
    allow_outside: bool,
    threads: int | None,
) -> Contents:
    """Read a set, as `TomogramSet.read` does."""
    if missing not in ("raise", "skip"):
        raise ValueError(f"missing is {missing!r}; it must be 'raise' or 'skip'")
    for _ in range(TRIES):
        finish(Path(path))
        with _held(path) as held:
            stamp = stamp_of(path)
            try:
                contents = _read_once(
                    path, root, stamp, missing=missing, allow_outside=allow_outside, threads=threads
                )
            except (TomosetError, OSError):
                if _is_as_it_was(path, stamp, held):
                    raise
                continue
            if _is_as_it_was(path, stamp, held):
                return contents
    raise OSError(11, "The set is being written to all the time", path)


@contextlib.contextmanager
def _held(path: str) -> Iterator[int | None]:
    """Keep a file from being gone for good, so that no other can have its number meanwhile."""
    try:
        handle = os.open(path, getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK))
    except OSError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _is_as_it_was(path: str, stamp: tuple[int, int], held: int | None) -> bool:
    """Whether nobody wrote a set meanwhile, so that it is of one piece: its own file is renamed last."""
    # First: who was at work while it was read, and is no longer, has put another file in its place by now.
    if is_at_work(Path(path)):
        return False
    try:
        same = held is None or os.path.samestat(os.fstat(held), Path(path).stat())
    except OSError:
        return False
    return same and stamp_of(path) == stamp


def _read_once(
    path: str,
    root: str | os.PathLike[str] | None,
    stamp: tuple[int, int],
    *,
    missing: Missing,
    allow_outside: bool,
    threads: int | None,
) -> Contents:
    star = read_star(path, threads=threads)
    block = _global_block(star, path)
    table = star[block].to_arrow()
    names: list[str] = table.column(NAME).to_pylist()
    reader = _Reader(path, block, names, missing)
    if block != GLOBAL:
        reader.findings.append(
            Finding(
                "unnamed-block",
                "fatal",
                printable(path, 1000),
                "the block with the tomograms has no name",
                f"looks for a block named {GLOBAL!r}, and takes the file for no set",
                "write the set, which names it",
                path=path,
                block=block,
            )
        )
    reader.check_names()
    if SERIES_FILE in table.column_names:
        files: list[str | None] = table.column(SERIES_FILE).to_pylist()
        top = project_root(Path(path), files[0]) if root is None else _absolute(root)
        layout: Layout = "relion5"
        series = reader.read_files(files, top, threads, allow_outside=allow_outside)
    else:
        top = project_root(Path(path)) if root is None else _absolute(root)
        layout = "relion4"
        series = reader.read_blocks(star, block, stamp)
    counts = table.column(FRAME_COUNT).to_pylist() if FRAME_COUNT in table.column_names else []
    reader.check_counts(counts, series.counts)
    contents = Contents(
        table=table,
        tilts=series.tilts,
        offsets=offsets_of(series.counts),
        headers=series.headers,
        header=np.array([-1 if at is None else at for at in series.header], dtype=np.int64),
        layout=layout,
        path=path,
        project_root=top,
        origins=series.origins,
        global_file=star,
        global_block=block,
    )
    left = [index for index in range(len(names)) if index not in reader.skipped]
    return replace(contents.take(np.array(left, dtype=np.int64)), findings=tuple(reader.findings))


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 (links must stay)


def _global_block(star: StarFile, path: str) -> str:
    """Give the name of the block with the tomograms: RELION's, or that of others that leave it out."""
    where = printable(path, 1000)
    block = next((name for name in (GLOBAL, "") if name in star), None)
    if block is None or not star[block].num_rows:
        found = (
            "is empty"
            if block is not None
            else f"is not there (there is {', '.join(map(repr, star)) or 'none'})"
        )
        raise SetError(
            f"{where}: no tomogram set: the block 'global' {found}{reader_hint(star, 'TomogramSet')};"
            " RELION takes such a file for none",
            code="no-tomograms",
            path=path,
            block=block,
        )
    if NAME not in star[block]:
        meant = _core.hint(NAME, "_", star[block].labels)
        raise SetError(
            f"{where}: no tomogram set: block {block!r} has no column {NAME}{meant}; RELION stops here",
            code="no-names",
            path=path,
            block=block,
        )
    return block


@dataclass
class _Series:
    """All tilt series of a set."""

    tilts: pa.Table
    counts: list[int]
    headers: tuple[tuple[str, ...], ...]
    header: list[int | None]
    origins: tuple[Origin | None, ...]


@dataclass
class _Reader:
    """Reads the tilt series of a set, and keeps what is wrong with them."""

    path: str
    block: str
    names: list[str]
    missing: Missing
    findings: list[Finding] = field(default_factory=list)
    skipped: set[int] = field(default_factory=set)

    def where(self, row: int) -> str:
        return f"{printable(self.path, 1000)}: row {row} ({printable(self.names[row])})"

    def note(
        self, code: str, severity: Severity, row: int, found: str, relion: str, mend: str, label: str
    ) -> None:
        self.findings.append(
            Finding(
                code,
                severity,
                self.where(row),
                found,
                relion,
                mend,
                self.names[row],
                path=self.path,
                block=self.block,
                row=row,
                label=label,
            )
        )

    def fail(self, code: str, row: int, found: str, relion: str, mend: str, label: str = NAME) -> None:
        """Raise, or leave the row out and say so."""
        if self.missing == "raise":
            message = f"{self.where(row)}: {found}; {mend}. RELION {relion}"
            raise SetError(message, code=code, path=self.path, tomogram=self.names[row], row=row)
        self.note(code, "fatal", row, found, relion, mend, label)
        self.skipped.add(row)

    def check_names(self) -> None:
        for row, name in enumerate(self.names):
            if not name:
                self.fail(
                    "empty-name",
                    row,
                    "the name is empty",
                    "looks for a block without a name",
                    "give it a name",
                )
        for name, rows in repeated(self.names).items():
            for row in rows[1:]:
                self.fail(
                    "repeated-name",
                    row,
                    f"{name!r} is also in row {rows[0]}",
                    "takes the first of them in some places and the last in others",
                    "rename one of them",
                )

    def check_counts(self, expected: list[int | None], found: list[int]) -> None:
        for row, (wanted, rows) in enumerate(zip(expected, found, strict=False)):
            if wanted is not None and wanted != rows and row not in self.skipped:
                few = wanted < rows
                self.note(
                    "frame-count",
                    "silent" if few else "fatal",
                    row,
                    f"{FRAME_COUNT} is {wanted}, and there are {rows} rows",
                    "takes the first rows alone" if few else "stops where it looks for the others",
                    f"set {FRAME_COUNT} to the number of rows",
                    FRAME_COUNT,
                )

    # RELION 5: a file for each tilt series.

    def read_files(
        self, files: list[str | None], root: Path, threads: int | None, *, allow_outside: bool
    ) -> _Series:
        for row, file in enumerate(files):
            if not file and row not in self.skipped:
                found = f"{SERIES_FILE} is empty"
                self.fail("no-path", row, found, "stops here", "give it a path", SERIES_FILE)
        wanted = [row for row in range(len(files)) if row not in self.skipped]
        paths = [str(files[row]) for row in wanted]
        names = [self.names[row] for row in wanted]
        options = read_options(None, None, "relion", "large_string", "collect", "replace", False, threads)
        stack = _core.read_stack(paths, options, names, root=root, stay=not allow_outside)
        paths = [os.path.join(root, path) for path in paths]  # noqa: PTH118 (a thousand Path objects take milliseconds)
        for at in stack.outside:
            self._leads_out(wanted[at], str(files[wanted[at]]), paths[at], root)
        for at, error in stack.faults:
            self._fault(wanted[at], paths[at], error)
        counts = [0] * len(files)
        header: list[int | None] = [None] * len(files)
        origins: list[Origin | None] = [None] * len(files)
        shared = repeated(paths)
        read = zip(wanted, paths, stack.rows, stack.header, stack.stamps, strict=True)
        for row, path, count, own, stamp in read:
            counts[row], header[row] = count, own
            if count:
                origins[row] = Origin(path, self.names[row], stamp, count, path not in shared)
            elif row not in self.skipped:
                self.fail(
                    "empty-tilt-series",
                    row,
                    f"block data_{printable(self.names[row])} of {printable(path, 1000)} has no rows",
                    "stops here",
                    "remove the row, or import the tilt series again",
                    SERIES_FILE,
                )
        headers = tuple(tuple(dict.fromkeys(labels)) for labels in stack.headers)
        self._check_files(paths, wanted)
        return _Series(stack.table, counts, headers, header, tuple(origins))

    def _leads_out(self, row: int, file: str, path: str, root: Path) -> None:
        self.fail(
            "outside",
            row,
            f"the path {printable(file, 1000)} leads out of the project {printable(str(root), 1000)}, to"
            f" {printable(os.path.realpath(path), 1000)}",
            "would read it",
            "pass allow_outside=True to read it, or another project_root",
            SERIES_FILE,
        )

    def _fault(self, row: int, path: str, error: Exception) -> None:
        """Raise what a file's reader said with the row, or leave the row out."""
        if self.missing == "skip":
            code = "missing-file" if isinstance(error, FileNotFoundError) else "unreadable"
            if isinstance(error, MissingBlockError):
                code = "missing-block"
            mend = "remove the row, or mend the file"
            self.note(code, "fatal", row, str(error), "stops here", mend, SERIES_FILE)
            self.skipped.add(row)
            return
        if isinstance(error, OSError):
            words = f"{error.strerror} (the tilt series of {self.where(row)}, where RELION stops)"
            raise type(error)(error.errno, words, error.filename)
        if isinstance(error, MissingBlockError):
            words = (
                f"{error}; it is the tilt series of {self.where(row)}, and RELION wants a block of that name"
            )
            raise MissingBlockError(words, self.names[row], path)
        error.add_note(f"This is the tilt series of {self.where(row)}.")
        raise error

    def _check_files(self, paths: list[str], rows: list[int]) -> None:
        for path, places in repeated(paths).items():
            for at in places[1:]:
                self.note(
                    "shared-file",
                    "silent",
                    rows[at],
                    f"{printable(path, 1000)} also has the tilt series of row {rows[places[0]]}",
                    "reads it, and writes one over the other",
                    "write the set with tomoset, which refuses to, after giving each a file of its own",
                    SERIES_FILE,
                )

    # RELION 4 and Warp: all in one file.

    def read_blocks(self, star: StarFile, first: str, stamp: tuple[int, int]) -> _Series:
        order = [name for name in star if name != first]
        if order != self.names and sorted(order) == sorted(self.names):
            row = next(row for row, name in enumerate(self.names) if order[row] != name)
            self.note(
                "blocks-out-of-order",
                "fatal",
                row,
                f"the block in its place is data_{printable(order[row])}",
                "takes such a file for corrupted",
                "write the set, which puts the blocks in order",
                NAME,
            )
        own = os.path.abspath(self.path)  # noqa: PTH100 (links must stay)
        tables: list[pa.Table] = []
        header: list[int | None] = []
        headers: dict[tuple[str, ...], int] = {}
        origins: list[Origin | None] = []
        for row, name in enumerate(self.names):
            if name == first:
                self.fail(
                    "odd-name",
                    row,
                    f"the name is that of the set's own block, {first!r}",
                    "takes that for the tilt series",
                    "rename the tomogram and its block",
                )
            table = None if row in self.skipped else self._block(star, row)
            origins.append(None if table is None else Origin(own, name, stamp, table.num_rows, alone=False))
            tables.append(pa.table({}) if table is None else table)
            header.append(
                None if table is None else headers.setdefault(tuple(table.column_names), len(headers))
            )
        whole = [table for table in tables if table.num_columns]
        tilts = one_below_other(whole).combine_chunks() if whole else pa.table({})
        return _Series(tilts, [table.num_rows for table in tables], tuple(headers), header, tuple(origins))

    def _block(self, star: StarFile, row: int) -> pa.Table | None:
        name = self.names[row]
        if name not in star or not star[name].num_rows:
            found = "has no rows" if name in star else f"is not there{_core.hint(name, 'data_', list(star))}"
            self.fail(
                "empty-tilt-series" if name in star else "missing-block",
                row,
                f"block data_{printable(name)} {found}",
                "takes such a file for corrupted",
                "remove the row, or mend the file",
            )
            return None
        block = star[name]
        return block.loops[0] if block.loops else block.to_arrow()
