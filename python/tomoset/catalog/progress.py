"""How far a crawl has come, and what it found."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class IndexProgress:
    """How far a crawl has come.

    Attributes
    ----------
    found
        STAR files listed so far.
    listed
        Whether the whole tree has been listed, so that `found` is final.
    read
        STAR files read so far.
    num_bytes
        Bytes read so far.
    """

    found: int
    listed: bool
    read: int
    num_bytes: int


ProgressCallback = Callable[[IndexProgress], None]


@dataclass(frozen=True)
class IndexSummary:
    """What a crawl found.

    Attributes
    ----------
    root
        The absolute path of the tree that was read.
    crawl
        The number of the last crawl that changed something, from 1; 0 if none did.
    changed
        Whether that is this one.
    files, num_bytes
        STAR files that are there, and their size in bytes.
    new_files, changed_files, deleted_files
        Files that were not there before, that have other content, and that are no longer there.
    tomograms, tilts
        Rows of those tables that were read anew.
    problems
        Findings in the files that were read, by severity: ``fatal``, ``silent``, ``warning`` and ``note``.
    num_errors
        Findings of severity ``fatal`` or ``silent`` in all files of the root, read now or before.
    seconds
        Time taken, writing and committing included.
    """

    root: str
    crawl: int
    changed: bool
    files: int
    num_bytes: int
    new_files: int = 0
    changed_files: int = 0
    deleted_files: int = 0
    tomograms: int = 0
    tilts: int = 0
    problems: dict[str, int] = field(default_factory=dict)
    num_errors: int = 0
    seconds: float = 0.0

    @property
    def files_per_second(self) -> float:
        """STAR files looked at in a second."""
        return self.files / self.seconds if self.seconds > 0 else 0.0
