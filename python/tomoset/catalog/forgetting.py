"""A root that is given up: all that the catalogue has of it goes, in one batch."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from tomoset import _core
from tomoset.catalog.crawls import crawl_change
from tomoset.catalog.faults import UnknownRoot
from tomoset.catalog.journal import Checked
from tomoset.catalog.known import known_units
from tomoset.catalog.parts import read_part
from tomoset.catalog.schema import catalog_schemas
from tomoset.catalog.shard import refresh_shard
from tomoset.catalog.tasks import Counts, Task, Unit, shard_of, text_of

if TYPE_CHECKING:
    from tomoset.catalog.store import Store
    from tomoset.catalog.writer import Writer

__all__ = ["forget_root"]


def forget_root(store: Store, root: str | os.PathLike[str], *, dry_run: bool, wait: float = 0.0) -> int:
    """Let all files of a root become deletions, and know nothing of it any more; as `Catalog.forget`.

    Its units go as those that a crawl does not meet. All of it is one batch: who kills this leaves the catalogue as it
    was, or without the root. That the root was looked at is forgotten last, so that a rerun finds what is left to do.
    """
    started = time.time_ns()
    with store.writing(catalog_schemas(), wait=wait) as writer:
        place = _as_indexed(root, writer)
        name = text_of(place)
        units = known_units(writer, name)
        files = sum(unit.files for unit in units.values())
        if dry_run:
            return files
        if units:
            counts = _stage_all(writer, place, list(units), started)
            # A crawl that met nothing.
            writer.stage(crawl_change(writer, name, counts, started_ns=started, finished_ns=time.time_ns()))
            writer.commit()
        Checked.forget(writer.folder, name)
    return files


def _as_indexed(root: str | os.PathLike[str], writer: Writer) -> bytes:
    """Give a root's path as it was when the root was indexed."""
    known = {checked.root for checked in Checked.read(writer.folder)}
    for part in writer.all_parts("projects"):
        known.update(read_part(writer.folder, "projects", part, ["root"]).column("root").to_pylist())
    absolute = os.path.abspath(root)  # noqa: PTH100  resolve() would follow symbolic links
    for place in (absolute, os.path.realpath(root)):
        if text_of(os.fsencode(place)) in known:
            return os.fsencode(place)
    name = text_of(os.fsencode(absolute))
    hint = _core.hint(name, "", sorted(known))
    raise UnknownRoot(f"{name} is no root of this catalogue{hint} (tomoset status lists its roots)")


def _stage_all(writer: Writer, root: bytes, folders: list[bytes], now_ns: int) -> Counts:
    """Stage that units are gone, shard by shard."""
    shards: dict[int, list[Unit]] = defaultdict(list)
    for folder in folders:
        gone = Unit(folder, is_project=False, fingerprint=None, entries=None, is_known=True)
        shards[shard_of(text_of(root), folder)].append(gone)
    counts = Counts()
    for shard, units in shards.items():
        task = Task(
            catalog=str(writer.folder),
            root=root,
            shard=shard,
            crawl=writer.crawl,
            now_ns=now_ns,
            units=tuple(units),
            parts={table: writer.parts(table, shard) for table in catalog_schemas()},
        )
        result = refresh_shard(task)
        writer.stage(result.changes)
        counts.add(result.counts)
    return counts
