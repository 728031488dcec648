"""STAR files from tables and dictionaries."""

from __future__ import annotations

import codecs
import errno
import io
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from tomoset import _core
from tomoset.blocks import StarBlock
from tomoset.exceptions import StarWriteError
from tomoset.remote import is_url, local_path, refuse_url, store
from tomoset.tables import check_bare, list_table, rows_table, to_table, writable

__all__ = ["Floats", "Layout", "Na", "StarTarget", "append_star", "write_star"]


class Writable(Protocol):
    """Anything with a `write` method that takes bytes or text."""

    def write(self, text: Any, /) -> object:  # noqa: ANN401
        """Take some more."""
        ...


@runtime_checkable
class Written(Protocol):
    """Data that knows how to put itself into a draft, such as a `StarFile`."""

    def _draft(self, target: StarTarget | None, *, keep_text: bool) -> _core.Draft: ...


StarTarget: TypeAlias = str | os.PathLike[str] | Writable
Floats: TypeAlias = str | Mapping[str, str]
Na: TypeAlias = str | float | Mapping[str, str | float]
Layout: TypeAlias = Literal["relion", "starfile"]
Compression: TypeAlias = Literal["infer", "none", "gzip", "zstd"]


def write_star(
    data: object,
    path_or_file: StarTarget,
    *,
    name: str = "",
    floats: Floats = "shortest",
    layout: Layout = "relion",
    na: Na = "raise",
    empty_loops: Literal["raise", "keep"] = "raise",
    keep_text: bool = True,
    compression: Compression = "infer",
    durable: bool = True,
    threads: int | None = None,
) -> None:
    """Write a STAR file.

    A file at a path is replaced as a whole: the new one is written beside it, brought to disk and put in its place,
    so that whatever happens there is the old file or the new one.

    Parameters
    ----------
    data : StarFile, StarBlock, mapping or table
        A `StarFile` or `StarBlock`; a mapping of block names to tables (pyarrow, pandas, polars, or anything with
        ``__arrow_c_stream__``), to `StarBlock`, or to dictionaries of label to value, which become lists; or one
        table.
    path_or_file : str, os.PathLike or file-like
        Where to; an object with a ``write`` method gets bytes, or text if it is opened for text. Text with ``://`` is
        an address, as in `read_star`: the file is made beside and then sent as a whole, and `durable` is its store's
        affair.
    name : str
        The block's name where `data` is one table; a `StarBlock` has one already.
    floats : str or mapping of label to str
        ``"shortest"`` writes the fewest digits that read back bit-equal; ``"relion"`` RELION's own field of twelve
        characters, which keeps some six digits; or a format as in C, such as ``"%.6f"``. A mapping chooses by
        label; others are shortest, or as its key ``"*"`` says.
    layout : {"relion", "starfile"}
        The skeleton around the values.
    na : {"raise", "keep"}, text or number, or mapping of label to these
        What becomes of nulls and of ``nan`` and ``inf``. RELION reads them as 0 or as text, so under its labels
        they raise. ``"keep"`` writes nulls as ``<NA>``, which `read_star` reads as nulls, and the others as they
        are. Anything else is written for nulls and ``nan``. A mapping chooses by label, ``"*"`` for the others.
    empty_loops : {"raise", "keep"}
        Whether a loop without rows may stand above another block, where RELION cannot read it.
    keep_text : bool
        Whether what was read from a file and not changed keeps its very text, layout and comments; `floats`,
        `layout` and `na` are then for the rest. If false, all is written anew.
    compression : {"infer", "none", "gzip", "zstd"}
        ``"infer"`` goes by the path's ending, ``.gz`` or ``.zst``.
    durable : bool
        Whether to wait until the file is on disk.
    threads : int, optional
        How many threads may share the work; all processors when not given. The bytes do not depend on it.

    Raises
    ------
    StarWriteError
        A value, label or name that a STAR file cannot hold or RELION would read otherwise, with block, label, row,
        what was expected and what was found.
    TypeError
        Data of another kind, or a column whose values have no common type.
    ValueError
        An option that means nothing, such as a format for a label that is nowhere and that RELION does not know; a
        `StarFile` that was read in part, which is to be written over the file it was read from.
    OSError
        What the system says; the file is then as it was.

    Examples
    --------
    >>> tomoset.write_star({"optics": {"rlnOpticsGroup": 1, "rlnVoltage": 300.0}}, "optics.star")
    >>> tomoset.read_star("optics.star")["optics"].to_dict()
    {'rlnOpticsGroup': 1, 'rlnVoltage': 300.0}
    """
    options = write_options(floats=floats, layout=layout, na=na, empty_loops=empty_loops, threads=threads)
    write_draft(
        draft_of(data, name, keep_text=keep_text, target=path_or_file),
        path_or_file,
        options,
        durable=durable,
        compression=compression,
    )


