//! The catalogue's tables: their columns, and the labels these come from.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::relion::labels;
use crate::table::columns::data_type;
use crate::table::dtype::{Strings, Type};

const KINDS: &str = "what the file is, by its blocks and labels: tomogram_set, tilt_series, particles, trajectories, \
    optimisation_set, annotations, pipeline, job, micrograph, model, optimiser, other, empty, unknown";

/// A column that comes from a label.
#[derive(Clone, Copy, Debug)]
pub struct FromLabel {
    pub name: &'static str,
    pub label: &'static str,
    pub words: &'static str,
}

impl FromLabel {
    /// RELION's type; labels it does not know are text.
    #[must_use]
    pub fn kind(&self) -> Type {
        labels::known(self.label).map_or(Type::Text, |known| known.kind.into())
    }

    fn field(&self) -> Field {
        let mut facts = HashMap::from([
            ("label".to_owned(), self.label.to_owned()),
            ("description".to_owned(), self.words.to_owned()),
        ]);
        if let Some(known) = labels::known(self.label)
            && !known.unit.is_empty()
        {
            facts.insert("unit".to_owned(), known.unit.to_owned());
        }
        Field::new(self.name, data_type(self.kind(), Strings::Large), true).with_metadata(facts)
    }
}

macro_rules! from_labels {
    ($($name:ident $label:ident $words:literal)*) => {
        &[$(FromLabel { name: stringify!($name), label: stringify!($label), words: $words }),*]
    };
}

/// One row of a tomogram set's `global` block.
pub const TOMOGRAM_COLUMNS: &[FromLabel] = from_labels! {
    tomogram rlnTomoName "name of the tomogram, unique within its set"
    tilt_series_file rlnTomoTiltSeriesStarFile "file of the tilt series, relative to the project"
    voltage rlnVoltage "acceleration voltage"
    spherical_aberration rlnSphericalAberration "spherical aberration of the objective"
    amplitude_contrast rlnAmplitudeContrast "fraction of amplitude contrast"
    original_pixel_size rlnMicrographOriginalPixelSize "pixel size of the movies"
    pixel_size rlnTomoTiltSeriesPixelSize "pixel size of the tilt series"
    hand rlnTomoHand "handedness: +1 or -1, how defocus changes with depth"
    optics_group_name rlnOpticsGroupName "optics group"
    mtf_file rlnMtfFileName "file of the detector's modulation transfer function"
    fractional_dose rlnTomoImportFractionalDose "dose of one tilt image"
    etomo_directive_file rlnEtomoDirectiveFile "IMOD directive file of the alignment"
    imod_residual_mean rlnIMODResidualErrorMean "mean residual error of the fiducial alignment"
    imod_residual_stddev rlnIMODResidualErrorStddev "standard deviation of the residual error"
    imod_leave_out_error rlnIMODLeaveOutError "leave-out error of the fiducial alignment"
    aretomo_axis_score rlnAreTomoTiltAxisScore "score of the tilt axis found by AreTomo"
    aretomo_tilt_offset rlnAreTomoTiltangleOffset "tilt angle offset found by AreTomo"
    thickness rlnTomoTomogramThickness "thickness used for the alignment"
    size_x rlnTomoSizeX "width of the unbinned tomogram, in tilt-series pixels"
    size_y rlnTomoSizeY "height of the unbinned tomogram, in tilt-series pixels"
    size_z rlnTomoSizeZ "depth of the unbinned tomogram, in tilt-series pixels"
    binning rlnTomoTomogramBinning "voxel size of the reconstruction over the tilt series' pixel size; absent means 1"
    reconstructed_tomogram rlnTomoReconstructedTomogram "file of the reconstruction"
    reconstructed_half1 rlnTomoReconstructedTomogramHalf1 "reconstruction of the even frames"
    reconstructed_half2 rlnTomoReconstructedTomogramHalf2 "reconstruction of the odd frames"
    denoised_tomogram rlnTomoReconstructedTomogramDenoised "file of the denoised reconstruction; RELION writes this label, though its dictionary lacks it"
    ctf_bfactor_per_dose rlnCtfBfactorPerElectronDose "B-factor for each unit of dose"
    fiducials_file rlnTomoFiducialsStarFile "file of the fiducials' positions"
    defocus_slope rlnTomoDefocusSlope "factor on the change of defocus with depth; absent means 1"
    relative_luminance rlnTomoRelativeLuminance "brightness relative to the set"
    relative_ice_thickness rlnTomoRelativeIceThickness "ice thickness from the contrast fit"
    ice_normal_x rlnTomoIceNormalX "ice layer's normal, x"
    ice_normal_y rlnTomoIceNormalY "ice layer's normal, y"
    ice_normal_z rlnTomoIceNormalZ "ice layer's normal, z"
    deformation_grid_x rlnTomoDeformationGridSizeX "columns of the deformation grid"
    deformation_grid_y rlnTomoDeformationGridSizeY "rows of the deformation grid"
    deformation_type rlnTomoDeformationType "spline, Fourier or linear"
    tilt_series_stack rlnTomoTiltSeriesName "image stack of a RELION 4 set"
    frame_count rlnTomoFrameCount "number of tilt images a RELION 4 set declares"
};

