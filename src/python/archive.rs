//! Whole trees: harvests for the catalogue, and many files as one table.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::{PyRecordBatch, PySchema};

use super::arrow::to_table;
use super::options::ReadOptions;
use super::write::WriteOptions;
use crate::archive::harvest::{self as core, Options, Progress};
use crate::archive::rewrite::{self, Rewritten, Source};
use crate::archive::schema;
use crate::archive::stack::{self, Wanted};

/// An iterator over units of rows for the catalogue.
#[pyclass(frozen, module = "tomoset._core")]
pub struct Harvest {
    inner: Mutex<core::Harvest>,
    progress: Progress,
}

/// Rows for the catalogue from some files.
#[pyclass(frozen, module = "tomoset._core")]
pub struct HarvestUnit {
    inner: core::Unit,
}

#[pymethods]
impl Harvest {
    /// Files met by the walk so far.
    #[getter]
    fn num_found(&self) -> u64 {
        self.progress.num_found()
    }

    /// Files read so far.
    #[getter]
    fn num_read(&self) -> u64 {
        self.progress.num_read()
    }

    /// Bytes of the files read so far.
    #[getter]
    fn num_bytes_read(&self) -> u64 {
        self.progress.num_bytes_read()
    }

    /// Whether the walk has met all files.
    #[getter]
    fn walk_done(&self) -> bool {
        self.progress.walk_done()
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<HarvestUnit>> {
        let next = py.detach(|| self.inner.lock().unwrap_or_else(PoisonError::into_inner).next_unit())?;
        Ok(next.map(|inner| HarvestUnit { inner }))
    }
}

#[pymethods]
impl HarvestUnit {
    #[getter]
    fn num_files(&self) -> usize {
        self.inner.num_files
    }

    #[getter]
    fn num_bytes(&self) -> u64 {
        self.inner.num_bytes
    }

    #[getter]
    fn files<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_table(py, &self.inner.files)
    }

    #[getter]
    fn tomograms<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_table(py, &self.inner.tomograms)
    }

    #[getter]
    fn tilts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_table(py, &self.inner.tilts)
    }

    #[getter]
    fn problems<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_table(py, &self.inner.problems)
    }
}

/// Begins to harvest the tree below a folder.
#[pyfunction]
#[pyo3(signature = (root, *, threads=None, unit_files=4096, unit_bytes=64 << 20, exclude=Vec::new()))]
pub fn harvest(
    root: PathBuf,
    threads: Option<usize>,
    unit_files: usize,
    unit_bytes: u64,
    exclude: Vec<PathBuf>,
) -> PyResult<Harvest> {
    let inner = core::Harvest::begin(Options { root, exclude, unit_files, unit_bytes, threads })?;
    let progress = inner.progress();
    Ok(Harvest { inner: Mutex::new(inner), progress })
}

/// The schemas of the catalogue's tables, by name.
#[pyfunction]
pub fn catalog_schemas(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let schemas = PyDict::new(py);
    for (name, schema) in schema::schemas() {
        schemas.set_item(name, PySchema::new(schema).into_pyarrow(py)?)?;
    }
    Ok(schemas)
}

/// Tables of many files as one.
#[pyclass(frozen, module = "tomoset._core")]
pub struct Stack {
    inner: stack::Stack,
    faults: Mutex<Vec<(usize, PyErr)>>,
}

