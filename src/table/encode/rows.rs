//! The rows of a loop put into words from its values alone.

use std::ops::Range;
use std::sync::Arc;

use super::block::{Table, refused};
use super::cell::{Cells, Style};
use super::options::WriteOptions;
use super::render::{Step, TASK};
use crate::error::Result;
use crate::star::simd::slots::Slot;
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
const TOGETHER: usize = 32;

/// A column's numbers as text, if they are that already.
struct Ahead {
    slots: [Slot; TOGETHER],
    filled: bool,
}

impl Step for Rows {
    fn size(&self) -> usize {
        self.size
    }

    fn render(&self, out: &mut Vec<u8>) -> Result<()> {
        let columns = &self.table.columns;
        let mut ahead: Vec<_> =
            columns.iter().map(|_| Ahead { slots: [Slot::default(); TOGETHER], filled: false }).collect();
        let mut memory = Vec::new();
        for start in self.rows.clone().step_by(TOGETHER) {
            let rows = start..self.rows.end.min(start + TOGETHER);
            for (column, ahead) in columns.iter().zip(&mut ahead) {
                let slots = ahead.slots.get_mut(..rows.len()).unwrap_or_default();
                ahead.filled = column.fill(rows.clone(), slots, &mut memory);
            }
            for row in rows {
                self.table.push(out, row, &ahead, row - start)?;
            }
        }
        Ok(())
    }
}

impl Loop {
    /// Adds a row, of whose numbers some are text already.
    fn push(&self, out: &mut Vec<u8>, row: usize, ahead: &[Ahead], place: usize) -> Result<()> {
        for (index, (column, ahead)) in self.columns.iter().zip(ahead).enumerate() {
            self.layout.before_value(out, index == 0);
            match ahead.slots.get(place).filter(|_| ahead.filled) {
                Some(slot) => slot.push(out),
                None => column.push(out, row).map_err(|refusal| {
                    let label = self.labels.get(index).map_or("", String::as_str);
                    refused(&self.block, label, Some(self.first + row), refusal)
                })?,
            }
            self.layout.after_value(out);
        }
        out.push(b'\n');
        Ok(())
    }
}
