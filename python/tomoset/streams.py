"""STAR files as streams of record batches."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from tomoset import _core
from tomoset.remote import fetched, is_url, local_path
from tomoset.sources import Dtypes, InvalidUtf8, read_options

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["iter_star"]


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
    for the values. A compressed file is first unpacked into a temporary one, and one that lies elsewhere is fetched
    into one.

    Parameters
    ----------
    path : str or os.PathLike
        The file; text with ``://`` is an address, as in `read_star`.
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
    options = read_options(None, columns, dtypes, strings, "raise", invalid_utf8, False, threads)
    where = os.fspath(path)
    local = local_path(where) if is_url(path) else where
    if local is not None:
        batches = _core.stream_path(local, block, options, batch_rows)
    else:
        with fetched(where) as copy:
            # It stays readable while it is open.
            batches = _core.stream_path(copy, block, options, batch_rows, where)
    return pa.RecordBatchReader.from_batches(batches.schema(), batches)
