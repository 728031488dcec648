"""One tomogram of a set: a row of its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoset.geometry import fractional_dose
from tomoset.sets.values import default, optional, required

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tomoset.sets.contents import Contents
    from tomoset.sets.particle_set import ParticleSet
    from tomoset.sets.tilt_series import TiltSeries

__all__ = ["Tomogram"]


class Tomogram:
    """A tomogram: what a set's table says about it, and its tilt series.

    Each property names its label; `docs/sets.md` lists them all. Values whose label is absent are RELION's default, or
    None, or, where RELION cannot do without, a `MissingLabelError`. Labels without a property are had by
    ``tomogram["rlnLabel"]``.
    """

    name = required("rlnTomoName", str, "", "the tomogram's name, its key in all files")
    tilt_series_file = optional(
        "rlnTomoTiltSeriesStarFile", str, "", "path of the tilt series' STAR file (RELION 5)"
    )
    hand = required(
        "rlnTomoHand", float, "", "handedness: the sign of the change of defocus with depth, 1 or -1"
    )
    pixel_size = required(
        "rlnTomoTiltSeriesPixelSize", float, "A", "pixel size of the tilt series, binning 1"
    )
    original_pixel_size = optional(
        "rlnMicrographOriginalPixelSize", float, "A", "pixel size of the raw movies"
    )
    tomogram_binning = default(
        "rlnTomoTomogramBinning", 1.0, "", "voxel size of the tomogram over `pixel_size`"
    )
    voltage = required("rlnVoltage", float, "kV", "acceleration voltage")
    spherical_aberration = required("rlnSphericalAberration", float, "mm", "spherical aberration Cs")
    amplitude_contrast = required("rlnAmplitudeContrast", float, "", "fraction of amplitude contrast, 0 to 1")
    optics_group_name = optional("rlnOpticsGroupName", str, "", "name of the optics group")
    mtf_file = optional("rlnMtfFileName", str, "", "path of the detector's modulation transfer function")
    size_x = optional("rlnTomoSizeX", int, "px", "width of the tomogram, in pixels of the tilt series")
    size_y = optional("rlnTomoSizeY", int, "px", "height of the tomogram, in pixels of the tilt series")
    size_z = optional("rlnTomoSizeZ", int, "px", "depth of the tomogram, in pixels of the tilt series")
    reconstructed_tomogram = optional(
        "rlnTomoReconstructedTomogram", str, "", "path of the reconstructed tomogram"
    )
    reconstructed_tomogram_half1 = optional(
        "rlnTomoReconstructedTomogramHalf1", str, "", "of one half of the data"
    )
    reconstructed_tomogram_half2 = optional("rlnTomoReconstructedTomogramHalf2", str, "", "of the other half")
    denoised_tomogram = optional(
        "rlnTomoReconstructedTomogramDenoised", str, "", "path of the denoised tomogram"
    )
    projection = optional("rlnTomogramProjection", str, "", "path of a projection of the tomogram")
    projection_half1 = optional("rlnTomogramProjectionHalf1", str, "", "the one of the first half")
    projection_half2 = optional(
        "rlnTomogramHProjectionalf2", str, "", "of the other half; RELION spells it so"
    )
    etomo_directive_file = optional(
        "rlnEtomoDirectiveFile", str, "", "path of IMOD's Etomo directive file (.edf)"
    )
    imod_residual_error_mean = optional(
        "rlnIMODResidualErrorMean", float, "nm", "mean error of IMOD's alignment"
    )
    imod_residual_error_stddev = optional("rlnIMODResidualErrorStddev", float, "nm", "its standard deviation")
    imod_leave_out_error = optional(
        "rlnIMODLeaveOutError", float, "nm", "leave-out error of IMOD's alignment"
    )
    aretomo_tilt_axis_score = optional(
        "rlnAreTomoTiltAxisScore", float, "", "score of the tilt axis; -0.999: none"
    )
    aretomo_tilt_angle_offset = optional(
        "rlnAreTomoTiltangleOffset", float, "deg", "tilt angle offset by AreTomo"
    )
    first_z_rot = optional("rlnTomoZRot", float, "deg", "rotation of the first tilt image; for plots alone")
    thickness = optional("rlnTomoTomogramThickness", float, "nm", "thickness given by the user")
    import_fractional_dose = optional(
        "rlnTomoImportFractionalDose", float, "e/A^2", "dose of one image, as imported"
    )
    bfactor_per_electron_dose = default(
        "rlnCtfBfactorPerElectronDose", 0.0, "A^2/(e/A^2)", "B-factor by dose"
    )
    fiducials_file = default("rlnTomoFiducialsStarFile", "", "", "path of the fiducials' STAR file")
    defocus_slope = default("rlnTomoDefocusSlope", 1.0, "", "scale of the change of defocus with depth")
    relative_luminance = optional("rlnTomoRelativeLuminance", float, "", "brightness in the model of the ice")
    relative_ice_thickness = optional(
        "rlnTomoRelativeIceThickness", float, "", "-ln of what the ice lets through"
    )
    ice_normal_x = optional("rlnTomoIceNormalX", float, "", "normal of the ice, x")
    ice_normal_y = optional("rlnTomoIceNormalY", float, "", "normal of the ice, y")
    ice_normal_z = optional("rlnTomoIceNormalZ", float, "", "normal of the ice, z")
    deformation_grid_size_x = optional(
        "rlnTomoDeformationGridSizeX", int, "", "columns of the deformation grid"
    )
    deformation_grid_size_y = optional("rlnTomoDeformationGridSizeY", int, "", "rows of the deformation grid")
    deformation_type = optional("rlnTomoDeformationType", str, "", "`spline`, `Fourier` or `linear`")
    tilt_series_stack = optional("rlnTomoTiltSeriesName", str, "", "path of the image stack (RELION 4, Warp)")
    frame_count = optional("rlnTomoFrameCount", int, "", "number of tilt images (RELION 4, Warp)")
    imod_dir = optional("rlnTomoImportImodDir", str, "", "IMOD's folder, as imported (RELION 4)")
    ctffind_file = optional("rlnTomoImportCtfFindFile", str, "", "CTFFIND's file, as imported (RELION 4)")
    ctfplotter_file = optional(
        "rlnTomoImportCtfPlotterFile", str, "", "ctfplotter's file, as imported (RELION 4)"
    )
    order_list = optional(
        "rlnTomoImportOrderList", str, "", "list of tilt angles in order of exposure (RELION 4)"
    )
    culled_file = optional("rlnTomoImportCulledFile", str, "", "stack without excluded images (RELION 4)")
    import_offset_x = optional("rlnTomoImportOffsetX", float, "px", "offset, x, as imported (RELION 4)")
    import_offset_y = optional("rlnTomoImportOffsetY", float, "px", "offset, y, as imported (RELION 4)")
    import_offset_z = optional("rlnTomoImportOffsetZ", float, "px", "offset, z, as imported (RELION 4)")
    particle_file = optional("rlnTomoImportParticleFile", str, "", "coordinates to be imported")

    def __init__(self, contents: Contents, index: int) -> None:
        self._contents = contents
        self._index = index

    @property
    def size(self) -> tuple[int, int, int] | None:
        """Width, height and depth in pixels of the tilt series; None unless the set has all three, as in RELION."""
        sizes = (self.size_x, self.size_y, self.size_z)
        return None if None in sizes else sizes  # type: ignore[return-value]

    @property
    def voxel_size(self) -> float:
        """Voxel size of the tomogram in A: `pixel_size` times `tomogram_binning`."""
        return self.pixel_size * self.tomogram_binning

    @property
    def ice_normal(self) -> tuple[float, float, float] | None:
        """Normal of the ice, x, y and z."""
        normal = (self.ice_normal_x, self.ice_normal_y, self.ice_normal_z)
        return None if None in normal else normal  # type: ignore[return-value]

    @property
    def fractional_dose(self) -> float | None:
        """Dose of one tilt image in e/A^2.

        As RELION's ``TomogramSet::loadTomogram`` has it: `import_fractional_dose`, or else the second lowest dose less
        the lowest. None for a single tilt, of which RELION reads what is not there.
        """
        if self.import_fractional_dose is not None:
            return self.import_fractional_dose
        series = self.tilt_series
        return fractional_dose(series.pre_exposure) if len(series) > 1 else None

    @property
    def tilt_series(self) -> TiltSeries:
        """The tilt series: a view of the set's tilt images."""
        from tomoset.sets.tilt_series import TiltSeries

        return TiltSeries(self._contents, self._index)

    def plot(
        self,
        particles: ParticleSet | None = None,
        *,
        tilt: int | None = None,
        image_size: tuple[int, int] | None = None,
        allow_outside: bool = False,
    ) -> Figure:
        """Draw the tilt series: its views, the wedge they sample, its CTF, and the tomogram over one of its images.

        Parameters
        ----------
        particles : ParticleSet, optional
            With tomograms; those of this one are drawn over the image.
        tilt : int, optional
            Which image; the one that is tilted least when not given.
        image_size, allow_outside
            As for `TiltSeries.projection_matrices`.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        SetError, MissingLabelError
            The tilt series has no alignment, dose or defocus; no image whose size is needed.
        IndexError
            The tilt series has no image ``tilt``.
        ImportError
            matplotlib is not installed (``pip install 'tomoset[plot]'``).
        """
        from tomoset.plots import plot_tilt_series

        return plot_tilt_series(self, particles, tilt, image_size, allow_outside=allow_outside)

    @property
    def labels(self) -> list[str]:
        """Labels of the set's table."""
        return list(self._contents.table.column_names)

    def __getitem__(self, label: str) -> Any:  # noqa: ANN401
        """Give the value of a label.

        Raises
        ------
        MissingLabelError
            The set's table has no such column.
        """
        return self._value(label, needed=True)

    def __contains__(self, label: object) -> bool:
        return label in self._contents.table.column_names

    def _value(self, label: str, *, needed: bool) -> Any:  # noqa: ANN401
        table = self._contents.table
        if label in table.column_names:
            return table.column(label)[self._index].as_py()
        if needed:
            raise self._contents.missing_label(label)
        return None

    def __repr__(self) -> str:
        size = f"{'x'.join(map(str, self.size))} px" if self.size else "of unknown size"
        return f"<Tomogram {self.name}: {size}, {self.tilt_series.summary}>"
