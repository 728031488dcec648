"""How particles move from tilt to tilt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tomoset import _core
from tomoset.blocks import StarBlock
from tomoset.exceptions import MissingParticleError, SetError, printable
from tomoset.sets.contents import offsets_of
from tomoset.sets.edits import with_columns_of
from tomoset.sets.findings import Finding
from tomoset.sets.labels import GENERAL, ORIGIN, PARTICLE
from tomoset.sets.looks import SHOWN, html_table
from tomoset.sets.naming import Renaming, renamed_particle, renaming, tomogram_of
from tomoset.sets.paths import folder_made, repeated, text_path
from tomoset.sets.tabular import Tabular
from tomoset.sets.trajectories import (
    NUMBER,
    Trajectories,
    findings_of,
    read_trajectories,
    trajectory_error,
)
from tomoset.writing import write_star

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from tomoset.sets.particle_set import ParticleSet
    from tomoset.sets.values import Floats, Integers

__all__ = ["TrajectorySet"]

#: The name of the first block in files whose blocks are counted instead of named.
COUNTED = "0"


class TrajectorySet(Tabular, Mapping[str, "Floats"]):
    """Trajectories of particles by their names, as in RELION's ``motion.star``.

    A trajectory is an array of shape ``(num_tilts, 3)`` in A: how far the particle is from its position while each
    image is taken, in the order of the tilt series' rows. It is added to the position. All are in one table, in which
    each is a slice. Sets do not change: each edit gives a new one.
    """

    def __init__(self, trajectories: Trajectories) -> None:
        self._all = trajectories
        columns = [trajectories.table.column(label) for label in ORIGIN]
        #: Views of the table's memory.
        self._axes: tuple[Floats, ...] = tuple(
            np.asarray(column.combine_chunks() if column.num_chunks != 1 else column.chunk(0))
            for column in columns
        )

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, threads: int | None = None) -> TrajectorySet:
        """Read trajectories, all blocks of the file into one table.

        Parameters
        ----------
        path : str or os.PathLike
            The file, such as ``Polish/job020/motion.star``: a block ``general``, and one for each particle.
        threads : int, optional
            How many threads may share the work; all processors when not given.

        Raises
        ------
        SetError
            No block ``general`` with ``rlnParticleNumber``, or a block without ``rlnOriginXAngst`` and so on; it says
            what RELION does.
        StarSyntaxError, StarTypeError, OSError
            As in `read_star`.

        Examples
        --------
        >>> trajectories = tomoset.TrajectorySet.read("motion.star")  # doctest: +SKIP
        >>> trajectories["TS_01/3"].shape  # doctest: +SKIP
        (41, 3)
        """
        return cls(read_trajectories(text_path(path), threads))

    @classmethod
    def from_shifts(cls, names: Sequence[str], shifts: Sequence[npt.ArrayLike] | Floats) -> TrajectorySet:
        """Make a set of new trajectories.

        Parameters
        ----------
        names : sequence of str
            Names of the particles, as in ``rlnTomoParticleName``.
        shifts : sequence of (num_tilts, 3) array_like
            For each of them its shifts in A.

        Raises
        ------
        ValueError
            Another number of trajectories than names, another shape, a name that is there twice.
        """
        arrays = [np.asarray(each, dtype=np.float64) for each in shifts]
        if len(arrays) != len(names):
            raise ValueError(f"there are {len(arrays)} trajectories for {len(names)} names")
        for name, array in zip(names, arrays, strict=True):
            if array.ndim != 2 or array.shape[1] != 3 or not len(array):
                raise ValueError(
                    f"the trajectory of {name!r} has the shape {array.shape}; it must be (num_tilts, 3)"
                )
        for name in repeated(names):
            raise ValueError(f"there would be two trajectories of {name!r}")
        rows = np.concatenate(arrays) if arrays else np.empty((0, 3))
        table = pa.table({label: rows[:, axis] for axis, label in enumerate(ORIGIN)})
        offsets = offsets_of([len(array) for array in arrays])
        blocks = np.full(len(arrays), -1, dtype=np.int64)
        return cls(Trajectories(list(names), table, offsets, blocks=blocks))

    @cached_property
    def _places(self) -> dict[str, int]:
        # Of a name that is there twice the first, as in RELION.
        names = self._all.names
        return dict(zip(reversed(names), range(len(names) - 1, -1, -1), strict=True))

    # What it holds.

    @property
    def path(self) -> str | None:
        """Where it was read from."""
        return self._all.path

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was wrong with the file as it was read."""
        return self._all.findings

    @property
    def names(self) -> list[str]:
        """Names of the particles, in file order."""
        return list(self._all.names)

    @property
    def number(self) -> int:
        """``rlnParticleNumber``, which RELION takes for the number of trajectories."""
        return len(self) if self._all.number is None else self._all.number

    @property
    def by_index(self) -> bool:
        """Whether trajectories are those of the particles in their order, since the first block is named ``0``."""
        return self._all.names[:1] == [COUNTED]

    @property
    def offsets(self) -> Integers:
        """Where the rows of each trajectory begin in `table`, and the last ones end: ``(len(set) + 1,) int64``."""
        return self._all.offsets

    @property
    def table(self) -> pa.Table:
        """All trajectories below one another, ``rlnTomoParticleName`` as the first column, then the shifts in A."""
        counts = np.diff(self.offsets)
        codes = pa.array(np.repeat(np.arange(len(counts), dtype=np.int32), counts))
        names = pa.DictionaryArray.from_arrays(codes, pa.array(self._all.names, pa.large_string()))
        return self._all.table.add_column(0, PARTICLE, names)

    @property
    def shifts(self) -> Floats:
        """Shifts of all trajectories below one another, in A: ``(offsets[-1], 3) float64``."""
        return np.stack(self._axes, axis=-1)

    def __getitem__(self, name: str | int) -> Floats:
        """Give the trajectory of a particle, by its name or its number in the file: ``(num_tilts, 3) float64``, in A.

        Raises
        ------
        MissingParticleError, IndexError
            There is none.
        """
        at = self._places.get(name, -1) if isinstance(name, str) else range(len(self))[name]
        if at < 0:
            raise self._missing(str(name))
        start, stop = self._all.offsets[at], self._all.offsets[at + 1]
        x, y, z = self._axes
        return np.stack((x[start:stop], y[start:stop], z[start:stop]), axis=-1)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all.names)

    def __len__(self) -> int:
        return len(self._all.names)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    # Selecting and editing.

    def of(self, particles: ParticleSet) -> TrajectorySet:
        """Give the trajectories of particles, one for each in their order.

        As RELION reads them: by name, or by number where the first block is named ``0``.

        Parameters
        ----------
        particles : ParticleSet
            If it has tomograms, lengths are compared with their tilt series.

        Raises
        ------
        SetError
            Fewer trajectories than particles, none for one of them, or one with another number of rows than its tilt
            series; it names the particle and says what RELION does.
        """
        names = particles.names
        number = min(len(self), self.number)
        if number < len(names):
            found = f"there are {number} trajectories for {len(names)} particles"
            if number < len(self):
                found = f"{NUMBER} is {number}, and there are {len(names)} particles"
            raise self._error("too-few-trajectories", f"{found}; RELION stops here")
        if self.by_index:
            places = np.arange(len(names))
        else:
            places = np.array([self._places.get(name, -1) for name in names], dtype=np.int64)
            if (places < 0).any():
                missing = self._missing(names[int(np.argmax(places < 0))])
                raise SetError(
                    f"{missing}; RELION stops here", code="no-trajectory", path=self.path
                ) from missing
        if particles.tomograms is not None:
            tilts = np.diff(particles.tomograms.offsets)[particles.tomogram_indices]
            rows = np.diff(self.offsets)[places]
            if (tilts != rows).any():
                at = int(np.argmax(tilts != rows))
                found = (
                    f"the trajectory of {names[at]!r} has {rows[at]} rows, and its tilt series {tilts[at]}"
                )
                raise self._error("trajectory-length", f"{found}; RELION stops here")
        return self._take(places, names)

    def select(self, names: Iterable[str]) -> TrajectorySet:
        """Keep the trajectories of these particles, in this order.

        Raises
        ------
        MissingParticleError
            One that is not there.
        """
        if isinstance(names, str):
            raise TypeError(f"names must be a list of names; did you mean [{names!r}]?")
        names = list(names)
        for name in names:
            if name not in self._places:
                raise self._missing(name)
        return self._take(np.array([self._places[name] for name in names], dtype=np.int64), names)

    def with_shifts(self, shifts: npt.ArrayLike) -> TrajectorySet:
        """Give all trajectories other shifts.

        Parameters
        ----------
        shifts : (offsets[-1], 3) array_like
            In A, in the order of `table`.

        Raises
        ------
        ValueError
            Another shape.
        """
        values = np.asarray(shifts, dtype=np.float64)
        if values.shape != (int(self.offsets[-1]), 3):
            raise ValueError(f"shifts have the shape {values.shape}; it must be {(int(self.offsets[-1]), 3)}")
        columns = {label: np.ascontiguousarray(values[:, axis]) for axis, label in enumerate(ORIGIN)}
        table = with_columns_of(self._all.table, columns)
        return TrajectorySet(replace(self._all, table=table, edited=True, blocks=self._all.origins()))

    def rename_tomograms(self, names: Renaming) -> TrajectorySet:
        """Give particles the names they have after `ParticleSet.rename_tomograms`: ``new/3`` for ``old/3``.

        Parameters
        ----------
        names : mapping of str to str, or function
            As in `TomogramSet.rename_tomograms`.
        """
        known = dict.fromkeys(tomogram for name in self._all.names if (tomogram := tomogram_of(name)))
        changed = renaming(names, known, self.path)
        renamed = [renamed_particle(name, changed) for name in self._all.names]
        return TrajectorySet(replace(self._all, names=renamed, blocks=self._all.origins()))

    def _take(self, places: Integers, names: list[str]) -> TrajectorySet:
        """Give some trajectories, by other names."""
        own = self._all
        if names == own.names and np.array_equal(places, np.arange(len(self))):
            return self
        counts = np.diff(own.offsets)[places]
        offsets = offsets_of(counts)
        rows = np.repeat(own.offsets[:-1][places] - offsets[:-1], counts) + np.arange(offsets[-1])
        table = own.table.take(pa.array(rows))
        findings = tuple(findings_of(self.path or "<memory>", names, counts, len(names)))
        return TrajectorySet(
            replace(
                own,
                names=names,
                table=table,
                offsets=offsets,
                blocks=own.origins()[places],
                number=None,
                findings=findings,
            )
        )

    def write(self, path: str | os.PathLike[str], **options: Any) -> None:  # noqa: ANN401
        """Write the trajectories; what was not edited keeps its text.

        Parameters
        ----------
        path : str or os.PathLike
            Where to.
        **options
            As in `write_star`.

        Raises
        ------
        SetError
            Two trajectories of one name, a name that no block can have.
        """
        own = self._all
        where = folder_made(path)
        if own.star is not None and own.blocks is None:
            write_star(own.star, where, **options)
            return
        for name in repeated(own.names):
            raise self._error(
                "repeated-name", f"there are two trajectories of {name!r}; RELION mixes them up"
            )
        blocks = {GENERAL: self._general()}
        known = () if own.star is None else own.star.blocks
        for at, (name, origin) in enumerate(zip(own.names, self._all.origins().tolist(), strict=True)):
            if name == GENERAL:
                raise self._error("odd-name", f"a particle cannot be named {name!r}")
            if origin >= 0 and not own.edited:
                blocks[name] = known[origin]
                continue
            rows = own.table.slice(int(own.offsets[at]), int(own.offsets[at + 1] - own.offsets[at]))
            blocks[name] = (
                StarBlock.from_table(name, rows) if origin < 0 else known[origin].replaced(rows, None)
            )
        write_star(blocks, where, **options)

    def _general(self) -> StarBlock:
        star = self._all.star
        if star is None:
            return StarBlock.from_table(GENERAL, {NUMBER: len(self)})
        return star[GENERAL].with_columns({NUMBER: len(self)})

    # Help for the above.

    def _missing(self, name: str) -> MissingParticleError:
        meant = _core.hint(name, "data_", self._all.names[:10_000])
        where = printable(self.path or "<memory>", 1000)
        return MissingParticleError(
            f"{where}: no trajectory of {name!r} among {len(self):,}{meant}", name, self.path
        )

    def _error(self, code: str, found: str) -> SetError:
        return trajectory_error(self.path, code, found)

    def __repr__(self) -> str:
        text = f"<{self._title}>"
        return f"{text}\n  findings: {len(self.findings)}, see .findings" if self.findings else text

    def _repr_html_(self) -> str:
        first = range(min(len(self), SHOWN))
        shifts = [self[at] for at in first]
        rows = {
            "particle": [printable(name) for name in self.names[:SHOWN]],
            "tilts": [len(shift) for shift in shifts],
            "largest shift [A]": [
                float(np.sqrt((shift**2).sum(axis=1)).max()) if len(shift) else None for shift in shifts
            ],
        }
        return html_table(self._title, pa.Table.from_pydict(rows), len(self), len(self.findings))

    @property
    def _title(self) -> str:
        where = printable(self.path, 1000) if self.path else "in memory"
        counts = np.diff(self.offsets)
        least, most = (counts.min(), counts.max()) if len(counts) else (0, 0)
        tilts = f"{least}" if least == most else f"{least} to {most}"
        return f"TrajectorySet {where}: {len(self):,} trajectories of {tilts} tilts"
