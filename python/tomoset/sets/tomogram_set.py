"""A set of tomograms and their tilt series."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tomoset import _core
from tomoset.exceptions import MissingLabelError, MissingTomogramError, printable
from tomoset.sets.alignment import Alignment, differences
from tomoset.sets.contents import Contents, Layout, concatenated
from tomoset.sets.edits import chosen, with_columns_of
from tomoset.sets.images import with_image_names
from tomoset.sets.labels import NAME
from tomoset.sets.looks import html_of, text_of
from tomoset.sets.naming import Renaming, renaming
from tomoset.sets.paths import text_path
from tomoset.sets.reading import Missing, read_contents
from tomoset.sets.tabular import Tabular
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram
from tomoset.sets.writing import write_contents
from tomoset.tables import as_numpy, is_scalar, row_indices

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.figure import Figure

    from tomoset.geometry import Centre
    from tomoset.sets.findings import Finding
    from tomoset.sets.images import ImageSizes
    from tomoset.sets.values import Floats, Integers

__all__ = ["TomogramSet"]


class TomogramSet(Tabular, Mapping[str, Tomogram]):
    """Tomograms by name, and all of their tilt images.

    A set is two tables: `table` with one row a tomogram, and `tilts` with all tilt images, tomogram by tomogram. A
    `Tomogram` is a row of the one, a `TiltSeries` a slice of the other, and nothing is copied. Sets do not change: each
    edit gives a new one, which shares memory with the old.
    """

    def __init__(self, contents: Contents) -> None:
        if not isinstance(contents, Contents):
            raise TypeError(f"a set is read by TomogramSet.read(path), not made of {contents!r}")
        self._contents = contents
        self._names: list[str] = contents.table.column(NAME).to_pylist()
        self._places = {name: index for index, name in reversed(list(enumerate(self._names)))}

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
        return self._contents.path

    @property
    def project_root(self) -> Path:
        """The project directory, to which paths are relative."""
        return self._contents.project_root

    @property
    def layout(self) -> Layout:
        """``"relion5"`` for a file for each tilt series, ``"relion4"`` for one file for all."""
        return self._contents.layout

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was wrong with the set as it was read."""
        return self._contents.findings

    @property
    def names(self) -> list[str]:
        """Names of the tomograms, in the order of the set."""
        return list(self._names)

    @property
    def table(self) -> pa.Table:
        """One row for each tomogram: ``(len(set), ...)``, with RELION's labels."""
        return self._contents.table

    @property
    def offsets(self) -> Integers:
        """Where the images of each tomogram begin in `tilts`, and the last ones end: ``(len(set) + 1,) int64``."""
        return self._contents.offsets

    @property
    def num_tilts(self) -> int:
        """Number of tilt images of all tomograms."""
        return int(self.offsets[-1])

    @property
    def tilts(self) -> pa.Table:
        """All tilt images, tomogram by tomogram: ``(num_tilts, ...)``, with ``rlnTomoName`` as the first column.

        A column that only some tilt series have is null for the others.
        """
        tilts = self._tilts
        if NAME in tilts.column_names:
            # Of some files' own, which need not be the set's.
            tilts = tilts.drop_columns([NAME])
        codes = pa.array(self._contents.owners().astype(np.int32))
        names = pa.DictionaryArray.from_arrays(codes, pa.array(self._names, pa.large_string()))
        return tilts.add_column(0, NAME, names)

    @property
    def _tilts(self) -> pa.Table:
        return self._contents.tilts

    @property
    def _global_name(self) -> str:
        return f"the set's block {self._contents.global_block!r}"

    def _labels(self, index: int) -> tuple[str, ...]:
        return self._contents.labels(index)

    def _missing_label(self, label: str, known: Sequence[str], where: str) -> MissingLabelError:
        meant = _core.hint(label, "_", list(known)) if isinstance(label, str) else ""
        path = f"{printable(self.path, 1000)}: " if self.path else ""
        return MissingLabelError(f"{path}{where} has no column {label!r}{meant}", label)

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
            return self._with(self._contents.take(np.arange(len(self))[name]))
        if isinstance(name, list | tuple):
            raise TypeError(f"a tomogram has one name; for several use select({list(name)!r})")
        if isinstance(name, int | np.integer):
            return Tomogram(self, int(row_indices([name], len(self))[0]))
        return Tomogram(self, self._place(name))

    def _place(self, name: str) -> int:
        if name not in self._places:
            meant = _core.hint(name, "data_", self._names) if isinstance(name, str) else ""
            path = f"{printable(self.path, 1000)}: " if self.path else ""
            raise MissingTomogramError(
                f"{path}no tomogram {name!r} among {len(self)}{meant}", name, self.path
            )
        index: int = self._places[name]
        return index

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return TomogramSet, (self._contents,)

    # Selecting and editing.

    def _with(self, contents: Contents) -> TomogramSet:
        return TomogramSet(contents)

    def select(self, names: Iterable[str]) -> TomogramSet:
        """Keep these tomograms, in this order.

        Raises
        ------
        MissingTomogramError
            One that is not there.
        ValueError
            One that is named twice.
        """
        if isinstance(names, str):
            raise TypeError(f"names must be a list of names; did you mean [{names!r}]?")
        wanted = [self._place(name) for name in names]
        if len(set(wanted)) < len(wanted):
            raise ValueError("a tomogram is named twice")
        return self._with(self._contents.take(np.array(wanted, dtype=np.int64)))

    def drop(self, names: Iterable[str]) -> TomogramSet:
        """Leave these tomograms out.

        Parameters
        ----------
        names : iterable of str

        Raises
        ------
        MissingTomogramError
            One that is not there.
        """
        if isinstance(names, str):
            raise TypeError(f"names must be a list of names; did you mean [{names!r}]?")
        gone = [self._place(name) for name in names]
        return self._with(self._contents.take(np.setdiff1d(np.arange(len(self)), gone)))

    def filter(self, which: Any) -> TomogramSet:  # noqa: ANN401
        """Keep the tomograms for which something holds.

        Parameters
        ----------
        which : str, pyarrow.compute.Expression, or (len(set),) array of bool
            A condition on the columns of `table`, such as ``"rlnTomoSizeZ > 1000 and rlnVoltage == 300"``; or an
            expression of pyarrow; or a truth value for each tomogram.

        Raises
        ------
        ExpressionError, TypeError, ValueError
            No such condition; a mask of another type or length.
        """
        return self._with(self._contents.take(chosen(which, self.table)))

    def filter_tilts(self, which: Any) -> TomogramSet:  # noqa: ANN401
        """Keep the tilt images for which something holds.

        Parameters
        ----------
        which : str, pyarrow.compute.Expression, or (num_tilts,) array of bool
            As in `filter`, on the columns of `tilts`.

        Raises
        ------
        ExpressionError, TypeError, ValueError
            As in `filter`.
        """
        return self._with_images(chosen(which, self.tilts))

    def drop_tilts(
        self,
        which: Any = None,  # noqa: ANN401
        *,
        angle_above: float | None = None,
        dose_above: float | None = None,
        keep_least_dosed: int | None = None,
    ) -> TomogramSet:
        """Leave tilt images out: those for which any of the conditions that are given holds.

        The order of the others stays. Particles that were extracted before name images by their number: their
        visible frames, stacks and trajectories do not fit the new set.

        Parameters
        ----------
        which : str, pyarrow.compute.Expression, or (num_tilts,) array of bool, optional
            As in `filter_tilts`, of those that go.
        angle_above : float, optional
            Nominal tilt angles in degrees, either way, above which images go.
        dose_above : float, optional
            Dose before the image in e/A^2 above which images go.
        keep_least_dosed : int, optional
            How many images of each tomogram stay, those of the lowest dose.

        Raises
        ------
        MissingLabelError
            A tilt series has no column that is asked for.
        ExpressionError, TypeError, ValueError
            As in `filter`; nothing was given.
        """
        gone = np.zeros(self.num_tilts, dtype=bool)
        if which is None and angle_above is None and dose_above is None and keep_least_dosed is None:
            raise ValueError(
                "drop_tilts: which tilts? (which=, angle_above=, dose_above= or keep_least_dosed=)"
            )
        for name, limit in (("angle_above", angle_above), ("dose_above", dose_above)):
            if limit is not None and (isinstance(limit, str | bool) or not limit >= 0):
                raise ValueError(f"drop_tilts: {name} is {limit!r}; it must be a number, 0 or more")
        if which is not None and is_scalar(which) and not isinstance(which, str | pc.Expression):
            raise TypeError(
                f"drop_tilts: {which!r} is neither a condition nor a mask; did you mean angle_above={which!r}?"
            )
        if which is not None:
            gone[chosen(which, self.tilts)] = True
        if angle_above is not None:
            gone |= np.abs(self._all(TiltSeries.nominal_tilt_angles.label)) > angle_above
        if dose_above is not None:
            gone |= self._all(TiltSeries.pre_exposure.label) > dose_above
        if keep_least_dosed is not None:
            if keep_least_dosed < 1:
                raise ValueError(f"keep_least_dosed is {keep_least_dosed}; it must be at least 1")
            order = np.lexsort((self._all(TiltSeries.pre_exposure.label), self._contents.owners()))
            gone[order[self._contents.places() >= keep_least_dosed]] = True
        return self._with_images(np.flatnonzero(~gone))

    def sorted_by(self, key: str) -> TomogramSet:
        """Sort the images of each tomogram by dose or by nominal tilt angle; equal ones keep their order.

        Parameters
        ----------
        key : {"dose", "tilt"}
        """
        labels = {"dose": TiltSeries.pre_exposure.label, "tilt": TiltSeries.nominal_tilt_angles.label}
        if key not in labels:
            raise ValueError(f"tilts are sorted by 'dose' or 'tilt', not by {key!r}")
        order = np.lexsort((self._all(labels[key]), self._contents.owners()))
        return self._with_images(order)

    def _with_images(self, images: Integers) -> TomogramSet:
        # What is known by its place in a stack would become another image.
        return self._with(with_image_names(self._contents).take_images(images))

    def with_columns(self, columns: Mapping[str, Any] | None = None, /, **more: Any) -> TomogramSet:  # noqa: ANN401
        """Set columns of `table`.

        Parameters
        ----------
        columns, **more : values by label
            For each label an array of ``len(set)`` values, or one value for all tomograms.

        Raises
        ------
        ValueError, TypeError
            An array of another length, values without a common type; names are set by `rename_tomograms`.
        """
        given = {**(columns or {}), **more}
        if NAME in given:
            raise ValueError(f"{NAME} is the key of the set: use rename_tomograms")
        return self._with(replace(self._contents, table=with_columns_of(self.table, given)))

    def with_tilt_columns(self, columns: Mapping[str, Any] | None = None, /, **more: Any) -> TomogramSet:  # noqa: ANN401
        """Set columns of all tilt images.

        Parameters
        ----------
        columns, **more : values by label
            For each label an array of `num_tilts` values in the order of `tilts`, or one value for all images.

        Raises
        ------
        ValueError, TypeError
            As in `with_columns`.
        """
        contents = self._contents
        given = {**(columns or {}), **more}
        if NAME in given:
            raise ValueError(f"{NAME} is the key of the set: use rename_tomograms")
        headers = tuple(
            (*header, *(label for label in given if label not in header)) for header in contents.headers
        )
        tilts = with_columns_of(self._tilts, given)
        return self._with(
            replace(contents, tilts=tilts, headers=headers, edited=contents.edited.union(given))
        )

    def rename_tomograms(self, names: Renaming) -> TomogramSet:
        """Give tomograms other names; a tilt series' file that is named as the tomogram gets the new name.

        Parameters
        ----------
        names : mapping of str to str, or function
            New names by old ones, or what makes them.

        Raises
        ------
        MissingTomogramError
            A name that is not there.
        ValueError
            Two tomograms would have one name.
        """
        renamed = renaming(names, self._names, self.path)
        return self._with(self._contents.renamed([renamed[name] for name in self._names]))

    @classmethod
    def concat(
        cls, sets: Iterable[TomogramSet], *, clashes: Literal["raise", "number", "first"] = "raise"
    ) -> TomogramSet:
        """Put the tomograms of several sets into one, which has the project directory of the first.

        Parameters
        ----------
        sets : iterable of TomogramSet
            All of one layout and one project.
        clashes : {"raise", "number", "first"}
            What becomes of a tomogram whose name is taken: it is an error, it gets a number behind its name
            (``TS_01_2``), or it is left out.

        Raises
        ------
        ValueError
            No sets, sets of both layouts or of several projects, or a name that is taken.
        """
        return cls(concatenated([each._contents for each in sets], clashes))

    def _all(self, label: str) -> Any:  # noqa: ANN401
        """Give a column of all tilt images."""
        lacks = ~self._contents.have(label) & (np.diff(self.offsets) > 0)
        if lacks.any():
            index = int(np.argmax(lacks))
            raise self._missing_label(label, self._labels(index), f"tilt series {self._names[index]!r}")
        if label not in self._tilts.column_names:
            return np.empty(0)
        return as_numpy(self._tilts.column(label))

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
        write_contents(self._contents, text_path(path), durable=durable, options=options)

    # What is wrong with it.

    def validate(self) -> list[Finding]:
        """Give all that is wrong with the set, or may be: what RELION stops at, or silently takes for something else.

        The rules are in `docs/rules.md`. Images and other files that the set names are not looked at.

        Returns
        -------
        list of Finding
            What was found as the set was read, and then by rule.
        """
        from tomoset.check import check_tomograms

        return check_tomograms(self)

    # Alignments.

    def projection_matrices(
        self, *, image_sizes: ImageSizes | None = None, allow_outside: bool = False
    ) -> Floats:
        """Give the projection matrix of each tilt image: ``(num_tilts, 4, 4) float64``.

        They take points ``(x, y, z, 1)``, in pixels of the tilt series from the corner of the tomogram, to pixels in
        the image: `tomoset.geometry.projection_matrices`. RELION 4's matrices are as they are written, and win over
        angles. Of a tilt series without alignment they are NaN, where RELION has the identity.

        Parameters
        ----------
        image_sizes : (int, int), mapping of str to (int, int), or (len(set), 2) array of int, optional
            Width and height of the tilt images in pixels: of all, by tomogram, or a row for each. What is not given is
            read from the header of each tilt series' first image, as in RELION.
        allow_outside : bool
            Whether to read images that lie outside of the project.

        Raises
        ------
        SetError
            A size or pixel size that is missing or not positive, an angle that is no number, an image that is needed
            and not there.
        """
        return Alignment(self._contents, image_sizes, allow_outside=allow_outside).matrices()

    def to_relion5(
        self,
        *,
        image_sizes: ImageSizes | None = None,
        centre: Centre = "exact",
        tolerance: float = 0.01,
        allow_outside: bool = False,
    ) -> TomogramSet:
        """Convert to RELION 5: angles and shifts in place of matrices, and a file for each tilt series.

        RELION 5 reads sets of RELION 4 and Warp, but what it writes of them has no alignment. All other columns stay.
        Images that were known by their place in a stack, ``rlnTomoTiltSeriesName``, are named one by one. Where there
        are no nominal tilt angles, by which RELION 5 sorts, they are the angles of the alignment.

        Parameters
        ----------
        image_sizes, allow_outside
            As for `projection_matrices`.
        centre : {"exact", "relion"}
            As for `tomoset.geometry.projection_angles`: exact, or with RELION's error for odd sizes.
        tolerance : float
            In pixels. Where angles take a corner of the tomogram further than this from where the matrix does, as with
            a magnification, a finding ``not-rigid`` says how far.

        Raises
        ------
        SetError
            As in `projection_matrices`.
        """
        alignment = Alignment(self._contents, image_sizes, allow_outside=allow_outside)
        return self._with(alignment.to_relion5(centre, tolerance))

    def to_relion4(
        self, *, image_sizes: ImageSizes | None = None, allow_outside: bool = False
    ) -> TomogramSet:
        """Convert to RELION 4: matrices in place of angles and shifts, and one file for all.

        All other columns stay. RELION 4 wants the images of a tilt series in one stack: where they are, by the names
        of images such as ``000001@TS_01.mrcs``, it is named; else `validate` says ``no-stack``.

        Parameters
        ----------
        image_sizes, allow_outside
            As for `projection_matrices`.

        Raises
        ------
        SetError
            As in `projection_matrices`.
        """
        return self._with(Alignment(self._contents, image_sizes, allow_outside=allow_outside).to_relion4())

    def alignment_differences(
        self,
        other: TomogramSet,
        *,
        image_sizes: ImageSizes | None = None,
        allow_outside: bool = False,
    ) -> Floats:
        """Give how far apart the alignments of two sets are: ``(num_tilts,) float64`` in pixels.

        The largest distance in the image between the places to which the two take a corner of the tomogram. NaN where
        one has no alignment.

        Parameters
        ----------
        other : TomogramSet
            A set of the same tomograms and tilt images, in the same order.
        image_sizes, allow_outside
            As for `projection_matrices`.

        Raises
        ------
        ValueError
            Sets of other tomograms or other numbers of images.
        SetError
            As in `projection_matrices`.
        """
        if self._names != other._names or not np.array_equal(self.offsets, other.offsets):
            raise ValueError("the sets have not the same tomograms and tilt images")
        one, two = (
            Alignment(each._contents, image_sizes, allow_outside=allow_outside) for each in (self, other)
        )
        return differences(one, two, self._contents)

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
