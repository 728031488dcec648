"""Rows of the table of crawls: one more, and what the last one of a root says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tomoset.catalog.parts import PartWriter, read_part
from tomoset.catalog.schema import catalog_schemas
from tomoset.catalog.shard import join_small

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomoset.catalog.journal import Change
    from tomoset.catalog.writer import Writer

__all__ = ["crawl_change", "keeps_particles"]


def crawl_change(writer: Writer, row: Mapping[str, Any]) -> dict[str, Change]:
    """Write the row of a crawl, to be staged with the last of its changes."""
    schema = catalog_schemas()["crawls"]
    made = PartWriter(writer.folder, writer.crawl, 0)
    parts = writer.parts("crawls", 0)
    try:
        rows = pa.Table.from_pylist([row], schema=schema)
        change = join_small(writer.folder, made, "crawls", [rows], parts, [], schema)
        change.added = made.settle()["crawls"]
    except BaseException:
        made.abandon()
        raise
    return {"crawls": change}


def keeps_particles(writer: Writer, root: str) -> bool:
    """Tell whether the last crawl of a root, named as in the tables, kept each particle."""
    last, found = 0, False
    for part in writer.all_parts("crawls"):
        table = read_part(writer.folder, "crawls", part)
        # Crawls of an older tomoset do not say it.
        if "particles" in table.column_names:
            own = table.filter(pc.equal(table.column("root"), root))
            for crawl, particles in zip(
                *(own.column(name).to_pylist() for name in ("crawl", "particles")), strict=True
            ):
                if crawl > last:
                    last, found = crawl, bool(particles)
    return found
