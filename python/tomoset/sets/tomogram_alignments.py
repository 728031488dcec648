"""Alignments of tomogram sets, and their conversion between RELION 4 and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoset.sets.alignment import Alignment, differences
from tomoset.sets.contents import Contents

if TYPE_CHECKING:
    from typing import Self

    from tomoset.geometry import Centre
    from tomoset.sets.images import ImageSizes
    from tomoset.sets.values import Floats

__all__ = ["TomogramAlignments"]


class TomogramAlignments:
    """What gives the alignment of a set, and has it as matrices or as angles."""

    contents: Contents

    def __init__(self, contents: Contents) -> None:
        raise NotImplementedError

    def projection_matrices(
        self, *, image_sizes: ImageSizes | None = None, allow_outside: bool = False
    ) -> Floats:
        """Give the projection matrix of each tilt image: ``(num_tilts, 4, 4) float64``.

        They take points ``(x, y, z, 1)``, in pixels of the tilt series from the corner of the tomogram, to pixels in
        the image: `tomoset.geometry.projection_matrices`. RELION 4's matrices are as they are written, and win over
        angles. Of a tilt series without alignment they are NaN, where RELION has the identity.

        Parameters
        ----------
        image_sizes : (int, int), mapping of str to (int, int), or (len(set), 2) array of int, optional
            Width and height of the tilt images in pixels: of all, by tomogram, or a row for each. What is not given is
            read from the header of each tilt series' first image, as in RELION.
        allow_outside : bool
            Whether to read images that lie outside of the project.

        Raises
        ------
        SetError
            A size or pixel size that is missing or not positive, an angle that is no number, an image that is needed
            and not there.
        """
        return Alignment(self.contents, image_sizes, allow_outside=allow_outside).matrices()

    def to_relion5(
        self,
        *,
        image_sizes: ImageSizes | None = None,
        centre: Centre = "floored",
        tolerance: float = 0.01,
        allow_outside: bool = False,
    ) -> Self:
        """Convert to RELION 5: angles and shifts in place of matrices, and a file for each tilt series.

        RELION 5 reads sets of RELION 4 and Warp, but what it writes of them has no alignment. All other columns stay.
        Images that were known by their place in a stack, ``rlnTomoTiltSeriesName``, are named one by one. Where there
        are no nominal tilt angles, by which RELION 5 sorts, they are the angles of the alignment.

        Parameters
        ----------
        image_sizes, allow_outside
            As for `projection_matrices`.
        centre : {"floored", "relion"}
            As for `tomoset.geometry.projection_angles`: exact, or with RELION's error for odd sizes.
        tolerance : float
            In pixels. Where angles take a corner of the tomogram further than this from where the matrix does, as with
            a magnification, a finding ``not-rigid`` says how far.

        Raises
        ------
        SetError
            As in `projection_matrices`.
        """
        alignment = Alignment(self.contents, image_sizes, allow_outside=allow_outside)
        return type(self)(alignment.to_relion5(centre, tolerance))

    def to_relion4(self, *, image_sizes: ImageSizes | None = None, allow_outside: bool = False) -> Self:
        """Convert to RELION 4: matrices in place of angles and shifts, and one file for all.

        All other columns stay. RELION 4 wants the images of a tilt series in one stack: where they are, by the names
        of images such as ``000001@TS_01.mrcs``, it is named; else `validate` says ``no-stack``.

        Parameters
        ----------
        image_sizes, allow_outside
            As for `projection_matrices`.

        Raises
        ------
        SetError
            As in `projection_matrices`.
        """
        return type(self)(Alignment(self.contents, image_sizes, allow_outside=allow_outside).to_relion4())

    def alignment_differences(
        self,
        other: TomogramAlignments,
        *,
        image_sizes: ImageSizes | None = None,
        allow_outside: bool = False,
    ) -> Floats:
        """Give how far apart the alignments of two sets are: ``(num_tilts,) float64`` in pixels.

        The largest distance in the image between the places to which the two take a corner of the tomogram. NaN where
        one has no alignment.

        Parameters
        ----------
        other : TomogramSet
            A set of the same tomograms and tilt images, in the same order.
        image_sizes, allow_outside
            As for `projection_matrices`.

        Raises
        ------
        ValueError
            Sets of other tomograms or other numbers of images.
        SetError
            As in `projection_matrices`.
        """
        if self.contents.names != other.contents.names or not np.array_equal(
            self.contents.offsets, other.contents.offsets
        ):
            raise ValueError("the sets have not the same tomograms and tilt images")
        one, two = (
            Alignment(each.contents, image_sizes, allow_outside=allow_outside) for each in (self, other)
        )
        return differences(one, two, self.contents)
