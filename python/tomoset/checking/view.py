"""A tomogram set as rules look at it: columns as numbers, and one fault for each tomogram."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tomoset.checking.rules import Fault
from tomoset.exceptions import printable
from tomoset.geometry import projection_matrices
from tomoset.sets.alignment import NEEDED, ROWS, SIZE, X_TILT
from tomoset.sets.contents import offsets_of
from tomoset.sets.paths import NO_FILES
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram
from tomoset.sets.values import vectors
from tomoset.tables import as_numpy, one_below_other

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from tomoset.checking.rules import Place
    from tomoset.sets.contents import Contents, Layout
    from tomoset.sets.values import Floats, Integers

__all__ = ["Part", "View", "joined", "medians_of"]

Y_TILT, Z_ROT = TiltSeries.y_tilt.label, TiltSeries.z_rot.label
SHIFTS = (TiltSeries.x_shift.label, TiltSeries.y_shift.label)
AXIS = TiltSeries.nominal_tilt_axis_angles.label
DOSE = TiltSeries.pre_exposure.label
U, V = TiltSeries.defocus_u.label, TiltSeries.defocus_v.label


#: How many bytes what stands for no file has at most.
LONGEST = max(map(len, NO_FILES))


class Part(NamedTuple):
    """One of the sets that are looked at together."""

    path: str | None
    layout: Layout
    #: Its block, and the rows of the tomograms that are its own.
    block: str
    start: int
    stop: int
    labels: frozenset[str]


class View:
    """The two tables of a set as numbers, or of several sets of one project that were put below one another.

    What is absent is NaN: of a column that is not there, or not of some tilt series.
    """

    def __init__(self, contents: Contents, parts: Sequence[Part] | None = None) -> None:
        self.contents = contents
        self.names = contents.names
        if parts is None:
            labels = frozenset(contents.table.column_names)
            block = contents.global_block
            parts = [Part(contents.path, contents.layout, block, 0, len(contents.names), labels)]
        self.parts = list(parts)
        self._columns: dict[str, Floats] = {}
        self._texts: dict[str, list[str | None]] = {}
        self._orders: dict[str, tuple[Integers, Floats]] = {}

    def __len__(self) -> int:
        return len(self.names)

    # Sets.

    @cached_property
    def owner_sets(self) -> Integers:
        """The set of each tomogram."""
        counts = [part.stop - part.start for part in self.parts]
        found: Integers = np.repeat(np.arange(len(counts)), counts)
        return found

    def lacking(self, label: str) -> list[int]:
        """Give the sets that do not have a column."""
        return [at for at, part in enumerate(self.parts) if label not in part.labels]

    def place(self, fault: Fault) -> Place:
        """Say where a fault is."""
        contents = self.contents
        if fault.row is None:
            part = self.parts[fault.part]
            where = printable(part.path or "<memory>", 1000)
            return {"where": where, "path": part.path, "block": part.block, "label": fault.label}
        part = self.parts[self.owner_sets[fault.row]]
        # Of the set that was read, if this is a part of it.
        rows = contents.global_rows
        row = fault.row - part.start if rows is None else int(rows[fault.row])
        name = self.names[fault.row]
        where = f"{printable(part.path or '<memory>', 1000)}: row {row} ({printable(name)})"
        found: Place = {"where": where, "tomogram": name}
        if fault.tilt is None:
            return {**found, "path": part.path, "block": part.block, "row": row, "label": fault.label}
        origin = contents.origins[fault.row]
        if origin is None:
            return found
        tilt = fault.tilt
        if contents.rows is not None:
            tilt = int(contents.rows[contents.offsets[fault.row] + tilt])
        # An image that is new stands in no file yet.
        at = tilt if tilt >= 0 else None
        return {**found, "path": origin.path, "block": origin.block, "row": at, "label": fault.label}

    # Tomograms.

    def having(self, *labels: str) -> npt.NDArray[np.bool_]:
        """Give which tomograms are of a set with all of some columns: ``(n,)``."""
        known = np.array([part.labels.issuperset(labels) for part in self.parts], dtype=bool)
        found: npt.NDArray[np.bool_] = known[self.owner_sets]
        return found

    def of_tomograms(self, label: str) -> Floats:
        """Give a column of the sets' table: ``(n,)``."""
        return _numbers(self.contents.table, label)

    def texts(self, label: str) -> list[str | None]:
        """Give a column of the sets' table as text; None where there is none."""
        if label not in self.contents.table.column_names:
            return [None] * len(self)
        if label not in self._texts:
            self._texts[label] = self.contents.table.column(label).to_pylist()
        return self._texts[label]

    # Tilts.

    def tilts(self, label: str) -> Floats:
        """Give a column of all tilt images: ``(num_tilts,)``."""
        if label not in self._columns:
            self._columns[label] = _numbers(self.contents.tilts, label)
        return self._columns[label]

    def files(self, label: str) -> tuple[pa.Array, Integers]:
        """Give the files that a column of tilt images names, and the place of each image's; -1 where it has none."""
        if label not in self.contents.tilts.column_names:
            return pa.array([], pa.large_string()), np.full(len(self.owners), -1)
        codes = self.contents.tilts.column(label).combine_chunks().dictionary_encode()
        places: Integers = as_numpy(pc.fill_null(codes.indices, -1)).astype(np.int64)
        # Nearly all names are longer, and need not be compared.
        (short,) = np.nonzero(as_numpy(pc.binary_length(codes.dictionary)) <= LONGEST)
        if len(short):
            none = [name in NO_FILES for name in codes.dictionary.take(pa.array(short)).to_pylist()]
            places[np.isin(places, short[none])] = -1
        return codes.dictionary, places

    @cached_property
    def owners(self) -> Integers:
        """The tomogram of each image."""
        return self.contents.owners()

    @cached_property
    def counts(self) -> Integers:
        """How many images each tomogram has."""
        found: Integers = np.diff(self.contents.offsets)
        return found

    def have(self, *labels: str) -> npt.NDArray[np.bool_]:
        """Give which tilt series have all of some labels."""
        return self.contents.have(*labels)

    def in_order(self, label: str) -> tuple[Integers, Floats]:
        """Give the images of each tomogram sorted by a column, and its values."""
        if label not in self._orders:
            values = self.tilts(label)
            order = np.lexsort((values, self.owners))
            self._orders[label] = (order, values[order])
        return self._orders[label]

    def steps(self, values: Floats) -> tuple[Integers, Floats]:
        """Give the steps between neighbours of a tomogram, and whose they are."""
        same = self.owners[1:] == self.owners[:-1]
        return self.owners[1:][same], np.diff(values)[same]

    def each(
        self, bad: npt.NDArray[np.bool_], say: Callable[[int], str], label: str | None = None
    ) -> Iterator[Fault]:
        """Give a fault for each tomogram some of whose images are bad, told by the first of them."""
        (images,) = np.nonzero(bad)
        if not len(images):
            return
        rows, first, counts = np.unique(self.owners[images], return_index=True, return_counts=True)
        for row, at, count in zip(rows, images[first], counts, strict=True):
            tilt = int(at - self.contents.offsets[row])
            more = f"; {count} of {self.counts[row]} tilts" if count > 1 else ""
            yield Fault(f"tilt {tilt}: {say(int(at))}{more}", int(row), label=label, tilt=tilt)

    def outside(self, label: str, good: Callable[[Floats], npt.NDArray[np.bool_]]) -> Iterator[Fault]:
        """Give the tomograms whose value of a column is not good; a column that is missing is not looked at."""
        values = self.of_tomograms(label)
        with np.errstate(invalid="ignore"):
            bad = ~good(values) & self.having(label)
        for row in np.flatnonzero(bad):
            yield Fault(f"{label} is {values[row]:g}", int(row), label=label)

    def told(self, bad: npt.NDArray[np.bool_], label: str, unit: str = "") -> Iterator[Fault]:
        """Give a fault for each tomogram some of whose values of a column are bad."""
        if bad.any():
            values = self.tilts(label)
            yield from self.each(bad, lambda at: f"{label} is {values[at]:g}{unit}", label)

    @cached_property
    def rotations_of_angles(self) -> Floats:
        """Give the rotation by the angles of each image: ``(num_tilts, 3, 3)``, NaN where there are none."""
        x_tilt = np.nan_to_num(self.tilts(X_TILT))
        found = projection_matrices(
            x_tilt,
            self.tilts(Y_TILT),
            self.tilts(Z_ROT),
            0,
            0,
            pixel_size=1,
            size=(0, 0, 0),
            image_size=(0, 0),
        )
        return found[:, :3, :3]

    @cached_property
    def rotations_of_matrices(self) -> Floats:
        """Give the rotation in the matrix of each image: ``(num_tilts, 3, 3)``, NaN where there is none."""
        found = np.full((len(self.owners), 3, 3), np.nan)
        there = np.repeat(self.have(*ROWS), self.counts) & self._whole_rows
        for axis, label in enumerate(ROWS[:3]):
            found[there, axis] = self.fours(label)[there, :3]
        return found

    @cached_property
    def _whole_rows(self) -> npt.NDArray[np.bool_]:
        """Which images have four numbers in each of the first three rows."""
        found: npt.NDArray[np.bool_] = np.all([self.vector_lengths(label) == 4 for label in ROWS[:3]], axis=0)
        return found

    def fours(self, label: str) -> Floats:
        """Give a column of vectors of 4 numbers: ``(num_tilts, 4)``, NaN where there is none or of another length."""
        found = np.full((len(self.owners), 4), np.nan)
        there = self.vector_lengths(label) == 4
        if there.any():
            column = vectors(self.contents.tilts.column(label).filter(pa.array(there)))
            assert column is not None
            found[there] = as_numpy(column.flatten()).reshape(-1, 4)
        return found

    def shifts_apart(self) -> Floats:
        """Give how far the shifts in the matrix of each image are from those beside it, in pixels; NaN where not known.

        What a matrix moves by, less the shifts and what the rotation about the tomogram's centre does, is the middle of
        the image: the same for all images of a tilt series.
        """
        apart = np.full(len(self.owners), np.nan)
        there = np.repeat(self.have(*ROWS, *NEEDED), self.counts)
        there &= self._whole_rows
        if not there.any():
            return apart
        size = np.stack([self.of_tomograms(label) for label in SIZE], axis=-1)[self.owners][there]
        pixel = self.of_tomograms(Tomogram.pixel_size.label)[self.owners][there]
        turned = np.einsum("nij,nj->ni", self.rotations_of_matrices[there], np.floor(size / 2))
        middle = np.full((len(apart), 2), np.nan)
        for axis, (row, shift) in enumerate(zip(ROWS, SHIFTS, strict=False)):
            moved = self.fours(row)[there, 3]
            middle[there, axis] = moved + turned[:, axis] - self.tilts(shift)[there] / pixel
        usual = np.stack([self.medians(middle[:, axis]) for axis in (0, 1)], axis=-1)[self.owners]
        found: Floats = np.abs(middle - usual).max(axis=1)
        return found

    def vector_lengths(self, label: str) -> Integers:
        """Give how many numbers a vector of each image has; -1 where there is none."""
        count = len(self.owners)
        if label not in self.contents.tilts.column_names:
            return np.full(count, -1)
        column = vectors(self.contents.tilts.column(label))
        if column is None:
            return np.full(count, -1)
        found: Integers = as_numpy(column.value_lengths().fill_null(-1)).astype(np.int64)
        return found

    def any_of(self, images: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell of which tomograms something holds for any image."""
        found = np.zeros(len(self), dtype=bool)
        found[self.owners[images]] = True
        return found

    def medians(self, values: Floats) -> Floats:
        """Give the median of each tomogram's images."""
        return medians_of(self.owners, values, len(self))


def joined(views: Sequence[View]) -> View:
    """Put views of several projects below one another, for rules that look at tables alone.

    Raises
    ------
    TypeError
        A column that is of vectors in one of them, and of something else in another.
    """
    if len(views) == 1:
        return views[0]
    all_contents = [view.contents for view in views]
    headers: dict[tuple[str, ...], int] = {}
    header = [
        headers.setdefault(each.headers[at], len(headers)) for each in all_contents for at in each.header
    ]
    counts = [len(view) for view in views]
    contents = replace(
        all_contents[0],
        table=one_below_other([each.table for each in all_contents]),
        tilts=one_below_other([each.tilts for each in all_contents]).combine_chunks(),
        offsets=offsets_of(np.concatenate([np.diff(each.offsets) for each in all_contents])),
        headers=tuple(headers),
        header=np.array(header, dtype=np.int64),
        origins=tuple(origin for each in all_contents for origin in each.origins),
        path=None,
    )
    parts = [
        part._replace(start=part.start + before, stop=part.stop + before)
        for view, before in zip(views, np.cumsum([0, *counts[:-1]]).tolist(), strict=True)
        for part in view.parts
    ]
    return View(contents, parts)


def medians_of(owners: Integers, values: Floats, count: int) -> Floats:
    """Give the lower median of the values of each owner that are numbers; NaN where there are none."""
    good = np.isfinite(values)
    owners, values = owners[good], values[good]
    values = values[np.lexsort((values, owners))]
    counts = np.bincount(owners, minlength=count)
    starts = np.cumsum(counts) - counts
    found = np.full(count, np.nan)
    there = counts > 0
    found[there] = values[(starts + (counts - 1) // 2)[there]]
    return found


def _numbers(table: pa.Table, label: str) -> Floats:
    if label not in table.column_names:
        return np.full(table.num_rows, np.nan)
    column = table.column(label)
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        return np.full(table.num_rows, np.nan)
    found: Floats = as_numpy(column).astype(np.float64)
    return found
