"""The catalogue of an archive, as Python users hold it."""

import os
from typing import TYPE_CHECKING

import pyarrow as pa

from tomoset.catalog.faults import index_extra
from tomoset.catalog.progress import IndexSummary, ProgressCallback
from tomoset.catalog.schema import TABLES, catalog_schemas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from distributed import Client

    from tomoset.catalog.journal import Head
    from tomoset.catalog.maintenance import Status
    from tomoset.catalog.query import QuerySession
    from tomoset.catalog.runners import Runner
    from tomoset.catalog.store import Store
    from tomoset.report import Report


class Catalog:
    """Tables about the STAR files of an archive, kept as Delta tables in one folder.

    `Catalog.create` and `Catalog.open` make one. It needs the extra ``index``.

    Examples
    --------
    >>> catalog = Catalog.create("archive.catalog")  # doctest: +SKIP
    >>> catalog.index("/data/projects")  # doctest: +SKIP
    >>> catalog.sql("SELECT project, count(*) FROM tomograms GROUP BY project")  # doctest: +SKIP
    """

    def __init__(self, store: "Store") -> None:
        if isinstance(store, str | os.PathLike):
            raise TypeError("a catalogue is had from Catalog.open(folder) or Catalog.create(folder)")
        self._store = store
        self._session: QuerySession | None = None
        self._seen: Head | None = None

    @classmethod
    def create(cls, folder: str | os.PathLike[str], *, wait: float = 0.0) -> "Catalog":
        """Make an empty catalogue in a new or empty folder, readable by its owner only.

        Parameters
        ----------
        folder
            Where.
        wait
            Seconds for which to wait while somebody else is making it, before saying that it is there already.

        Raises
        ------
        FileExistsError
            The folder holds something already.
        CatalogBusy
            Somebody else is making it.
        OSError
            It cannot be made or written.
        """
        with index_extra():
            from tomoset.catalog.store import Store
        return cls(Store.create(folder, catalog_schemas(), wait=wait))

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> "Catalog":
        """Open a catalogue that exists.

        Raises
        ------
        FileNotFoundError, NotADirectoryError
            There is no such folder.
        CatalogFormatError
            It is something else, damaged, or written by a newer tomoset.
        """
        with index_extra():
            from tomoset.catalog.store import Store
        return cls(Store.open(folder))

    @property
    def path(self) -> str:
        """Absolute path of the folder."""
        return str(self._store.folder)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables."""
        return tuple(TABLES)

    def schema(self, name: str) -> pa.Schema:
        """Return the columns of a table; field metadata: ``label``, ``unit``, ``description``.

        Raises
        ------
        KeyError
            There is no table of that name.
        """
        if name not in TABLES:
            raise KeyError(f"no table {name!r}; there are {', '.join(TABLES)}")
        return self._store.snapshot([name]).tables[name].schema

    def index(
        self,
        root: str | os.PathLike[str],
        *,
        threads: int | None = None,
        runner: "Runner | Client | None" = None,
        paths: "Iterable[str] | None" = None,
        verify: bool = False,
        recall: bool = False,
        particles: bool | None = None,
        allow_shrink: bool = False,
        allow_empty: bool = False,
        wait: float = 0.0,
        progress: ProgressCallback | None = None,
    ) -> IndexSummary:
        """Bring the catalogue up to date with the STAR files below `root`: only what changed is read.

        A file is read when it is new, or when its size, time or inode is another. Readers see changes every few
        seconds, always of whole projects. Symbolic links are not followed, and the catalogue's own folder is left out.

        Parameters
        ----------
        root
            Folder to read.
        threads
            Reading threads, where there is no `runner`; all cores if None.
        runner
            Where the work is done: a ``distributed.Client`` for its workers, which must see the archive and the
            catalogue under the same paths; threads of this process if None. The client stays open.
        paths
            Files that have changed, absolute or relative to `root`: only the projects they belong to are looked at.
        verify
            Read also files that seem the same, and compare their content.
        recall
            Read also files that are on tape.
        particles
            Keep each particle as a row of the table ``particles``; as in the last crawl of `root` if None, not in the
            first. Where it changes, all particle sets are read again. A task takes about 600 MB for each million.
        allow_shrink
            Go on where `root` has less than half of the files that the catalogue has of it.
        allow_empty
            Take in a `root` that is new to the catalogue and has no STAR file.
        wait
            Seconds for which to wait while somebody else is writing.
        progress
            Called now and then with an `IndexProgress`.

        Returns
        -------
        IndexSummary
            What was found.

        Raises
        ------
        OSError
            `root` is missing, is no folder, or cannot be read, or shares files with another root; or writing failed.
        CatalogBusy
            Somebody else is writing to this catalogue.
        ArchiveShrunk
            `root` has less than half of the files that it had.
        ArchiveEmpty
            `root` is new to the catalogue, and has no STAR file.
        ClusterError
            The workers do not see `root` or the catalogue, or the cluster was lost; a rerun does the rest.
        TypeError
            `runner` is something else, or there are `threads` beside it.
        """
        from tomoset.catalog.indexing import Request, index_tree
        from tomoset.catalog.runners import as_runner
        from tomoset.catalog.tasks import Options

        request = Request(root, paths, Options(verify, recall), particles, allow_shrink, allow_empty, wait)
        return index_tree(self._store, request, as_runner(runner, threads), progress=progress)

    def forget(self, root: str | os.PathLike[str], *, dry_run: bool = False, wait: float = 0.0) -> int:
        """Take all rows of `root` out of the tables, as if its files were deleted; nothing in the archive is touched.

        The files become rows of the table ``deletions``. Readers see all of it or nothing, also if this is
        interrupted, and older versions of the tables have the rows as long as `vacuum` leaves them. Indexed again, the
        root is read anew.

        Parameters
        ----------
        root
            A folder that was indexed, which need not be there any more.
        dry_run
            Change nothing.
        wait
            Seconds for which to wait while somebody else is writing.

        Returns
        -------
        int
            How many files the catalogue had of it.

        Raises
        ------
        UnknownRoot
            The catalogue has no such root; it is a `KeyError`, too.
        CatalogBusy
            Somebody else is writing to this catalogue.
        OSError
            The catalogue cannot be written.
        """
        from tomoset.catalog.forgetting import forget_root

        return forget_root(self._store, root, dry_run=dry_run, wait=wait)

    def sql(self, query: str) -> pa.Table:
        """Run one SQL query over the tables, as the newest complete crawl left them.

        Parameters
        ----------
        query
            One query in DuckDB's SQL. It can read the tables of the catalogue and nothing else.

        Raises
        ------
        QueryError
            The SQL is wrong, is no query, or failed.
        """
        return self._current_session().table(query)

    def stream(self, query: str) -> pa.RecordBatchReader:
        """Run one SQL query as `sql` does and hand out its answer batch by batch, in bounded memory."""
        return self._current_session().stream(query)

    def status(self) -> "Status":
        """Tell how large the catalogue is, what was indexed, and when it was looked at last."""
        from tomoset.catalog.maintenance import status

        return status(self._store)

    def report(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        projects: "Iterable[str]" = (),
        panels: int = 300,
        series: int = 100,
        paths: int = 50,
        max_bytes: int = 20_000_000,
    ) -> "Report":
        """Write the archive as one page of HTML, which needs nothing but a browser.

        The same catalogue gives the same bytes. The file appears whole or not at all, in place of what it was.

        Parameters
        ----------
        path
            The file to write; where None, the page is only returned.
        projects
            Folders of projects, or patterns as of shells, whose details are wanted; where there are none, those of
            the projects that matter most.
        panels
            Projects with details, at most; with `projects`, all of these are.
        series
            Tilt series in each of these, at most.
        paths
            Paths that are listed for each problem and each kind of change, at most.
        max_bytes
            How large the page may become. Rows of the table of projects have three fifths of the room, and what details
            leave; the page says what it lacks.

        Returns
        -------
        Report
            The page, and how much it holds.

        Raises
        ------
        NoSuchProject
            A pattern fits no project; it is a `KeyError`, too.
        ValueError
            A number is too small.
        OSError
            The file cannot be written.
        """
        from tomoset.report import ReportOptions, make_report, save

        options = ReportOptions(
            projects=tuple(projects), panels=panels, series=series, paths=paths, max_bytes=max_bytes
        )
        looked = self.status().roots
        # One session throughout: all parts of the page are of the same snapshot.
        made = make_report(self._current_session().table, looked, options)
        if path is not None:
            save(made, path)
        return made

    def vacuum(self, *, keep_days: float = 30.0, dry_run: bool = False, wait: float = 0.0) -> tuple[int, int]:
        """Delete the files of versions that are older than some days.

        Parameters
        ----------
        keep_days
            Versions that are younger stay readable.
        dry_run
            Delete nothing.
        wait
            Seconds for which to wait while somebody is writing.

        Returns
        -------
        (int, int)
            Files that are, or would be, deleted, and their bytes.

        Raises
        ------
        CatalogBusy
            Somebody is writing to this catalogue.
        ValueError
            `keep_days` is less than 0, or no number.
        """
        from tomoset.catalog.maintenance import vacuum

        return vacuum(self._store, keep_days=keep_days, dry_run=dry_run, wait=wait)

    def close(self) -> None:
        """Let go of the memory and files of the query engine."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def __enter__(self) -> "Catalog":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Catalog({self.path!r})"

    def _current_session(self) -> "QuerySession":
        """Return a session on the newest snapshot, the former one if nothing was committed since."""
        with index_extra():
            from tomoset.catalog.query import QuerySession
        seen = self._store.head()
        if self._session is None or seen != self._seen:
            self.close()
            self._session, self._seen = QuerySession(self._store.snapshot()), seen
        return self._session
