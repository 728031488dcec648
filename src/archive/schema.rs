//! The catalogue's tables: their columns, and the labels these come from.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::relion::labels as dictionary;
use crate::table::columns::data_type;
use crate::table::dtype::{Strings, Type};

const KINDS: &str = "what the file is, by its blocks and labels: tomogram_set, tilt_series, particles, trajectories, \
    optimisation_set, annotations, pipeline, job, micrograph, model, optimiser, other, empty, unknown, link, special";

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
        dictionary::known(self.label).map_or(Type::Text, |known| known.kind.into())
    }

    fn field(&self) -> Field {
        let mut facts = HashMap::from([
            ("label".to_owned(), self.label.to_owned()),
            ("description".to_owned(), self.words.to_owned()),
        ]);
        if let Some(known) = dictionary::known(self.label)
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

/// One row of a particle set's `particles` block; those by which particles are counted come first.
pub const PARTICLE_COLUMNS: &[FromLabel] = from_labels! {
    tomogram rlnTomoName "name of the tomogram"
    optics_group rlnOpticsGroup "number of the optics group"
    particle rlnTomoParticleName "name of the particle"
    coordinate_x rlnCoordinateX "place along x, in unbinned pixels from the first"
    coordinate_y rlnCoordinateY "place along y"
    coordinate_z rlnCoordinateZ "place along z"
    centered_x rlnCenteredCoordinateXAngst "place along x, from the tomogram's centre"
    centered_y rlnCenteredCoordinateYAngst "place along y"
    centered_z rlnCenteredCoordinateZAngst "place along z"
    origin_x rlnOriginXAngst "refined offset along x, to be taken from the place"
    origin_y rlnOriginYAngst "refined offset along y"
    origin_z rlnOriginZAngst "refined offset along z"
    angle_rot rlnAngleRot "first Euler angle, about z"
    angle_tilt rlnAngleTilt "second Euler angle, about y"
    angle_psi rlnAnglePsi "third Euler angle, about z"
    subtomogram_rot rlnTomoSubtomogramRot "first Euler angle of the subtomogram"
    subtomogram_tilt rlnTomoSubtomogramTilt "second Euler angle of the subtomogram"
    subtomogram_psi rlnTomoSubtomogramPsi "third Euler angle of the subtomogram"
    class rlnClassNumber "number of the class"
    random_subset rlnRandomSubset "half set: 1 or 2"
    image_name rlnImageName "file of the extracted image or images"
};

/// One row of a particle set's `optics` block.
pub const OPTICS_COLUMNS: &[FromLabel] = from_labels! {
    optics_group rlnOpticsGroup "number of the optics group"
    optics_group_name rlnOpticsGroupName "optics group"
    voltage rlnVoltage "acceleration voltage"
    spherical_aberration rlnSphericalAberration "spherical aberration of the objective"
    amplitude_contrast rlnAmplitudeContrast "fraction of amplitude contrast"
    pixel_size rlnTomoTiltSeriesPixelSize "pixel size of the tilt series"
    image_pixel_size rlnImagePixelSize "pixel size of the extracted images"
    image_size rlnImageSize "width of the extracted images"
    binning rlnTomoSubtomogramBinning "pixel size of the extracted images over that of the tilt series"
};

/// Columns that say where a row comes from; the first of most tables.
fn origin(path: &str) -> Vec<Field> {
    const WRITTEN: &str =
        "relative to the root, with / between folders; bytes that are not UTF-8 as \\xNN, where \\ is doubled";
    vec![
        described("path", DataType::LargeUtf8, &format!("{path}, {WRITTEN}")),
        text("root", "folder that was indexed"),
        text(
            "project",
            "folder of the RELION project, relative to the root; empty for the root itself, null outside of projects",
        ),
    ]
}

/// All tables' names and schemas.
#[must_use]
pub fn schemas() -> [(&'static str, SchemaRef); 11] {
    [
        ("files", files()),
        ("projects", projects()),
        ("jobs", jobs()),
        ("tomograms", tomograms()),
        ("tilts", tilts()),
        ("particle_sets", particle_sets()),
        ("particles", particles()),
        ("labels", labels()),
        ("problems", problems()),
        ("deletions", deletions()),
        ("crawls", crawls()),
    ]
}

#[must_use]
pub fn files() -> SchemaRef {
    let mut fields = origin("file");
    fields.insert(
        1,
        described("path_bytes", DataType::LargeBinary, "the path's bytes, where its text is other than these"),
    );
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
        text(
            "status",
            "ok, diagnosed, faulty, unstable (it changed while it was read), offline (on tape) or unreadable",
        ),
        described("header", DataType::Int64, "which labels it has: rows of the table labels"),
        described("hash", DataType::Int64, "XXH3 of its text, unpacked; of all bytes where it is larger than 8 MB"),
        described("settled", DataType::Boolean, "changed at least two seconds before it was read"),
        described("first_crawl", DataType::Int64, "crawl that met it first"),
        described("changed_crawl", DataType::Int64, "last crawl that found other content"),
    ]);
    Arc::new(Schema::new(fields))
}

