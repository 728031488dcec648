"""Alignments of tilt series: as matrices in RELION 4 and Warp, as angles and shifts in RELION 5."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tomoset.geometry import projection_angles, projection_matrices
from tomoset.geometry.projection import check_centre
from tomoset.sets.edits import with_columns_of
from tomoset.sets.findings import Finding
from tomoset.sets.images import image_file, image_sizes, number_of, with_image_names
from tomoset.sets.labels import FRAME_COUNT, IMAGE, SERIES_FILE, STACK
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram
from tomoset.sets.values import vectors
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from tomoset.geometry import Centre
    from tomoset.sets.contents import Contents
    from tomoset.sets.images import ImageSizes
    from tomoset.sets.values import Floats, Integers

__all__ = ["Alignment", "differences"]

ROWS = tuple(
    column.label for column in (TiltSeries.proj_x, TiltSeries.proj_y, TiltSeries.proj_z, TiltSeries.proj_w)
)
X_TILT = TiltSeries.x_tilt.label
#: RELION takes a series without one of these for not aligned.
NEEDED = tuple(
    column.label for column in (TiltSeries.y_tilt, TiltSeries.z_rot, TiltSeries.x_shift, TiltSeries.y_shift)
)
ANGLES = (X_TILT, *NEEDED)
NOMINAL = TiltSeries.nominal_tilt_angles.label
SIZE = (Tomogram.size_x.label, Tomogram.size_y.label, Tomogram.size_z.label)


class Alignment:
    """The alignment of a set's tilt images.

    Matrices win over angles, as in RELION.
    """

    def __init__(self, contents: Contents, sizes: ImageSizes | None, *, allow_outside: bool) -> None:
        self._contents = contents
        self._given = sizes
        self._allow_outside = allow_outside
        #: Which tilt series have matrices, and which angles alone.
        self.by_matrices: npt.NDArray[np.bool_] = contents.have(*ROWS)
        self.by_angles: npt.NDArray[np.bool_] = contents.have(*NEEDED) & ~self.by_matrices

    def matrices(self) -> Floats:
        """Give the projection matrix of each image: ``(num_tilts, 4, 4)``, NaN where there is no alignment."""
        found = np.full((int(self._contents.offsets[-1]), 4, 4), np.nan)
        images = self._images(self.by_matrices)
        if images.size:
            found[images] = self._given_matrices(images)
        images = self._images(self.by_angles)
        if images.size:
            angles = [self._numbers(label, images) for label in ANGLES]
            x_tilt, y_tilt, z_rot, x_shift, y_shift = angles
            found[images] = projection_matrices(
                x_tilt, y_tilt, z_rot, x_shift, y_shift, **self._frame(self.by_angles, images)
            )
        return found

    def to_relion5(self, centre: Centre, tolerance: float) -> Contents:
        """Have angles in place of matrices, and a file for each tilt series."""
        check_centre(centre)
        contents = self._contents
        images = self._images(self.by_matrices)
        if images.size:
            frame = self._frame(self.by_matrices, images)
            matrices = self._given_matrices(images)
            angles = projection_angles(matrices, centre=centre, **frame)
            findings = self._not_rigid(images, matrices, projection_matrices(*angles, **frame), tolerance)
            columns = dict(zip(ANGLES, angles, strict=True))
            if not contents.have(NOMINAL)[self.by_matrices].any():
                # RELION 5 sorts by it, and RELION 4 has none.
                columns[NOMINAL] = angles.y_tilt
            contents = _with_tilt_columns(contents, images, columns, ROWS)
            contents = replace(contents, findings=(*contents.findings, *findings))
        if contents.layout == "relion4":
            contents = with_image_names(contents)
            files = [f"tilt_series/{name}.star" for name in contents.names]
            table = with_columns_of(contents.table, {SERIES_FILE: files}, text=True)
            contents = replace(contents, table=table, layout="relion5")
        return contents

    def to_relion4(self) -> Contents:
        """Have matrices in place of angles, and one file for all tilt series."""
        contents = self._contents
        aligned = self.by_angles | self.by_matrices
        images = self._images(aligned)
        if images.size:
            rows = self.matrices()[images]
            bounds = pa.array(np.arange(len(rows) + 1) * 4)
            columns = {
                label: pa.LargeListArray.from_arrays(
                    bounds, pa.array(np.ascontiguousarray(rows[:, at]).ravel())
                )
                for at, label in enumerate(ROWS)
            }
            contents = _with_tilt_columns(contents, images, columns, ANGLES)
        table = contents.table
        if SERIES_FILE in table.column_names:
            table = table.drop_columns([SERIES_FILE])
        table = with_columns_of(table, {FRAME_COUNT: np.diff(contents.offsets)})
        if STACK not in table.column_names:
            stacks = [_stack_of(contents, row) for row in range(len(contents.offsets) - 1)]
            if None not in stacks:
                table = with_columns_of(table, {STACK: stacks}, text=True)
        return replace(contents, table=table, layout="relion4")

    # Help for the above.

    def _images(self, tomograms: npt.NDArray[np.bool_]) -> Integers:
        """Give the images of tomograms."""
        found: Integers = np.flatnonzero(np.repeat(tomograms, np.diff(self._contents.offsets)))
        return found

    def _frame(self, tomograms: npt.NDArray[np.bool_], images: Integers) -> dict[str, Any]:
        """Give pixel size, tomogram size and image size of each image."""
        rows = np.flatnonzero(tomograms)
        owners = self._contents.owners()[images]
        pixel_size = self._of_table(
            Tomogram.pixel_size.label, rows, lambda value: 0.001 <= value < np.inf, "0.001 or more"
        )
        size = self.sizes(rows)
        image_size = image_sizes(
            self._contents, self._given, rows.tolist(), allow_outside=self._allow_outside
        )
        return {
            "pixel_size": pixel_size[owners],
            "size": size[owners],
            "image_size": image_size[owners],
        }

    def sizes(self, rows: Integers) -> Floats:
        """Give the size of each tomogram in pixels, ``(n, 3)``, which must be good for some."""
        return np.stack(
            [self._of_table(label, rows, lambda value: 0 < value < np.inf, "above 0") for label in SIZE],
            axis=-1,
        )

    def _of_table(self, label: str, rows: Integers, good: Callable[[float], bool], words: str) -> Floats:
        """Give a column of the set's table, in which the geometry of some rows must be good."""
        table = self._contents.table
        if label not in table.column_names:
            found = f"the geometry needs {label}, which the set does not have"
            raise self._contents.error("no-geometry", int(rows[0]), found)
        column: Floats = as_numpy(table.column(label)).astype(np.float64)
        for row in rows:
            if not good(column[row]):
                found = f"{label} is {column[row]:g}; it must be {words}"
                raise self._contents.error("no-geometry", int(row), found)
        return column

    def _numbers(self, label: str, images: Integers) -> Floats:
        """Give an angle or a shift of images."""
        tilts = self._contents.tilts
        if label not in tilts.column_names:
            return np.zeros(len(images))
        column: Floats = as_numpy(tilts.column(label))[images].astype(np.float64)
        if label == X_TILT:
            # A series without x-tilts among others that have them.
            lacks = ~self._contents.have(X_TILT)[self._contents.owners()[images]]
            column = np.where(lacks, 0.0, column)
        odd = ~np.isfinite(column)
        if odd.any():
            at = int(images[np.argmax(odd)])
            raise self._odd(at, f"{label} is {column[np.argmax(odd)]:g}; the geometry needs a number")
        return column

    def _given_matrices(self, images: Integers) -> Floats:
        """Give the matrices that are written out."""
        found = np.empty((len(images), 4, 4))
        for at, label in enumerate(ROWS):
            values = self._contents.tilts.column(label).take(pa.array(images))
            column = vectors(values)
            if column is None:
                raise self._odd(int(images[0]), f"{label} is {values[0]}; it must be a vector of 4 numbers")
            lengths = as_numpy(column.value_lengths().fill_null(0))
            if (lengths != 4).any():
                wrong = int(np.argmax(lengths != 4))
                found_text = f"{label} has {lengths[wrong]} numbers; it must have 4"
                raise self._odd(int(images[wrong]), f"{found_text}, and RELION reads beyond")
            found[:, at] = as_numpy(column.flatten()).reshape(-1, 4)
        odd = ~np.isfinite(found).all(axis=(1, 2))
        if odd.any():
            raise self._odd(int(images[np.argmax(odd)]), "the matrix has what is no number")
        return found

    def _odd(self, image: int, found: str) -> Exception:
        """Make the error of an image."""
        row = int(np.searchsorted(self._contents.offsets, image, side="right")) - 1
        tilt = image - int(self._contents.offsets[row])
        return self._contents.error("no-geometry", row, f"tilt {tilt}: {found}")

    def _not_rigid(self, images: Integers, matrices: Floats, made: Floats, tolerance: float) -> list[Finding]:
        """Say of which tomograms the angles take points elsewhere than the matrices did."""
        off = np.zeros(int(self._contents.offsets[-1]))
        size = np.stack([as_numpy(self._contents.table.column(label)) for label in SIZE], axis=-1)
        off[images] = _apart(matrices, made, size[self._contents.owners()[images]])
        findings = []
        for row, name in enumerate(self._contents.names):
            start, stop = self._contents.offsets[row : row + 2]
            if start == stop or off[start:stop].max() <= tolerance:
                continue
            tilt = int(np.argmax(off[start:stop]))
            turn = matrices[np.searchsorted(images, start + tilt), :2, :3]
            scale = float(np.linalg.norm(turn, axis=1).mean())
            findings.append(
                Finding(
                    "not-rigid",
                    "silent",
                    self._contents.where(row),
                    f"angles and shifts take points up to {off[start + tilt]:.3g} px from where the matrices do"
                    f" (at tilt {tilt}, whose matrix has a scale of {scale:.4f})",
                    "5 keeps angles and shifts alone",
                    "keep RELION 4's layout, or align again",
                    name,
                )
            )
        return findings


