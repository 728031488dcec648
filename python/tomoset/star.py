"""STAR files as Arrow tables: reading, editing and writing whole files."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomoset import _core
from tomoset.blocks import StarBlock
from tomoset.diagnostics import Diagnostic, located
from tomoset.exceptions import MissingBlockError, printable
from tomoset.frames import blocks_html, blocks_text
from tomoset.remote import is_url, local_path
from tomoset.sources import (
    Dtypes,
    InvalidUtf8,
    OnError,
    StarSource,
    Strings,
    locate,
    name_of,
    read_options,
)
from tomoset.tables import as_numpy, one_below_other
from tomoset.writing import StarTarget, check_block_name, write_star

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

__all__ = ["StarFile", "read_star"]


def read_star(
    source: StarSource,
    *,
    blocks: Iterable[str] | None = None,
    columns: Iterable[str] | None = None,
    dtypes: Dtypes = "relion",
    strings: Strings = "large_string",
    on_error: OnError = "raise",
    invalid_utf8: InvalidUtf8 = "replace",
    memory_map: bool = False,
    threads: int | None = None,
) -> StarFile:
    r"""Read a STAR file into Arrow tables.

    Parameters
    ----------
    source : str, os.PathLike, bytes-like or file-like
        A path, the text itself as bytes, or an object whose ``read()`` gives it. Gzip and zstd are recognised by
        content. Text with ``://``, such as ``s3://bucket/particles.star``, is an address; it is fetched as a whole,
        by fsspec (``tomoset[fsspec]``).
    blocks : iterable of str, optional
        Names of the blocks to read; all when not given. The text's structure is checked as a whole all the same.
    columns : iterable of str, optional
        Labels to read, without underscore; in each table the columns come in this order. Others are never parsed.
    dtypes : {"relion", "infer", "string"} or mapping of label to type
        ``"relion"`` types a column by RELION's dictionary of labels and infers unknown labels over their whole
        column; ``"infer"`` infers all; ``"string"`` leaves all as text. A mapping overrides single labels; types
        are ``"float64"``, ``"int64"``, ``"bool"``, ``"string"``, ``"list<float64>"``, ``"list<int64>"``, or the
        Python, NumPy or pyarrow types of these.
    strings : {"large_string", "view", "dictionary"}
        How text columns are laid out: copied once; as views into the file's own bytes, which stay in memory; or
        each distinct value once.
    on_error : {"raise", "collect"}
        ``"raise"`` stops at the first fault. ``"collect"`` keeps every good block and row, notes faults among the
        diagnostics, and gives a column whose values do not fit its type as text.
    invalid_utf8 : {"replace", "latin-1", "bytes"}
        What becomes of bytes that are not UTF-8 in text columns: U+FFFD; each byte as the character of that
        number; or the whole column as ``large_binary``.
    memory_map : bool
        Map the file instead of reading it. Only for files at rest: one that is truncated meanwhile ends the process.
    threads : int, optional
        How many threads may share the work; all processors when not given. Results do not depend on it.

    Returns
    -------
    StarFile

    Raises
    ------
    StarSyntaxError, StarTypeError
        The first fault, with path, line, column, offset, block, what was expected and what was found.
    MissingBlockError, MissingLabelError
        A block or column that was asked for and is not there.
    OSError
        What the system says; also for compressed data cut short and files that shrink while they are read.

    Examples
    --------
    >>> star = tomoset.read_star(b"data_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnVoltage #2\n1 300\n")
    >>> star["optics"].to_dict()
    {'rlnOpticsGroup': [1], 'rlnVoltage': [300.0]}
    """
    options = read_options(blocks, columns, dtypes, strings, on_error, invalid_utf8, memory_map, threads)
    where = locate(source)
    left_out = [
        f"{option}=" for option, chosen in (("blocks", blocks), ("columns", columns)) if chosen is not None
    ]
    if isinstance(where, str):
        return StarFile(_core.read_path(where, options), where, " and ".join(left_out))
    name = name_of(source)
    return StarFile(_core.read_bytes(where, options, name), name, " and ".join(left_out))


class StarFile(MutableMapping[str, StarBlock]):
    """A STAR file that was read: its blocks by name, in file order.

    Where several blocks have one name, the name gives the first, as in RELION; `blocks` holds them all. Blocks can be
    set, added and deleted; `write` then keeps the text of all that was not edited.

    Attributes
    ----------
    path : str or None
        Where it was read from.
    """

    def __init__(self, tables: _core.StarTables, path: str | None = None, left_out: str = "") -> None:
        self.path = path
        self._tables = tables
        # The options by which some of the file was not read.
        self._left_out = left_out
        self._names = tables.names()
        # Each block, or which of the reader's it is as long as nobody has asked for it.
        self._made: list[StarBlock | int] = list(range(len(self._names)))
        self._number()

    def _number(self) -> None:
        self._first = {name: index for index, name in reversed(list(enumerate(self._names)))}

    @property
    def blocks(self) -> tuple[StarBlock, ...]:
        """All blocks in file order, also those whose names repeat."""
        return tuple(self._block(index) for index in range(len(self._names)))

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Whatever is odd in the file as it was read, in file order; see `Diagnostic`."""
        return located(self._tables.diagnostics())

    def __getitem__(self, name: str) -> StarBlock:
        """Give the first block of this name."""
        return self._block(self._index(name))

    def __setitem__(self, name: str, block: Any) -> None:  # noqa: ANN401
        """Put a block in the place of the first of this name, or below all others.

        Parameters
        ----------
        name : str
            Without ``data_``.
        block : StarBlock, table or dict
            Of a table or dictionary the values that are as they were in the block of this name keep their text, as
            `StarBlock.with_table` has it.

        Raises
        ------
        TypeError
            As in `write_star`.
        """
        if not isinstance(name, str):
            raise TypeError(f"blocks are named by text, not {name!r}")
        if name not in self._first:
            check_block_name(name)
        if not isinstance(block, StarBlock):
            old = self._block(self._first[name]) if name in self._first else None
            is_one = old is not None and len(old.loops) + old.is_list == 1
            block = old.with_table(block) if old is not None and is_one else StarBlock.from_table(name, block)
        block = block.with_name(name)
        if name in self._first:
            self._made[self._first[name]] = block
            return
        self._names.append(name)
        self._made.append(block)
        self._number()

    def __delitem__(self, name: str) -> None:
        """Leave out the first block of this name."""
        index = self._index(name)
        del self._names[index], self._made[index]
        self._number()

    def rename(self, names: Mapping[str, str]) -> None:
        """Give blocks other names, in their places.

        Parameters
        ----------
        names : mapping of str to str
            Old names and new ones.

        Raises
        ------
        MissingBlockError
            A name that is not there.
        """
        renamed = [(self._index(name), names[name]) for name in names]
        after = dict(enumerate(self._names)) | dict(renamed)
        for index, name in renamed:
            if not isinstance(name, str):
                raise TypeError(f"blocks are named by text, not {name!r}")
            if any(other == name and at != index for at, other in after.items()):
                raise ValueError(f"there would be two blocks named {name!r}")
        for index, name in renamed:
            self._made[index] = self._block(index).with_name(name)
            self._names[index] = name
        self._number()

    def copy(self) -> StarFile:
        """Give another `StarFile` with the same blocks and text, to be edited apart from this one."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), _names=list(self._names), _made=list(self._made))
        other._number()
        return other

    __copy__ = copy

    def __deepcopy__(self, _: dict[int, Any]) -> StarFile:
        # Blocks do not change.
        return self.copy()

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(self._names))

    def __len__(self) -> int:
        return len(self._first)

    def __contains__(self, name: object) -> bool:
        return name in self._first

    def __repr__(self) -> str:
        return blocks_text(self.path, self._rows(), self.diagnostics)

    def _repr_html_(self) -> str:
        return blocks_html(self.path, self._rows(), self.diagnostics)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.path, self.blocks, self.diagnostics, self._left_out)

    def write(self, path_or_file: StarTarget, **options: Any) -> None:  # noqa: ANN401
        """Write the file, keeping the text of all that was read and not edited.

        A file that was read whole and not edited is written byte for byte, uncompressed. Blocks and columns that were
        not read are not written, so that such a file is not written over the one it was read from.

        Parameters
        ----------
        path_or_file : str, os.PathLike or file-like
            Where to; it may be the path it was read from.
        **options
            As in `write_star`.

        Raises
        ------
        StarWriteError, TypeError, OSError
            As in `write_star`; also for a large file that was written to by others since it was read.
        ValueError
            It was read in part, and `path_or_file` is the very file.
        """
        write_star(self, path_or_file, **options)

    def to_bytes(self, **options: Any) -> bytes:  # noqa: ANN401
        """Give the bytes that `write` would write.

        Parameters
        ----------
        **options
            As in `write_star`.
        """
        file = io.BytesIO()
        write_star(self, file, **options)
        return file.getvalue()

    def _stacked(self, blocks: npt.NDArray[np.int64]) -> tuple[pa.Table, npt.NDArray[np.int64]]:
        """Give the first tables of blocks, as they were read, below one another, and how many rows each has.

        Of thousands of blocks alike nothing is copied, and no object is made for each.
        """
        import numpy as np
        import pyarrow as pa

        tables, where = self._tables.stacked()
        table, first, rows = (as_numpy(where.column(name))[blocks] for name in ("table", "first", "rows"))
        there = rows > 0
        table, first, count = table[there], first[there], rows[there]
        ends = first + count
        # Where a stretch of neighbours in one table begins and ends.
        breaks = np.flatnonzero((table[1:] != table[:-1]) | (first[1:] != ends[:-1])) + 1
        starts, stops = np.r_[0, breaks], np.r_[breaks, len(table)]
        pieces = [
            tables[table[start]].slice(int(first[start]), int(ends[stop - 1] - first[start]))
            for start, stop in zip(starts, stops, strict=True)
            if start < stop
        ]
        if len(pieces) == 1:
            return pieces[0], rows
        return one_below_other([pa.table({}), *pieces]), rows

    def _draft(self, target: StarTarget | None, *, keep_text: bool) -> _core.Draft:
        if self._left_out and self._is_at(target):
            raise ValueError(
                f"{printable(self.path or '', 1000)} was read with {self._left_out}, and the rest of it would be lost:"
                " read it whole, or write to another path"
            )
        draft = _core.Draft()
        for index, (name, made) in enumerate(zip(self._names, self._made, strict=True)):
            if self._left_out and not self._block(index).labels:
                # None of its columns was asked for.
                continue
            if isinstance(made, int) and keep_text and self._tables.keeps_text():
                draft.keep_block(self._tables, made, None)
            else:
                self._block(index)._add_to(draft, name, keep_text=keep_text)
        return draft

    def _is_at(self, target: StarTarget | None) -> bool:
        if self.path is None or not isinstance(target, str | os.PathLike):
            return False
        if is_url(target):
            local = local_path(os.fspath(target))
            if local is None:
                return self.path == target
            target = local
        try:
            return Path(self.path).samefile(target)
        except OSError:
            return False

    def _index(self, name: str) -> int:
        if name not in self._first:
            known = ", ".join(repr(name) for name in list(self)[:8]) or "none at all"
            where = printable(self.path or "<memory>", 1000)
            meant = _core.hint(name, "data_", self._names) if isinstance(name, str) else ""
            message = f"{where}: no block named {name!r}; there is {known}{meant}"
            raise MissingBlockError(message, name, self.path)
        return self._first[name]

    def _block(self, index: int) -> StarBlock:
        made = self._made[index]
        if isinstance(made, int):
            made = self._made[index] = StarBlock._of(self._tables, made, self._names[index])
        return made

    def _rows(self) -> Iterator[tuple[str, str]]:
        for index, name in enumerate(self._names):
            yield name, self._block(index).shape_text


class _Rebuilt(StarFile):
    """A `StarFile` that came out of a pickle: the blocks themselves instead of the reader's tables."""

    def __init__(
        self,
        path: str | None,
        blocks: tuple[StarBlock, ...],
        diagnostics: tuple[Diagnostic, ...],
        left_out: str,
    ) -> None:
        self.path = path
        self._left_out = left_out
        self._names = [block.name for block in blocks]
        self._made = list(blocks)
        self._number()
        self._diagnostics = diagnostics

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return self._diagnostics


def _rebuild(
    path: str | None, blocks: tuple[StarBlock, ...], diagnostics: tuple[Diagnostic, ...], left_out: str
) -> StarFile:
    return _Rebuilt(path, blocks, diagnostics, left_out)
