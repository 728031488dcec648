//! Which labels hold paths, what they lead to, and where the path is in an image's name.

use std::ops::Range;

use crate::star::lex;

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An image, a stack of images or a map.
    Image,
    /// A STAR file.
    Star,
    /// Another file.
    File,
    /// A folder.
    Folder,
    /// A file of a job, as the pipeline knows it.
    Node,
    /// What the names of files begin with.
    Stem,
    /// An option of a job, which may be a path.
    Option,
}

impl Kind {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Star => "star",
            Self::File => "file",
            Self::Folder => "folder",
            Self::Node => "node",
            Self::Stem => "stem",
            Self::Option => "option",
        }
    }
}

/// The option of a job that a value belongs to stands in the column of this label.
pub const OPTION_NAME: &str = "rlnJobOptionVariable";

/// All labels of paths; the python jobs write some that RELION's dictionary does not have.
pub const LABELS: &[(&str, Kind)] = &[
    ("rlnBodyMaskName", Kind::Image),
    ("rlnBodyReferenceName", Kind::Image),
    ("rlnBodyStarFile", Kind::Star),
    ("rlnCtfImage", Kind::Image),
    ("rlnCtfPowerSpectrum", Kind::Image),
    ("rlnEtomoDirectiveFile", Kind::File),
    ("rlnExperimentalDataStarFile", Kind::Star),
    ("rlnExtReconsDataImag", Kind::Image),
    ("rlnExtReconsDataReal", Kind::Image),
    ("rlnExtReconsResult", Kind::Image),
    ("rlnExtReconsResultStarfile", Kind::Star),
    ("rlnExtReconsWeight", Kind::Image),
    ("rlnFourierMask", Kind::Image),
    ("rlnGradMoment1", Kind::Image),
    ("rlnGradMoment2", Kind::Image),
    ("rlnImageName", Kind::Image),
    ("rlnImageOriginalName", Kind::Image),
    ("rlnJobOptionValue", Kind::Option),
    ("rlnLocalSymmetryFile", Kind::File),
    ("rlnMaskName", Kind::Image),
    ("rlnMicrographCoordinates", Kind::File),
    ("rlnMicrographDefectFile", Kind::File),
    ("rlnMicrographGainName", Kind::Image),
    ("rlnMicrographMetadata", Kind::Star),
    ("rlnMicrographMovieName", Kind::Image),
    ("rlnMicrographName", Kind::Image),
    ("rlnMicrographNameEven", Kind::Image),
    ("rlnMicrographNameNoDW", Kind::Image),
    ("rlnMicrographNameOdd", Kind::Image),
    ("rlnModelStarFile", Kind::Star),
    ("rlnModelStarFile2", Kind::Star),
    ("rlnMtfFileName", Kind::File),
    ("rlnOpticsStarFile", Kind::Star),
    ("rlnOrientSamplingStarFile", Kind::Star),
    ("rlnOutputRootName", Kind::Stem),
    ("rlnPipeLineEdgeFromNode", Kind::Node),
    ("rlnPipeLineEdgeProcess", Kind::Folder),
    ("rlnPipeLineEdgeToNode", Kind::Node),
    ("rlnPipeLineNodeName", Kind::Node),
    ("rlnPipeLineProcessAlias", Kind::Folder),
    ("rlnPipeLineProcessName", Kind::Folder),
    ("rlnPostprocessedMap", Kind::Image),
    ("rlnPostprocessedMapMasked", Kind::Image),
    ("rlnReconstructImageName", Kind::Image),
    ("rlnReferenceImage", Kind::Image),
    ("rlnSolventMask2Name", Kind::Image),
    ("rlnSolventMaskName", Kind::Image),
    ("rlnStarFileMovieParticles", Kind::Star),
    ("rlnSubImageStack", Kind::Image),
    ("rlnSubImageStarFile", Kind::Star),
    ("rlnTauSpectrumName", Kind::File),
    ("rlnTomoDenoisedTomogram", Kind::Image),
    ("rlnTomoFiducialsStarFile", Kind::Star),
    ("rlnTomoImportCtfFindFile", Kind::File),
    ("rlnTomoImportCtfPlotterFile", Kind::File),
    ("rlnTomoImportCulledFile", Kind::File),
    ("rlnTomoImportImodDir", Kind::Folder),
    ("rlnTomoImportOrderList", Kind::File),
    ("rlnTomoImportParticleFile", Kind::File),
    ("rlnTomoManifoldsFile", Kind::Star),
    ("rlnTomoParticlesFile", Kind::Star),
    ("rlnTomoReconstructedTomogram", Kind::Image),
    ("rlnTomoReconstructedTomogramDenoised", Kind::Image),
    ("rlnTomoReconstructedTomogramHalf1", Kind::Image),
    ("rlnTomoReconstructedTomogramHalf2", Kind::Image),
    ("rlnTomoReferenceFscFile", Kind::Star),
    ("rlnTomoReferenceMap1File", Kind::Image),
    ("rlnTomoReferenceMap2File", Kind::Image),
    ("rlnTomoReferenceMaskFile", Kind::Image),
    ("rlnTomoTiltMovieFile", Kind::Image),
    ("rlnTomoTiltSeriesName", Kind::Image),
    ("rlnTomoTiltSeriesStarFile", Kind::Star),
    ("rlnTomoTomogramsFile", Kind::Star),
    ("rlnTomoTrajectoriesFile", Kind::Star),
    ("rlnTomogramHProjectionalf2", Kind::Image),
    ("rlnTomogramProjection", Kind::Image),
    ("rlnTomogramProjectionHalf1", Kind::Image),
    ("rlnUnfilteredMapHalf1", Kind::Image),
    ("rlnUnfilteredMapHalf2", Kind::Image),
];

