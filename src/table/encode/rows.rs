//! The rows of a loop put into words from its values alone.

use std::ops::Range;
use std::sync::Arc;

use super::block::{Table, refused};
use super::cell::{Cells, Style};
use super::options::WriteOptions;
use super::render::{Step, TASK};
use crate::error::Result;
use crate::star::simd::slots::{self, Slot};
use crate::star::write::layout::Layout;

/// The columns of one batch of a loop.
struct Loop {
    block: String,
    labels: Vec<String>,
    columns: Vec<Cells>,
    /// The batch's first row, within the table.
    first: usize,
    layout: Layout,
}

/// Some rows of a loop.
struct Rows {
    table: Arc<Loop>,
    rows: Range<usize>,
    size: usize,
}

/// About how many bytes a value takes.
pub const VALUE: usize = 14;

/// Adds the steps of a loop.
///
/// # Errors
/// A column whose type has no words in STAR.
pub fn add_loop(steps: &mut Vec<Box<dyn Step>>, block: &str, table: &Table, options: &WriteOptions) -> Result<()> {
    let labels: Vec<String> = table.schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut head = Vec::new();
    options.layout.labels(&mut head, labels.iter().map(String::as_str));
    steps.push(Box::new(head));
    let row_size = VALUE * labels.len().max(1);
    let mut first = 0;
    for batch in &table.batches {
        let columns = batch.columns().iter().zip(&labels).map(|(array, label)| {
            let column = Cells::new(array, Style::of(label, false, options));
            column.map_err(|refusal| refused(block, label, None, refusal))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let layout = options.layout;
        let part = Arc::new(Loop { block: block.to_owned(), labels: labels.clone(), columns, first, layout });
        let count = (TASK / row_size).max(1);
        for start in (0..batch.num_rows()).step_by(count) {
            let rows = start..batch.num_rows().min(start + count);
            let size = rows.len() * row_size;
            steps.push(Box::new(Rows { table: Arc::clone(&part), rows, size }));
        }
        first += batch.num_rows();
    }
    let mut tail = Vec::new();
    options.layout.close(&mut tail);
    steps.push(Box::new(tail));
    Ok(())
}

/// Rows whose numbers are made text together: their slots stay in the nearest caches until they are copied.
const TOGETHER: usize = 64;

/// A column's numbers as text.
type Ahead = [Slot; TOGETHER];

/// Columns side by side that are text already, and one behind them that is not, if any is.
struct Run {
    ready: Range<usize>,
    other: Option<usize>,
}

impl Step for Rows {
    fn size(&self) -> usize {
        self.size
    }

    fn render(&self, out: &mut Vec<u8>) -> Result<()> {
        let mut ahead = vec![[Slot::default(); TOGETHER]; self.table.columns.len()];
        let (mut runs, mut memory) = (Vec::new(), Vec::new());
        for start in self.rows.clone().step_by(TOGETHER) {
            let rows = start..self.rows.end.min(start + TOGETHER);
            self.table.fill(rows.clone(), &mut ahead, &mut runs, &mut memory);
            for row in rows {
                self.table.push(out, row, &runs, &ahead, row - start)?;
            }
        }
        Ok(())
    }
}

impl Loop {
    /// Makes text of what can be made text ahead.
    fn fill(&self, rows: Range<usize>, ahead: &mut [Ahead], runs: &mut Vec<Run>, memory: &mut Vec<u8>) {
        runs.clear();
        let mut first = 0;
        for (index, (column, slots)) in self.columns.iter().zip(ahead).enumerate() {
            if !column.fill(rows.clone(), slots.get_mut(..rows.len()).unwrap_or_default(), memory) {
                runs.push(Run { ready: first..index, other: Some(index) });
                first = index + 1;
            }
        }
        runs.push(Run { ready: first..self.columns.len(), other: None });
    }

    /// Adds a row, the one at `place` of those that are text already.
    fn push(&self, out: &mut Vec<u8>, row: usize, runs: &[Run], ahead: &[Ahead], place: usize) -> Result<()> {
        let separator = self.layout.separator();
        for Run { ready, other } in runs {
            let slots = ahead.get(ready.clone()).unwrap_or_default();
            slots::push(slots.iter().filter_map(|slots| slots.get(place)), ready.len(), separator, out);
            if let Some((index, column)) = other.and_then(|index| Some((index, self.columns.get(index)?))) {
                column.push(out, row).map_err(|refusal| {
                    let label = self.labels.get(index).map_or("", String::as_str);
                    refused(&self.block, label, Some(self.first + row), refusal)
                })?;
                out.push(separator);
            }
        }
        self.layout.end_row(out);
        Ok(())
    }
}
