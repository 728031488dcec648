"""A set of particles: where they are, how they are turned, and which optics they have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tomoset import _core
from tomoset.exceptions import MissingLabelError, SetError, printable
from tomoset.geometry import centred_to_px, euler_matrices, px_to_centred, shifted_positions
from tomoset.sets.edits import chosen
from tomoset.sets.findings import Finding
from tomoset.sets.labels import GENERAL, NAME, ORIGIN, PARTICLE
from tomoset.sets.looks import SHOWN, html_table
from tomoset.sets.naming import Renaming, renamed_particle, renaming
from tomoset.sets.particles import (
    ANGLES,
    CENTRED,
    GROUP,
    LEGACY,
    OPTICS,
    PIXEL_SIZE,
    STACKS,
    SUBTOMOGRAM,
    VISIBLE,
    groups_of,
    odd_in,
    owners_of,
    particles_block,
    unknown_group,
)
from tomoset.sets.paths import folder_made, text_path
from tomoset.sets.tabular import Tabular
from tomoset.sets.tomogram import Tomogram
from tomoset.sets.tomogram_set import TomogramSet
from tomoset.star import read_star
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from tomoset.blocks import StarBlock
    from tomoset.sets.images import ImageSizes
    from tomoset.sets.trajectory_set import TrajectorySet
    from tomoset.sets.values import Floats, Integers
    from tomoset.star import StarFile

__all__ = ["ParticleSet"]


class ParticleSet(Tabular):
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

    # Where they are.

    @property
    def pixel_sizes(self) -> Floats:
        """Pixel size of the tilt series of each particle in A: ``(n,) float64``.

        That of its optics group, looked up by the group's number; of its tomogram where the file has no optics.

        Raises
        ------
        SetError
            Neither optics nor tomograms are there.
        """
        optics = self.optics
        if optics is None:
            return self._of_tomograms(Tomogram.pixel_size.label)
        if PIXEL_SIZE not in optics.column_names:
            raise self._error("no-pixel-size", f"block 'optics' has no {PIXEL_SIZE}; RELION stops here")
        sizes = as_numpy(optics.column(PIXEL_SIZE))
        return self._by_group(sizes)

    @property
    def coordinates(self) -> Floats:
        """Where particles are in A from the centre of their tomograms, without origin offsets: ``(n, 3) float64``.

        ``rlnCenteredCoordinateX/Y/ZAngst``, which win, or from ``rlnCoordinateX/Y/Z``: ``(x - size / 2) * pixel size``.
        """
        if all(label in self for label in CENTRED):
            return self._three(CENTRED)
        return px_to_centred(self._three(LEGACY), pixel_size=self.pixel_sizes, size=self._sizes())

    @property
    def coordinates_px(self) -> Floats:
        """The same in pixels of the tilt series from the corner: ``(n, 3) float64``.

        As RELION's ``getParticleCoordDecenteredPixel``: ``coordinate / pixel size + size / 2``.
        """
        if all(label in self for label in CENTRED):
            return centred_to_px(self._three(CENTRED), pixel_size=self.pixel_sizes, size=self._sizes())
        return self._three(LEGACY)

    @property
    def origins(self) -> Floats:
        """Offsets of particles from their coordinates in A, before they are turned: ``(n, 3) float64``; 0 if absent.

        ``rlnOriginX/Y/ZAngst``.
        """
        return self._three(ORIGIN) if ORIGIN[0] in self else np.zeros((len(self), 3))

    @property
    def positions_px(self) -> Floats:
        """Where particles are with their origin offsets, in pixels from the corner: ``(n, 3) float64``.

        As RELION's ``getPosition``: the coordinate less the origin, turned by the subtomogram's angles.
        """
        matrices = self.subtomogram_matrices
        return shifted_positions(self.coordinates_px, self.origins, matrices, pixel_size=self.pixel_sizes)

    @property
    def subtomogram_matrices(self) -> Floats:
        """How the subtomograms are turned in the tomograms: ``(n, 3, 3) float64``.

        Of ``rlnTomoSubtomogramRot/Tilt/Psi``; the identity if they are absent.
        """
        return self._matrices(SUBTOMOGRAM)

    @property
    def particle_matrices(self) -> Floats:
        """How the particles are turned in the subtomograms: ``(n, 3, 3) float64``, of ``rlnAngleRot/Tilt/Psi``."""
        return self._matrices(ANGLES)

    @property
    def orientations(self) -> Floats:
        """How the particles are turned in the tomograms: ``(n, 3, 3) float64``; columns are the particle's axes there.

        As RELION's ``getMatrix3x3``: that of the subtomogram times that of the particle.
        """
        return self.subtomogram_matrices @ self.particle_matrices

    def in_tilts(
        self,
        trajectories: TrajectorySet | None = None,
        *,
        deformations: bool = True,
        radius: float = 0.0,
        image_sizes: ImageSizes | None = None,
        allow_outside: bool = False,
        threads: int | None = None,
    ) -> pa.Table:
        """Give where particles are in the tilt images of their tomograms: a row for each particle and image.

        As RELION's ``Tomogram::projectPoint``, ``getDepthOffset`` and ``getCtf``, of the positions with origin offsets,
        along trajectories if there are any.

        Parameters
        ----------
        trajectories : TrajectorySet, optional
            Of which those of the particles are taken, as by `TrajectorySet.of`.
        deformations : bool
            Whether the deformations of images are added to the places.
        radius : float
            In pixels: a particle is visible where it is further from the edges of the image, as in RELION's
            ``isVisible``.
        image_sizes, allow_outside
            As for `TomogramSet.projection_matrices`.
        threads : int, optional
            How many threads may share the work; all processors when not given.

        Returns
        -------
        pyarrow.Table
            Particle by particle, tilt by tilt in the order of the tilt series' rows: ``particle`` and ``tilt``, counted
            from 0; ``x_px`` and ``y_px``, column and row in the image, in pixels; ``depth_px``, behind the centre of
            the tomogram, in pixels; ``defocus_u`` and ``defocus_v`` there in A, ``defocus_angle`` in degrees;
            ``dose`` before the image in e/A^2; ``visible``. NaN where a tilt series has no alignment.

        Raises
        ------
        SetError
            As in `tomogram_indices`, `TomogramSet.projection_matrices` and `TrajectorySet.of`.
        MissingLabelError
            A tilt series without defocus or dose, tomograms without handedness or pixel size.
        """
        batches = self.iter_in_tilts(
            trajectories,
            deformations=deformations,
            radius=radius,
            image_sizes=image_sizes,
            allow_outside=allow_outside,
            threads=threads,
        )
        return pa.concat_tables(list(batches))

    def iter_in_tilts(
        self,
        trajectories: TrajectorySet | None = None,
        *,
        deformations: bool = True,
        radius: float = 0.0,
        image_sizes: ImageSizes | None = None,
        allow_outside: bool = False,
        threads: int | None = None,
    ) -> Iterator[pa.Table]:
        """Give what `in_tilts` gives, the rows of some particles at a time, in some 100 MB of memory.

        Parameters
        ----------
        trajectories, deformations, radius, image_sizes, allow_outside, threads
            As for `in_tilts`.

        Yields
        ------
        pyarrow.Table
            At most about half a million rows each, whole particles.

        Raises
        ------
        SetError, MissingLabelError
            As in `in_tilts`.
        """
        from tomoset.sets.in_tilts import InTilts

        if self._tomograms is None:
            raise self._error("no-tomograms", "the tomograms are needed: read it with tomograms=")
        own = None if trajectories is None else trajectories.of(self)
        found = InTilts(self, self._tomograms, own, deformations, radius, threads, image_sizes, allow_outside)
        return found.batches()

    def with_visible_frames(
        self,
        *,
        radius: float = 0.0,
        max_dose: float | None = None,
        min_frames: int = 0,
        trajectories: TrajectorySet | None = None,
        image_sizes: ImageSizes | None = None,
        allow_outside: bool = False,
    ) -> ParticleSet:
        """Set ``rlnTomoVisibleFrames`` to the images that show each particle, as RELION's extraction finds them.

        Stacks that were extracted before have the images that were visible then.

        Parameters
        ----------
        radius : float
            In pixels of the tilt series: half the box, with which RELION extracts, times its binning.
        max_dose : float, optional
            In e/A^2: images of a larger dose are left out.
        min_frames : int
            Particles that fewer images show are left out.
        trajectories, image_sizes, allow_outside
            As for `in_tilts`.

        Raises
        ------
        SetError, MissingLabelError
            As in `in_tilts`.
        """
        batches = self.iter_in_tilts(
            trajectories, radius=radius, image_sizes=image_sizes, allow_outside=allow_outside
        )
        flags = []
        for batch in batches:
            seen = as_numpy(pc.cast(batch.column("visible"), pa.int8()))
            if max_dose is not None:
                seen = seen * (as_numpy(batch.column("dose")) <= max_dose)
            flags.append(seen)
        values = np.concatenate(flags).astype(np.int64)
        assert self._tomograms is not None
        ends = np.cumsum(np.diff(self._tomograms.offsets)[self.tomogram_indices])
        bounds = np.concatenate([[0], ends]).astype(np.int64)
        vectors = pa.LargeListArray.from_arrays(pa.array(bounds), pa.array(values))
        found = self.with_columns({VISIBLE: vectors})
        counts = np.concatenate([[0], np.cumsum(values)])[bounds]
        return found.filter(np.diff(counts) >= min_frames) if min_frames > 0 else found

    def validate(self) -> list[Finding]:
        """Give all that is wrong with the particles, or may be; with their tomograms, if the set has them.

        Returns
        -------
        list of Finding
            What was found as the set was read, and then by rule; the rules are in `docs/rules.md`.
        """
        from tomoset.check import check_particles

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
        found: Integers = as_numpy(self[label]).astype(np.int64, copy=False)
        return found

    def _three(self, labels: tuple[str, ...]) -> Floats:
        columns = [as_numpy(self[label]) for label in labels]
        return np.stack(columns, axis=-1).astype(np.float64, copy=False)

    def _matrices(self, labels: tuple[str, ...]) -> Floats:
        if labels[0] not in self:
            return np.broadcast_to(np.eye(3), (len(self), 3, 3))
        return euler_matrices(*(as_numpy(self[label]) for label in labels))

    def _by_group(self, values: npt.NDArray[Any]) -> Floats:
        optics = self.optics
        assert optics is not None
        groups = groups_of(optics)
        places = {group: at for at, group in reversed(list(enumerate(groups.tolist())))}
        own, inverse = np.unique(self.optics_groups, return_inverse=True)
        for group in own.tolist():
            if group not in places:
                raise unknown_group(self.path, group, groups)
        found: Floats = values[np.array([places[group] for group in own.tolist()], dtype=np.int64)[inverse]]
        return found

    @property
    def tomogram_indices(self) -> Integers:
        """The number of each particle's tomogram in `tomograms`: ``(n,) int64``.

        Raises
        ------
        SetError
            No tomograms were given, or they lack one.
        """
        if self._tomograms is None:
            raise self._error(
                "no-tomograms", "the sizes of the tomograms are needed: read it with tomograms="
            )
        found = owners_of(self[NAME], self._tomograms)
        if (found < 0).any():
            name = self.tomogram_names[int(np.argmax(found < 0))]
            raise self._error("unknown-tomogram", f"the set of tomograms has no {name!r}", name)
        return found

    def _of_tomograms(self, label: str) -> Floats:
        rows = self.tomogram_indices
        assert self._tomograms is not None
        table = self._tomograms.table
        if label not in table.column_names:
            meant = _core.hint(label, "_", table.column_names)
            raise MissingLabelError(
                f"the set of tomograms has no column {label!r}{meant}", label, self._tomograms.path
            )
        found: Floats = as_numpy(table.column(label))[rows].astype(np.float64, copy=False)
        return found

    def _sizes(self) -> Floats:
        """Give the size of each particle's tomogram in pixels: ``(n, 3)``."""
        return np.stack([self._of_tomograms(f"rlnTomoSize{axis}") for axis in "XYZ"], axis=-1)

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
