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
        The number of this crawl in its catalogue, from 1.
    files, num_bytes
        STAR files read and their size in bytes.
    tomograms, tilts
        Rows written to the tables of those names.
    problems
        Findings by severity: ``error``, ``warning`` and ``note``.
    seconds
        Time taken, writing and committing included.
    """

    root: str
    crawl: int
    files: int
    num_bytes: int
    tomograms: int
    tilts: int
    problems: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def num_errors(self) -> int:
        """Findings of severity ``error``."""
        return self.problems.get("error", 0)

    @property
    def files_per_second(self) -> float:
        """STAR files read a second."""
        return self.files / self.seconds if self.seconds > 0 else 0.0
