"""STAR files as Arrow tables: reading whole files, outlines, and streams."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

from tomoset import _core
from tomoset.blocks import StarBlock
from tomoset.diagnostics import Diagnostic, located
from tomoset.dtypes import DtypeLike, dtype_names
from tomoset.exceptions import MissingBlockError, printable
from tomoset.frames import blocks_html, blocks_text
from tomoset.writing import StarTarget, write_star

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Diagnostic",
    "OutlineBlock",
    "OutlineTable",
    "StarBlock",
    "StarFile",
    "StarOutline",
    "StarSource",
    "iter_star",
    "read_star",
    "scan_star",
]


class Readable(Protocol):
    """Anything with a `read` method that gives bytes or text."""

    def read(self) -> bytes | str:
        """Give everything there is left."""
        ...


StarSource: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | Readable
Dtypes: TypeAlias = Literal["relion", "infer", "string"] | Mapping[str, DtypeLike]
Strings: TypeAlias = Literal["large_string", "view", "dictionary"]
OnError: TypeAlias = Literal["raise", "collect"]
InvalidUtf8: TypeAlias = Literal["replace", "latin-1", "bytes"]


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
        content.
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
    options = _options(blocks, columns, dtypes, strings, on_error, invalid_utf8, memory_map, threads)
    where = _where(source)
    if isinstance(where, str):
        return StarFile(_core.read_path(where, options), where)
    name = _name_of(source)
    return StarFile(_core.read_bytes(where, options, name), name)


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
    _check_threads(threads)
    where = _where(source)
    if isinstance(where, str):
        return StarOutline(_core.scan_path(where, on_error=on_error, threads=threads), where)
    name = _name_of(source)
    return StarOutline(_core.scan_bytes(where, on_error=on_error, threads=threads, name=name), name)


def iter_star(
    path: str | os.PathLike[str],
    block: str | None = None,
    columns: Iterable[str] | None = None,
    *,
    batch_rows: int = 65_536,
    dtypes: Dtypes = "relion",
    strings: Literal["large_string", "dictionary"] = "large_string",
    invalid_utf8: InvalidUtf8 = "replace",
    threads: int | None = None,
) -> pa.RecordBatchReader:
    """Stream one loop as record batches, in memory that does not grow with the file.

    The file is gone through once for its structure, once more when some label's type must be inferred, and once
    for the values. A compressed file is first unpacked into a temporary one.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    block : str, optional
        The block whose loop is meant; may be left out when the file has a single loop.
    columns, dtypes, strings, invalid_utf8, threads
        As in `read_star`.
    batch_rows : int
        Most rows in a batch.

    Returns
    -------
    pyarrow.RecordBatchReader

    Raises
    ------
    ValueError
        No loop, or more than one and no `block`.
    StarSyntaxError, StarTypeError, MissingBlockError, MissingLabelError, OSError
        As in `read_star`; type errors come when their batch is read.
    """
    import pyarrow as pa

    if batch_rows < 1:
        raise ValueError(f"batch_rows is {batch_rows}; it must be at least 1")
    if not isinstance(path, str | os.PathLike):
        what = type(path).__name__
        raise TypeError(
            f"iter_star streams a file by its path, not {what!r}; what is in memory, read_star reads"
        )
    options = _options(None, columns, dtypes, strings, "raise", invalid_utf8, False, threads)
    batches = _core.stream_path(os.fspath(path), block, options, batch_rows)
    return pa.RecordBatchReader.from_batches(batches.schema(), batches)


class StarFile(MutableMapping[str, StarBlock]):
    """A STAR file that was read: its blocks by name, in file order.

    Where several blocks have one name, the name gives the first, as in RELION; `blocks` holds them all. Blocks can be
    set, added and deleted; `write` then keeps the text of all that was not edited.

    Attributes
    ----------
    path : str or None
        Where it was read from.
    """

    def __init__(self, tables: _core.StarTables, path: str | None = None) -> None:
        self.path = path
        self._tables = tables
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
        return _rebuild, (self.path, self.blocks, self.diagnostics)

    def write(self, path_or_file: StarTarget, **options: Any) -> None:  # noqa: ANN401
        """Write the file, keeping the text of all that was read and not edited.

        A file that was read whole and not edited is written byte for byte, uncompressed. Blocks and columns that were
        not read are not written.

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

    def _draft(self, *, keep_text: bool) -> _core.Draft:
        draft = _core.Draft()
        for index, (name, made) in enumerate(zip(self._names, self._made, strict=True)):
            if isinstance(made, int) and keep_text and self._tables.keeps_text():
                draft.keep_block(self._tables, made, None)
            else:
                self._block(index)._add_to(draft, name, keep_text=keep_text)
        return draft

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
        self, path: str | None, blocks: tuple[StarBlock, ...], diagnostics: tuple[Diagnostic, ...]
    ) -> None:
        self.path = path
        self._names = [block.name for block in blocks]
        self._made = list(blocks)
        self._number()
        self._diagnostics = diagnostics

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return self._diagnostics


