//! What a STAR file is, told by its blocks and labels, never by its name.

use crate::star::outline::{Block, Outline, Part};

/// The kinds of files an archive of RELION projects holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    TomogramSet,
    TiltSeries,
    Particles,
    Trajectories,
    OptimisationSet,
    Annotations,
    Pipeline,
    Job,
    Micrograph,
    Model,
    Optimiser,
    Other,
    Empty,
}

impl Kind {
    /// The name in the catalogue.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TomogramSet => "tomogram_set",
            Self::TiltSeries => "tilt_series",
            Self::Particles => "particles",
            Self::Trajectories => "trajectories",
            Self::OptimisationSet => "optimisation_set",
            Self::Annotations => "annotations",
            Self::Pipeline => "pipeline",
            Self::Job => "job",
            Self::Micrograph => "micrograph",
            Self::Model => "model",
            Self::Optimiser => "optimiser",
            Self::Other => "other",
            Self::Empty => "empty",
        }
    }
}

/// What a table contributes to the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// One row a tomogram.
    Tomograms,
    /// One row a tilt image.
    Tilts,
    /// One row a particle.
    Particles,
    /// One row an optics group.
    Optics,
}

/// The kind of a file, by the first rule that fits.
#[must_use]
pub fn classify(outline: &Outline) -> Kind {
    if outline.blocks.is_empty() {
        return Kind::Empty;
    }
    let named = |name: &str| outline.blocks.iter().any(|block| &*block.name == name);
    let label = |label: &str| outline.blocks.iter().any(|block| block.parts.iter().any(|part| has(part, label)));
    let role =
        |wanted: Role| outline.blocks.iter().any(|b| b.parts.iter().any(|part| role_of(b, part) == Some(wanted)));
    match () {
        () if role(Role::Tomograms) => Kind::TomogramSet,
        () if named("pipeline_general") || label("rlnPipeLineJobCounter") => Kind::Pipeline,
        () if named("joboptions_values") || label("rlnJobOptionVariable") => Kind::Job,
        () if named("model_general") => Kind::Model,
        () if named("optimiser_general") => Kind::Optimiser,
        () if label("rlnTomoParticlesFile") || label("rlnTomoTomogramsFile") => Kind::OptimisationSet,
        () if label("rlnParticleNumber") && label("rlnOriginXAngst") => Kind::Trajectories,
        () if role(Role::Tilts) => Kind::TiltSeries,
        () if label("rlnMicrographFrameNumber") => Kind::Micrograph,
        () if label("rlnTomoParticleName") || label("rlnImageName") || named("particles") => Kind::Particles,
        () if label("rlnTomoName") && places_particles(outline) => Kind::Particles,
        () if places_particles(outline) => Kind::Annotations,
        () => Kind::Other,
    }
}

fn places_particles(outline: &Outline) -> bool {
    outline.blocks.iter().any(|block| block.parts.iter().any(places))
}

/// What a table of a block contributes.
#[must_use]
pub fn role_of(block: &Block, part: &Part) -> Option<Role> {
    let Part::Loop(_) = part else { return None };
    let set_like = ["rlnTomoTiltSeriesStarFile", "rlnTomoTiltSeriesName", "rlnTomoHand"];
    let named = has(part, "rlnTomoName");
    if named && matches!(&*block.name, "global" | "") && set_like.iter().any(|label| has(part, label)) {
        return Some(Role::Tomograms);
    }
    let tilts = has(part, "rlnMicrographPreExposure") || has(part, "rlnTomoNominalStageTiltAngle");
    if tilts && !named {
        return Some(Role::Tilts);
    }
    if &*block.name == "optics" {
        return has(part, "rlnOpticsGroup").then_some(Role::Optics);
    }
    let particles = has(part, "rlnTomoParticleName") || has(part, "rlnImageName") || named && places(part);
    (particles || &*block.name == "particles").then_some(Role::Particles)
}

fn places(part: &Part) -> bool {
    has(part, "rlnCoordinateX") || has(part, "rlnCenteredCoordinateXAngst")
}

fn has(part: &Part, label: &str) -> bool {
    part.labels().any(|own| &*own.name == label)
}
