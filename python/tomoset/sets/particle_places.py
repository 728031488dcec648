"""Where particles are, how they are turned, and where they are in tilt images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tomoset import _core
from tomoset.exceptions import MissingLabelError, SetError
from tomoset.geometry import centred_to_px, euler_matrices, px_to_centred, shifted_positions
from tomoset.sets.labels import NAME, ORIGIN
from tomoset.sets.particles import (
    ANGLES,
    CENTRED,
    LEGACY,
    PIXEL_SIZE,
    SUBTOMOGRAM,
    VISIBLE,
    groups_of,
    owners_of,
    unknown_group,
)
from tomoset.sets.tomogram import Tomogram
from tomoset.sources import check_threads
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    import numpy.typing as npt

    from tomoset.sets.images import ImageSizes
    from tomoset.sets.particle_set import ParticleSet
    from tomoset.sets.tomogram_set import TomogramSet
    from tomoset.sets.trajectory_set import TrajectorySet
    from tomoset.sets.values import Floats, Integers

__all__ = ["ParticlePlaces"]


class ParticlePlaces:
    """What gives the places and orientations of particles, of a set that has their columns."""

    _tomograms: TomogramSet | None

    if TYPE_CHECKING:
        # Of the set.
        path: Any
        optics: Any
        optics_groups: Any
        tomogram_names: Any

        def __len__(self) -> int: ...
        def __contains__(self, label: object) -> bool: ...
        def __getitem__(self, label: str) -> pa.Array: ...
        def _error(self, code: str, found: str, tomogram: str | None = None) -> SetError: ...

        filter: Any
        with_columns: Any

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
        return self._three(ORIGIN, absent=0.0)

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
        ValueError, TypeError
            ``radius`` or ``threads`` is not a number that can be used.
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

        check_threads(threads)
        if not isinstance(radius, int | float | np.number) or np.isnan(radius):
            raise ValueError(f"radius is {radius!r}; it must be a number of pixels")
        if trajectories is not None and not hasattr(trajectories, "of"):
            raise TypeError(f"trajectories is a {type(trajectories).__name__}; it must be a TrajectorySet")
        if self._tomograms is None:
            raise self._error("no-tomograms", "the tomograms are needed: read it with tomograms=")
        particles = cast("ParticleSet", self)
        own = None if trajectories is None else trajectories.of(particles)
        # Tomograms without particles need not have what is asked of the others.
        used, owners = np.unique(self.tomogram_indices, return_inverse=True)
        tomograms = type(self._tomograms)(self._tomograms.contents.take(used))
        if image_sizes is not None and not isinstance(image_sizes, Mapping):
            sizes = np.asarray(image_sizes)
            image_sizes = sizes[used] if sizes.shape == (len(self._tomograms), 2) else sizes
        found = InTilts(
            particles,
            tomograms,
            owners.astype(np.int64, copy=False),
            own,
            deformations,
            radius,
            threads,
            image_sizes,
            allow_outside,
        )
        return found.batches()

    def with_visible_frames(
        self,
        *,
        radius: float = 0.0,
        max_dose: float | None = None,
        min_frames: int = 0,
        trajectories: TrajectorySet | None = None,
        deformations: bool = True,
        image_sizes: ImageSizes | None = None,
        allow_outside: bool = False,
        threads: int | None = None,
    ) -> Self:
        """Set ``rlnTomoVisibleFrames`` to the images that show each particle, as RELION's extraction finds them.

        Stacks that were extracted before have the images that were visible then.

        Parameters
        ----------
        radius : float
            In pixels of the tilt series: half the cropped box, with which RELION extracts, times its binning.
        max_dose : float, optional
            In e/A^2: images of a larger dose are left out; all are taken where it is not above 0, as in RELION.
        min_frames : int
            Particles that fewer images show are left out.
        trajectories, deformations, image_sizes, allow_outside, threads
            As for `in_tilts`.

        Raises
        ------
        SetError, MissingLabelError
            As in `in_tilts`.
        """
        if max_dose is not None and (not isinstance(max_dose, int | float | np.number) or np.isnan(max_dose)):
            raise ValueError(f"max_dose is {max_dose!r}; it must be a number")
        batches = self.iter_in_tilts(
            trajectories,
            deformations=deformations,
            radius=radius,
            image_sizes=image_sizes,
            allow_outside=allow_outside,
            threads=threads,
        )
        flags = []
        for batch in batches:
            lost = np.isnan(as_numpy(batch.column("x_px")))
            if lost.any():
                particle = int(as_numpy(batch.column("particle"))[np.argmax(lost)])
                name = self.tomogram_names[particle]
                raise self._error("not-aligned", f"the tilt series of {name!r} is not aligned", name)
            seen = as_numpy(pc.cast(batch.column("visible"), pa.int8()))
            if max_dose is not None and max_dose > 0:
                seen = seen * (as_numpy(batch.column("dose")) <= max_dose)
            flags.append(seen)
        values = np.concatenate(flags).astype(np.int64)
        assert self._tomograms is not None
        ends = np.cumsum(np.diff(self._tomograms.offsets)[self.tomogram_indices])
        bounds = np.concatenate([[0], ends]).astype(np.int64)
        vectors = pa.LargeListArray.from_arrays(pa.array(bounds), pa.array(values))
        found: Self = self.with_columns({VISIBLE: vectors})
        counts = np.concatenate([[0], np.cumsum(values)])[bounds]
        if min_frames > 0:
            found = found.filter(np.diff(counts) >= min_frames)
        return found

    # Help for the above.

    def _three(self, labels: tuple[str, ...], *, absent: float | None = None) -> Floats:
        """Give three columns; each of them that is absent has this value, as in RELION."""
        columns = [
            np.full(len(self), absent) if absent is not None and label not in self else as_numpy(self[label])
            for label in labels
        ]
        return np.stack(columns, axis=-1).astype(np.float64, copy=False)

    def _matrices(self, labels: tuple[str, ...]) -> Floats:
        if not any(label in self for label in labels):
            return np.broadcast_to(np.eye(3), (len(self), 3, 3))
        return euler_matrices(*self._three(labels, absent=0.0).T)

    def _by_group(self, values: npt.NDArray[Any]) -> Floats:
        optics = self.optics
        assert optics is not None
        groups = groups_of(optics)
        places = {group: at for at, group in reversed(list(enumerate(groups.tolist())))}
        own, inverse = np.unique(self.optics_groups, return_inverse=True)
        for group in own.tolist():
            if group not in places:
                raise unknown_group(self, group, groups)  # type: ignore[arg-type]
        found: Floats = values[np.array([places[group] for group in own.tolist()], dtype=np.int64)[inverse]]
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
        labels = [f"rlnTomoSize{axis}" for axis in "XYZ"]
        found = np.stack([self._of_tomograms(label) for label in labels], axis=-1)
        odd = ~(found > 0)
        if odd.any():
            at, axis = (int(each) for each in np.argwhere(odd)[0])
            assert self._tomograms is not None
            raise self._tomograms.contents.error(
                "no-geometry",
                int(self.tomogram_indices[at]),
                f"{labels[axis]} is {found[at, axis]:g}; it must be above 0",
            )
        return found
