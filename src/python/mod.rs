//! The bindings: each function extracts, detaches from the interpreter, calls the core and wraps what comes back.

mod archive;
mod arrow;
mod bytes;
mod errors;
mod examine;
mod geometry;
mod mend;
mod options;
mod read;
mod replacement;
mod scan;
mod stream;
mod write;

use pyo3::prelude::*;

/// The compiled part of tomoset; use the functions of `tomoset` instead.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::archive::{
        Harvest, Harvested, Stack, Walk, catalog_schemas, harvest, path_text, read_stack, walk_tree, write_stack,
    };
    #[pymodule_export]
    use super::build_facts;
    #[pymodule_export]
    use super::diagnostic_codes;
    #[pymodule_export]
    use super::examine::{entries_of, examine_files, find_places};
    #[pymodule_export]
    use super::geometry::places;
    #[pymodule_export]
    use super::hint;
    #[pymodule_export]
    use super::labels;
    #[pymodule_export]
    use super::mend::{
        find_references, load_text, look_up, mend_text, mendable_codes, no_paths, pack_text, path_labels, rebase_text,
        replace_text,
    };
    #[pymodule_export]
    use super::options::ReadOptions;
    #[pymodule_export]
    use super::processors;
    #[pymodule_export]
    use super::read::{StarTables, read_bytes, read_path};
    #[pymodule_export]
    use super::replacement::Replacement;
    #[pymodule_export]
    use super::scan::{Outline, scan_bytes, scan_path};
    #[pymodule_export]
    use super::stream::{Batches, stream_path};
    #[pymodule_export]
    use super::write::{Draft, WriteOptions, append_path};

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name Python has for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}

/// What this was built from, by and for, and which of its loops this processor runs.
///
/// Returns
/// -------
/// list of (name, what), both str
///     ``commit`` only where the builder told it in ``TOMOSET_COMMIT``.
#[pyfunction]
fn build_facts() -> Vec<(&'static str, &'static str)> {
    let commit = option_env!("TOMOSET_COMMIT").filter(|commit| !commit.is_empty());
    let told = commit.map(|commit| ("commit", commit));
    let rest = [
        ("rustc", env!("TOMOSET_RUSTC")),
        ("target", env!("TOMOSET_TARGET")),
        ("profile", if cfg!(debug_assertions) { "debug" } else { "release" }),
        ("loops", crate::star::simd::instructions()),
    ];
    told.into_iter().chain(rest).collect()
}

/// How many processors this process may use: as many threads work where nobody says how many.
#[pyfunction]
fn processors() -> usize {
    crate::parallel::available()
}

/// RELION's labels.
///
/// Returns
/// -------
/// list of (name, type, unit, canonical name), all str, in RELION's order
#[pyfunction]
fn labels() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let row = |known: crate::relion::labels::Known| (known.name, known.kind.name(), known.unit, known.canonical);
    crate::relion::labels::all().map(row).collect()
}

/// What may be meant by a name that is not there.
///
/// Returns
/// -------
/// str
///     Words to follow the message, or none; `prefix` is what goes before names in a STAR file.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "extracted for this call")]
fn hint(asked: &str, prefix: &str, known: Vec<String>) -> String {
    crate::near::hint(asked, prefix, known.iter().map(String::as_str))
}

/// Code, name, severity, message, what RELION does, what can be done.
type CodeRow = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

/// Every code a diagnostic can have.
///
/// Returns
/// -------
/// list of (code, name, severity, message, what RELION does, what can be done), all str
#[pyfunction]
fn diagnostic_codes() -> Vec<CodeRow> {
    let row = |code: &crate::star::diagnostic::Code| {
        (code.id(), code.name(), code.severity().name(), code.message(), code.relion(), code.mend())
    };
    crate::star::diagnostic::Code::ALL.iter().map(row).collect()
}