/// One row of a tilt series.
pub const TILT_COLUMNS: &[FromLabel] = from_labels! {
    nominal_tilt_angle rlnTomoNominalStageTiltAngle "tilt angle of the stage"
    nominal_tilt_axis_angle rlnTomoNominalTiltAxisAngle "nominal angle of the tilt axis, counter-clockwise from y"
    pre_exposure rlnMicrographPreExposure "dose before this image"
    nominal_defocus rlnTomoNominalDefocus "target defocus; negative is underfocus"
    movie_name rlnMicrographMovieName "movie file"
    movie_frame_count rlnTomoTiltMovieFrameCount "frames in the movie"
    movie_index rlnTomoTiltMovieIndex "chronological index from 1, in older sets"
    micrograph_name rlnMicrographName "motion-corrected image"
    micrograph_name_even rlnMicrographNameEven "sum of the even frames"
    micrograph_name_odd rlnMicrographNameOdd "sum of the odd frames"
    micrograph_metadata rlnMicrographMetadata "file of the motion correction"
    motion_total rlnAccumMotionTotal "accumulated motion"
    motion_early rlnAccumMotionEarly "accumulated motion of the early frames"
    motion_late rlnAccumMotionLate "accumulated motion of the late frames"
    ctf_image rlnCtfImage "power spectrum with the fitted CTF"
    defocus_u rlnDefocusU "defocus along the major axis, positive is underfocus"
    defocus_v rlnDefocusV "defocus along the minor axis"
    defocus_angle rlnDefocusAngle "angle from x to the major axis"
    astigmatism rlnCtfAstigmatism "difference of the two defocus values"
    phase_shift rlnPhaseShift "phase shift"
    figure_of_merit rlnCtfFigureOfMerit "figure of merit of the CTF fit"
    max_resolution rlnCtfMaxResolution "resolution up to which the CTF fits"
    ice_ring_density rlnCtfIceRingDensity "power at the ice ring"
    ctf_bfactor rlnCtfBfactor "B-factor"
    ctf_scale_factor rlnCtfScalefactor "scale of the CTF; absent means 1"
    x_tilt rlnTomoXTilt "rotation about x; absent means 0"
    y_tilt rlnTomoYTilt "rotation about y, the refined tilt angle"
    z_rotation rlnTomoZRot "rotation about z, the refined tilt axis"
    x_shift rlnTomoXShiftAngst "shift along x"
    y_shift rlnTomoYShiftAngst "shift along y"
};

/// Columns that say where a row comes from; the first of every table but `files`.
fn origin() -> Vec<Field> {
    vec![
        text("path", "file, relative to the root, with / between folders; bytes that are not UTF-8 replaced"),
        text("root", "folder that was indexed"),
        text(
            "project",
            "folder of the RELION project, relative to the root; empty for the root itself, null outside of projects",
        ),
    ]
}

/// All tables' names and schemas.
#[must_use]
pub fn schemas() -> [(&'static str, SchemaRef); 4] {
    [("files", files()), ("tomograms", tomograms()), ("tilts", tilts()), ("problems", problems())]
}

#[must_use]
pub fn files() -> SchemaRef {
    let mut fields =
        vec![text("path", "path relative to the root, with / between folders; bytes that are not UTF-8 replaced")];
    fields.push(described("path_bytes", DataType::LargeBinary, "the path's bytes, where they are not UTF-8"));
    fields.extend(origin().into_iter().skip(1));
    fields.extend([
        text("name", "file name"),
        described("size", DataType::Int64, "bytes"),
        described("mtime", utc(), "time of the last change"),
        described("mtime_ns", DataType::Int64, "the same in nanoseconds since 1970"),
        described("inode", DataType::Int64, "inode number"),
        text("kind", KINDS),
        described("blocks", DataType::Int64, "data_ blocks"),
        described("rows", DataType::Int64, "rows of all loops"),
        described("problems", DataType::Int64, "rows of the table problems that are about this file"),
        text("status", "ok, diagnosed, faulty or unreadable"),
    ]);
    Arc::new(Schema::new(fields))
}

#[must_use]
pub fn tomograms() -> SchemaRef {
    from_labels(&[described("row", DataType::Int64, "row within its table, from 0")], TOMOGRAM_COLUMNS)
}

#[must_use]
pub fn tilts() -> SchemaRef {
    let own = [
        text("tomogram", "name of the tilt series: its block's name"),
        described("row", DataType::Int64, "row within its table, from 0"),
    ];
    from_labels(&own, TILT_COLUMNS)
}

#[must_use]
pub fn problems() -> SchemaRef {
    let mut fields = origin();
    fields.extend([
        text("code", "stable code, such as R101"),
        text("name", "short name of the code"),
        text("severity", "error, warning or note"),
        text("message", "what is there and how it was read"),
        text("block", "block it is in"),
        text("label", "column it is in"),
        described("line", DataType::Int64, "line of the first place, from 1"),
        described("column", DataType::Int64, "column of the first place in bytes, from 1"),
        described("count", DataType::Int64, "how many such places there are"),
    ]);
    Arc::new(Schema::new(fields))
}

fn from_labels(own: &[Field], columns: &[FromLabel]) -> SchemaRef {
    let mut fields = origin();
    fields.extend_from_slice(own);
    fields.extend(columns.iter().map(FromLabel::field));
    Arc::new(Schema::new(fields))
}

fn text(name: &str, words: &str) -> Field {
    described(name, DataType::LargeUtf8, words)
}

fn described(name: &str, data_type: DataType, words: &str) -> Field {
    Field::new(name, data_type, true).with_metadata(HashMap::from([("description".to_owned(), words.to_owned())]))
}

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}