def differences(one: Alignment, other: Alignment, contents: Contents) -> Floats:
    """Give how far apart two alignments take the corners of the tomograms, in pixels: ``(num_tilts,)``."""
    aligned = np.flatnonzero((one.by_matrices | one.by_angles) & (np.diff(contents.offsets) > 0))
    if not len(aligned):
        return np.full(int(contents.offsets[-1]), np.nan)
    size = one.sizes(aligned)
    return _apart(one.matrices(), other.matrices(), size[contents.owners()])


def _apart(one: Floats, other: Floats, size: npt.NDArray[Any]) -> Floats:
    """Give the largest distance in the image between a tomogram's corners by two matrices each."""
    corners = np.indices((2, 2, 2)).reshape(3, 8).T * size[:, None, :]
    change = (one - other)[:, :2]
    moved = np.einsum("tij,tcj->tci", change[..., :3], corners) + change[:, None, :, 3]
    found: Floats = np.sqrt((moved**2).sum(axis=-1)).max(axis=-1)
    return found


def _with_tilt_columns(
    contents: Contents, images: Integers, columns: Mapping[str, Any], gone: tuple[str, ...]
) -> Contents:
    """Set columns of some images, of whole tilt series, in place of others."""
    touched = np.zeros(len(contents.headers), dtype=bool)
    touched[contents.header[np.unique(contents.owners()[images])]] = True
    headers = []
    for labels, change in zip(contents.headers, touched, strict=True):
        kept = tuple(label for label in labels if label not in gone)
        headers.append((*kept, *(label for label in columns if label not in kept)) if change else labels)
    tilts = contents.tilts
    # Where each image finds its new value; those of other series keep theirs.
    place = np.full(tilts.num_rows, -1, dtype=np.int64)
    place[images] = np.arange(len(images))
    whole = len(images) == tilts.num_rows
    for label, values in columns.items():
        new = pa.array(values)
        if not whole:
            old = (
                tilts.column(label).combine_chunks()
                if label in tilts.column_names
                else pa.nulls(tilts.num_rows, new.type)
            )
            both = pa.concat_arrays([new, old.cast(new.type)])
            new = both.take(pa.array(np.where(place < 0, len(new) + np.arange(len(place)), place)))
        tilts = with_columns_of(tilts, {label: new})
    left = {label for labels in headers for label in labels}
    tilts = tilts.select([label for label in tilts.column_names if label in left])
    return replace(contents, tilts=tilts, headers=tuple(headers), edited=contents.edited.union(columns, gone))


def _stack_of(contents: Contents, row: int) -> str | None:
    """Give the stack whose images a tilt series has, from the first on and in their order."""
    if IMAGE not in contents.labels(row):
        return None
    names: list[str | None] = contents.series(row).column(IMAGE).to_pylist()
    stacks = set()
    for number, name in enumerate(names, start=1):
        if name is None or number_of(name) != number:
            return None
        stacks.add(image_file(name))
    return stacks.pop() if len(stacks) == 1 else None
