//! Whole files for `check`, and where things stand in them.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatch;

use super::arrow::to_batch;
use crate::archive::problems::Problem;
use crate::archive::{entries, examine};
use crate::table::place::{self, Sought};

/// code, severity, line and column or 0, count, block, label, message
type ProblemRow = (&'static str, &'static str, u64, u64, u64, Option<String>, Option<String>, String);

/// Reads files whole, as a walk met them, and tells of each what it is and what is odd in it.
///
/// Returns
/// -------
/// list of (kind, list of (code, severity, line, column, count, block, label, message))
#[pyfunction]
#[pyo3(signature = (root, entries, *, recall=false, threads=1))]
pub fn examine_files(
    py: Python<'_>,
    root: PathBuf,
    entries: PyRecordBatch,
    recall: bool,
    threads: usize,
) -> PyResult<Vec<(&'static str, Vec<ProblemRow>)>> {
    let entries = entries::of_batch(&entries.into_inner())?;
    let found = py.detach(|| examine::examine(&root, &entries, recall, threads));
    let rows = |problems: Vec<Problem>| problems.into_iter().map(problem_row).collect();
    Ok(found.into_iter().map(|one| (one.kind, rows(one.problems))).collect())
}

/// Files as a walk would meet them; of links what they lead to.
#[pyfunction]
pub fn entries_of(py: Python<'_>, paths: Vec<PathBuf>) -> PyResult<Bound<'_, PyAny>> {
    let found: Vec<_> = py.detach(|| paths.iter().map(|path| entries::Entry::of_path(path)).collect());
    to_batch(py, &entries::to_batch(&found)?)
}

fn problem_row(problem: Problem) -> ProblemRow {
    let Problem { code, severity, message, block, label, position, count } = problem;
    let (line, column) = position.map_or((0, 0), |position| (position.line, position.column));
    (code.id(), severity.name(), line, column, count, block, label, message)
}

/// Finds where blocks, labels and values stand in a file.
///
/// `sought` are block, row from 0, and label; without a row it is the label in the header, without a label the first value
/// of the row, without both the block's header, and without a block the first one.
///
/// Returns
/// -------
/// list of (line, column) or None
#[pyfunction]
pub fn find_places(
    py: Python<'_>,
    path: PathBuf,
    sought: Vec<(Option<String>, Option<u64>, Option<String>)>,
) -> PyResult<Vec<Option<(u64, u64)>>> {
    let sought: Vec<Sought> = sought.into_iter().map(|(block, row, label)| Sought { block, row, label }).collect();
    let found = py.detach(|| place::find_places(&path, &sought)).map_err(|error| error.at_path(Some(&path)))?;
    Ok(found.into_iter().map(|place| place.map(|place| (place.line, place.column))).collect())
}
