//! Texts that are mended, paths that are found and moved, and files that are replaced by what became of them.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, LargeStringBuilder};
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::arrow::to_table;
use super::options::choose;
use crate::archive::places::{Place, Places};
use crate::error::{Result, StarError};
use crate::mend::moving::{self, Move, Moved};
use crate::mend::references::{self, Found};
use crate::mend::{self, Made};
use crate::relion::paths::{self, Kind};
use crate::sink::{self, Packing};
use crate::source::{self, Stamp};
use crate::star::diagnostic::Code;

const PACKINGS: &[(&str, Packing)] = &[("none", Packing::None), ("gzip", Packing::Gzip), ("zstd", Packing::Zstd)];
type StampParts = (u64, u64, i64, i64);

/// Codes that there is a fix for.
///
/// Returns
/// -------
/// list of str
#[pyfunction]
pub fn mendable_codes() -> Vec<&'static str> {
    mend::CODES.iter().map(|code| code.id()).collect()
}

/// Labels whose values are paths.
///
/// Returns
/// -------
/// list of (label, what the paths lead to), both str
#[pyfunction]
pub fn path_labels() -> Vec<(&'static str, &'static str)> {
    paths::LABELS.iter().map(|(label, kind)| (*label, kind.name())).collect()
}

/// Values of such labels that say that there is no such file.
///
/// Returns
/// -------
/// list of str
#[pyfunction]
pub fn no_paths() -> Vec<&'static str> {
    paths::NONE.to_vec()
}

/// The text of a file, unpacked, with line feeds where all lines end in a CR.
///
/// Returns
/// -------
/// (text, packing, whether lines end in a CR, stamp)
///     bytes; "none", "gzip" or "zstd"; bool; what `replace_text` wants
#[pyfunction]
pub fn load_text(py: Python<'_>, path: PathBuf) -> PyResult<(Bound<'_, PyBytes>, &'static str, bool, StampParts)> {
    let load = || source::load_original(&path).map_err(|error| StarError::from(error).at_path(Some(&path)));
    let found = py.detach(load)?;
    let packing = PACKINGS.iter().find(|(_, packing)| *packing == found.packing).map_or("none", |(name, _)| name);
    let text = PyBytes::new(py, &found.loaded.buffer);
    Ok((text, packing, found.loaded.cr_only, found.stamp.parts()))
}

/// A text packed as a file was.
#[pyfunction]
pub fn pack_text<'py>(py: Python<'py>, text: &[u8], packing: &str) -> PyResult<Bound<'py, PyBytes>> {
    let packing = choose("packing", packing, PACKINGS)?;
    let pack = || {
        let mut out = Vec::new();
        sink::pack(&mut out, packing, |out| Ok(out.write_all(text)?))?;
        Result::Ok(out)
    };
    Ok(PyBytes::new(py, &py.detach(pack)?))
}

/// Replaces a file by a text, as a whole or not at all; OSError if it is not what the stamp says any more.
#[pyfunction]
#[pyo3(signature = (path, text, packing, stamp, *, durable))]
pub fn replace_text(
    py: Python<'_>,
    path: PathBuf,
    text: &[u8],
    packing: &str,
    stamp: StampParts,
    durable: bool,
) -> PyResult<()> {
    let packing = choose("packing", packing, PACKINGS)?;
    let write = || {
        unchanged(&path, stamp)?;
        sink::replace(&path, durable, |out| {
            sink::pack(out, packing, |out| Ok(out.write_all(text)?))?;
            // Once more, since writing may have taken long.
            Ok(unchanged(&path, stamp)?)
        })
    };
    Ok(py.detach(write).map_err(|error| error.at_path(Some(&path)))?)
}

fn unchanged(path: &Path, stamp: StampParts) -> io::Result<()> {
    if Stamp::of(&File::open(path)?)?.parts() == stamp {
        return Ok(());
    }
    Err(io::Error::other("the file changed since it was read; it is left as it is"))
}

/// code, line, count, detail
type MadeRow = (&'static str, u64, u64, Option<String>);

/// A text with fixes of some codes.
///
/// Returns
/// -------
/// (text, fixes made)
///     bytes, and a list of (code, line of the first, how many, what became of what)
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "extracted for this call")]
pub fn mend_text<'py>(
    py: Python<'py>,
    text: &[u8],
    codes: Vec<String>,
) -> PyResult<(Bound<'py, PyBytes>, Vec<MadeRow>)> {
    let codes = codes.iter().map(|id| code(id)).collect::<PyResult<HashSet<Code>>>()?;
    let found = py.detach(|| mend::mend(text, &codes))?;
    let row = |made: Made| (made.code.id(), made.line, made.count, made.detail);
    Ok((PyBytes::new(py, &found.text), found.made.into_iter().map(row).collect()))
}

fn code(id: &str) -> PyResult<Code> {
    let known = mend::CODES.iter().copied().find(|code| code.id() == id);
    known.ok_or_else(|| PyValueError::new_err(format!("{id:?} is no code that there is a fix for")))
}

