"""Rows of the table of crawls: one more, and what the last one of a root says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tomoset.catalog.parts import PartWriter, read_part
from tomoset.catalog.schema import catalog_schemas
from tomoset.catalog.shard import join_small
from tomoset.diagnostics import ERRORS

if TYPE_CHECKING:
    from tomoset.catalog.journal import Change
    from tomoset.catalog.tasks import Counts
    from tomoset.catalog.writer import Writer

__all__ = ["crawl_change", "keeps_particles", "time_of"]


def crawl_change(
    writer: Writer,
    root: str,
    counts: Counts,
    *,
    started_ns: int,
    finished_ns: int,
    files: int = 0,
    num_bytes: int = 0,
    particles: bool = False,
) -> dict[str, Change]:
    """Write the row of a crawl, to be staged with the last of its changes.

    Parameters
    ----------
    writer
        Of the catalogue, in this crawl.
    root
        As in the tables.
    counts
        What changed.
    started_ns, finished_ns
        Nanoseconds since 1970.
    files, num_bytes
        STAR files that were met, and their size.
    particles
        Whether each particle was kept.
    """
    from tomoset import __version__

    row = {
        "crawl": writer.crawl,
        "root": root,
        "started": time_of(started_ns),
        "finished": time_of(finished_ns),
        "files": files,
        "bytes": num_bytes,
        "new_files": counts.new,
        "changed_files": counts.changed,
        "deleted_files": counts.deleted,
        "changed_projects": counts.units,
        "errors": sum(counts.problems[severity] for severity in ERRORS),
        "warnings": counts.problems["warning"],
        "particles": particles,
        "version": __version__,
    }
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


def time_of(nanoseconds: int) -> datetime:
    """Give the time that is so many nanoseconds after 1970."""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


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
