"""Geometry of a tilt series: where points of the tomogram are in its images, how deep, and with which contrast."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoset import geometry
from tomoset.sets.images import image_sizes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from tomoset.sets.contents import Contents
    from tomoset.sets.deformations import Deformations
    from tomoset.sets.tomogram import Tomogram
    from tomoset.sets.values import Floats

__all__ = ["TiltGeometry"]


class TiltGeometry:
    """What `tomoset.geometry` says of one tilt series; points are in pixels from the corner of the tomogram."""

    _contents: Contents
    _index: int

    def projection_matrices(
        self, *, image_size: tuple[int, int] | None = None, allow_outside: bool = False
    ) -> Floats:
        """Give the projection matrix of each image, as `TomogramSet.projection_matrices`: ``(num_tilts, 4, 4)``.

        Parameters
        ----------
        image_size : (int, int), optional
            Width and height of the images in pixels; read from the first image's header where not given.
        allow_outside : bool
            Whether to read an image that lies outside of the project.

        Raises
        ------
        SetError
            As in `TomogramSet.projection_matrices`.
        """
        # Whose columns are those of tilt series.
        from tomoset.sets.alignment import Alignment

        own = self._contents.take(np.array([self._index]))
        return Alignment(own, image_size, allow_outside=allow_outside).matrices()

    def project(
        self,
        points: npt.ArrayLike,
        *,
        deformations: bool = True,
        image_size: tuple[int, int] | None = None,
        allow_outside: bool = False,
    ) -> Floats:
        """Give the places of points in each image, as RELION's ``Tomogram::projectPoint``.

        Parameters
        ----------
        points : (n, 3) array_like
            In pixels from the corner of the tomogram.
        deformations : bool
            Whether the deformations of images are added.
        image_size, allow_outside
            As for `projection_matrices`.

        Returns
        -------
        (num_tilts, n, 2) float64 array
            Column and row in pixels.

        Raises
        ------
        SetError
            As in `projection_matrices`; a deformation that cannot be.
        """
        matrices = self.projection_matrices(image_size=image_size, allow_outside=allow_outside)
        places = geometry.project(matrices[:, None], _points(points)[None])
        found = self._deformations() if deformations else None
        if found is None:
            return places
        size = self.image_size(image_size=image_size, allow_outside=allow_outside)
        return np.stack([found.moved(each, tilt, size) for tilt, each in enumerate(places)])

    def depth_offset(
        self,
        points: npt.ArrayLike,
        *,
        image_size: tuple[int, int] | None = None,
        allow_outside: bool = False,
    ) -> Floats:
        """Give how far behind the centre of the tomogram points are, along each view: ``(num_tilts, n)``, in pixels.

        Parameters
        ----------
        points : (n, 3) array_like
            In pixels from the corner of the tomogram.
        image_size, allow_outside
            As for `projection_matrices`.

        Raises
        ------
        SetError
            As in `projection_matrices`; the set has no sizes of tomograms.
        """
        matrices = self.projection_matrices(image_size=image_size, allow_outside=allow_outside)
        size = self._tomogram.size
        if size is None or min(size) < 1:
            found = f"the tomogram's size is {size}; the geometry needs one above 0"
            raise self._contents.error("no-geometry", self._index, found)
        return geometry.depth_offset(matrices[:, None], _points(points)[None], size=size)

    def is_visible(
        self,
        points: npt.ArrayLike,
        radius: float = 0.0,
        *,
        deformations: bool = True,
        image_size: tuple[int, int] | None = None,
        allow_outside: bool = False,
    ) -> npt.NDArray[np.bool_]:
        """Tell which points are within each image, by more than a radius from its edges: ``(num_tilts, n)``.

        As RELION's ``Tomogram::isVisible``.

        Parameters
        ----------
        points : (n, 3) array_like
            In pixels from the corner of the tomogram.
        radius : float
            In pixels.
        deformations, image_size, allow_outside
            As for `project`.

        Raises
        ------
        SetError
            As in `project`.
        """
        size = self.image_size(image_size=image_size, allow_outside=allow_outside)
        places = self.project(points, deformations=deformations, image_size=size)
        return geometry.is_visible(places, image_size=size, radius=radius)

    def defocus_at(
        self,
        points: npt.ArrayLike,
        *,
        image_size: tuple[int, int] | None = None,
        allow_outside: bool = False,
    ) -> tuple[Floats, Floats]:
        """Give the defocus at points in each image, U and V: twice ``(num_tilts, n)``, in A.

        Parameters
        ----------
        points : (n, 3) array_like
            In pixels from the corner of the tomogram.
        image_size, allow_outside
            As for `projection_matrices`.

        Raises
        ------
        SetError
            As in `depth_offset`.
        MissingLabelError
            Values of the defocus are missing.
        """
        depth = self.depth_offset(points, image_size=image_size, allow_outside=allow_outside)
        with self._named():
            u, v = (found.T for found in self._defocus(depth.T))
        return u, v

    def ctf(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        depth: npt.ArrayLike = 0.0,
        *,
        dose: bool = False,
    ) -> Floats:
        """Give the contrast transfer function of each image, as RELION's ``Tomogram::getCtf``.

        Parameters
        ----------
        x, y : (...) array_like
            Spatial frequencies in 1/A.
        depth : float or (num_tilts,) array_like
            In pixels, as `depth_offset` has it for one point; 0 is that of the tomogram's centre.
        dose : bool
            Whether the envelope is that of the dose, as `dose_weights` has it, in place of that of the B-factor.

        Returns
        -------
        (num_tilts, ...) float64 array

        Raises
        ------
        ValueError, TypeError
            A depth of another shape; ``dose`` is no bool.
        SetError
            Values that cannot be, such as a voltage of 0.
        MissingLabelError
            Values of the optics or the defocus are missing.
        """
        if not isinstance(dose, bool):
            raise TypeError(f"dose is {dose!r}; it must be True or False")
        tomogram, series = self._tomogram, self._series
        x, y = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        # A value for each image, beside frequencies of any shape.
        each = (slice(None), *(None,) * x.ndim)
        deep = np.asarray(depth, dtype=np.float64)
        if deep.shape not in {(), (len(series),)}:
            raise ValueError(
                f"depth has the shape {deep.shape}; it must be one number, or one for each image"
            )
        with self._named():
            u, v = (at[each] for at in self._defocus(deep))
            return geometry.ctf(
                x,
                y,
                defocus_u=u,
                defocus_v=v,
                defocus_angle=series.defocus_angle[each],
                voltage=tomogram.voltage,
                spherical_aberration=tomogram.spherical_aberration,
                amplitude_contrast=tomogram.amplitude_contrast,
                phase_shift=series.phase_shift[each],
                bfactor=series.bfactor[each],
                scale=series.scale_factor[each],
                dose=series.pre_exposure[each] if dose else None,
                bfactor_per_dose=tomogram.bfactor_per_electron_dose,
            )

    def dose_weights(self, frequency: npt.ArrayLike) -> Floats:
        """Give how much of frequencies is left in each image: ``(num_tilts, ...)``.

        As RELION's ``Damage::weightImage``.

        Parameters
        ----------
        frequency : (...) array_like
            In 1/A.

        Raises
        ------
        MissingLabelError
            The tilt series has no doses.
        SetError
            A dose below 0.
        """
        wanted = np.asarray(frequency, dtype=np.float64)
        doses = self._series.pre_exposure[(slice(None), *(None,) * wanted.ndim)]
        with self._named():
            return geometry.dose_weight(
                wanted, doses, bfactor_per_dose=self._tomogram.bfactor_per_electron_dose
            )

    def image_size(
        self, *, image_size: tuple[int, int] | None = None, allow_outside: bool = False
    ) -> tuple[int, int]:
        """Give width and height of the images in pixels, from the first one's header if they are not given.

        Parameters
        ----------
        image_size, allow_outside
            As for `projection_matrices`.

        Raises
        ------
        SetError
            There is no image that can be read.
        """
        sizes = image_sizes(self._contents, image_size, [self._index], allow_outside=allow_outside)
        return int(sizes[self._index, 0]), int(sizes[self._index, 1])

    def _defocus(self, depth: Floats) -> tuple[Floats, Floats]:
        """Give U and V of each image, the last axis, at depths in pixels."""
        tomogram = self._tomogram
        about = {"pixel_size": tomogram.pixel_size, "hand": tomogram.hand, "slope": tomogram.defocus_slope}
        return (
            geometry.defocus_at(self._series.defocus_u, depth, **about),
            geometry.defocus_at(self._series.defocus_v, depth, **about),
        )

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say of which tomogram values are that cannot be."""
        try:
            yield
        except ValueError as error:
            raise self._contents.error("no-geometry", self._index, str(error)) from error

    @property
    def _series(self) -> Any:  # noqa: ANN401
        """The tilt series, of which this is a part: its columns are properties of the whole."""
        return self

    def _deformations(self) -> Deformations | None:
        from tomoset.sets.deformations import Deformations

        return Deformations.of(self._contents, self._index)

    @property
    def _tomogram(self) -> Tomogram:
        from tomoset.sets.tomogram import Tomogram

        return Tomogram(self._contents, self._index)


def _points(points: npt.ArrayLike) -> Floats:
    found = np.asarray(points, dtype=np.float64)
    if found.ndim != 2 or found.shape[1] != 3:
        raise ValueError(f"points have the shape {found.shape}; it must be (n, 3)")
    return found
