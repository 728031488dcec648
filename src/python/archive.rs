//! Whole trees: harvests for the catalogue, and many files as one table.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::{PyRecordBatch, PySchema};

use super::arrow::{to_batch, to_table};
use super::options::ReadOptions;
use super::write::WriteOptions;
use crate::archive::file::Looking;
use crate::archive::harvest as core;
use crate::archive::rewrite::{self, Rewritten, Source};
use crate::archive::stack::{self, Wanted};
use crate::archive::{entries, schema, walk};
use crate::error::StarError;

/// A walk through a tree, unit by unit.
#[pyclass(frozen, module = "tomoset._core")]
pub struct Walk {
    inner: Mutex<walk::Walk>,
    seen: Arc<walk::Seen>,
}

#[pymethods]
impl Walk {
    /// Folders that were listed, files that were met, and bytes of these, so far.
    #[getter]
    fn counts(&self) -> (u64, u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.seen.folders), of(&self.seen.files), of(&self.seen.bytes))
    }

    /// Folders of all units that were seen whole, changed or not.
    #[getter]
    fn units(&self) -> Vec<Cow<'static, [u8]>> {
        self.seen.units().into_iter().map(Cow::Owned).collect()
    }

    /// Folders that could not be listed.
    #[getter]
    fn closed(&self) -> Vec<Cow<'static, [u8]>> {
        self.seen.closed().into_iter().map(Cow::Owned).collect()
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    /// The next unit: its folder, whether it is a project, its fingerprint, its entries, whether it is a part.
    #[allow(clippy::type_complexity, reason = "as Python unpacks it")]
    fn __next__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<(Cow<'static, [u8]>, bool, Cow<'static, [u8]>, Bound<'py, PyAny>, bool)>> {
        let next = py.detach(|| lock(&self.inner).next());
        let Some(unit) = next else { return Ok(None) };
        let entries = to_batch(py, &entries::to_batch(&unit.entries)?)?;
        let fingerprint = unit.fingerprint.to_le_bytes().to_vec();
        Ok(Some((Cow::Owned(unit.folder), unit.is_project, Cow::Owned(fingerprint), entries, unit.is_part)))
    }
}

/// Begins to walk the tree below a folder.
///
/// `starts` are folders in it, each with the unit it is a part of and whether that is a project, if it is, and whether the
/// folders in it are left out; `known` has the fingerprints of units that are only counted where they are as they were.
#[pyfunction]
#[pyo3(signature = (root, *, threads=1, exclude=Vec::new(), starts=Vec::new(), known=HashMap::new()))]
#[allow(clippy::type_complexity, reason = "as Python gives it")]
pub fn walk_tree(
    root: PathBuf,
    threads: usize,
    exclude: Vec<PathBuf>,
    starts: Vec<(Vec<u8>, Option<(Vec<u8>, bool)>, bool)>,
    known: HashMap<Vec<u8>, [u8; 16]>,
) -> PyResult<Walk> {
    let starts = starts.into_iter().map(|(folder, within, is_flat)| walk::Start { folder, within, is_flat }).collect();
    let known = known.into_iter().map(|(folder, value)| (folder, u128::from_le_bytes(value))).collect();
    let options = walk::Options { root: root.clone(), starts, exclude, threads, known };
    let inner = walk::Walk::begin(options).map_err(|error| StarError::from(error).at_path(Some(&root)))?;
    Ok(Walk { seen: Arc::clone(&inner.seen), inner: Mutex::new(inner) })
}

/// An iterator over rows for the catalogue.
#[pyclass(frozen, module = "tomoset._core")]
pub struct Harvest {
    inner: Mutex<core::Harvest>,
}

/// Rows for the catalogue from some files.
#[pyclass(frozen, module = "tomoset._core")]
pub struct Harvested {
    inner: core::Harvested,
}

#[pymethods]
impl Harvest {
    /// Files of the catalogue that are no longer there.
    #[getter]
    fn gone(&self) -> Vec<String> {
        lock(&self.inner).gone().to_vec()
    }

    /// How many files were not read or found the same, how many are new, and how many have other content, so far.
    #[getter]
    fn counts(&self) -> (usize, usize, usize) {
        lock(&self.inner).counts()
    }

