"""The deformations of tilt images that a set holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoset import geometry
from tomoset.sets.tomogram import Tomogram

if TYPE_CHECKING:
    from typing import Self

    from tomoset.sets.contents import Contents
    from tomoset.sets.values import Floats, Vectors

__all__ = ["Deformations"]


@dataclass(frozen=True)
class Deformations:
    """How the images of one tilt series are deformed."""

    contents: Contents
    row: int
    kind: str
    grid: tuple[int, int]
    #: Of each image.
    coefficients: Vectors

    @classmethod
    def of(cls, contents: Contents, row: int) -> Self | None:
        """Give those of a set's tomogram; None if its images are not deformed."""
        tomogram = Tomogram(contents, row)
        kind, coefficients = tomogram.deformation_type, tomogram.tilt_series.deformation_coefficients
        grid = (tomogram.deformation_grid_size_x or 0, tomogram.deformation_grid_size_y or 0)
        if not coefficients:
            return None
        if kind is None:
            # RELION looks at the grid first, and stops where there is no type beside it.
            if not any(grid):
                return None
            found = f"there is a deformation, and no {Tomogram.deformation_type.label}"
            raise contents.error("odd-deformation", row, found)
        return cls(contents, row, kind, grid, coefficients)

    def moved(self, places: Floats, tilt: int, image_size: tuple[int, int]) -> Floats:
        """Give where places in an image are after its deformation: ``(..., 2)``, in pixels.

        Raises
        ------
        SetError
            A deformation that cannot be: another type, another number of coefficients.
        """
        values = self.coefficients[tilt]
        try:
            shift = geometry.deformation(
                places, values, kind=self.kind, grid=self.grid, image_size=image_size
            )
        except ValueError as error:
            raise self.contents.error("odd-deformation", self.row, f"tilt {tilt}: {error}") from error
        return places + shift