#[must_use]
pub fn tomograms() -> SchemaRef {
    let more = [
        described(
            "tilt_series_found",
            DataType::Boolean,
            "whether the file of the tilt series is there; null if none is named",
        ),
        described("etomo_directive_found", DataType::Boolean, "whether the IMOD directive file is there"),
        described(
            "reconstructed_found",
            DataType::Boolean,
            "whether the file of the reconstruction, or of its first half, is there",
        ),
        latest("no job further down or later made another set with this tomogram"),
    ];
    from_labels(&[described("row", DataType::Int64, "row within its table, from 0")], TOMOGRAM_COLUMNS, &more)
}

fn latest(words: &str) -> Field {
    described("latest", DataType::Boolean, words)
}

#[must_use]
pub fn tilts() -> SchemaRef {
    let own = [
        text("tomogram", "name of the tilt series: its block's name"),
        described("row", DataType::Int64, "row within its table, from 0"),
    ];
    from_labels(&own, TILT_COLUMNS, &[latest("of the latest set with this tomogram")])
}

#[must_use]
pub fn particle_sets() -> SchemaRef {
    let own = [
        text("tomogram", "name of the tomogram; null where the set names none"),
        described("particles", DataType::Int64, "particles of this tomogram and optics group"),
    ];
    from_labels(&own, OPTICS_COLUMNS, &[])
}

#[must_use]
pub fn particles() -> SchemaRef {
    from_labels(&[described("row", DataType::Int64, "row within its table, from 0")], PARTICLE_COLUMNS, &[])
}

#[must_use]
pub fn jobs() -> SchemaRef {
    let mut fields = origin("pipeline of the project");
    let texts = |name: &str, words: &str| {
        described(name, DataType::LargeList(Arc::new(Field::new("item", DataType::LargeUtf8, true))), words)
    };
    fields.extend([
        text("job", "folder of the job in its project, such as Import/job001"),
        described("number", DataType::Int64, "number of the job"),
        text("folder_type", "first part of the folder, such as Import"),
        text("alias", "name that a user gave it"),
        text("type", "RELION's name of the job type, such as relion.importtomo"),
        text("status", "what the pipeline says: Running, Scheduled, Succeeded, Failed or Aborted"),
        text("marker", "what the job's exit marker says: success, failure or aborted"),
        text(
            "state",
            "the marker's word, or else the pipeline's: succeeded, failed, aborted, running, scheduled, unknown",
        ),
        described("is_continue", DataType::Boolean, "whether it goes on with an earlier run"),
        described("is_tomo", DataType::Boolean, "whether it is a job of tomography"),
        text("options", "options of the job's file, as JSON"),
        texts("inputs", "files that it takes"),
        texts("outputs", "files that it makes"),
        texts("upstream", "jobs whose output it takes"),
        described(
            "order",
            DataType::Int64,
            "its place when all jobs of the project come after those whose output they take",
        ),
        described("files", DataType::Int64, "STAR files in its folder"),
        described("bytes", DataType::Int64, "bytes of these"),
        described("started", utc(), "time of its job.star"),
        described("ended", utc(), "time of its exit marker"),
        described("last_change", utc(), "time of its newest STAR file"),
    ]);
    Arc::new(Schema::new(fields))
}

