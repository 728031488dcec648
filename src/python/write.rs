//! Drafts of files, and where they are written to.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3_arrow::{PyArray, PyTable};

use super::options::choose;
use super::read::StarTables;
use crate::error::Result;
use crate::sink::{self, Packing};
use crate::star::write::float::FloatFormat;
use crate::star::write::layout::Layout;
use crate::star::write::printf::Printf;
use crate::table::append::{self, Given};
use crate::table::draft::{self, Change, KeptSection, Section, TableEdit};
use crate::table::encode::block::{Block, Table};
use crate::table::encode::options::{Booleans, ByLabel, Na, WriteOptions as Options};

/// Checked options of a writer.
#[pyclass(frozen, module = "tomoset._core")]
pub struct WriteOptions {
    pub inner: Options,
}

#[pymethods]
impl WriteOptions {
    #[new]
    #[pyo3(signature = (*, floats, floats_by_label, na, na_by_label, layout, separator, booleans, any_types, empty_loops, threads))]
    #[allow(clippy::too_many_arguments, reason = "keyword-only, gathered into one struct right here")]
    fn new(
        floats: &str,
        floats_by_label: HashMap<String, String>,
        na: &str,
        na_by_label: HashMap<String, String>,
        layout: &str,
        separator: u8,
        booleans: &str,
        any_types: bool,
        empty_loops: &str,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let labels = |(label, format): (String, String)| Ok((label, float_format(&format)?));
        let floats = ByLabel {
            all: float_format(floats)?,
            labels: floats_by_label.into_iter().map(labels).collect::<PyResult<_>>()?,
        };
        let labels = na_by_label.into_iter().map(|(label, word)| (label, missing(&word))).collect();
        let na = ByLabel { all: missing(na), labels };
        let inner = Options {
            floats,
            na,
            layout: choose(
                "layout",
                layout,
                &[("relion", Layout::Relion), ("starfile", Layout::Starfile { separator })],
            )?,
            booleans: choose("booleans", booleans, &[("digits", Booleans::Digits), ("words", Booleans::Words)])?,
            any_types,
            empty_loops: choose("empty_loops", empty_loops, &[("raise", false), ("keep", true)])?,
            threads,
        };
        if threads == Some(0) {
            return Err(PyValueError::new_err("threads must be at least 1, or None for all"));
        }
        Ok(Self { inner })
    }
}

fn float_format(format: &str) -> PyResult<FloatFormat> {
    match format {
        "shortest" => Ok(FloatFormat::Shortest),
        "relion" => Ok(FloatFormat::Relion),
        _ if format.starts_with('%') => Ok(FloatFormat::Printf(Printf::parse(format).map_err(PyValueError::new_err)?)),
        _ => {
            let words =
                format!("floats is {format:?}; it must be \"shortest\", \"relion\" or a format such as \"%.6f\"");
            Err(PyValueError::new_err(words))
        }
    }
}

fn missing(word: &str) -> Na {
    match word {
        "raise" => Na::Raise,
        "keep" => Na::Keep,
        text => Na::Text(text.to_owned()),
    }
}

/// A file to be: blocks and their tables, in order.
#[pyclass(module = "tomoset._core")]
#[derive(Default)]
pub struct Draft {
    sections: Vec<Section>,
}

#[pymethods]
impl Draft {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Begins a block that is written from its values.
    fn add_block(&mut self, name: String) {
        self.sections.push(Section::Fresh(Block { name, tables: Vec::new() }));
    }

    /// Adds a table to the block that was begun last; a list is a table of one row.
    fn add_table(&mut self, table: PyTable, is_list: bool) -> PyResult<()> {
        let (batches, schema) = table.into_inner();
        match self.sections.last_mut() {
            Some(Section::Fresh(block)) => block.tables.push(Table { is_list, schema, batches }),
            _ => return Err(PyValueError::new_err("no block was begun")),
        }
        Ok(())
    }

    /// Adds a block that keeps the text it was read from; `name` is its name if that is another now.
    fn keep_block(&mut self, tables: &StarTables, block: usize, name: Option<String>) {
        let tables = Arc::clone(&tables.inner);
        // Under the name it has nothing of its line is written anew.
        let own = tables.blocks.get(block).map(|block| &*block.name);
        let name = name.filter(|name| own != Some(name.as_str()));
        self.sections.push(Section::Kept(KeptSection { tables, block, name, edits: Vec::new() }));
    }

