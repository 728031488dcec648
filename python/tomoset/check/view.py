"""A tomogram set as rules look at it: columns as numbers, and one fault for each tomogram."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tomoset.check.rules import Fault
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from tomoset.sets.contents import Contents
    from tomoset.sets.values import Floats, Integers

__all__ = ["View"]


class View:
    """The two tables of a set as numbers.

    What is absent is NaN: of a column that is not there, or not of some tilt series.
    """

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.names = contents.names
        self._columns: dict[str, Floats] = {}

    def __len__(self) -> int:
        return len(self.names)

    # Tomograms.

    def has(self, label: str) -> bool:
        """Whether the set's table has a column."""
        return label in self.contents.table.column_names

    def of_tomograms(self, label: str) -> Floats:
        """Give a column of the set's table: ``(n,)``."""
        return _numbers(self.contents.table, label)

    def texts(self, label: str) -> list[str | None]:
        """Give a column of the set's table as text."""
        if not self.has(label):
            return [None] * len(self)
        found: list[str | None] = self.contents.table.column(label).to_pylist()
        return found

    # Tilts.

    def tilts(self, label: str) -> Floats:
        """Give a column of all tilt images: ``(num_tilts,)``."""
        if label not in self._columns:
            self._columns[label] = _numbers(self.contents.tilts, label)
        return self._columns[label]

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

    def in_order(self, values: Floats) -> tuple[Integers, Floats]:
        """Give the images of each tomogram sorted by a value, and their values."""
        order = np.lexsort((values, self.owners))
        return order, values[order]

    def steps(self, values: Floats) -> tuple[Integers, Floats]:
        """Give the steps between neighbours of a tomogram, and whose they are."""
        same = self.owners[1:] == self.owners[:-1]
        return self.owners[1:][same], np.diff(values)[same]

    def each(
        self, bad: npt.NDArray[np.bool_], say: Callable[[int], str], of: str = "tilts"
    ) -> Iterator[Fault]:
        """Give a fault for each tomogram some of whose images are bad, told by the first of them."""
        (images,) = np.nonzero(bad)
        if not len(images):
            return
        rows, first, counts = np.unique(self.owners[images], return_index=True, return_counts=True)
        for row, at, count in zip(rows, images[first], counts, strict=True):
            tilt = int(at - self.contents.offsets[row])
            more = f"; {count} of {self.counts[row]} {of}" if count > 1 else ""
            yield Fault(f"tilt {tilt}: {say(int(at))}{more}", int(row))

    def told(self, bad: npt.NDArray[np.bool_], label: str, unit: str = "") -> Iterator[Fault]:
        """Give a fault for each tomogram some of whose values of a column are bad."""
        values = self.tilts(label)
        yield from self.each(bad, lambda at: f"{label} is {values[at]:g}{unit}")


def _numbers(table: pa.Table, label: str) -> Floats:
    if label not in table.column_names:
        return np.full(table.num_rows, np.nan)
    column = table.column(label)
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        return np.full(table.num_rows, np.nan)
    found: Floats = as_numpy(column).astype(np.float64)
    return found