def append_star(
    path: str | os.PathLike[str],
    rows: object,
    *,
    floats: Floats = "shortest",
    na: Na = "raise",
    durable: bool = True,
) -> None:
    """Add rows below those of a file's last loop, for sessions that grow a file.

    The file is looked at from its end and copied, but not parsed. It is replaced as a whole, as by `write_star`: who
    reads it meanwhile sees all of the rows or none, and processes that add rows at once take turns. What is above and
    below the rows stays byte for byte.

    Parameters
    ----------
    path : str or os.PathLike
        An uncompressed file whose last table is a loop, its last row on one line.
    rows : table or mapping of label to values
        As in `StarBlock.append`: the loop's columns, in any order.
    floats, na, durable
        As in `write_star`.

    Raises
    ------
    StarWriteError
        A file that ends otherwise, a column that is missing, or a value that cannot be written.
    MissingLabelError
        A column that the loop has not.
    OSError, TypeError, ValueError
        As in `write_star`. Whatever is raised, the file is as it was.
    """
    refuse_url(path, "rows are added to local files alone")
    table = writable(rows_table(rows))
    options = write_options(floats=floats, na=na)
    columns = [(label, table.column(label).combine_chunks()) for label in table.column_names]
    _core.append_path(os.fspath(path), columns, table.num_rows, options, durable)


def write_options(
    *,
    floats: Floats = "shortest",
    layout: Layout = "relion",
    na: Na = "raise",
    empty_loops: Literal["raise", "keep"] = "raise",
    threads: int | None = None,
    separator: str = "\t",
    booleans: Literal["digits", "words"] = "digits",
    any_types: bool = False,
) -> _core.WriteOptions:
    """Check the options of a writer."""
    floats_all, floats_by_label = _by_label("floats", floats, "shortest")
    na_all, na_by_label = _by_label("na", na, "raise")
    return _core.WriteOptions(
        floats=floats_all,
        floats_by_label=floats_by_label,
        na=na_all,
        na_by_label=na_by_label,
        layout=layout,
        separator=ord(separator),
        booleans=booleans,
        any_types=any_types,
        empty_loops=empty_loops,
        threads=threads,
    )


def _by_label(option: str, choice: object, default: str) -> tuple[str, dict[str, str]]:
    """Give the choice for all columns, and those for some."""
    choices = choice if isinstance(choice, Mapping) else {"*": choice}
    words: dict[str, str] = {}
    for label, word in choices.items():
        if isinstance(word, bool) or not isinstance(word, str | int | float) or not isinstance(label, str):
            raise TypeError(f"{option}: {label!r}: {word!r} is neither text nor a number")
        words[label] = str(word)
    return words.pop("*", default), words


def write_draft(
    draft: _core.Draft,
    target: StarTarget,
    options: _core.WriteOptions,
    *,
    durable: bool = True,
    compression: Compression = "infer",
) -> None:
    """Write a draft to where `write_star` writes to."""
    if isinstance(target, str | os.PathLike):
        path = os.fspath(target)
        if not isinstance(path, str):
            raise TypeError(f"the path is {type(path).__name__}; it must be text or os.PathLike[str]")
        if is_url(target):
            local = local_path(path)
            if local is None:
                _store(draft, path, options, _compression(compression, path))
                return
            path = local
        draft.write_path(path, options, durable=durable, compression=_compression(compression, path))
        return
    if not callable(getattr(target, "write", None)):
        what = type(target).__name__
        raise TypeError(
            f"path_or_file must be a path or have a write method, not {what} (it comes after the data)"
        )
    packing = _compression(compression, "")
    if _takes_text(target):
        if packing != "none":
            raise ValueError(f"compression is {compression!r}, but the file is opened for text")
        # A character may lie across two parts.
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        draft.write_to(lambda text: target.write(decoder.decode(text)), options, compression=packing)
        target.write(decoder.decode(b"", final=True))
        return
    draft.write_to(partial(_write_all, target), options, compression=packing)