    /// Changes a table of the block that was kept last.
    ///
    /// A column is its label, the column that it was when it was read, and its values if they may have changed; an
    /// order has for each row which one of the text it is, or -1.
    fn edit_table(
        &mut self,
        part: usize,
        columns: Vec<(String, Option<usize>, Option<PyArray>)>,
        order: Option<PyArray>,
    ) -> PyResult<()> {
        let Some(Section::Kept(section)) = self.sections.last_mut() else {
            return Err(PyValueError::new_err("no block was kept"));
        };
        let change = |(label, origin, values): (String, Option<usize>, Option<PyArray>)| Change {
            label,
            origin,
            values: values.map(|values| values.into_inner().0),
        };
        let order = order.map(|order| rows(&order)).transpose()?;
        section.edits.push(TableEdit { part, columns: columns.into_iter().map(change).collect(), order });
        Ok(())
    }

    /// Writes the file at a path, which is replaced as a whole or not at all.
    fn write_path(
        &self,
        py: Python<'_>,
        path: PathBuf,
        options: &WriteOptions,
        durable: bool,
        compression: &str,
    ) -> PyResult<()> {
        let packing = choose("compression", compression, COMPRESSIONS)?;
        let pack = |out: &mut (dyn Write + Send)| sink::pack(out, packing, |out| self.write(options, out));
        let write = || sink::replace(&path, durable, pack);
        Ok(py.detach(write).map_err(|error| error.at_path(Some(&path)))?)
    }

    /// Gives the file's bytes.
    fn to_bytes<'py>(&self, py: Python<'py>, options: &WriteOptions) -> PyResult<Bound<'py, PyBytes>> {
        let write = || {
            let mut bytes = Vec::new();
            self.write(options, &mut bytes)?;
            Result::Ok(bytes)
        };
        Ok(PyBytes::new(py, &py.detach(write)?))
    }

    /// Hands the file's bytes, some at a time, to a function.
    fn write_to(&self, py: Python<'_>, write: Py<PyAny>, options: &WriteOptions, compression: &str) -> PyResult<()> {
        let packing = choose("compression", compression, COMPRESSIONS)?;
        let mut out = Called { write, error: None };
        let result = py.detach(|| sink::pack(&mut out, packing, |out| self.write(options, out)));
        match out.error {
            Some(error) => Err(error),
            None => Ok(result?),
        }
    }
}

impl Draft {
    fn write(&self, options: &WriteOptions, out: &mut (dyn Write + Send)) -> Result<()> {
        draft::write(&self.sections, &options.inner, out)
    }
}

/// Adds rows to the last loop of the file at a path.
#[pyfunction]
pub fn append_path(
    py: Python<'_>,
    path: PathBuf,
    columns: Vec<(String, PyArray)>,
    rows: usize,
    options: &WriteOptions,
    durable: bool,
) -> PyResult<()> {
    let given = |(label, values): (String, PyArray)| Given { label, values: values.into_inner().0 };
    let columns: Vec<Given> = columns.into_iter().map(given).collect();
    let append = || append::append(&path, &columns, rows, &options.inner, durable);
    Ok(py.detach(append).map_err(|error| error.at_path(Some(&path)))?)
}

fn rows(order: &PyArray) -> PyResult<Vec<i64>> {
    match order.array().as_primitive_opt::<Int64Type>() {
        Some(rows) if rows.null_count() == 0 => Ok(rows.values().to_vec()),
        _ => Err(PyValueError::new_err("the order of rows must be int64 without nulls")),
    }
}

const COMPRESSIONS: &[(&str, Packing)] = &[("none", Packing::None), ("gzip", Packing::Gzip), ("zstd", Packing::Zstd)];

/// A Python function that takes bytes.
struct Called {
    write: Py<PyAny>,
    error: Option<PyErr>,
}

impl Write for Called {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.error.is_some() {
            // A compressor tries once more when it is dropped.
            return Err(io::Error::other("the function that takes the text failed"));
        }
        let called = Python::attach(|py| self.write.call1(py, (PyBytes::new(py, bytes),)).map(drop));
        called.map(|()| bytes.len()).map_err(|error| {
            self.error = Some(error);
            io::Error::other("the function that takes the text failed")
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
