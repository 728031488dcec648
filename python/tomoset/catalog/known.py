"""What the catalogue has of the units of a root, to tell which of them are to be read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from tomoset.catalog.parts import read_part
from tomoset.catalog.tasks import FINGERPRINT

if TYPE_CHECKING:
    from tomoset.catalog.writer import Writer

__all__ = ["Known", "known_units"]


@dataclass(frozen=True)
class Known:
    """What the catalogue has of a unit."""

    folder: bytes
    is_project: bool
    fingerprint: bytes | None
    files: int
    errors: int

    @property
    def seen(self) -> bytes:
        """What a walk told of its entries."""
        return (self.fingerprint or b"")[:FINGERPRINT]

    def is_read_by(self, mark: bytes) -> bool:
        """Tell whether all of it was read, and in the way that a mark stands for."""
        return self.fingerprint is not None and self.fingerprint[FINGERPRINT:] == mark


def known_units(writer: Writer, root: str) -> dict[bytes, Known]:
    """Return what the catalogue has of the units of a root, by folder."""
    found = {}
    columns = ["root", "path", "path_bytes", "project", "files", "fingerprint", "errors"]
    for part in writer.all_parts("projects"):
        table = read_part(writer.folder, "projects", part, columns)
        for row in table.filter(pc.equal(table.column("root"), root)).to_pylist():
            folder: bytes = row["path_bytes"] if row["path_bytes"] is not None else row["path"].encode()
            is_project = row["project"] is not None
            found[folder] = Known(folder, is_project, row["fingerprint"], row["files"], row["errors"])
    return found