#[pymethods]
impl Stack {
    /// All rows, file by file.
    #[getter]
    fn table<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_table(py, &self.inner.batch)
    }

    /// How many rows each file has.
    #[getter]
    fn rows(&self) -> &[usize] {
        &self.inner.rows
    }

    /// For each file which of `headers` has its labels; nothing for one that could not be read.
    #[getter]
    fn header(&self) -> &[Option<usize>] {
        &self.inner.header
    }

    #[getter]
    fn headers(&self) -> &[Vec<String>] {
        &self.inner.headers
    }

    /// Time of the last change in nanoseconds and size of each file.
    #[getter]
    fn stamps(&self) -> &[(i64, u64)] {
        &self.inner.stamps
    }

    /// Files whose paths lead out of `root`, which were not read.
    #[getter]
    fn outside(&self) -> &[usize] {
        &self.inner.outside
    }

    /// Why files could not be read, by their places.
    #[getter]
    fn faults(&self, py: Python<'_>) -> Vec<(usize, PyErr)> {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.iter().map(|(file, error)| (*file, error.clone_ref(py))).collect()
    }
}

/// Reads the loop, or list, of a block of each file into one table; all loops where no block is named.
///
/// Paths are relative to `root`; with `stay`, those that lead out of it are not read.
#[pyfunction]
#[pyo3(signature = (paths, options, blocks=None, *, root=None, stay=false))]
pub fn read_stack(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    options: &ReadOptions,
    blocks: Option<Vec<String>>,
    root: Option<PathBuf>,
    stay: bool,
) -> PyResult<Stack> {
    let mut blocks = blocks.into_iter().flatten();
    let place = |path: PathBuf| root.as_ref().map_or_else(|| path.clone(), |root| root.join(&path));
    let files: Vec<_> = paths.into_iter().map(|path| Wanted { path: place(path), block: blocks.next() }).collect();
    let inside = root.as_deref().filter(|_| stay);
    let mut inner = py.detach(|| stack::read_stack(&files, inside, &options.inner))?;
    let faults = std::mem::take(&mut inner.faults).into_iter().map(|(file, error)| (file, error.into()));
    Ok(Stack { faults: Mutex::new(faults.collect()), inner })
}

/// path, block, (time of the last change, size), rows, whether the file is of this table alone
type SourceRow = (PathBuf, String, (i64, u64), usize, bool);
/// first row, row after the last, header, name, source, which row of its file each row was, file to make, file to replace
type FileRow = (usize, usize, usize, String, Option<SourceRow>, Option<Vec<i64>>, PathBuf, PathBuf);

/// Writes tables into files of their own, each as an edited copy of the file it was read from.
///
/// Each is some rows of `batch`, with the columns of one of `headers`; `edited` has the labels that are not as in the
/// files.
#[pyfunction]
#[pyo3(signature = (batch, headers, files, reading, writing, *, edited, durable))]
#[allow(clippy::too_many_arguments, reason = "two are by keyword")]
pub fn write_stack(
    py: Python<'_>,
    batch: PyRecordBatch,
    headers: Vec<Vec<String>>,
    files: Vec<FileRow>,
    reading: &ReadOptions,
    writing: &WriteOptions,
    edited: HashSet<String>,
    durable: bool,
) -> PyResult<()> {
    let batch = batch.into_inner();
    let places = |labels: &Vec<String>| labels.iter().map(|label| batch.schema_ref().index_of(label)).collect();
    let places: Vec<Vec<usize>> = headers.iter().map(places).collect::<Result<_, _>>().map_err(odd)?;
    let file = |(start, stop, header, name, source, order, target, replaces): FileRow| {
        let own: &Vec<usize> = places.get(header).ok_or_else(|| odd("no such header"))?;
        if start > stop || stop > batch.num_rows() {
            return Err(odd("no such rows"));
        }
        let table = batch.project(own).map_err(odd)?.slice(start, stop - start);
        let source = source.map(|(path, block, stamp, rows, alone)| Source { path, block, stamp, rows, alone });
        Ok(Rewritten { name, table, source, order, target, replaces })
    };
    let files: Vec<Rewritten> = files.into_iter().map(file).collect::<PyResult<_>>()?;
    Ok(py.detach(|| rewrite::rewrite(&files, &edited, &reading.inner, &writing.inner, durable))?)
}

fn odd(what: impl ToString) -> PyErr {
    PyValueError::new_err(what.to_string())
}
