"""Changes to the tables of a catalogue, gathered and committed batch by batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tomoset.catalog.delta import parts_of
from tomoset.catalog.faults import CatalogFormatError
from tomoset.catalog.journal import Change, Head, Pending
from tomoset.catalog.schema import SHARD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from deltalake import DeltaTable

    from tomoset.catalog.parts import Part

_LOGS_OF_A_CRAWL = 1000
"""Commits that are looked through for parts of the last crawl: one has a batch every few seconds."""


class Writer:
    """The means of the one who writes.

    Parameters
    ----------
    folder
        Folder of the catalogue.
    tables
        Its tables, as readers see them.
    bring
        Brings a promised batch into the tables, and shows it to readers.
    """

    def __init__(
        self,
        folder: Path,
        tables: dict[str, DeltaTable],
        bring: Callable[[Pending, dict[str, DeltaTable]], None],
    ) -> None:
        self.folder = folder
        self._bring = bring
        self._tables = tables
        self._head = Head.read(folder)
        versions = {name: table.version() for name, table in self._tables.items()}
        if versions != self._head.versions:
            # Columns were added, or another tool has compacted a table.
            self._head = Head(self._head.batch, self._head.crawl, versions)
            self._head.write(self.folder)
        self.crawl = self._head.crawl + 1
        #: Parts of each table as they are after all that was staged, by name.
        self._parts = {name: parts_of(table) for name, table in self._tables.items()}
        self._staged: dict[str, Change] = {}
        self._superseded: list[tuple[str, Part]] = []

    @property
    def head(self) -> Head:
        """What was committed last."""
        return self._head

    @property
    def has_staged(self) -> bool:
        """Whether something waits to be committed."""
        return bool(self._staged)

    def parts(self, name: str, shard: int) -> list[Part]:
        """Return the parts of one partition of a table, with all that is staged."""
        return [part for part in self._parts[name].values() if part.shard == shard]

    def all_parts(self, name: str) -> list[Part]:
        """Return all parts of a table, with all that is staged."""
        return list(self._parts[name].values())

    def stage(self, changes: Mapping[str, Change]) -> None:
        """Take changes, which readers see after the next commit."""
        for name, change in changes.items():
            staged = self._staged.setdefault(name, Change())
            parts = self._parts[name]
            for part in change.removed:
                del parts[part.name]
                known = next((other for other in staged.added if other.name == part.name), None)
                if known is None:
                    staged.removed.append(part)
                else:
                    # It came and went within one batch: no reader ever needs it.
                    staged.added.remove(known)
                    self._superseded.append((name, known))
            for part in change.added:
                parts[part.name] = part
                staged.added.append(part)

    def commit(self) -> None:
        """Show readers what was staged."""
        changes = {name: change for name, change in self._staged.items() if change.added or change.removed}
        if changes:
            pending = Pending(self._head.batch + 1, max(self.crawl, self._head.crawl), changes)
            pending.write(self.folder)
            self._bring(pending, self._tables)
            self._head = Head.read(self.folder)
        self._staged = {}
        self._drop_superseded()

    def require_parts(self) -> None:
        """Make sure that every part of the tables is there.

        Raises
        ------
        CatalogFormatError
            Some are not: nothing is changed, lest what is left be lost as well.
        """
        for name, parts in self._parts.items():
            folder = self.folder / name
            found = {f"{path.parent.name}/{path.name}" for path in folder.glob("*/*.parquet")}
            lost = sorted(part for part in parts.keys() - found if not (folder / part).exists())
            if lost:
                raise CatalogFormatError(
                    f"table {name!r} of {self.folder} lacks {len(lost)} of its parts, such as {lost[0]}: they were "
                    "deleted, or it was copied while somebody wrote. Copy it again, or index into a new folder"
                )

    def sweep(self) -> None:
        """Delete what interrupted writers left: parts that no table knows of, and files in the making."""
        for name, parts in self._parts.items():
            folder = self.folder / name
            lost = {
                f"{path.parent.name}/{path.name}"
                for path in folder.glob(f"{SHARD}=*/part-*.parquet")
                if _crawl_of(path) >= self._head.crawl
            }
            self._drop(name, lost - parts.keys())
            # deltalake writes FILE#1 and then links it to FILE.
            for pattern in (f"{SHARD}=*/.part-*.tmp", "_delta_log/*.tmp", "_delta_log/*#*"):
                for path in folder.glob(pattern):
                    path.unlink(missing_ok=True)
        for path in self.folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Delete the parts that were staged and not committed, unless their batch was promised."""
        for name, change in self._staged.items():
            self._drop(name, {part.name for part in change.added})
        self._staged = {}
        self._drop_superseded()

    def _drop_superseded(self) -> None:
        for name, part in self._superseded:
            (self.folder / name / part.name).unlink(missing_ok=True)
        self._superseded = []

    def _drop(self, name: str, parts: set[str]) -> None:
        """Delete parts of a table but those that a version of it or a promise needs.

        Only the disk tells which these are: an interrupt may come between what was done and noting that it is.
        """
        if not parts:
            return
        pending = Pending.read(self.folder)
        promised = pending.changes.get(name, Change()).added if pending is not None else []
        for part in parts - {part.name for part in promised} - self._named_in_logs(name):
            (self.folder / name / part).unlink(missing_ok=True)

    def _named_in_logs(self, name: str) -> set[str]:
        """Return the parts that the newest versions of a table added."""
        names: set[str] = set()
        log = self.folder / name / "_delta_log"
        for path in sorted(log.glob("*.json"))[-_LOGS_OF_A_CRAWL:]:
            for line in path.read_text().splitlines():
                action = json.loads(line)
                if "add" in action:
                    names.add(action["add"]["path"])
        return names


def _crawl_of(path: Path) -> int:
    """Return the crawl that wrote a part; 0 for parts of other tools."""
    number = path.name[len("part-") :].partition("-")[0]
    return int(number) if len(number) == 8 and number.isdigit() else 0
