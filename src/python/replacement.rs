//! Files that Python writes, and that take the place of others as a whole.

use std::os::fd::{AsFd, IntoRawFd};
use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::StarError;
use crate::sink;

/// A file in the making; it goes if it is not put in its place.
#[pyclass(module = "tomoset._core")]
pub struct Replacement {
    path: PathBuf,
    inner: Option<sink::Replacement>,
}

#[pymethods]
impl Replacement {
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        let inner = sink::Replacement::begin(&path).map_err(|error| error.at_path(Some(&path)))?;
        Ok(Self { path, inner: Some(inner) })
    }

    /// A new descriptor to write to, which the caller closes.
    fn descriptor(&self) -> PyResult<i32> {
        let file = self.inner.as_ref().ok_or_else(done)?.file();
        let own = file.as_fd().try_clone_to_owned();
        Ok(own.map_err(|error| StarError::from(error).at_path(Some(&self.path)))?.into_raw_fd())
    }

    /// Puts what was written in the place of what is at the path.
    fn put(&mut self, py: Python<'_>, durable: bool) -> PyResult<()> {
        let inner = self.inner.take().ok_or_else(done)?;
        Ok(py.detach(|| inner.put(durable)).map_err(|error| error.at_path(Some(&self.path)))?)
    }
}

fn done() -> PyErr {
    PyValueError::new_err("the file is in its place already")
}