def _store(draft: _core.Draft, url: str, options: _core.WriteOptions, packing: str) -> None:
    def write(file: Writable) -> None:
        try:
            draft.write_to(partial(_write_all, file), options, compression=packing)
        except StarWriteError as fault:
            fault.path = url
            raise

    store(url, write)


def _compression(compression: str, path: str) -> str:
    if compression != "infer":
        return compression
    suffix = Path(path).suffix.lower()
    if suffix in {".bz2", ".xz", ".zip"}:
        raise ValueError(
            f'{path}: files are compressed to .gz or .zst, not to {suffix} (compression="none" writes text)'
        )
    return {".gz": "gzip", ".zst": "zstd"}.get(suffix, "none")


def _takes_text(file: Writable) -> bool:
    return isinstance(file, io.TextIOBase) or hasattr(file, "encoding")


def _write_all(file: Writable, text: bytes) -> None:
    """Hand all of some bytes to a file; raw ones may take a part only, or nothing."""
    while text:
        taken = file.write(text)
        if taken == 0 or (taken is None and isinstance(file, io.RawIOBase)):
            raise BlockingIOError(errno.EAGAIN, "the file takes no more", 0)
        if isinstance(taken, int) and not 0 < taken <= len(text):
            raise OSError(errno.EIO, f"the file says that it took {taken} of {len(text)} bytes")
        text = text[taken:] if isinstance(taken, int) else b""


def draft_of(
    data: object, name: str = "", *, keep_text: bool = True, target: StarTarget | None = None
) -> _core.Draft:
    """Put data into a draft of what is to be at `target`."""
    if name and isinstance(data, Mapping):
        raise ValueError(f"name is {name!r}, but data is a mapping, which names its blocks itself")
    if isinstance(data, str | bytes | os.PathLike):
        raise TypeError(f"data is {data!r}; it comes before the path")
    if isinstance(data, Written):
        return data._draft(target, keep_text=keep_text)
    draft = _core.Draft()
    if isinstance(data, StarBlock):
        name = name or data.name
    blocks: Mapping[Any, Any] = data if isinstance(data, Mapping) else {name: data}
    for block_name, block in blocks.items():
        if not isinstance(block_name, str):
            raise TypeError(f"blocks are named by text, not {block_name!r}")
        if not isinstance(block, StarBlock):
            check_block_name(block_name)
        if isinstance(data, Mapping) and _is_value(block):
            raise TypeError(
                f"block {block_name!r} is {type(block).__name__}; data maps block names to tables or dictionaries:"
                " for one list write {'name': {label: value}}"
            )
        draft_block(draft, block_name, block, keep_text=keep_text)
    return draft


def check_block_name(name: str) -> None:
    """Raise if a name is given with ``data_``.

    Raises
    ------
    ValueError
        It is.
    """
    if name.lower().startswith("data_") and len(name) > len("data_"):
        raise ValueError(f"blocks are named without data_: {name[5:]!r}, not {name!r}")


def _is_value(block: object) -> bool:
    return block is None or isinstance(block, str | bytes | int | float)


def draft_block(draft: _core.Draft, name: str, block: object, *, keep_text: bool) -> None:
    """Add a block to a draft."""
    if isinstance(block, StarBlock):
        block._add_to(draft, name, keep_text=keep_text)
        return
    draft.add_block(name)
    is_list = isinstance(block, Mapping)
    table = list_table(block, name) if isinstance(block, Mapping) else to_table(block, name)
    for label in table.column_names:
        check_bare(label, ())
        if "\0" in label:
            # Arrow's names end there on their way.
            raise StarWriteError(block=name, label=label, expected="a label without NUL", found=repr(label))
    draft.add_table(writable(table), is_list=is_list)
