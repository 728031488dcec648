"""Surfaces that were marked in tomograms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tomoset import _core
from tomoset.exceptions import MissingTomogramError, SetError, printable
from tomoset.sets.contents import offsets_of
from tomoset.sets.labels import NAME
from tomoset.sets.naming import Renaming, renaming
from tomoset.sets.paths import folder_made, repeated, text_path
from tomoset.sets.tabular import Tabular
from tomoset.star import StarFile, read_star

if TYPE_CHECKING:
    import os

    from tomoset.sets.values import Floats, Integers

__all__ = ["Manifold", "ManifoldSet"]

INDEX, TYPE, PARAMETERS = "rlnTomoManifoldIndex", "rlnTomoManifoldType", "rlnTomoManifoldParams"
SPHERE, SPHEROID = "sphere", "spheroid"


@dataclass(frozen=True)
class Manifold:
    """A surface in a tomogram.

    Attributes
    ----------
    index : int
        ``rlnTomoManifoldIndex``, by which particles name it.
    kind : str
        ``rlnTomoManifoldType``: ``"sphere"`` or ``"spheroid"``.
    parameters : (k,) float64 array
        ``rlnTomoManifoldParams``: x, y and z of the centre in pixels of the tilt series from the corner, and of a
        sphere the radius in pixels, of a spheroid the coefficients of spherical harmonics.
    """

    index: int
    kind: str
    parameters: Floats

    @property
    def centre_px(self) -> Floats:
        """The centre in pixels of the tilt series from the corner of the tomogram: ``(3,) float64``."""
        return self.parameters[:3]

    @property
    def radius_px(self) -> float:
        """The radius in pixels, of a spheroid the mean one: the coefficient of degree 0 over ``2 sqrt(pi)``.

        Raises
        ------
        ValueError
            A surface of another kind.
        """
        if self.kind == SPHERE:
            return float(self.parameters[3])
        if self.kind == SPHEROID:
            return float(self.parameters[3] / (2 * np.sqrt(np.pi)))
        raise ValueError(f"a manifold of type {self.kind!r} has no radius that is known")


class ManifoldSet(Tabular, Mapping[str, "list[Manifold]"]):
    """Surfaces by tomogram, as in RELION's ``manifolds.star``: a block for each tomogram."""

    def __init__(self, star: StarFile, table: pa.Table, offsets: Integers) -> None:
        self._star = star
        self._table = table
        self._offsets = offsets
        self._names = list(star)
        self._places = {name: at for at, name in enumerate(self._names)}

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, threads: int | None = None) -> ManifoldSet:
        """Read manifolds.

        Parameters
        ----------
        path : str or os.PathLike
            The file.
        threads : int, optional
            How many threads may share the work; all processors when not given.

        Raises
        ------
        SetError
            A block without index, type or parameters, too few parameters, two blocks of one name.
        StarSyntaxError, StarTypeError, OSError
            As in `read_star`.
        """
        where = text_path(path)
        star = read_star(where, threads=threads)
        for name in repeated(star._names):
            raise _error(where, "repeated-name", f"two blocks are of tomogram {printable(name)!r}", name)
        for name, block in star.items():
            for label in (INDEX, TYPE, PARAMETERS):
                if block.num_rows and label not in block:
                    meant = _core.hint(label, "_", block.labels)
                    found = f"block {printable(name)!r} has no column {label!r}{meant}"
                    raise _error(where, "no-manifolds", found, name)
        table, rows = star._stacked(np.arange(len(star)))
        manifolds = cls(star, table, offsets_of(rows))
        manifolds._check()
        return manifolds

    def _check(self) -> None:
        for name in self:
            for row, manifold in enumerate(self[name]):
                if manifold.kind in {SPHERE, SPHEROID} and manifold.parameters.size < 4:
                    found = f"tomogram {printable(name)!r}, row {row}: a {manifold.kind} has"
                    raise _error(
                        self.path or "",
                        "short-manifold",
                        f"{found} {manifold.parameters.size} parameters; it needs 4 at least",
                        name,
                        row,
                        PARAMETERS,
                    )

    @property
    def path(self) -> str | None:
        """Where it was read from."""
        return self._star.path

    @property
    def names(self) -> list[str]:
        """Names of the tomograms, in file order."""
        return list(self._names)

    @property
    def table(self) -> pa.Table:
        """All manifolds, ``rlnTomoName`` as the first column."""
        counts = np.diff(self._offsets)
        codes = pa.array(np.repeat(np.arange(len(counts), dtype=np.int32), counts))
        names = pa.DictionaryArray.from_arrays(codes, pa.array(self._names, pa.large_string()))
        return self._table.add_column(0, NAME, names)

    def __getitem__(self, name: str) -> list[Manifold]:
        """Give the manifolds of a tomogram.

        Raises
        ------
        MissingTomogramError
            The file has no block of this name.
        """
        if name not in self._star:
            meant = _core.hint(name, "data_", self._names) if isinstance(name, str) else ""
            where = printable(self.path or "<memory>", 1000)
            raise MissingTomogramError(f"{where}: no manifolds of tomogram {name!r}{meant}", name, self.path)
        at = self._places[name]
        start, stop = int(self._offsets[at]), int(self._offsets[at + 1])
        if start == stop:
            return []
        rows = self._table.slice(start, stop - start).select([INDEX, TYPE, PARAMETERS]).to_pylist()
        return [
            Manifold(row[INDEX], row[TYPE], np.array(row[PARAMETERS] or [], dtype=np.float64)) for row in rows
        ]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def rename_tomograms(self, names: Renaming) -> ManifoldSet:
        """Give tomograms other names, as `TomogramSet.rename_tomograms` does.

        Parameters
        ----------
        names : mapping of str to str, or function
            New names by old ones, or what makes them.
        """
        renamed = renaming(names, self._names, self.path)
        star = self._star.copy()
        star.rename({old: new for old, new in renamed.items() if old != new})
        return ManifoldSet(star, self._table, self._offsets)

    def write(self, path: str | os.PathLike[str], **options: Any) -> None:  # noqa: ANN401
        """Write the manifolds; what was not edited keeps its text.

        Parameters
        ----------
        path : str or os.PathLike
            Where to.
        **options
            As in `write_star`.
        """
        self._star.write(folder_made(path), **options)

    def __repr__(self) -> str:
        where = printable(self.path, 1000) if self.path else "in memory"
        return f"<ManifoldSet {where}: {self._table.num_rows} manifolds in {len(self)} tomograms>"


def _error(
    path: str, code: str, found: str, block: str, row: int | None = None, label: str | None = None
) -> SetError:
    message = f"{printable(path, 1000)}: {found}; RELION stops here"
    return SetError(message, code=code, path=path, block=block, row=row, label=label)