#[must_use]
pub fn projects() -> SchemaRef {
    let mut fields = origin("folder");
    fields.extend([
        described("path_bytes", DataType::LargeBinary, "the path's bytes, where its text is other than these"),
        text("name", "last part of the folder"),
        described("files", DataType::Int64, "STAR files"),
        described("bytes", DataType::Int64, "bytes of these"),
        described("tomogram_sets", DataType::Int64, "files that are sets of tomograms"),
        described("tomograms", DataType::Int64, "tomograms, each counted once"),
        described("tilts", DataType::Int64, "tilt images of the latest sets"),
        described("particle_sets", DataType::Int64, "files that are sets of particles"),
        described("jobs", DataType::Int64, "jobs"),
        described("problems", DataType::Int64, "rows of the table problems"),
        described("errors", DataType::Int64, "those of severity fatal or silent"),
        described("first_change", utc(), "time of the oldest STAR file"),
        described("last_change", utc(), "time of the newest STAR file"),
        text("latest_set", "set of tomograms that comes last in the job graph, relative to the root"),
        described(
            "fingerprint",
            DataType::LargeBinary,
            "of all paths, sizes, times and inodes, and how the files were read; null where one is to be looked at again",
        ),
        described("first_crawl", DataType::Int64, "crawl that met it first"),
        described("changed_crawl", DataType::Int64, "last crawl that found something changed"),
    ]);
    Arc::new(Schema::new(fields))
}

#[must_use]
pub fn labels() -> SchemaRef {
    Arc::new(Schema::new(vec![
        described("header", DataType::Int64, "which set of labels, as in the table files"),
        text("kind", "what files with this header are"),
        text("label", "label, without the underscore"),
        described("known", DataType::Boolean, "whether RELION knows it"),
        text("type", "RELION's type: double, int, bool, string, vector"),
        text("unit", "RELION's unit"),
        text("meant", "a label of RELION's that is nearly the same"),
    ]))
}

#[must_use]
pub fn deletions() -> SchemaRef {
    let mut fields = origin("file");
    fields.extend([
        text("kind", "what the file was"),
        described("size", DataType::Int64, "bytes it had"),
        described("mtime", utc(), "time of its last change"),
        described("deleted_crawl", DataType::Int64, "crawl that no longer found it"),
    ]);
    Arc::new(Schema::new(fields))
}

#[must_use]
pub fn crawls() -> SchemaRef {
    let count = |name: &str, words: &str| described(name, DataType::Int64, words);
    Arc::new(Schema::new(vec![
        count("crawl", "number, from 1"),
        text("root", "folder that was indexed"),
        described("started", utc(), "when it began"),
        described("finished", utc(), "when it was done"),
        count("files", "files that were met"),
        count("bytes", "bytes of these"),
        count("new_files", "files that were not there before"),
        count("changed_files", "files with other content"),
        count("deleted_files", "files that are no longer there"),
        count("changed_projects", "projects, and folders of loose files, that were read"),
        count("errors", "problems of severity fatal or silent in what was read"),
        count("warnings", "problems of severity warning in what was read"),
        described("particles", DataType::Boolean, "whether each particle is a row of the table particles"),
        text("version", "version of tomoset"),
    ]))
}

#[must_use]
pub fn problems() -> SchemaRef {
    let mut fields = origin("file");
    fields.extend([
        text("code", "stable code, such as R101"),
        text("name", "short name of the code"),
        text(
            "severity",
            "fatal (RELION stops, or it cannot be read), silent (RELION goes on with other values or fewer rows), warning \
             (likely a mistake) or note",
        ),
        text("message", "what is there and how it was read"),
        text("block", "block it is in"),
        text("label", "column it is in"),
        described("line", DataType::Int64, "line of the first place, from 1"),
        described("column", DataType::Int64, "column of the first place in bytes, from 1"),
        described("count", DataType::Int64, "how many such places there are"),
    ]);
    Arc::new(Schema::new(fields))
}

fn from_labels(own: &[Field], columns: &[FromLabel], more: &[Field]) -> SchemaRef {
    let mut fields = origin("file");
    fields.extend_from_slice(own);
    fields.extend(columns.iter().map(FromLabel::field));
    fields.extend_from_slice(more);
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
