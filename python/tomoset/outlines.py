"""What STAR files hold, without their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tomoset import _core
from tomoset.blocks import StarBlock
from tomoset.diagnostics import Diagnostic, located
from tomoset.exceptions import MissingBlockError, printable
from tomoset.frames import blocks_text
from tomoset.sources import (
    Dtypes,
    InvalidUtf8,
    OnError,
    StarSource,
    Strings,
    check_threads,
    locate,
    name_of,
    read_options,
)

__all__ = ["OutlineBlock", "OutlineTable", "StarOutline", "scan_star"]


def scan_star(source: StarSource, *, on_error: OnError = "raise", threads: int | None = None) -> StarOutline:
    """Tell what a STAR file holds, without reading a value.

    The file is never held in memory as a whole.

    Parameters
    ----------
    source : str, os.PathLike, bytes-like or file-like
        As in `read_star`.
    on_error : {"raise", "collect"}
        As in `read_star`; types are not looked at.
    threads : int, optional
        As in `read_star`.

    Returns
    -------
    StarOutline
        Blocks with labels, row counts and byte ranges; its `read` reads one block alone.

    Raises
    ------
    StarSyntaxError
        The first fault of structure.
    OSError
        What the system says.
    """
    check_threads(threads)
    where = locate(source)
    if isinstance(where, str):
        return StarOutline(_core.scan_path(where, on_error=on_error, threads=threads), where)
    name = name_of(source)
    return StarOutline(_core.scan_bytes(where, on_error=on_error, threads=threads, name=name), name)


class OutlineTable(NamedTuple):
    """A list or loop of a block, as an outline knows it."""

    #: Whether it is a list, and not a loop.
    is_list: bool
    #: Rows of a loop; 1 for a list.
    num_rows: int
    #: Labels, without the underscore.
    labels: list[str]
    #: Offset of its first byte.
    start: int
    #: Offset behind its last byte.
    end: int


class OutlineBlock(NamedTuple):
    """A block, as an outline knows it; `start` and `end` are byte offsets."""

    #: Name of the block, without ``data_``.
    name: str
    #: Number of the version comment above it.
    version: int | None
    #: Offset of its first byte.
    start: int
    #: Offset behind its last byte.
    end: int
    #: Its lists and loops, in order.
    tables: tuple[OutlineTable, ...]

    @property
    def num_rows(self) -> int:
        """Rows of all loops together; 1 for a block that is only a list."""
        loops = [table.num_rows for table in self.tables if not table.is_list]
        return sum(loops) if loops else min(1, len(self.tables))

    @property
    def labels(self) -> list[str]:
        """Labels of all tables, in file order."""
        return [label for table in self.tables for label in table.labels]


class StarOutline(Mapping[str, OutlineBlock]):
    """What a STAR file holds: blocks, labels, row counts and byte ranges, but no values.

    Attributes
    ----------
    path : str or None
        The file it is the outline of.
    """

    def __init__(self, outline: _core.Outline, path: str | None) -> None:
        self.path = path
        self._outline = outline
        self._entries = outline.blocks()
        self._first = {entry[0]: index for index, entry in reversed(list(enumerate(self._entries)))}

    @property
    def blocks(self) -> tuple[OutlineBlock, ...]:
        """All blocks in file order."""
        return tuple(self._block(index) for index in range(len(self._entries)))

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is odd about the structure, in file order."""
        return located(self._outline.diagnostics())

    def read(
        self,
        block: str | int,
        *,
        columns: Iterable[str] | None = None,
        dtypes: Dtypes = "relion",
        strings: Strings = "large_string",
        on_error: OnError = "raise",
        invalid_utf8: InvalidUtf8 = "replace",
        threads: int | None = None,
    ) -> StarBlock:
        """Read one block, without looking at the rest of the file.

        Parameters
        ----------
        block : str or int
            Its name, or its place among `blocks`.
        columns, dtypes, strings, on_error, invalid_utf8, threads
            As in `read_star`.

        Returns
        -------
        StarBlock

        Raises
        ------
        MissingBlockError
            No such block.
        StarTypeError, MissingLabelError, OSError
            As in `read_star`. The file must be as it was scanned.
        """
        index = self._index(block)
        options = read_options(None, columns, dtypes, strings, on_error, invalid_utf8, False, threads)
        return StarBlock._of(self._outline.read(index, options), 0, self._entries[index][0])

    def __getitem__(self, name: str) -> OutlineBlock:
        """Give the first block of this name."""
        return self._block(self._index(name))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(entry[0] for entry in self._entries))

    def __len__(self) -> int:
        return len(self._first)

    def __repr__(self) -> str:
        rows = ((block.name, f"{block.num_rows} rows x {len(block.labels)} columns") for block in self.blocks)
        return blocks_text(self.path, rows, self.diagnostics)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            "a StarOutline cannot be pickled: pass its path on, and call scan_star where it is needed"
        )

    def _block(self, index: int) -> OutlineBlock:
        name, version, start, end = self._entries[index]
        tables = tuple(OutlineTable(*table) for table in self._outline.tables(index))
        return OutlineBlock(name, version, start, end, tables)

    def _index(self, block: str | int) -> int:
        index = block if isinstance(block, int) else self._first.get(block, -1)
        if not 0 <= index < len(self._entries):
            where = printable(self.path or "<memory>", 1000)
            meant = _core.hint(block, "data_", list(self._first)) if isinstance(block, str) else ""
            raise MissingBlockError(f"{where}: no block {block!r}{meant}", str(block), self.path)
        return index
