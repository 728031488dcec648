//! Loops as record batches, one at a time.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3_arrow::PySchema;

use super::arrow::to_batch;
use super::options::ReadOptions;
use crate::table::stream::Stream;

/// An iterator over the record batches of one loop.
#[pyclass(frozen, module = "tomoset._core")]
pub struct Batches {
    stream: Mutex<Stream>,
    path: PathBuf,
}

#[pymethods]
impl Batches {
    /// The `pyarrow.Schema` of all batches.
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let schema = self.stream.lock().unwrap_or_else(PoisonError::into_inner).schema();
        PySchema::new(schema).into_pyarrow(py)
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let next = py.detach(|| self.stream.lock().unwrap_or_else(PoisonError::into_inner).next_batch());
        let batch = next.map_err(|error| error.at_path(Some(&self.path)))?;
        batch.map(|batch| to_batch(py, &batch)).transpose()
    }
}

/// Streams one loop of the file at a path; faults call the file by `name`, if it is a copy of something else.
#[pyfunction]
#[pyo3(signature = (path, block, options, batch_rows, name=None))]
pub fn stream_path(
    py: Python<'_>,
    path: PathBuf,
    block: Option<String>,
    options: &ReadOptions,
    batch_rows: usize,
    name: Option<PathBuf>,
) -> PyResult<Batches> {
    let open = || Stream::open(&path, block.as_deref(), &options.inner, batch_rows);
    let stream = py.detach(open);
    let path = name.unwrap_or(path);
    let stream = stream.map_err(|error| error.at_path(Some(&path)))?;
    Ok(Batches { stream: Mutex::new(stream), path })
}
