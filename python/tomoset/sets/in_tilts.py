"""Particles in the tilt images of their tomograms: where each is, how deep, at what defocus, and whether it is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tomoset import _core
from tomoset.sets.alignment import Alignment
from tomoset.sets.deformations import Deformations
from tomoset.sets.images import image_sizes
from tomoset.sets.labels import ORIGIN
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tomoset.sets.images import ImageSizes
    from tomoset.sets.particle_set import ParticleSet
    from tomoset.sets.tomogram_set import TomogramSet
    from tomoset.sets.trajectory_set import TrajectorySet
    from tomoset.sets.values import Floats, Integers

__all__ = ["InTilts"]

SCHEMA = pa.schema(
    [
        pa.field(name, kind, nullable=False)
        for name, kind in (
            ("particle", pa.int64()),
            ("tilt", pa.int32()),
            *((name, pa.float64()) for name in ("x_px", "y_px", "depth_px")),
            *((name, pa.float64()) for name in ("defocus_u", "defocus_v", "defocus_angle", "dose")),
            ("visible", pa.bool_()),
        )
    ]
)

#: Rows of a batch, at about 80 bytes each.
ROWS = 1 << 19


@dataclass(frozen=True)
class InTilts:
    """Particles and all that is needed of their tomograms."""

    particles: ParticleSet
    #: Those that have particles, and which of them each particle has.
    tomograms: TomogramSet
    owners: Integers
    trajectories: TrajectorySet | None
    deformations: bool
    radius: float
    threads: int | None
    image_sizes: ImageSizes | None
    allow_outside: bool

    def batches(self) -> Iterator[pa.Table]:
        """Give the rows of some particles at a time."""
        owners = self.owners
        rows = np.diff(self.tomograms.offsets)[owners]
        ends = np.cumsum(rows)
        sizes = image_sizes(
            self.tomograms.contents,
            self.image_sizes,
            np.unique(owners).tolist(),
            allow_outside=self.allow_outside,
        )
        images, tomograms = self._images(), self._tomograms(sizes)
        places = self.particles.positions_px
        start = 0
        # One batch at least, of no rows where there are no particles.
        while start == 0 or start < len(owners):
            before = int(ends[start - 1]) if start else 0
            stop = min(max(int(np.searchsorted(ends, before + ROWS, side="right")), start + 1), len(owners))
            yield self._batch(images, tomograms, owners, places, sizes, start, stop)
            start = max(stop, 1)

    def _images(self) -> pa.RecordBatch:
        contents = self.tomograms.contents
        matrices = Alignment(contents, self.image_sizes, allow_outside=self.allow_outside).matrices()
        size = np.stack(
            [self._of_tomograms(label) for label in (Tomogram.size_x, Tomogram.size_y, Tomogram.size_z)]
        )
        centres = size.T[contents.owners()] / 2
        rows: dict[str, Any] = {}
        for axis, name in enumerate(("x", "y", "depth")):
            for column in range(4):
                rows[f"{name}{column}"] = np.ascontiguousarray(matrices[:, axis, column])
        rows["depth3"] = -np.einsum("tj,tj->t", matrices[:, 2, :3], centres)
        rows["defocus_u"] = contents.numbers(TiltSeries.defocus_u.label).astype(np.float64)
        rows["defocus_v"] = contents.numbers(TiltSeries.defocus_v.label).astype(np.float64)
        return pa.RecordBatch.from_pydict(rows)

    def _tomograms(self, sizes: Integers) -> pa.RecordBatch:
        slopes = self._of_tomograms(Tomogram.defocus_slope, 1.0)
        per_pixel = self._of_tomograms(Tomogram.hand) * self._of_tomograms(Tomogram.pixel_size) * slopes
        offsets = self.tomograms.offsets
        return pa.RecordBatch.from_pydict(
            {
                "start": offsets[:-1],
                "stop": offsets[1:],
                "defocus_per_pixel": per_pixel,
                "width": sizes[:, 0].astype(np.float64),
                "height": sizes[:, 1].astype(np.float64),
            }
        )

    def _of_tomograms(self, column: Any, absent: float | None = None) -> Floats:  # noqa: ANN401
        table = self.tomograms.table
        if column.label not in table.column_names:
            if absent is None:
                raise self.tomograms.contents.missing_label(column.label)
            return np.full(len(self.tomograms), absent)
        found = as_numpy(table.column(column.label)).astype(np.float64)
        return found if absent is None else np.where(np.isnan(found), absent, found)

    def _batch(
        self,
        images: pa.RecordBatch,
        tomograms: pa.RecordBatch,
        owners: Integers,
        places: Floats,
        sizes: Integers,
        start: int,
        stop: int,
    ) -> pa.Table:
        own = owners[start:stop]
        axes = {axis: np.ascontiguousarray(places[start:stop, at]) for at, axis in enumerate("xyz")}
        particles = pa.RecordBatch.from_pydict({"owner": own, **axes})
        table = _core.places(
            images, tomograms, particles, self._shifts(start, stop), self.radius, self.threads
        )
        offsets = self.tomograms.offsets
        counts = np.diff(offsets)[own]
        particle = np.repeat(np.arange(start, stop), counts)
        tilt = np.arange(len(particle)) - np.repeat(np.cumsum(counts) - counts, counts)
        image = np.repeat(offsets[:-1][own], counts) + tilt
        contents = self.tomograms.contents
        if self.deformations:
            table = self._deformed(table, np.repeat(own, counts), image, sizes)
        columns = {name: table.column(name) for name in table.column_names}
        for name, label in (("dose", TiltSeries.pre_exposure), ("defocus_angle", TiltSeries.defocus_angle)):
            columns[name] = pa.array(contents.numbers(label.label).astype(np.float64)[image])
        columns |= {"particle": pa.array(particle), "tilt": pa.array(tilt.astype(np.int32))}
        return pa.Table.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)

    def _shifts(self, start: int, stop: int) -> pa.RecordBatch | None:
        """Give the shifts of some particles in pixels, row by row."""
        if self.trajectories is None:
            return None
        offsets = self.trajectories.offsets
        scale = np.repeat(self.particles.pixel_sizes[start:stop], np.diff(offsets)[start:stop])
        rows = self.trajectories.table.slice(offsets[start], offsets[stop] - offsets[start])
        shifts = {
            axis: as_numpy(rows.column(label)) / scale for axis, label in zip("xyz", ORIGIN, strict=True)
        }
        return pa.RecordBatch.from_pydict(shifts)

    def _deformed(self, table: pa.Table, owners: Integers, images: Integers, sizes: Integers) -> pa.Table:
        """Add the deformations of images to the places in them."""
        bent = self.tomograms.contents.have(TiltSeries.deformation_coefficients.label)
        if not bent[owners].any():
            return table
        places = np.stack([as_numpy(table.column("x_px")), as_numpy(table.column("y_px"))], axis=-1)
        order = np.argsort(images, kind="stable")
        sorted_images = images[order]
        for row in np.unique(owners[bent[owners]]).tolist():
            deformations = Deformations.of(self.tomograms.contents, row)
            if deformations is None:
                continue
            first = int(self.tomograms.offsets[row])
            size = (int(sizes[row, 0]), int(sizes[row, 1]))
            for tilt in range(len(deformations.coefficients)):
                begin, end = np.searchsorted(sorted_images, [first + tilt, first + tilt + 1])
                here = order[begin:end]
                places[here] = deformations.moved(places[here], tilt, size)
        room = sizes[owners] - self.radius
        visible = np.all((places > self.radius) & (places < room), axis=1)
        for at, name, values in (
            (0, "x_px", places[:, 0]),
            (1, "y_px", places[:, 1]),
            (5, "visible", visible),
        ):
            table = table.set_column(at, name, pa.array(np.ascontiguousarray(values)))
        return table
