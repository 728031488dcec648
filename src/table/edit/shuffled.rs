//! The rows of a loop written again in another order.

use std::ops::Range;
use std::sync::Arc;

use super::cut::{Part, cut};
use super::rows::{EditedLoop, ROWS};
use crate::error::{Result, StarError};
use crate::star::outline::Loop;
use crate::star::rows::Shape;
use crate::table::decode::changed;
use crate::table::encode::render::Step;

/// A loop's text in memory, and where its rows are.
struct Index {
    text: Vec<u8>,
    rows: Vec<Row>,
    /// Lines above rows that are left out and have none below that stays.
    rest: Range<usize>,
    /// Which rows of what is written take along what stands above them: one that is written twice does so once.
    leads: Vec<bool>,
}

struct Row {
    place: Range<usize>,
    /// The lines that go with it.
    above: Range<usize>,
    shape: Shape,
}

/// Rows in another order.
struct Shuffled {
    edited: Arc<EditedLoop>,
    index: Arc<Index>,
    rows: Range<usize>,
    is_last: bool,
}

/// Adds the steps of a loop's rows.
///
/// # Errors
/// What the operating system says; a text that is no longer what was read.
pub fn add_shuffled(steps: &mut Vec<Box<dyn Step>>, edited: &Arc<EditedLoop>, table: &Loop) -> Result<()> {
    let index = Arc::new(Index::of(edited, table)?);
    let count = edited.order.as_ref().map_or(0, Vec::len);
    for start in (0..count).step_by(ROWS) {
        let rows = start..count.min(start + ROWS);
        let is_last = rows.end == count;
        steps.push(Box::new(Shuffled { edited: Arc::clone(edited), index: Arc::clone(&index), rows, is_last }));
    }
    Ok(())
}

impl Index {
    /// Lines above a row go with it; those above rows that are left out go with the next row that stays.
    fn of(edited: &EditedLoop, table: &Loop) -> Result<Self> {
        let start = table.pieces.first().map_or(table.end, |piece| piece.start);
        let end = table.pieces.last().map_or(table.end, |piece| piece.end);
        let mut memory = Vec::new();
        let mut text = edited.kept.bytes(start..end, &mut memory)?.to_vec();
        let mut rows = find(&text, start, table)?;
        let mut stays = vec![false; rows.len()];
        let lead = |&row: &i64| {
            let stays = usize::try_from(row).ok().and_then(|row| stays.get_mut(row));
            stays.is_some_and(|stays| !std::mem::replace(stays, true))
        };
        let leads = edited.order.iter().flatten().map(lead).collect();
        let rest = gather(&mut text, &mut rows, &stays);
        Ok(Self { text, rows, rest, leads })
    }
}

/// Where the rows of a loop are in its text, which begins at `start` of the file.
fn find(text: &[u8], start: u64, table: &Loop) -> Result<Vec<Row>> {
    let count = usize::try_from(table.rows).unwrap_or(usize::MAX);
    let within = |offset: u64| usize::try_from(offset - start).unwrap_or(usize::MAX);
    let mut rows: Vec<Row> = Vec::with_capacity(count);
    let mut last = 0;
    for piece in &table.pieces {
        let mut at = within(piece.start);
        let part = text.get(at..within(piece.end)).unwrap_or_default();
        cut(part, piece.shape, 0, |part| {
            match part {
                Part::Between(text) => at += text.len(),
                Part::Row(row) => {
                    let place = at..at + (row.end - row.start);
                    let above = last..at;
                    (at, last) = (place.end, place.end);
                    rows.push(Row { place, above, shape: piece.shape });
                }
            }
            Ok::<_, StarError>(())
        })?;
    }
    if rows.len() != count {
        return Err(changed().into());
    }
    Ok(rows)
}

/// Where rows are left out, brings the lines above them and above the next together below the text; gives those that
/// have no row below.
fn gather(text: &mut Vec<u8>, rows: &mut [Row], stays: &[bool]) -> Range<usize> {
    let mut pending: Vec<u8> = Vec::new();
    for (row, stays) in rows.iter_mut().zip(stays) {
        if *stays && pending.is_empty() {
            continue;
        }
        pending.extend_from_slice(text.get(row.above.clone()).unwrap_or_default());
        if *stays {
            let at = text.len();
            text.append(&mut pending);
            row.above = at..text.len();
        }
    }
    let at = text.len();
    text.append(&mut pending);
    at..text.len()
}

impl Step for Shuffled {
    fn size(&self) -> usize {
        let average = self.index.text.len() / self.index.rows.len().max(1);
        self.rows.len() * average.max(1)
    }

    fn render(&self, out: &mut Vec<u8>) -> Result<()> {
        let Self { edited, index, .. } = self;
        let mut token = Vec::new();
        let order = edited.order.as_deref().unwrap_or_default();
        for row in self.rows.clone() {
            let old_row = order.get(row).copied().unwrap_or(-1);
            let Ok(old_row) = usize::try_from(old_row) else {
                edited.writer.push_fresh(out, row).map_err(|refused| edited.refused(row, refused))?;
                continue;
            };
            let Some(Row { place, above, shape }) = index.rows.get(old_row) else { return Err(changed().into()) };
            if index.leads.get(row) == Some(&true) {
                out.extend_from_slice(index.text.get(above.clone()).unwrap_or_default());
            }
            let text = index.text.get(place.clone()).unwrap_or_default();
            cut(text, *shape, edited.writer.wanted(), |part| match part {
                Part::Row(text) => edited.push(out, &text, old_row, row, &mut token),
                Part::Between(_) => Ok(()),
            })?;
        }
        if self.is_last {
            out.extend_from_slice(index.text.get(index.rest.clone()).unwrap_or_default());
        }
        Ok(())
    }
}
