"""What can go wrong with a catalogue, and the extras that it needs."""

from collections.abc import Iterator
from contextlib import contextmanager

from tomoset.exceptions import TomosetError, printable


class CatalogFormatError(TomosetError, ValueError):
    """The folder is no catalogue, is damaged, or was written by a newer tomoset."""


class QueryError(TomosetError, ValueError):
    """The SQL was refused or failed; the message is the database's own, with its place in the query."""


class ArchiveShrunk(TomosetError):  # noqa: N818
    """A root has less than half of the files that it had: a disk may not be mounted.

    Attributes
    ----------
    root
        The folder.
    before, now
        Files that the catalogue has of it, and files that are there.
    """

    def __init__(self, root: str, before: int, now: int) -> None:
        super().__init__(root, before, now)
        self.root, self.before, self.now = root, before, now

    def __str__(self) -> str:
        return (
            f"{self.root} has {self.now:,} files, and the catalogue {self.before:,}: is it mounted? "
            "--allow-shrink (allow_shrink=True) takes the others for deleted"
        )


class ArchiveEmpty(TomosetError):  # noqa: N818
    """A root that is new to a catalogue has no STAR file: its name may be mistyped, or a disk not be mounted.

    Attributes
    ----------
    root
        The folder.
    """

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.root = root

    def __str__(self) -> str:
        return (
            f"{printable(self.root, 1000)} has no STAR file, and is new to the catalogue: is it the right folder, and "
            "mounted? --allow-empty (allow_empty=True) takes it in all the same"
        )


class UnknownRoot(TomosetError, KeyError):  # noqa: N818
    """A folder is none of those that a catalogue was made of."""

    def __str__(self) -> str:
        return str(self.args[0])


class ClusterError(TomosetError, RuntimeError):
    """The cluster is gone, or its workers cannot do the work; what was committed stays, and a rerun does the rest."""


class WorkerLost(ClusterError):  # noqa: N818
    """Each worker that tried a task was lost while it did."""


@contextmanager
def index_extra() -> Iterator[None]:
    """Say how to install deltalake and duckdb where they are missing or too old."""
    with _extra("index", "a catalogue", {"deltalake", "duckdb"}):
        yield


@contextmanager
def dask_extra() -> Iterator[None]:
    """Say how to install dask, distributed and dask-jobqueue where they are missing or too old."""
    with _extra("dask", "a cluster", {"dask", "distributed", "dask_jobqueue"}):
        yield


@contextmanager
def _extra(extra: str, what: str, packages: set[str]) -> Iterator[None]:
    try:
        yield
    except ImportError as fault:
        package = (fault.name or "").partition(".")[0]
        if package not in packages:
            raise
        state = "the package" if isinstance(fault, ModuleNotFoundError) else "a newer version of the package"
        message = f"{what} needs {state} {package!r}: pip install --upgrade 'tomoset[{extra}]'"
        raise ImportError(message, name=package) from fault