    /// The jobs of the units that are projects.
    fn jobs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_table(py, &py.detach(|| lock(&self.inner).jobs())?)
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Harvested>> {
        let next = py.detach(|| lock(&self.inner).next_rows())?;
        Ok(next.map(|inner| Harvested { inner }))
    }
}

#[pymethods]
impl Harvested {
    #[getter]
    fn num_bytes(&self) -> i64 {
        self.inner.num_bytes
    }

    /// The rows of each table.
    #[getter]
    fn tables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let tables = PyDict::new(py);
        for (name, batch) in &self.inner.tables {
            tables.set_item(name, to_table(py, batch)?)?;
        }
        Ok(tables)
    }
}

/// Begins to harvest units of the tree below a folder.
///
/// `units` are folder, whether it is a project, and entries, as a walk gives them; `known` has the catalogue's rows of
/// their files; `doubtful` are paths of files that are read though they seem the same; `now_ns` is the time.
#[pyfunction]
#[pyo3(signature = (root, units, known, *, crawl, now_ns, verify=false, doubtful=HashSet::new(), recall=false, particles=false, threads=1, files_at_once=4096,
    bytes_at_once=64 << 20))]
#[allow(clippy::too_many_arguments, reason = "most are by keyword")]
pub fn harvest(
    py: Python<'_>,
    root: PathBuf,
    units: Vec<(Vec<u8>, bool, PyRecordBatch)>,
    known: Option<PyRecordBatch>,
    crawl: i64,
    now_ns: i64,
    verify: bool,
    doubtful: HashSet<String>,
    recall: bool,
    particles: bool,
    threads: usize,
    files_at_once: usize,
    bytes_at_once: i64,
) -> PyResult<Harvest> {
    let unit = |(folder, is_project, entries): (Vec<u8>, bool, PyRecordBatch)| {
        entries::of_batch(&entries.into_inner()).map(|entries| core::UnitEntries { folder, is_project, entries })
    };
    let units = units.into_iter().map(unit).collect::<Result<_, _>>()?;
    let known = known.map(|known| known_files(&known.into_inner())).transpose()?.unwrap_or_default();
    let looking = Looking { now_ns, recall, particles };
    let options =
        core::Options { root, units, known, crawl, verify, doubtful, looking, files_at_once, bytes_at_once, threads };
    let inner = py.detach(|| core::Harvest::begin(options))?;
    Ok(Harvest { inner: Mutex::new(inner) })
}

/// Rows of the table `files` by their paths.
fn known_files(batch: &RecordBatch) -> PyResult<HashMap<String, core::Known>> {
    let column = |name: &str| batch.column_by_name(name).ok_or_else(|| odd(format!("there is no column {name:?}")));
    let numbers = |name: &str| -> PyResult<_> {
        column(name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| odd(format!("column {name:?} is not of int64")))
    };
    let texts = |name: &str| -> PyResult<_> {
        column(name)?.as_string_opt::<i64>().ok_or_else(|| odd(format!("column {name:?} is not of large text")))
    };
    let (paths, projects, statuses) = (texts("path")?, texts("project")?, texts("status")?);
    let settled = column("settled")?.as_boolean_opt().ok_or_else(|| odd("column 'settled' is not of bool"))?;
    let (sizes, times, inodes) = (numbers("size")?, numbers("mtime_ns")?, numbers("inode")?);
    let (hashes, first, changed) = (numbers("hash")?, numbers("first_crawl")?, numbers("changed_crawl")?);
    let row = |row: usize| {
        let known = core::Known {
            project: projects.is_valid(row).then(|| projects.value(row).to_owned()),
            size: sizes.value(row),
            mtime_ns: times.value(row),
            inode: inodes.value(row),
            hash: hashes.is_valid(row).then(|| hashes.value(row)),
            status: statuses.value(row).to_owned(),
            settled: settled.is_valid(row) && settled.value(row),
            first_crawl: first.value(row),
            changed_crawl: changed.value(row),
        };
        (paths.value(row).to_owned(), known)
    };
    Ok((0..batch.num_rows()).map(row).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A path as the catalogue's tables have it.
#[pyfunction]
pub fn path_text(path: &[u8]) -> String {
    entries::text_of(path)
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
