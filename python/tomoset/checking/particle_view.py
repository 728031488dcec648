"""Sets of particles as rules look at them: what several of them need, found once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tomoset.checking.rules import Fault
from tomoset.exceptions import printable
from tomoset.geometry import centred_to_px
from tomoset.sets.alignment import SIZE
from tomoset.sets.contents import offsets_of
from tomoset.sets.labels import NAME, PARTICLE
from tomoset.sets.particles import CENTRED, LEGACY, PIXEL_SIZE, groups_of
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    import numpy.typing as npt

    from tomoset.checking.images import Headers
    from tomoset.checking.rules import Place
    from tomoset.sets.particle_set import ParticleSet
    from tomoset.sets.tomogram_set import TomogramSet
    from tomoset.sets.values import Floats, Integers

__all__ = ["ParticleView", "shape_of"]


def shape_of(particles: ParticleSet) -> Hashable:
    """Give what sets must have in common to be looked at together."""
    optics = particles.optics
    schemas = (particles.table.schema, None if optics is None else optics.schema)
    return (*schemas, particles.are_2d_stacks, particles.tomograms is None)


class ParticleView:
    """A set of particles, or several of one shape below one another, with what is known from tomograms and optics.

    What is not known is NaN: of particles of unknown tomograms, of tomograms without sizes, or with such as cannot be.

    Parameters
    ----------
    sets : sequence of ParticleSet
        One, or more of the same `shape_of`.
    headers : Headers, optional
        Of the stacks that they name.
    """

    def __init__(self, sets: Sequence[ParticleSet], headers: Headers | None = None) -> None:
        self.sets = list(sets)
        self.headers = headers

    def __len__(self) -> int:
        return int(self.offsets[-1])

    # Sets.

    @cached_property
    def offsets(self) -> Integers:
        """The first row of each set, and the number of rows: ``(sets + 1,)``."""
        return offsets_of([len(each) for each in self.sets])

    @cached_property
    def owner_sets(self) -> Integers:
        """The set of each particle."""
        return _owners(self.offsets)

    @property
    def are_2d_stacks(self) -> bool:
        """Whether particles are stacks of 2D images."""
        return self.sets[0].are_2d_stacks

    @property
    def have_tomograms(self) -> bool:
        """Whether the sets have tomograms."""
        return self.sets[0].tomograms is not None

    def place(self, fault: Fault) -> Place:
        """Say where a fault is."""
        particles = self.sets[self.part_of(fault)]
        path = printable(particles.path or "<memory>", 1000)
        block = fault.block or particles._block_name
        found: Place = {"where": path, "path": particles.path, "block": block, "label": fault.label}
        if fault.row is None:
            return found
        if fault.block is not None:
            return {**found, "row": fault.row}
        row = fault.row - int(self.offsets[self.part_of(fault)])
        name = particles[PARTICLE][row].as_py() if PARTICLE in particles else particles.names[row]
        tomogram = particles[NAME][row].as_py()
        return {**found, "where": f"{path}: row {row} ({printable(name)})", "row": row, "tomogram": tomogram}

    def part_of(self, fault: Fault) -> int:
        """Give the set that a fault is in: that of its particle, if it is about one."""
        return fault.part if fault.row is None or fault.block is not None else int(self.owner_sets[fault.row])

    def first(self, bad: npt.NDArray[np.bool_], say: Callable[[int], str], label: str) -> Iterator[Fault]:
        """Give one fault for all particles of a set that are bad, told by the first of them."""
        for _, rows in self.by_set(np.flatnonzero(bad)):
            more = f"; {len(rows):,} of {self._size(rows[0]):,} particles" if len(rows) > 1 else ""
            yield Fault(f"{say(int(rows[0]))}{more}", int(rows[0]), label=label)

    def by_set(self, rows: Integers) -> Iterator[tuple[int, Integers]]:
        """Give the sets that some particles are of, and which of them are."""
        if len(rows):
            of = self.owner_sets[rows]
            starts = np.flatnonzero(np.diff(of, prepend=-1))
            yield from zip(of[starts].tolist(), np.split(rows, starts[1:]), strict=True)

    def _size(self, row: int) -> int:
        return len(self.sets[self.owner_sets[row]])

    # Particles.

    @cached_property
    def table(self) -> pa.Table:
        """One row for each particle."""
        return _below([each.table for each in self.sets])

    @cached_property
    def _labels(self) -> frozenset[str]:
        return frozenset(self.table.column_names)

    def has(self, *labels: str) -> bool:
        """Whether there are all of some columns."""
        return self._labels.issuperset(labels)

    def __getitem__(self, label: str) -> pa.Array:
        column = self.table.column(label)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def three(self, labels: tuple[str, ...]) -> Floats:
        """Give three columns as one array: ``(n, 3)``."""
        return np.stack([as_numpy(self[label]) for label in labels], axis=-1).astype(np.float64, copy=False)

    @cached_property
    def centred(self) -> Floats | None:
        """Coordinates from the centre in A: ``(n, 3)``; None where there are none."""
        return self.three(CENTRED) if self.has(*CENTRED) else None

    @cached_property
    def places(self) -> Floats:
        """Coordinates from the corner in pixels: ``(n, 3)``."""
        if self.centred is None:
            return self.three(LEGACY)
        return centred_to_px(self.centred, pixel_size=self.pixel_sizes, size=self.sizes)

    # Tomograms.

    @cached_property
    def _tomograms(self) -> list[TomogramSet]:
        """The tomograms of each set."""
        return [each.tomograms for each in self.sets if each.tomograms is not None]

    @cached_property
    def tomogram_names(self) -> list[str]:
        """The names of the tomograms of all sets."""
        return [name for tomos in self._tomograms for name in tomos.names]

    @cached_property
    def tomogram_sets(self) -> Integers:
        """The set of each of these tomograms."""
        return _owners(offsets_of([len(tomos.names) for tomos in self._tomograms]))

    @cached_property
    def owners(self) -> Integers:
        """The number of each particle's tomogram among those of all sets, -1 where its set does not have it."""
        codes = self[NAME].dictionary_encode()
        known = {name: code for code, name in enumerate(codes.dictionary.to_pylist())}
        of_tomograms = np.array([known.get(name, -1) for name in self.tomogram_names], dtype=np.int64)
        of_particles = as_numpy(codes.indices).astype(np.int64)
        # A name is that of a tomogram in its own set alone.
        keys = np.where(of_tomograms >= 0, self.tomogram_sets * len(known) + of_tomograms, -1)
        return _places(keys, self.owner_sets * len(known) + of_particles)

    @cached_property
    def num_tilts(self) -> Integers:
        """How many images each particle's tilt series has, -1 where that is not known."""
        return self._of_owners([np.diff(tomos.offsets) for tomos in self._tomograms], -1)

    def of_tomograms(self, label: str) -> Floats:
        """Give a column of the tomograms for each particle."""
        columns = {id(tomos): _numbers(tomos.table, label) for tomos in self._tomograms}
        return self._of_owners([columns[id(tomos)] for tomos in self._tomograms], np.nan)

    def _of_owners(self, values: Sequence[npt.NDArray[Any]], absent: float) -> npt.NDArray[Any]:
        found = np.full(len(self), absent)
        if values:
            known = self.owners >= 0
            found[known] = np.concatenate(values)[self.owners[known]]
        return found

    @cached_property
    def sizes(self) -> Floats:
        """The size of each particle's tomogram in pixels: ``(n, 3)``."""
        found = np.stack([self.of_tomograms(label) for label in SIZE], axis=-1)
        found[~(found > 0)] = np.nan
        return found

    # Optics.

    @cached_property
    def optics(self) -> pa.Table | None:
        """The optics groups of all sets; None where there are none."""
        tables = [each.optics for each in self.sets]
        return None if tables[0] is None else _below(tables)

    @cached_property
    def optics_offsets(self) -> Integers:
        """The first optics group of each set, and the number of groups."""
        tables = [each.optics for each in self.sets]
        return offsets_of([0 if optics is None else optics.num_rows for optics in tables])

    def of_groups(self, label: str) -> Floats:
        """Give a column of the optics groups for each particle."""
        assert self.optics is not None
        found: Floats = as_numpy(self.optics.column(label)).astype(np.float64)[self._group_rows]
        return found

    @cached_property
    def _group_rows(self) -> Integers:
        """The row of each particle's optics group."""
        known = [groups_of(optics) for each in self.sets if (optics := each.optics) is not None]
        groups = np.concatenate([*known, *(each.optics_groups for each in self.sets)])
        # Numbers may be large; there are few of them.
        numbers, codes = np.unique(groups, return_inverse=True)
        of_groups, of_particles = np.split(codes, [len(codes) - len(self)])
        keys = _owners(self.optics_offsets) * len(numbers) + of_groups
        return _places(keys, self.owner_sets * len(numbers) + of_particles)

    @cached_property
    def pixel_sizes(self) -> Floats:
        """The pixel size of each particle's tilt series in A: that of its optics group, or else of its tomogram."""
        if self.optics is None:
            found = self.of_tomograms(PIXEL_SIZE)
        elif PIXEL_SIZE in self.optics.column_names:
            found = self.of_groups(PIXEL_SIZE)
        else:
            found = np.full(len(self), np.nan)
        return np.where(found > 0, found, np.nan)


def _below(tables: Sequence[pa.Table | None]) -> pa.Table:
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables).combine_chunks()


def _owners(offsets: Integers) -> Integers:
    """Give of each row what it is of."""
    found: Integers = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return found


def _places(keys: Integers, wanted: Integers) -> Integers:
    """Give the first place of each of some keys, -1 where it is not there."""
    if not len(keys):
        return np.full(len(wanted), -1)
    order = np.argsort(keys, kind="stable")
    at = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    found: Integers = np.where(keys[order[at]] == wanted, order[at], -1)
    return found


def _numbers(table: pa.Table, label: str) -> Floats:
    if label not in table.column_names:
        return np.full(table.num_rows, np.nan)
    found: Floats = as_numpy(table.column(label)).astype(np.float64)
    return found
