"""A set of tomograms and their tilt series."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pyarrow as pa

from tomoset.sets.contents import Contents, Layout
from tomoset.sets.looks import html_of, text_of
from tomoset.sets.paths import text_path
from tomoset.sets.reading import Missing, read_contents
from tomoset.sets.tabular import Tabular
from tomoset.sets.tomogram import Tomogram
from tomoset.sets.tomogram_alignments import TomogramAlignments
from tomoset.sets.tomogram_edits import TomogramEdits
from tomoset.sets.writing import write_contents
from tomoset.tables import row_indices

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tomoset.sets.findings import Finding
    from tomoset.sets.values import Integers

__all__ = ["TomogramSet"]


class TomogramSet(TomogramEdits, TomogramAlignments, Tabular, Mapping[str, Tomogram]):
    """Tomograms by name, and all of their tilt images.

    A set is two tables: `table` with one row a tomogram, and `tilts` with all tilt images, tomogram by tomogram. A
    `Tomogram` is a row of the one, a `TiltSeries` a slice of the other, and nothing is copied. Sets do not change: each
    edit gives a new one, which shares memory with the old.
    """

    def __init__(self, contents: Contents) -> None:
        if not isinstance(contents, Contents):
            raise TypeError(f"a set is read by TomogramSet.read(path), not made of {contents!r}")
        self.contents = contents

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        *,
        project_root: str | os.PathLike[str] | None = None,
        missing: Missing = "raise",
        allow_outside: bool = False,
        threads: int | None = None,
    ) -> TomogramSet:
        """Read a set: RELION 5 with a file for each tilt series, or RELION 4 and Warp with one file for all.

        Parameters
        ----------
        path : str or os.PathLike
            The set's file, such as ``Tomograms/job006/tomograms.star``.
        project_root : str or os.PathLike, optional
            The project directory, to which the paths in the set are relative. When not given: the folder above with
            ``default_pipeline.star``; else the folder above the job type of a path such as ``Type/job006/``; else the
            nearest folder above, or the working directory, in which the first tilt series is found.
        missing : {"raise", "skip"}
            What to do about a tomogram whose tilt series cannot be read, or that has no good name: raise, or leave it
            out and say so in `findings`.
        allow_outside : bool
            Whether to read what paths lead to that leave the project: by ``..``, as absolute paths, or by links.
        threads : int, optional
            How many threads may share the work; all processors when not given.

        Raises
        ------
        SetError
            The file is no set; a tomogram without a name, or with that of another; a tilt series without rows; a path
            that leaves the project. It names set, row and path, and says what RELION does.
        FileNotFoundError, OSError
            A file that is not there or cannot be read; it says which row wants it.
        MissingBlockError
            A tilt series' file without a block of the tomogram's name.
        StarSyntaxError, StarTypeError
            As in `read_star`.

        Examples
        --------
        >>> tomos = tomoset.TomogramSet.read("tomograms.star")  # doctest: +SKIP
        >>> tomos["TS_01"].tilt_series.nominal_tilt_angles.min()  # doctest: +SKIP
        -60.0
        """
        return cls(
            read_contents(
                text_path(path), project_root, missing=missing, allow_outside=allow_outside, threads=threads
            )
        )

    # What it holds.

    @property
    def path(self) -> str | None:
        """Where it was read from."""
        return self.contents.path

    @property
    def project_root(self) -> Path:
        """The project directory, to which paths are relative."""
        return self.contents.project_root

    @property
    def layout(self) -> Layout:
        """``"relion5"`` for a file for each tilt series, ``"relion4"`` for one file for all."""
        return self.contents.layout

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was wrong with the set as it was read."""
        return self.contents.findings

    @property
    def names(self) -> list[str]:
        """Names of the tomograms, in the order of the set."""
        return list(self.contents.names)

    @property
    def table(self) -> pa.Table:
        """One row for each tomogram: ``(len(set), ...)``, with RELION's labels."""
        return self.contents.table

    @property
    def offsets(self) -> Integers:
        """Where the images of each tomogram begin in `tilts`, and the last ones end: ``(len(set) + 1,) int64``."""
        return self.contents.offsets

    @property
    def num_tilts(self) -> int:
        """Number of tilt images of all tomograms."""
        return int(self.offsets[-1])

    @property
    def tilts(self) -> pa.Table:
        """All tilt images, tomogram by tomogram: ``(num_tilts, ...)``, with ``rlnTomoName`` as the first column.

        A column that only some tilt series have is null for the others.
        """
        return self.contents.named_tilts

    @overload
    def __getitem__(self, name: str | int) -> Tomogram: ...
    @overload
    def __getitem__(self, name: slice) -> TomogramSet: ...
    def __getitem__(self, name: str | int | slice) -> Tomogram | TomogramSet:
        """Give a tomogram by its name or number, or some by a slice.

        Raises
        ------
        KeyError, IndexError
            There is none.
        """
        if isinstance(name, slice):
            return self._with(self.contents.take(np.arange(len(self))[name]))
        if isinstance(name, list | tuple):
            raise TypeError(f"a tomogram has one name; for several use select({list(name)!r})")
        if isinstance(name, int | np.integer):
            return Tomogram(self.contents, int(row_indices([name], len(self))[0]))
        return Tomogram(self.contents, self.contents.place(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.contents.names)

    def __len__(self) -> int:
        return len(self.contents.names)

    def __contains__(self, name: object) -> bool:
        return name in self.contents

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return TomogramSet, (self.contents,)

    def write(self, path: str | os.PathLike[str], *, durable: bool = True, **options: Any) -> None:  # noqa: ANN401
        """Write the set: its own file, and for RELION 5 one for each tilt series.

        A tilt series' file keeps what its path has after the job folder, below the folder of `path`, as RELION has it:
        a set at ``Out/job009/tomograms.star`` has ``Out/job009/tilt_series/TS_01.star`` of what was
        ``Align/job005/tilt_series/TS_01.star``. What was not edited keeps its text. Sets that came in one file, with
        RELION 4's matrices, are written so.

        All files are written beside their places first. If the process ends while they are put there, whoever reads or
        writes the set next finishes it, so that tomoset finds the old set or the new one.

        Parameters
        ----------
        path : str or os.PathLike
            The set's own file. Below the project directory paths in it are relative to that, elsewhere absolute.
        durable : bool
            Whether to wait until the files are on disk.
        **options
            ``floats``, ``layout``, ``na`` and ``keep_text`` as in `write_star`.

        Raises
        ------
        SetError
            Two tilt series that would be one file, a tomogram without tilt images, a name that no file can have.
        StarWriteError, OSError
            As in `write_star`. Whatever is raised, the files are as they were.
        """
        write_contents(self.contents, text_path(path), durable=durable, options=options)

    # What is wrong with it.

    def validate(self, *, images: bool = False) -> list[Finding]:
        """Give all that is wrong with the set, or may be: what RELION stops at, or silently takes for something else.

        The rules are in `docs/rules.md`.

        Parameters
        ----------
        images : bool
            Whether to look at the headers of all tilt images, too: whether they are there, and of one size.

        Returns
        -------
        list of Finding
            What was found as the set was read, and then by rule.
        """
        from tomoset.checking import check_tomograms

        return check_tomograms(self, images=images)

    # How it looks.

    def plot(self) -> Figure:
        """Draw the set: tilt angle against dose, defocus and shifts against tilt angle, and all tomograms.

        Returns
        -------
        matplotlib.figure.Figure
            To be shown by a notebook, or saved: ``tomos.plot().savefig("set.png")``.

        Raises
        ------
        ImportError
            matplotlib is not installed (``pip install 'tomoset[plot]'``).
        """
        from tomoset.plots import plot_tomograms

        return plot_tomograms(self)

    def __repr__(self) -> str:
        return text_of(self)

    def _repr_html_(self) -> str:
        return html_of(self)
