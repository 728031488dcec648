"""What a worker is given and what it gives back; all of it can be sent to another machine."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tomoset import _core
from tomoset.catalog.schema import SHARDS

if TYPE_CHECKING:
    import pyarrow as pa

    from tomoset.catalog.journal import Change
    from tomoset.catalog.parts import Part


FINGERPRINT = 16
"""Bytes of what a walk tells of a unit's entries."""


@dataclass(frozen=True)
class Unit:
    """A project, or a folder below the root with files that belong to none, as a walk met it.

    Attributes
    ----------
    folder
        Relative to the root.
    is_project
        Whether it is a project.
    fingerprint
        Of all entries, and the mark of how they are read; None for a unit that is gone.
    entries
        What the walk met, as `tomoset._core.walk_tree` gives it; None for a unit that is gone.
    is_known
        Whether the catalogue has rows of it.
    """

    folder: bytes
    is_project: bool
    fingerprint: bytes | None
    entries: pa.RecordBatch | None
    is_known: bool

    @property
    def path(self) -> str:
        """The folder as the tables have it."""
        return text_of(self.folder)


@dataclass(frozen=True)
class Options:
    """How units are read.

    Attributes
    ----------
    verify
        Read also the files whose size, time and inode are as they were.
    recall
        Read also the files that are on tape.
    particles
        Keep each particle, and not only how many there are.
    threads
        Threads within a task.
    """

    verify: bool = False
    recall: bool = False
    particles: bool = False
    threads: int = 1

    @property
    def mark(self) -> bytes:
        """What stands behind the fingerprint of a unit that was read in another way than by default."""
        return b"particles" if self.particles else b""


@dataclass(frozen=True)
class Hindrance:
    """Why nothing can be read of a unit.

    Attributes
    ----------
    code, name, severity, message
        Of the finding that says so.
    """

    code: str
    name: str
    severity: str
    message: str


def _hindrance(wanted: str) -> Hindrance:
    """Make one of a code, which are all in the core."""
    codes = {code: rest for code, *rest in _core.diagnostic_codes()}
    name, severity, message, *_ = codes[wanted]
    return Hindrance(wanted, name, severity, f"{message}; what is known of it, if anything, is of before")


WORKERS_LOST, FOLDER_CLOSED = _hindrance("F202"), _hindrance("F203")
HINDRANCES = (WORKERS_LOST, FOLDER_CLOSED)


@dataclass(frozen=True)
class Task:
    """Units of one shard, to be read, and the parts that hold what is known of them.

    Attributes
    ----------
    catalog
        Folder of the catalogue.
    root
        Folder that is indexed, as the system knows it.
    shard
        Partition of all the units.
    crawl
        Number of the crawl.
    now_ns
        The time, in nanoseconds since 1970.
    units
        What is to be read.
    parts
        All parts of the shard, by table.
    options
        How to read.
    hindrance
        Why nothing of these units is read; they keep the rows that they have, and a finding says it.
    """

    catalog: str
    root: bytes
    shard: int
    crawl: int
    now_ns: int
    units: tuple[Unit, ...]
    parts: dict[str, list[Part]]
    options: Options = Options()
    hindrance: Hindrance | None = None


@dataclass
class Counts:
    """What reading met.

    Attributes
    ----------
    new, changed, deleted, unchanged
        Files.
    num_bytes
        Bytes of the files that were read.
    tomograms, tilts
        Rows that were read.
    problems
        Findings in the files that were read, by severity.
    units
        Projects and folders in which something was changed.
    """

    new: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0
    num_bytes: int = 0
    tomograms: int = 0
    tilts: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    units: int = 0

    def add(self, other: Counts) -> None:
        """Add what another task met."""
        for name in ("new", "changed", "deleted", "unchanged", "num_bytes", "tomograms", "tilts", "units"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.problems.update(other.problems)


@dataclass(frozen=True)
class Result:
    """What a task changed.

    Attributes
    ----------
    shard
        Partition of its units.
    changes
        Parts on the disk that wait to be committed, by table.
    counts
        What reading met.
    errors
        Findings of severity ``fatal`` or ``silent`` in each unit that is there, by its folder.
    """

    shard: int
    changes: dict[str, Change]
    counts: Counts
    errors: dict[str, int]


def shard_of(root: str, folder: bytes) -> int:
    """Return the partition of a unit."""
    key = root.encode("utf-8", "surrogateescape") + b"\0" + folder
    return int.from_bytes(hashlib.blake2b(key, digest_size=4).digest(), "little") % SHARDS


def text_of(path: bytes) -> str:
    r"""Return a path as the tables have it: bytes that are not UTF-8 as ``\xNN``, and ``\`` doubled in such a part."""
    from tomoset import _core

    return _core.path_text(path)