/// block, label, how many, new paths, examples of old and new, how many cannot be written
type MovedRow<'py> =
    (String, String, u64, Vec<Bound<'py, PyBytes>>, Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>, u64);

/// A text whose paths below one folder are below another; None if it has none.
///
/// `without` are kinds of paths, as `path_labels` has them, that are left.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "extracted for this call")]
pub fn rebase_text<'py>(
    py: Python<'py>,
    text: &[u8],
    old: &[u8],
    new: &[u8],
    without: Vec<String>,
) -> PyResult<Option<(Bound<'py, PyBytes>, Vec<MovedRow<'py>>)>> {
    let without = without.iter().map(|name| kind(name)).collect::<PyResult<Vec<Kind>>>()?;
    let moving = Move::new(old, new, without);
    let Some((text, moved)) = py.detach(|| moving::rebase(text, &moving))? else { return Ok(None) };
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
    let row = |moved: Moved| {
        let paths = moved.paths.iter().map(|path| bytes(path)).collect();
        let examples = moved.examples.iter().map(|(old, new)| (bytes(old), bytes(new))).collect();
        (moved.block, moved.label, moved.count, paths, examples, moved.refused)
    };
    Ok(Some((bytes(&text), moved.into_iter().map(row).collect())))
}

fn kind(name: &str) -> PyResult<Kind> {
    let known = paths::LABELS.iter().map(|(_, kind)| *kind).find(|kind| kind.name() == name);
    known.ok_or_else(|| PyValueError::new_err(format!("{name:?} is no kind of paths")))
}

/// Where paths lead to from a folder; nothing outside of it is looked at.
///
/// Returns
/// -------
/// list of (whether inside, how it is written, whether it is there or None)
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "extracted for this call")]
pub fn look_up(
    py: Python<'_>,
    root: PathBuf,
    paths: Vec<Vec<u8>>,
) -> PyResult<Vec<(bool, &'static str, Option<bool>)>> {
    let look = || {
        let mut places = Places::new(&root).map_err(|error| StarError::from(error).at_path(Some(&root)))?;
        let row = |path: &Vec<u8>| {
            let Place { inside, way, present } = places.find(path, Kind::Option);
            (inside, way.name(), present)
        };
        Result::Ok(paths.iter().map(row).collect())
    };
    Ok(py.detach(look)?)
}

/// which file, what is wrong
type FaultRow = (usize, String);

/// The paths that files hold, and where they lead to.
///
/// Returns
/// -------
/// (table, faults)
///     `file`, `block`, `label`, `kind`, `path`, `count`, `inside`, `way` and `present`; and of files that cannot be read, or
///     not all of them, (which file, what is wrong)
#[pyfunction]
#[pyo3(signature = (root, files, threads=None))]
#[allow(clippy::needless_pass_by_value, reason = "extracted for this call")]
pub fn find_references<'py>(
    py: Python<'py>,
    root: PathBuf,
    files: Vec<PathBuf>,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyAny>, Vec<FaultRow>)> {
    let find = || {
        let mut places = Places::new(&root).map_err(|error| StarError::from(error).at_path(Some(&root)))?;
        let mut table = Table::default();
        let mut faults = Vec::new();
        for (file, found) in references::find(&files, threads).into_iter().enumerate() {
            match found {
                Ok(found) => {
                    faults.extend(found.fault.iter().map(|fault| (file, fault.clone())));
                    table.add(file, &found, &mut places);
                }
                Err(StarError::Io { error, .. }) => faults.push((file, error.to_string())),
                Err(error) => faults.push((file, error.to_string())),
            }
        }
        Result::Ok((table.finish()?, faults))
    };
    let (batch, faults) = py.detach(find)?;
    Ok((to_table(py, &batch)?, faults))
}

#[derive(Default)]
struct Table {
    files: Vec<i64>,
    texts: [LargeStringBuilder; 5],
    counts: Vec<i64>,
    inside: BooleanBuilder,
    present: BooleanBuilder,
}

impl Table {
    fn add(&mut self, file: usize, found: &Found, places: &mut Places) {
        for reference in &found.references {
            let place = places.find(&reference.path, reference.kind);
            let block = found.blocks.get(reference.block).map_or("", String::as_str);
            let path = String::from_utf8_lossy(&reference.path);
            let texts = [block, &reference.label, reference.kind.name(), &path, place.way.name()];
            self.files.push(i64::try_from(file).unwrap_or(i64::MAX));
            self.texts.iter_mut().zip(texts).for_each(|(column, text)| column.append_value(text));
            self.counts.push(i64::try_from(reference.count).unwrap_or(i64::MAX));
            self.inside.append_value(place.inside);
            self.present.append_option(place.present);
        }
    }

    fn finish(mut self) -> Result<RecordBatch> {
        let [block, label, kind, path, way] = self.texts.each_mut().map(|text| Arc::new(text.finish()) as ArrayRef);
        let columns: [(&str, ArrayRef); 9] = [
            ("file", Arc::new(Int64Array::from(self.files))),
            ("block", block),
            ("label", label),
            ("kind", kind),
            ("path", path),
            ("count", Arc::new(Int64Array::from(self.counts))),
            ("inside", Arc::new(self.inside.finish())),
            ("way", way),
            ("present", Arc::new(self.present.finish())),
        ];
        RecordBatch::try_from_iter(columns).map_err(|error| StarError::Option(error.to_string()))
    }
}