/// What the values of a label lead to; nothing for labels that hold no paths.
#[must_use]
pub fn kind(label: &str) -> Option<Kind> {
    LABELS.binary_search_by(|(name, _)| (*name).cmp(label)).ok().and_then(|at| LABELS.get(at)).map(|(_, kind)| *kind)
}

/// Where the path is in an image's name such as `000003@TS.mrc:mrcs`: without its place in a stack and its format.
#[must_use]
pub fn range(name: &[u8]) -> Range<usize> {
    let digits = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let start = if digits > 0 && name.get(digits) == Some(&b'@') { digits + 1 } else { 0 };
    let rest = name.get(start..).unwrap_or_default();
    match memchr::memrchr(b':', rest) {
        Some(colon) if !rest.get(colon..).unwrap_or_default().contains(&b'/') => start..start + colon,
        _ => start..name.len(),
    }
}

/// The path in an image's name.
#[must_use]
pub fn path_of(name: &[u8]) -> &[u8] {
    name.get(range(name)).unwrap_or_default()
}

/// What stands for a path where there is no such file; RELION fills rows that never had one with `empty`.
pub const NONE: [&str; 8] = ["", "None", "none", "empty", "N/A", "<NA>", "nan", "NULL"];

/// Whether a value says that there is no such file.
#[must_use]
pub fn is_none(value: &[u8]) -> bool {
    NONE.iter().any(|none| none.as_bytes() == value)
}

/// Whether an option of a job may be a path: one has a slash and no blanks, or a file's ending where files are asked for.
#[must_use]
pub fn is_option_path(name: &[u8], value: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 8] = [b".star", b".mrc", b".mrcs", b".tif", b".tiff", b".eer", b".mdoc", b".box"];
    if value.iter().copied().any(lex::is_blank) || memchr::memmem::find(value, b"://").is_some() {
        return false;
    }
    let asks = name.starts_with(b"fn_") || name.starts_with(b"in_") || name.starts_with(b"input_");
    value.contains(&b'/') || (asks && ENDINGS.iter().any(|ending| value.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relion::labels;

    #[test]
    fn labels_are_sorted_and_relions() {
        assert!(LABELS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let unknown: Vec<&str> =
            LABELS.iter().map(|(name, _)| *name).filter(|name| labels::known(name).is_none()).collect();
        assert_eq!(unknown, ["rlnTomoReconstructedTomogramDenoised"]);
        for (name, _) in LABELS {
            let text = labels::known(name).is_none_or(|known| known.kind == labels::RelionType::String);
            assert!(text, "{name} is no text");
        }
        assert_eq!(kind("rlnImageName"), Some(Kind::Image));
        assert_eq!(kind("rlnTomoName"), None);
    }

    #[test]
    fn paths_of_images() {
        let path = |name: &'static str| &name[range(name.as_bytes())];
        for (name, expected) in [
            ("a/b.mrc", "a/b.mrc"),
            ("000003@a.mrcs:mrcs", "a.mrcs"),
            ("a:b/c.mrc", "a:b/c.mrc"),
            ("12", "12"),
            ("@a", "@a"),
            ("3@", ""),
            ("x.ctf:mrc", "x.ctf"),
        ] {
            assert_eq!(path(name), expected);
        }
    }

    #[test]
    fn options() {
        assert!(is_option_path(b"fn_data", b"Refine3D/job015/run_data.star"));
        assert!(is_option_path(b"mdoc_files", b"mdoc/*.mdoc"));
        assert!(is_option_path(b"fn_mask", b"mask.mrc"));
        assert!(!is_option_path(b"qsub", b"sbatch"));
        assert!(!is_option_path(b"other_args", b"--i a/b.star"));
        assert!(!is_option_path(b"queue", b"http://a/b"));
    }
}
