//! Whole texts: from a path or from bytes to tables.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_buffer::Buffer;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::arrow::to_table;
use super::bytes::shared;
use super::options::ReadOptions;
use crate::error::StarError;
use crate::source::{self, Loaded};
use crate::table::dtype::Options;
use crate::table::read::{self, Table};
use crate::table::report::Located;

/// What one reading gave: blocks, their tables, and diagnostics.
#[pyclass(frozen, module = "tomoset._core")]
pub struct StarTables {
    pub inner: Arc<read::StarTables>,
    /// Stacks as pyarrow tables, by their address: of thousands of blocks alike each is a slice of one.
    exported: Mutex<HashMap<usize, Py<PyAny>>>,
}

/// code, severity, offset, line, column, count, block, label, detail
pub type DiagnosticRow =
    (&'static str, &'static str, u64, u64, u64, u64, Option<String>, Option<String>, Option<String>);

#[pymethods]
impl StarTables {
    /// Names of all blocks, in file order.
    fn names(&self) -> Vec<&str> {
        self.inner.blocks.iter().map(|block| &*block.name).collect()
    }

    /// Whether the text is kept, to be written again.
    fn keeps_text(&self) -> bool {
        self.inner.kept.is_some()
    }

    /// The number of a block's `# version N` comment, if it has one.
    fn version(&self, block: usize) -> PyResult<Option<i64>> {
        Ok(self.block(block)?.version)
    }

    /// (is a list, rows, column names) of each table of a block.
    fn tables(&self, block: usize) -> PyResult<Vec<(bool, usize, Vec<String>)>> {
        let names = |table: &Table| table.schema().fields().iter().map(|field| field.name().clone()).collect();
        let row = |table: &Table| (table.is_list, table.rows(), names(table));
        Ok(self.block(block)?.tables.iter().map(row).collect())
    }

    /// One table of a block as a `pyarrow.Table`; its buffers are shared, not copied.
    fn table<'py>(&self, py: Python<'py>, block: usize, index: usize) -> PyResult<Bound<'py, PyAny>> {
        let tables = &self.block(block)?.tables;
        let table = tables.get(index).ok_or_else(|| PyIndexError::new_err("no such table"))?;
        let (stack, first) = table.stack();
        let whole = self.export(py, stack)?;
        if table.rows() == stack.num_rows() {
            return Ok(whole);
        }
        whole.call_method1("slice", (first, table.rows()))
    }

    /// The tables that blocks share, and for the first table of each block (table, first row, rows); -1 for none.
    fn stacked<'py>(&self, py: Python<'py>) -> PyResult<(Vec<Bound<'py, PyAny>>, Bound<'py, PyAny>)> {
        let mut places: HashMap<usize, i64> = HashMap::new();
        let mut stacks = Vec::new();
        let mut columns = [Vec::new(), Vec::new(), Vec::new()];
        for block in &self.inner.blocks {
            let row = match block.tables.first() {
                None => [-1, 0, 0],
                Some(table) => {
                    let (stack, first) = table.stack();
                    let next = int(stacks.len());
                    let place = *places.entry(Arc::as_ptr(stack).addr()).or_insert(next);
                    if place == next {
                        stacks.push(self.export(py, stack)?);
                    }
                    [place, int(first), int(table.rows())]
                }
            };
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
        let names = ["table", "first", "rows"];
        let columns = names.into_iter().zip(columns).map(|(name, column)| {
            let array: ArrayRef = Arc::new(Int64Array::from(column));
            (name, array)
        });
        let batch = RecordBatch::try_from_iter(columns).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok((stacks, to_table(py, &batch)?))
    }

    /// (code, severity, offset, line, column, count, block, label, detail) of each diagnostic.
    fn diagnostics(&self) -> Vec<DiagnosticRow> {
        self.inner.diagnostics.iter().map(diagnostic_row).collect()
    }
}

impl From<read::StarTables> for StarTables {
    fn from(inner: read::StarTables) -> Self {
        Self { inner: Arc::new(inner), exported: Mutex::default() }
    }
}

impl StarTables {
    fn export<'py>(&self, py: Python<'py>, stack: &Arc<RecordBatch>) -> PyResult<Bound<'py, PyAny>> {
        let key = Arc::as_ptr(stack).addr();
        let known = || self.exported.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = known().get(&key) {
            return Ok(table.bind(py).clone());
        }
        // Not under the lock: Python may run another thread meanwhile. Two that export at once share one table.
        let table = to_table(py, stack)?;
        Ok(known().entry(key).or_insert_with(|| table.unbind()).bind(py).clone())
    }

    fn block(&self, index: usize) -> PyResult<&read::BlockTables> {
        self.inner.blocks.get(index).ok_or_else(|| PyIndexError::new_err("no such block"))
    }
}

fn int(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub fn diagnostic_row(located: &Located) -> DiagnosticRow {
    let Located { diagnostic, position } = located;
    (
        diagnostic.code.id(),
        diagnostic.severity().name(),
        diagnostic.offset,
        position.line,
        position.column,
        diagnostic.count,
        diagnostic.block.clone(),
        diagnostic.label.clone(),
        diagnostic.detail.clone(),
    )
}

/// Reads the file at a path.
#[pyfunction]
pub fn read_path(py: Python<'_>, path: PathBuf, options: &ReadOptions) -> PyResult<StarTables> {
    let options = &options.inner;
    let inner = py.detach(|| read::read_path(&path, options)).map_err(|error| error.at_path(Some(&path)))?;
    Ok(inner.into())
}

/// Reads bytes that are in memory; `name` stands for a path in errors.
#[pyfunction]
#[pyo3(signature = (data, options, name=None))]
pub fn read_bytes(
    py: Python<'_>,
    data: Bound<'_, PyBytes>,
    options: &ReadOptions,
    name: Option<PathBuf>,
) -> PyResult<StarTables> {
    let buffer = shared(&data);
    let options = &options.inner;
    let read = || load_and_read(buffer, options);
    let inner = py.detach(read).map_err(|error| error.at_path(name.as_deref()))?;
    Ok(inner.into())
}

fn load_and_read(buffer: Buffer, options: &Options) -> Result<read::StarTables, StarError> {
    let loaded: Loaded = source::load_bytes(buffer)?;
    read::read(&loaded, options)
}
