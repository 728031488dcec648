"""A set of particles as rules look at it: what several of them need, found once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tomoset.geometry import centred_to_px
from tomoset.sets.alignment import SIZE
from tomoset.sets.labels import NAME
from tomoset.sets.particles import CENTRED, LEGACY, PIXEL_SIZE, owners_of
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    import pyarrow as pa

    from tomoset.checking.images import Headers
    from tomoset.sets.particle_set import ParticleSet
    from tomoset.sets.values import Floats, Integers

__all__ = ["ParticleView"]


class ParticleView:
    """Particles, and what is known of each from its tomogram and its optics group.

    What is not known is NaN: of particles of unknown tomograms, of tomograms without sizes, or with such as cannot be.
    """

    def __init__(self, particles: ParticleSet, headers: Headers | None = None) -> None:
        self.particles = particles
        self.headers = headers

    def __len__(self) -> int:
        return len(self.particles)

    def has(self, *labels: str) -> bool:
        """Whether there are all of some columns."""
        return self._labels.issuperset(labels)

    @cached_property
    def _labels(self) -> frozenset[str]:
        return frozenset(self.table.column_names)

    @cached_property
    def table(self) -> pa.Table:
        """One row for each particle."""
        return self.particles.table

    @cached_property
    def owners(self) -> Integers:
        """The number of each particle's tomogram in the set of tomograms, -1 where it has none."""
        tomos = self.particles.tomograms
        if tomos is None:
            return np.full(len(self), -1)
        return owners_of(self.particles[NAME], tomos)

    @cached_property
    def num_tilts(self) -> Integers:
        """How many images each particle's tilt series has, -1 where that is not known."""
        found = np.full(len(self), -1)
        tomos = self.particles.tomograms
        if tomos is not None:
            known = self.owners >= 0
            found[known] = np.diff(tomos.offsets)[self.owners[known]]
        return found

    def of_tomograms(self, label: str) -> Floats:
        """Give a column of the tomograms for each particle."""
        found = np.full(len(self), np.nan)
        tomos = self.particles.tomograms
        if tomos is not None and label in tomos.table.column_names:
            known = self.owners >= 0
            found[known] = as_numpy(tomos.table.column(label))[self.owners[known]]
        return found

    def of_groups(self, label: str) -> Floats:
        """Give a column of the optics groups for each particle."""
        optics = self.particles.optics
        assert optics is not None
        found: Floats = as_numpy(optics.column(label)).astype(np.float64)[self._group_rows]
        return found

    @cached_property
    def _group_rows(self) -> Integers:
        """The row of each particle's optics group."""
        optics = self.particles.optics
        assert optics is not None
        rows: Integers = self.particles._by_group(np.arange(optics.num_rows))  # type: ignore[assignment]
        return rows

    @cached_property
    def sizes(self) -> Floats:
        """The size of each particle's tomogram in pixels: ``(n, 3)``."""
        found = np.stack([self.of_tomograms(label) for label in SIZE], axis=-1)
        found[~(found > 0)] = np.nan
        return found

    @cached_property
    def pixel_sizes(self) -> Floats:
        """The pixel size of each particle's tilt series in A: that of its optics group, or else of its tomogram."""
        optics = self.particles.optics
        if optics is None:
            found = self.of_tomograms(PIXEL_SIZE)
        elif PIXEL_SIZE in optics.column_names:
            found = self.of_groups(PIXEL_SIZE)
        else:
            found = np.full(len(self), np.nan)
        return np.where(found > 0, found, np.nan)

    @cached_property
    def centred(self) -> Floats | None:
        """Coordinates from the centre in A: ``(n, 3)``; None where there are none."""
        return self.particles._three(CENTRED) if self.has(*CENTRED) else None

    @cached_property
    def places(self) -> Floats:
        """Coordinates from the corner in pixels: ``(n, 3)``."""
        if self.centred is None:
            return self.particles._three(LEGACY)
        return centred_to_px(self.centred, pixel_size=self.pixel_sizes, size=self.sizes)
