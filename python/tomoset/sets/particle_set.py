"""A set of particles: where they are, how they are turned, and which optics they have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tomoset.exceptions import SetError, printable
from tomoset.sets.edits import chosen
from tomoset.sets.findings import Finding
from tomoset.sets.labels import GENERAL, NAME, PARTICLE
from tomoset.sets.looks import SHOWN, html_table
from tomoset.sets.naming import Renaming, renamed_particle, renaming
from tomoset.sets.particle_places import ParticlePlaces
from tomoset.sets.particles import (
    GROUP,
    OPTICS,
    STACKS,
    VISIBLE,
    odd_in,
    particles_block,
    strangers_in,
)
from tomoset.sets.paths import folder_made, text_path
from tomoset.sets.tabular import Tabular
from tomoset.sets.tomogram_set import TomogramSet
from tomoset.star import read_star
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from tomoset.blocks import StarBlock
    from tomoset.sets.values import Integers
    from tomoset.star import StarFile

__all__ = ["ParticleSet"]


class ParticleSet(ParticlePlaces, Tabular):
    """Particles of a set of tomograms, as in RELION's ``particles.star``.

    Arrays have a row for each particle, in file order. Lengths are in A unless the name ends in ``_px``: pixels of the
    tilt series (binning 1) from the corner of the tomogram.
    """

    def __init__(
        self, star: StarFile, block: str, tomograms: TomogramSet | None, findings: tuple[Finding, ...]
    ) -> None:
        self._star = star
        self._block_name = block
        self._tomograms = tomograms
        self._findings = findings

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        *,
        tomograms: TomogramSet | str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> ParticleSet:
        """Read particles.

        Parameters
        ----------
        path : str or os.PathLike
            The file: RELION 5 and 4 with blocks ``optics`` and ``particles``, also without optics, as picking leaves
            it; RELION 3.0 with a single block.
        tomograms : TomogramSet, str or os.PathLike, optional
            The tomograms, or the path of their set. Pixels from the corner need their sizes, and particles without
            optics their pixel sizes.
        threads : int, optional
            How many threads may share the work; all processors when not given.

        Raises
        ------
        SetError
            No particles, or particles without ``rlnTomoName`` or an optics group that is not there; it says what RELION
            does.
        SeveralTablesError
            There are several tables in the block of the particles or optics.
        StarSyntaxError, StarTypeError, OSError
            As in `read_star`.
        """
        where = text_path(path)
        star = read_star(where, threads=threads)
        block = particles_block(star, where)
        if tomograms is not None and not isinstance(tomograms, TomogramSet):
            tomograms = TomogramSet.read(tomograms, threads=threads)
        return cls._of(star, block, tomograms)

    # What it holds.

    @property
    def path(self) -> str | None:
        """Where it was read from."""
        return self._star.path

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was wrong with the set as it was read."""
        return self._findings

    @property
    def tomograms(self) -> TomogramSet | None:
        """The tomograms, if they were given."""
        return self._tomograms

    @property
    def table(self) -> pa.Table:
        """One row for each particle, with RELION's labels."""
        return self._block.to_arrow()

    @property
    def _block(self) -> StarBlock:
        return self._star[self._block_name]

    @property
    def optics(self) -> pa.Table | None:
        """One row for each optics group; None where the file has none."""
        return self._star[OPTICS].to_arrow() if OPTICS in self._star else None

    @property
    def general(self) -> dict[str, Any]:
        """The block ``general``, label to value; empty where there is none."""
        return self._star[GENERAL].values if GENERAL in self._star else {}

    @property
    def are_2d_stacks(self) -> bool:
        """Whether particles are stacks of 2D images, one for each visible tilt; else they are 3D volumes.

        ``rlnTomoSubTomosAre2DStacks`` of the block ``general``; without that block false, as in RELION.
        """
        return bool(self.general.get(STACKS, False))

    def __len__(self) -> int:
        return self._block.num_rows

    def __contains__(self, label: object) -> bool:
        return label in self._block

    def __getitem__(self, label: str) -> pa.Array:
        """Give the column of a label.

        Raises
        ------
        MissingLabelError
            There is none.
        """
        return self._block[label]

    @property
    def tomogram_names(self) -> list[str]:
        """The tomogram of each particle."""
        names: list[str] = self[NAME].to_pylist()
        return names

    @property
    def names(self) -> list[str]:
        """The name of each particle: ``rlnTomoParticleName``, or tomogram and number there, as RELION makes it."""
        if PARTICLE in self:
            names: list[str] = self[PARTICLE].to_pylist()
            return names
        counts: dict[str, int] = {}
        made = []
        for tomogram in self.tomogram_names:
            counts[tomogram] = counts.get(tomogram, 0) + 1
            made.append(f"{tomogram}/{counts[tomogram]}")
        return made

    @property
    def optics_groups(self) -> Integers:
        """The optics group of each particle: ``(n,) int64``; 1 where the file has none."""
        return self._integers(GROUP, 1)

    @property
    def class_numbers(self) -> Integers | None:
        """``rlnClassNumber``: ``(n,) int64``, or None."""
        return self._integers("rlnClassNumber", None) if "rlnClassNumber" in self else None

    @property
    def half_sets(self) -> Integers | None:
        """``rlnRandomSubset``, 1 or 2: ``(n,) int64``, or None."""
        return self._integers("rlnRandomSubset", None) if "rlnRandomSubset" in self else None

    @property
    def visible_frames(self) -> list[npt.NDArray[np.bool_]] | None:
        """For each particle which rows of its tilt series show it: ``(num_tilts,) bool``; None if unknown."""
        if VISIBLE not in self:
            return None
        vectors = self[VISIBLE]
        flags = as_numpy(vectors.flatten()).astype(bool)
        stops = np.cumsum(as_numpy(vectors.value_lengths().fill_null(0))).tolist()
        return [flags[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]

    def validate(self) -> list[Finding]:
        """Give all that is wrong with the particles, or may be; with their tomograms, if the set has them.

        Returns
        -------
        list of Finding
            What was found as the set was read, and then by rule; the rules are in `docs/rules.md`.
        """
        from tomoset.checking import check_particles

        return check_particles(self)

    # Editing.

    def _with(self, block: StarBlock) -> ParticleSet:
        return ParticleSet._of(self._edited(block), self._block_name, self._tomograms)

    def _edited(self, block: StarBlock) -> StarFile:
        star = self._star.copy()
        star[self._block_name] = block
        return star

    @classmethod
    def _of(cls, star: StarFile, block: str, tomograms: TomogramSet | None) -> ParticleSet:
        """Make a set, and look what is odd in it."""
        found = cls(star, block, tomograms, ())
        found._findings = tuple(odd_in(found, star, block))
        return found

    def _beside(self, tomograms: TomogramSet) -> ParticleSet:
        """Give the same particles with tomograms; what is odd in them alone is known, and not looked for again."""
        found = ParticleSet(self._star, self._block_name, tomograms, ())
        where = printable(self.path or "<memory>", 1000)
        strangers = strangers_in(found, tomograms, where, self._block_name)
        found._findings = (*self._findings, *strangers)
        return found

    def filter(self, which: Any) -> ParticleSet:  # noqa: ANN401
        """Keep the particles for which a condition, an expression of pyarrow, or a mask holds.

        Parameters
        ----------
        which : str, pyarrow.compute.Expression, or (n,) array of bool
            Such as ``"rlnClassNumber == 2 and rlnTomoName == 'TS_01'"``.
        """
        return self._with(self._block.take(chosen(which, self.table)))

    def of(self, tomograms: TomogramSet) -> ParticleSet:
        """Keep the particles of the tomograms of a set, which becomes `tomograms`.

        Parameters
        ----------
        tomograms : TomogramSet
            Such as one of which tomograms were left out.
        """
        names = pa.array(tomograms.names, pa.large_string())
        there = pc.is_in(pc.cast(self[NAME], pa.large_string()), value_set=names)
        block = self._block.take(np.flatnonzero(as_numpy(pc.cast(there, pa.int8()))))
        return ParticleSet._of(self._edited(block), self._block_name, tomograms)

    def with_columns(self, columns: Mapping[str, Any] | None = None, /, **more: Any) -> ParticleSet:  # noqa: ANN401
        """Set columns, as `StarBlock.with_columns` does."""
        return self._with(self._block.with_columns(columns, **more))

    def rename_tomograms(self, names: Renaming) -> ParticleSet:
        """Give tomograms other names, and particles with them: ``new/3`` for ``old/3``.

        Paths of extracted images stay, since the files do. If the set has tomograms they are renamed, too.

        Parameters
        ----------
        names : mapping of str to str, or function
            New names by old ones, or what makes them; as for `TomogramSet.rename_tomograms`.
        """
        codes = self[NAME].dictionary_encode()
        known = codes.dictionary.to_pylist()
        if self._tomograms is not None:
            known = [*known, *(name for name in self._tomograms.names if name not in set(known))]
        renamed = renaming(names, known, self.path)
        new = pa.array([renamed[name] for name in codes.dictionary.to_pylist()], pa.large_string())
        columns: dict[str, Any] = {NAME: new.take(codes.indices)}
        if PARTICLE in self:
            columns[PARTICLE] = [renamed_particle(name, renamed) for name in self.names]
        tomograms = self._tomograms
        if tomograms is not None:
            tomograms = tomograms.rename_tomograms({name: renamed[name] for name in tomograms.names})
        return ParticleSet._of(self._edited(self._block.with_columns(columns)), self._block_name, tomograms)

    def write(self, path: str | os.PathLike[str], **options: Any) -> None:  # noqa: ANN401
        """Write the particles; what was not edited keeps its text.

        Parameters
        ----------
        path : str or os.PathLike
            Where to.
        **options
            As in `write_star`.
        """
        if not len(self):
            raise self._error("no-particles", "no particle is left; RELION stops at such a file")
        self._star.write(folder_made(path), **options)

    # Help for the above.

    def _error(self, code: str, found: str, tomogram: str | None = None) -> SetError:
        where = printable(self.path or "<memory>", 1000)
        return SetError(f"{where}: {found}", code=code, path=self.path, tomogram=tomogram)

    def _integers(self, label: str, absent: int | None) -> Integers:
        if label not in self:
            return np.full(len(self), absent, dtype=np.int64)
        # Of a null RELION reads 0.
        found: Integers = as_numpy(self[label].fill_null(0)).astype(np.int64, copy=False)
        return found

    def __repr__(self) -> str:
        text = f"<{self._title}>"
        return f"{text}\n  findings: {len(self.findings)}, see .findings" if self.findings else text

    def _repr_html_(self) -> str:
        counts = self[NAME].value_counts()
        names = [printable(name) for name in counts.field("values").slice(0, SHOWN).to_pylist()]
        table = pa.Table.from_pydict({"tomogram": names, "particles": counts.field("counts").slice(0, SHOWN)})
        return html_table(self._title, table, len(counts), len(self.findings))

    @property
    def _title(self) -> str:
        where = printable(self.path, 1000) if self.path else "in memory"
        kind = "2D stacks" if self.are_2d_stacks else "volumes"
        groups = 0 if self.optics is None else self.optics.num_rows
        tomograms = len(self[NAME].unique())
        counted = f"{len(self):,} particles of {tomograms} tomograms"
        return f"ParticleSet {where}: {counted}, {kind}, {groups} optics groups"
