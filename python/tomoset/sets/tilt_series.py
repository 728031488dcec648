"""One tilt series of a set: a slice of its tilt images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoset.geometry import ranks
from tomoset.sets.tabular import Tabular
from tomoset.sets.tilt_geometry import TiltGeometry
from tomoset.sets.values import Floats, Integers, Texts, Vectors, array

if TYPE_CHECKING:
    import pyarrow as pa

    from tomoset.sets.contents import Contents

__all__ = ["TiltSeries"]


class TiltSeries(TiltGeometry, Tabular):
    """The tilt images of a tomogram, in the order of their file: a slice of the set's table, without a copy.

    Arrays are of shape ``(num_tilts,)``, read-only views of the set's memory. Each property names its label;
    `docs/sets.md` lists them all. Arrays whose label is absent have RELION's default throughout, or are None, or, where
    RELION cannot do without, raise `MissingLabelError`. Labels without a property are had by ``series["rlnLabel"]``.
    """

    nominal_tilt_angles = array(
        "rlnTomoNominalStageTiltAngle", Floats, "deg", "angle of the stage", absent="error"
    )
    nominal_tilt_axis_angles = array(
        "rlnTomoNominalTiltAxisAngle", Floats, "deg", "tilt axis, counterclockwise from y"
    )
    pre_exposure = array("rlnMicrographPreExposure", Floats, "e/A^2", "dose before the image", absent="error")
    nominal_defocus = array(
        "rlnTomoNominalDefocus", Floats, "um", "defocus that was set; negative is underfocus"
    )
    movie_names = array("rlnMicrographMovieName", Texts, "", "path of the movie")
    movie_frame_counts = array("rlnTomoTiltMovieFrameCount", Integers, "", "frames of the movie")
    movie_indices = array(
        "rlnTomoTiltMovieIndex", Integers, "", "number of the movie in order of time, from 1"
    )
    micrograph_names = array(
        "rlnMicrographName", Texts, "", "path of the motion-corrected image, also `N@stack`"
    )
    micrograph_names_even = array("rlnMicrographNameEven", Texts, "", "the one of even frames")
    micrograph_names_odd = array("rlnMicrographNameOdd", Texts, "", "the one of odd frames")
    micrograph_metadata = array(
        "rlnMicrographMetadata", Texts, "", "path of the motion correction's STAR file"
    )
    power_spectra = array("rlnCtfPowerSpectrum", Texts, "", "path of the power spectrum")
    accum_motion_total = array("rlnAccumMotionTotal", Floats, "A", "motion over the movie")
    accum_motion_early = array("rlnAccumMotionEarly", Floats, "A", "motion early in the movie")
    accum_motion_late = array("rlnAccumMotionLate", Floats, "A", "motion late in the movie")
    ctf_images = array("rlnCtfImage", Texts, "", "image of the CTF fit")
    defocus_u = array("rlnDefocusU", Floats, "A", "defocus along U; positive is underfocus", absent="error")
    defocus_v = array("rlnDefocusV", Floats, "A", "defocus along V; positive is underfocus", absent="error")
    defocus_angle = array("rlnDefocusAngle", Floats, "deg", "angle from x to U", absent="error")
    ctf_astigmatism = array("rlnCtfAstigmatism", Floats, "A", "difference of U and V, without sign")
    phase_shift = array("rlnPhaseShift", Floats, "deg", "phase shift", absent=0.0)
    ctf_figure_of_merit = array("rlnCtfFigureOfMerit", Floats, "", "figure of merit of the CTF fit")
    ctf_max_resolution = array("rlnCtfMaxResolution", Floats, "A", "resolution to which the CTF fits")
    ctf_validation_score = array("rlnCtfValidationScore", Floats, "", "validation score of the CTF fit")
    ctf_ice_ring_density = array("rlnCtfIceRingDensity", Floats, "", "density of the ice ring")
    bfactor = array("rlnCtfBfactor", Floats, "A^2", "B-factor", absent=0.0)
    scale_factor = array("rlnCtfScalefactor", Floats, "", "intensity scale factor", absent=1.0)
    x_tilt = array("rlnTomoXTilt", Floats, "deg", "rotation about x of the alignment", absent=0.0)
    y_tilt = array("rlnTomoYTilt", Floats, "deg", "rotation about y of the alignment: the refined tilt angle")
    z_rot = array("rlnTomoZRot", Floats, "deg", "rotation in the image plane of the alignment")
    x_shift = array("rlnTomoXShiftAngst", Floats, "A", "shift of the image along x")
    y_shift = array("rlnTomoYShiftAngst", Floats, "A", "shift of the image along y")
    deformation_coefficients = array("rlnTomoDeformationCoefficients", Vectors, "px", "image deformation")
    proj_x = array("rlnTomoProjX", Vectors, "", "first row of the projection matrix (RELION 4, Warp)")
    proj_y = array("rlnTomoProjY", Vectors, "", "second row of the projection matrix (RELION 4, Warp)")
    proj_z = array("rlnTomoProjZ", Vectors, "", "third row of the projection matrix (RELION 4, Warp)")
    proj_w = array("rlnTomoProjW", Vectors, "", "fourth row of the projection matrix (RELION 4, Warp)")

    def __init__(self, contents: Contents, index: int) -> None:
        self._contents = contents
        self._index = index
        self._start, self._stop = (int(at) for at in contents.offsets[index : index + 2])

    @property
    def name(self) -> str:
        """The tomogram's name."""
        return self._contents.names[self._index]

    @property
    def num_tilts(self) -> int:
        """How many tilt images there are."""
        return self._stop - self._start

    def __len__(self) -> int:
        return self.num_tilts

    @property
    def labels(self) -> list[str]:
        """Labels of the tilt series' own file."""
        return list(self._contents.labels(self._index))

    @property
    def table(self) -> pa.Table:
        """The tilt images with the labels of the tilt series' own file: ``(num_tilts, len(labels))``, a slice."""
        return self._contents.series(self._index)

    def __getitem__(self, label: str) -> pa.ChunkedArray:
        """Give the column of a label.

        Raises
        ------
        MissingLabelError
            The tilt series has no such column.
        """
        column = self._column(label, needed=True)
        assert column is not None
        return column

    def __contains__(self, label: object) -> bool:
        return label in self._contents.labels(self._index)

    def _column(self, label: str, *, needed: bool) -> pa.ChunkedArray | None:
        if label in self._contents.labels(self._index):
            return self._contents.tilts.column(label).slice(self._start, self.num_tilts)
        if needed:
            raise self._contents.missing_label(label, self._index)
        return None

    def dose_order(self) -> Integers:
        """Give the place of each image in the order of exposure, from 0; equal doses keep their order.

        As RELION's ``TomogramSet::getFrameDoseOrder``: ``(num_tilts,) int64``.
        """
        return ranks(self.pre_exposure)

    def tilt_order(self) -> Integers:
        """Give the place of each image in the order of nominal tilt angles, from 0; equal ones keep their order.

        As RELION's ``TomogramSet::getFrameTiltOrder``: ``(num_tilts,) int64``.
        """
        return ranks(self.nominal_tilt_angles)

    @property
    def summary(self) -> str:
        """Number of tilts, angles and dose in words."""
        words = [f"{self.num_tilts} tilt{'' if self.num_tilts == 1 else 's'}"]
        if self.num_tilts and TiltSeries.nominal_tilt_angles.label in self:
            angles = self.nominal_tilt_angles
            words.append(f"{angles.min():.1f} to {angles.max():.1f} deg")
        if self.num_tilts and TiltSeries.pre_exposure.label in self:
            words.append(f"{self.pre_exposure.min():.1f} to {self.pre_exposure.max():.1f} e/A^2")
        return ", ".join(words)

    def __repr__(self) -> str:
        return f"<TiltSeries {self.name}: {self.summary}>"

    def _repr_html_(self) -> str:
        from tomoset.frames import block_html

        return block_html(self.name, self.summary, [self.table])

    def __reduce__(self) -> tuple[Any, ...]:
        return TiltSeries, (self._contents, self._index)
