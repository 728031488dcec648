//! Outlines: what a text holds and where, without its values.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::bytes::shared;
use super::options::{ON_ERROR, ReadOptions, choose};
use super::read::{StarTables, diagnostic_row};
use crate::error::{Result, StarError};
use crate::relion::dialect;
use crate::source::{self, Bytes, Loaded, Stamp, Window};
use crate::star::outline::{self, Part};
use crate::star::text::Text;
use crate::table::decode::changed;
use crate::table::read;
use crate::table::report::{Located, Report};
use crate::table::stream;

/// The structure of a text.
#[pyclass(frozen, module = "tomoset._core")]
pub struct Outline {
    inner: outline::Outline,
    diagnostics: Vec<Located>,
    /// Where the text can be had again.
    origin: Origin,
}

enum Origin {
    /// With what the file was when its outline was made.
    Path(PathBuf, Stamp),
    Memory(Loaded),
}

#[pymethods]
impl Outline {
    /// (name, version, start, end) of each block; offsets in bytes.
    fn blocks(&self) -> Vec<(&str, Option<i64>, u64, u64)> {
        self.inner.blocks.iter().map(|block| (&*block.name, block.version, block.start, block.end)).collect()
    }

    /// (is a list, rows, labels, start, end) of each table of a block.
    fn tables(&self, block: usize) -> Vec<(bool, u64, Vec<&str>, u64, u64)> {
        let parts = self.inner.blocks.get(block).map(|block| block.parts.as_slice()).unwrap_or_default();
        let row = |part: &'_ Part| (matches!(part, Part::List(_)), part.rows(), part.start(), part.end());
        let with_labels = |part| {
            let (is_list, rows, start, end) = row(part);
            (is_list, rows, part.labels().map(|label| &*label.name).collect(), start, end)
        };
        parts.iter().map(with_labels).collect()
    }

    /// (code, severity, offset, line, column, count, block, label, detail) of each diagnostic.
    fn diagnostics(&self) -> Vec<super::read::DiagnosticRow> {
        self.diagnostics.iter().map(diagnostic_row).collect()
    }

    /// Reads one block, by its index, without looking at the others.
    fn read(&self, py: Python<'_>, block: usize, options: &ReadOptions) -> PyResult<StarTables> {
        let inner = py.detach(|| self.read_block(block, options)).map_err(|error| error.at_path(self.path()))?;
        Ok(StarTables::from(inner))
    }
}

impl Outline {
    fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Path(path, _) => Some(path),
            Origin::Memory(_) => None,
        }
    }

    fn read_block(&self, block: usize, options: &ReadOptions) -> Result<read::StarTables> {
        let (outline, options) = (&self.inner, &options.inner);
        match &self.origin {
            Origin::Memory(loaded) => {
                let mut text = loaded.buffer.as_slice();
                let bytes = Bytes::Memory { text, base: 0 };
                read::read_block(outline, block, &mut text, bytes, Some(&loaded.buffer), options)
            }
            Origin::Path(path, stamp) => {
                let mut window = Window::new(source::open_text(path)?);
                let file = window.file()?;
                let found = read::read_block(outline, block, &mut window, Bytes::File(&file), None, options);
                // Whatever was read of another text means nothing, an error neither.
                if window.origin() != *stamp || !window.is_untouched()? {
                    return Err(changed().into());
                }
                found
            }
        }
    }
}

/// The outline of the file at a path, read in bounded memory.
#[pyfunction]
#[pyo3(signature = (path, *, on_error, threads))]
pub fn scan_path(py: Python<'_>, path: PathBuf, on_error: &str, threads: Option<usize>) -> PyResult<Outline> {
    let on_error = choose("on_error", on_error, ON_ERROR)?;
    let scan = || {
        let (mut inner, mut window): (_, Window) = stream::scan_path(&path, on_error, threads)?;
        let diagnostics = report(&mut inner, &mut window)?;
        let origin = Origin::Path(path.clone(), window.origin());
        Ok(Outline { inner, diagnostics, origin })
    };
    py.detach(scan).map_err(|error: StarError| error.at_path(Some(&path)).into())
}

/// The outline of bytes in memory, which are kept; `name` stands for a path in errors.
#[pyfunction]
#[pyo3(signature = (data, *, on_error, threads, name=None))]
pub fn scan_bytes(
    py: Python<'_>,
    data: Bound<'_, PyBytes>,
    on_error: &str,
    threads: Option<usize>,
    name: Option<PathBuf>,
) -> PyResult<Outline> {
    let on_error = choose("on_error", on_error, ON_ERROR)?;
    let buffer = shared(&data);
    let scan = || {
        let loaded = source::load_bytes(buffer)?;
        let mut inner = stream::scan(&loaded, on_error, threads)?;
        let mut text = loaded.buffer.as_slice();
        let diagnostics = report(&mut inner, &mut text)?;
        Ok(Outline { inner, diagnostics, origin: Origin::Memory(loaded.clone()) })
    };
    py.detach(scan).map_err(|error: StarError| error.at_path(name.as_deref()).into())
}

fn report<T: Text>(inner: &mut outline::Outline, text: &mut T) -> Result<Vec<Located>> {
    dialect::examine(inner, text)?;
    let mut report = Report::default();
    report.add_outline(inner);
    Ok(report.locate(text)?)
}
