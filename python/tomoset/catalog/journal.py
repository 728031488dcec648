"""What readers see of a catalogue, and what a writer is about to do to it: small files beside the tables."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tomoset.catalog.faults import CatalogFormatError
from tomoset.catalog.folder import force, write_beside
from tomoset.catalog.parts import Part

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Self

_HEAD = "head.json"
_PENDING = "pending.json"
_CHECKED = "checked.json"


@dataclass(frozen=True)
class Head:
    """Which versions of the tables belong together.

    Attributes
    ----------
    batch
        Number of the last batch of changes.
    crawl
        Highest number of a crawl.
    versions
        Version of each Delta table.
    """

    batch: int
    crawl: int
    versions: dict[str, int]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what was committed last.

        Raises
        ------
        CatalogFormatError
            The file is missing or damaged.
        """
        try:
            facts = json.loads((folder / _HEAD).read_bytes())
            if not isinstance(facts, dict) or facts.keys() != cls.__annotations__.keys():
                raise TypeError(f"expected {', '.join(cls.__annotations__)}")
            head = cls(**facts)
            numbers = (head.batch, head.crawl, *head.versions.values())
            if not all(isinstance(number, int) and number >= 0 for number in numbers):
                raise TypeError("expected whole numbers from 0 on")
            return head
        except FileNotFoundError:
            message = f"{folder} is no whole catalogue: it has no {_HEAD}"
            raise CatalogFormatError(
                f"{message}; 'tomoset index' goes on where making it was broken off"
            ) from None
        except (ValueError, TypeError, AttributeError, RecursionError) as fault:
            raise CatalogFormatError(f"{folder / _HEAD} is damaged: {fault}") from fault

    def version(self, name: str) -> int:
        """Return the version of a table.

        Raises
        ------
        CatalogFormatError
            It does not say.
        """
        if name not in self.versions:
            raise CatalogFormatError(
                f"{_HEAD} knows no table {name!r}, which is there: it was written by hand, or is of another catalogue"
            )
        return self.versions[name]

    @staticmethod
    def is_there(folder: Path) -> bool:
        """Tell whether anything was ever committed, if it is only that the catalogue is made."""
        return (folder / _HEAD).exists()

    def write(self, folder: Path) -> None:
        """Show these versions to readers."""
        write_beside(folder / _HEAD, (json.dumps(asdict(self)) + "\n").encode())


@dataclass(frozen=True)
class Checked:
    """That a root was looked at, whether or not anything had changed.

    Attributes
    ----------
    root
        The folder.
    at
        When.
    crawl
        The crawl that changed something last.
    files
        STAR files that were there.
    """

    root: str
    at: datetime
    crawl: int
    files: int

    @classmethod
    def read(cls, folder: Path) -> list[Self]:
        """Read when each root was looked at last; of a file that is damaged nothing is known."""
        try:
            rows = json.loads((folder / _CHECKED).read_bytes())
            return [
                cls(root, datetime.fromisoformat(row["at"]), row["crawl"], row["files"])
                for root, row in rows.items()
            ]
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return []

    def write(self, folder: Path) -> None:
        """Put it in the place of what was known of the root."""
        self._write_all(folder, [*self.read(folder), self])

    @classmethod
    def forget(cls, folder: Path, root: str) -> None:
        """Know nothing of a root any more."""
        known = cls.read(folder)
        left = [each for each in known if each.root != root]
        if len(left) < len(known):
            cls._write_all(folder, left)

    @staticmethod
    def _write_all(folder: Path, checked: Iterable[Checked]) -> None:
        rows = {
            each.root: {"at": each.at.isoformat(), "crawl": each.crawl, "files": each.files}
            for each in checked
        }
        write_beside(folder / _CHECKED, (json.dumps(rows, indent=2) + "\n").encode())


@dataclass
class Change:
    """What changes in one table: parts that come, and parts that go."""

    added: list[Part] = field(default_factory=list)
    removed: list[Part] = field(default_factory=list)


@dataclass
class Pending:
    """A batch of changes that is being committed, table by table."""

    batch: int
    crawl: int
    changes: dict[str, Change]

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read the batch whose commit did not come to its end; None if there is none.

        Raises
        ------
        CatalogFormatError
            The file is damaged.
        """
        try:
            text = (folder / _PENDING).read_bytes()
        except FileNotFoundError:
            return None
        try:
            found: dict[str, Any] = json.loads(text)
            changes = {
                name: Change(
                    [Part(**part) for part in change["added"]], [Part(**part) for part in change["removed"]]
                )
                for name, change in found["changes"].items()
            }
            return cls(found["batch"], found["crawl"], changes)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as fault:
            raise CatalogFormatError(f"{folder / _PENDING} is damaged ({fault}): {_GIVE_UP}") from fault

    def require_parts(self, folder: Path, names: Iterable[str]) -> None:
        """Make sure that the parts of these tables are there and as long as they were.

        Raises
        ------
        CatalogFormatError
            Some are not: somebody has deleted them, or the folder was copied while it was written.
        """
        lost = [
            f"{name}/{part.name}"
            for name in names
            for part in self.changes[name].added
            if not _has_size(folder / name / part.name, part.size)
        ]
        if lost:
            message = f"{folder / _PENDING} promises {len(lost)} parts that are gone, such as {lost[0]}"
            raise CatalogFormatError(f"{message}: {_GIVE_UP}")

    def write(self, folder: Path) -> None:
        """Promise the batch: from here on whoever writes next finishes it."""
        write_beside(folder / _PENDING, json.dumps(asdict(self)).encode())

    @staticmethod
    def clear(folder: Path) -> None:
        """Take the promise back, once it is kept."""
        (folder / _PENDING).unlink()
        force(folder)


_GIVE_UP = "delete it, and 'tomoset index' reads again what readers have not seen yet"


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except (FileNotFoundError, NotADirectoryError):
        return False
