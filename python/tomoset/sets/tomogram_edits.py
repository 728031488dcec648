"""Edits of tomogram sets, each of which gives a new one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow.compute as pc

from tomoset.sets.contents import Contents, concatenated
from tomoset.sets.edits import chosen, with_columns_of
from tomoset.sets.images import with_image_names
from tomoset.sets.labels import NAME
from tomoset.sets.naming import Renaming, renaming
from tomoset.sets.tilt_series import TiltSeries
from tomoset.tables import is_scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from tomoset.sets.values import Integers

__all__ = ["TomogramEdits"]


class TomogramEdits:
    """What chooses tomograms and images of a set, and changes their values."""

    contents: Contents

    def __init__(self, contents: Contents) -> None:
        raise NotImplementedError

    def _with(self, contents: Contents) -> Self:
        return type(self)(contents)

    def select(self, names: Iterable[str]) -> Self:
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
        wanted = [self.contents.place(name) for name in names]
        if len(set(wanted)) < len(wanted):
            raise ValueError("a tomogram is named twice")
        return self._with(self.contents.take(np.array(wanted, dtype=np.int64)))

    def drop(self, names: Iterable[str]) -> Self:
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
        gone = [self.contents.place(name) for name in names]
        return self._with(self.contents.take(np.setdiff1d(np.arange(len(self.contents.names)), gone)))

    def filter(self, which: Any) -> Self:  # noqa: ANN401
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
        return self._with(self.contents.take(chosen(which, self.contents.table)))

    def filter_tilts(self, which: Any) -> Self:  # noqa: ANN401
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
        return self._with_images(chosen(which, self.contents.named_tilts))

    def drop_tilts(
        self,
        which: Any = None,  # noqa: ANN401
        *,
        angle_above: float | None = None,
        dose_above: float | None = None,
        keep_least_dosed: int | None = None,
    ) -> Self:
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
        gone = np.zeros(int(self.contents.offsets[-1]), dtype=bool)
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
            gone[chosen(which, self.contents.named_tilts)] = True
        if angle_above is not None:
            gone |= np.abs(self.contents.numbers(TiltSeries.nominal_tilt_angles.label)) > angle_above
        if dose_above is not None:
            gone |= self.contents.numbers(TiltSeries.pre_exposure.label) > dose_above
        if keep_least_dosed is not None:
            if keep_least_dosed < 1:
                raise ValueError(f"keep_least_dosed is {keep_least_dosed}; it must be at least 1")
            order = np.lexsort((self.contents.numbers(TiltSeries.pre_exposure.label), self.contents.owners()))
            gone[order[self.contents.places() >= keep_least_dosed]] = True
        return self._with_images(np.flatnonzero(~gone))

    def sorted_by(self, key: str) -> Self:
        """Sort the images of each tomogram by dose or by nominal tilt angle; equal ones keep their order.

        Parameters
        ----------
        key : {"dose", "tilt"}
        """
        labels = {"dose": TiltSeries.pre_exposure.label, "tilt": TiltSeries.nominal_tilt_angles.label}
        if key not in labels:
            raise ValueError(f"tilts are sorted by 'dose' or 'tilt', not by {key!r}")
        order = np.lexsort((self.contents.numbers(labels[key]), self.contents.owners()))
        return self._with_images(order)

    def _with_images(self, images: Integers) -> Self:
        # What is known by its place in a stack would become another image.
        return self._with(with_image_names(self.contents).take_images(images))

    def with_columns(self, columns: Mapping[str, Any] | None = None, /, **more: Any) -> Self:  # noqa: ANN401
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
        return self._with(replace(self.contents, table=with_columns_of(self.contents.table, given)))

    def with_tilt_columns(self, columns: Mapping[str, Any] | None = None, /, **more: Any) -> Self:  # noqa: ANN401
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
        contents = self.contents
        given = {**(columns or {}), **more}
        if NAME in given:
            raise ValueError(f"{NAME} is the key of the set: use rename_tomograms")
        headers = tuple(
            (*header, *(label for label in given if label not in header)) for header in contents.headers
        )
        tilts = with_columns_of(self.contents.tilts, given)
        return self._with(
            replace(contents, tilts=tilts, headers=headers, edited=contents.edited.union(given))
        )

    def rename_tomograms(self, names: Renaming) -> Self:
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
        renamed = renaming(names, self.contents.names, self.contents.path)
        return self._with(self.contents.renamed([renamed[name] for name in self.contents.names]))

    @classmethod
    def concat(cls, sets: Iterable[Self], *, clashes: Literal["raise", "number", "first"] = "raise") -> Self:
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
        return cls(concatenated([each.contents for each in sets], clashes))
