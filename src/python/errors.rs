//! The core's errors as Python's: faults of the text as tomoset's own, the system's as `OSError`.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use pyo3::exceptions::{PyMemoryError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Fault, Position, StarError, Unwritable};
use crate::star::diagnostic::Code;

impl From<StarError> for PyErr {
    fn from(error: StarError) -> Self {
        Python::attach(|py| raise(py, error).unwrap_or_else(|failure| failure))
    }
}

fn raise(py: Python<'_>, error: StarError) -> PyResult<PyErr> {
    match error {
        StarError::Fault { fault, position, path } => faulty(py, &fault, position, path),
        StarError::Io { error, path } => Ok(system(&error, path)),
        StarError::MissingBlock { ref name, ref path, .. } => missing(py, "MissingBlockError", &error, name, path),
        StarError::MissingLabel { ref label, ref path, .. } => missing(py, "MissingLabelError", &error, label, path),
        StarError::Unwritable(what) => unwritable(py, *what),
        StarError::Option(words) => Ok(PyValueError::new_err(words)),
    }
}

fn faulty(py: Python<'_>, fault: &Fault, position: Position, path: Option<PathBuf>) -> PyResult<PyErr> {
    let name = if fault.code == Code::BadValue { "StarTypeError" } else { "StarSyntaxError" };
    let facts = PyDict::new(py);
    facts.set_item("code", fault.code.id())?;
    facts.set_item("path", path.map(PathBuf::into_os_string))?;
    facts.set_item("line", position.line)?;
    facts.set_item("column", position.column)?;
    facts.set_item("offset", fault.offset)?;
    facts.set_item("block", &fault.block)?;
    facts.set_item("label", &fault.label)?;
    facts.set_item("expected", &fault.expected)?;
    facts.set_item("found", &fault.found)?;
    let class = py.import("tomoset.exceptions")?.getattr(name)?;
    Ok(PyErr::from_value(class.call((), Some(&facts))?))
}

fn unwritable(py: Python<'_>, what: Unwritable) -> PyResult<PyErr> {
    let facts = PyDict::new(py);
    facts.set_item("path", what.path.map(PathBuf::into_os_string))?;
    facts.set_item("block", what.block)?;
    facts.set_item("label", what.label)?;
    facts.set_item("row", what.row)?;
    facts.set_item("expected", what.expected)?;
    facts.set_item("found", what.found)?;
    let class = py.import("tomoset.exceptions")?.getattr("StarWriteError")?;
    Ok(PyErr::from_value(class.call((), Some(&facts))?))
}

fn missing(py: Python<'_>, class: &str, error: &StarError, name: &str, path: &Option<PathBuf>) -> PyResult<PyErr> {
    let class = py.import("tomoset.exceptions")?.getattr(class)?;
    let path = path.as_ref().map(|path| path.as_os_str().to_owned());
    Ok(PyErr::from_value(class.call1((error.to_string(), name, path))?))
}

/// An `OSError` of the subclass that fits its errno, naming the file.
fn system(error: &std::io::Error, path: Option<PathBuf>) -> PyErr {
    if error.kind() == std::io::ErrorKind::OutOfMemory {
        return PyMemoryError::new_err("not enough memory for the text");
    }
    if path.as_ref().is_some_and(|path| path.as_os_str().as_bytes().contains(&0)) {
        // As `open` has it: the system is not even asked.
        return PyValueError::new_err("embedded null byte in the path");
    }
    let (number, words) = match error.raw_os_error() {
        Some(number) => (number, strerror(error)),
        None => (libc::EIO, error.to_string()),
    };
    match path {
        Some(path) => PyOSError::new_err((number, words, path.into_os_string())),
        None => PyOSError::new_err((number, words)),
    }
}

/// The system's words without Rust's "(os error 2)".
fn strerror(error: &std::io::Error) -> String {
    let words = error.to_string();
    match words.find(" (os error") {
        Some(end) => words.get(..end).unwrap_or(&words).to_owned(),
        None => words,
    }
}
