"""STAR files as lazy frames: ``from tomoset.polars import scan_star``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from inspect import signature
from typing import TYPE_CHECKING, Any

from tomoset.dtypes import DtypeLike
from tomoset.frames import needed
from tomoset.sources import Dtypes, InvalidUtf8, check_threads
from tomoset.streams import iter_star

if TYPE_CHECKING:
    import polars as pl

__all__ = ["scan_star"]


def scan_star(
    path: str | os.PathLike[str],
    block: str | None = None,
    *,
    dtypes: Dtypes = "relion",
    invalid_utf8: InvalidUtf8 = "replace",
    batch_rows: int = 65_536,
    threads: int | None = None,
) -> pl.LazyFrame:
    """Give one loop of a STAR file as a `polars.LazyFrame`, to be read when it is collected.

    Columns that a query does not use are never parsed, rows that its filters drop go batch by batch, and reading ends
    where ``head`` has its rows. Labels and types are read at once; the file is to be the same when it is collected.

    Parameters
    ----------
    path, block, dtypes, invalid_utf8, threads
        As in `iter_star`.
    batch_rows : int
        Most rows in a batch, where polars does not ask for fewer.

    Returns
    -------
    polars.LazyFrame

    Raises
    ------
    ImportError
        polars is not installed.
    ValueError, TomosetError, OSError
        As `iter_star`. What is found only while rows are read is raised by ``collect``, in older polars as
        `polars.exceptions.ComputeError` with the same words.
    """
    polars = needed("polars")
    check_threads(threads)

    def stream(columns: list[str] | None, types: Dtypes, rows: int) -> Iterator[pl.DataFrame]:
        reader = iter_star(
            path, block, columns, batch_rows=rows, dtypes=types, invalid_utf8=invalid_utf8, threads=threads
        )
        # An empty frame first: there may be no batch, and the types are asked for before any.
        yield polars.from_arrow(reader.schema.empty_table())
        for batch in reader:
            yield polars.from_arrow(batch)

    outline = iter_star(
        path, block, batch_rows=batch_rows, dtypes=dtypes, invalid_utf8=invalid_utf8, threads=threads
    ).schema
    schema = polars.from_arrow(outline.empty_table()).schema
    # Types that were found are not looked for again.
    known: dict[str, DtypeLike] = {
        field.name: "string" if str(field.type) == "large_binary" else field.type for field in outline
    }

    def source(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        rows = min(batch_size or batch_rows, batch_rows)
        left = n_rows
        for frame in stream(with_columns, known, rows):
            some = frame if left is None else frame.head(left)
            left = None if left is None else left - len(some)
            yield some if predicate is None else some.filter(predicate)
            if left == 0:
                return

    from polars.io.plugins import register_io_source

    # So that a file which a query names twice is read once, where polars can (1.33).
    pure: dict[str, Any] = {"is_pure": True} if "is_pure" in signature(register_io_source).parameters else {}
    found: pl.LazyFrame = register_io_source(source, schema=schema, **pure)
    return found
