//! Batches as pyarrow objects; their buffers are shared.

use arrow_array::RecordBatch;
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

/// A `pyarrow.Table` of one batch.
///
/// `pyarrow.table()` would do the same but loads pandas to see whether it was given a data frame.
pub fn to_table<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyAny>> {
    reader(py, batch)?.call_method0("read_all")
}

/// A `pyarrow.RecordBatch`.
pub fn to_batch<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyAny>> {
    reader(py, batch)?.call_method0("read_next_batch")
}

fn reader<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyAny>> {
    let stream = PyTable::try_new(vec![batch.clone()], batch.schema())?;
    py.import("pyarrow")?.getattr("RecordBatchReader")?.call_method1("from_stream", (stream,))
}