def _rebuild(
    path: str | None, blocks: tuple[StarBlock, ...], diagnostics: tuple[Diagnostic, ...]
) -> StarFile:
    return _Rebuilt(path, blocks, diagnostics)


class OutlineTable(NamedTuple):
    """A list or loop of a block, as an outline knows it."""

    is_list: bool
    num_rows: int
    labels: list[str]
    start: int
    end: int


class OutlineBlock(NamedTuple):
    """A block, as an outline knows it; `start` and `end` are byte offsets."""

    name: str
    version: int | None
    start: int
    end: int
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
        options = _options(None, columns, dtypes, strings, on_error, invalid_utf8, False, threads)
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


def _options(
    blocks: Iterable[str] | None,
    columns: Iterable[str] | None,
    dtypes: Dtypes,
    strings: Strings,
    on_error: OnError,
    invalid_utf8: InvalidUtf8,
    memory_map: bool,
    threads: int | None,
) -> _core.ReadOptions:
    for option, word in (("strings", strings), ("on_error", on_error), ("invalid_utf8", invalid_utf8)):
        if not isinstance(word, str):
            raise TypeError(f"{option} must be a word, not {word!r}")
    if not isinstance(memory_map, bool):
        raise TypeError(f"memory_map must be True or False, not {memory_map!r}")
    _check_threads(threads)
    return _core.ReadOptions(
        blocks=_names("blocks", blocks),
        columns=_names("columns", columns),
        dtypes=dtypes if isinstance(dtypes, str) else dtype_names(dtypes),
        strings=strings,
        on_error=on_error,
        invalid_utf8=invalid_utf8,
        memory_map=memory_map,
        threads=threads,
    )


def _check_threads(threads: int | None) -> None:
    if threads is None:
        return
    if not isinstance(threads, int) or isinstance(threads, bool):
        raise TypeError(f"threads must be a whole number, not {threads!r}")
    if threads < 1:
        raise ValueError(f"threads must be at least 1, or None for all; it is {threads}")


def _names(option: str, names: Iterable[str] | None) -> list[str] | None:
    if isinstance(names, str | bytes):
        raise TypeError(f"{option} must be a list of names; did you mean {option}=[{names!r}]?")
    if names is None:
        return None
    if not isinstance(names, Iterable):
        raise TypeError(f"{option} must be a list of names, not {names!r}")
    found = list(names)
    for name in found:
        if not isinstance(name, str):
            raise TypeError(f"{option} must hold names, not {name!r}")
    return found


def _name_of(source: StarSource) -> str | None:
    """Give the path of an open file, if it has one."""
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else None


def _where(source: StarSource) -> str | bytes:
    """Give a path, or the text itself."""
    match source:
        case str():
            return source
        case os.PathLike():
            return os.fsdecode(source)
        case bytes():
            return source
        case bytearray() | memoryview():
            return bytes(source)
        case io.TextIOBase() | io.IOBase():
            pass
        case _ if not hasattr(source, "read"):
            try:
                return bytes(memoryview(source))  # type: ignore[arg-type]
            except TypeError:
                kind = type(source).__name__
                raise TypeError(f"source must be a path, bytes or a file object, not {kind}") from None
    text = source.read()
    if isinstance(text, str):
        return text.encode()
    if isinstance(text, bytes):
        return text
    try:
        return bytes(memoryview(text))
    except TypeError:
        raise TypeError(f"read() gave {type(text).__name__} instead of bytes or text") from None
