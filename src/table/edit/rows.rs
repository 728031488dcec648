//! The rows of a loop written again: kept, left out, in another order, or added.

use std::ops::Range;
use std::sync::Arc;

use super::cut::{Part, RowText, cut};
use super::header::{Header, end_line};
use super::kept::Kept;
use super::row::{Out, Refused, RowWriter};
use super::shuffled::add_shuffled;
use crate::error::{Result, StarError, Unwritable};
use crate::star::outline::Loop;
use crate::star::rows::Piece;
use crate::table::decode::changed;
use crate::table::encode::block::refused;
use crate::table::encode::render::{Step, TASK};
use crate::table::encode::rows::VALUE;

/// Which row of the text each row of what is written is; negative for a new one. Nothing when they are the same.
pub type Order = Option<Vec<i64>>;

/// A loop with its changes.
pub struct EditedLoop {
    pub kept: Arc<Kept>,
    block: String,
    pub writer: RowWriter,
    pub order: Order,
    /// The last row of the text may end without a line feed and have others below now.
    ends_lines: bool,
}

/// A loop as it stands in a text.
pub struct Source<'a> {
    pub kept: &'a Arc<Kept>,
    pub block: &'a str,
    pub table: &'a Loop,
}

/// Adds the steps of a loop, from its `loop_` to the end of its last row.
///
/// # Errors
/// Rows that could not be read, which cannot be told apart from others any more; what the operating system says.
pub fn add_loop(steps: &mut Vec<Box<dyn Step>>, source: &Source<'_>, outs: Vec<Out>, order: Order) -> Result<()> {
    let Source { kept, block, table } = source;
    check_order(order.as_deref(), table)?;
    check_between(kept, block, table)?;
    let (line_end, separator) = (kept.line_end()?, separator(kept, table)?);
    let outs = if separator == b' ' { outs } else { outs.into_iter().map(|out| Out { width: 0, ..out }).collect() };
    let mut header = header(kept, table, &outs)?;
    let known = order.iter().flatten().take_while(|&&row| row >= 0).count();
    let fresh = order.as_ref().map_or(0, Vec::len) - known;
    if order.iter().flatten().any(|&row| row < 0) {
        end_line(&mut header, line_end);
    }
    steps.push(Box::new(header));
    let in_order = order.as_ref().is_none_or(|order| {
        let (known, fresh) = order.split_at_checked(known).unwrap_or((order, &[]));
        known.is_sorted_by(|one, next| one < next) && fresh.iter().all(|&row| row < 0)
    });
    let writer = RowWriter::new(outs, table.labels.len(), order.is_some(), separator, line_end);
    let ends_lines = fresh > 0 || !in_order;
    let edited = Arc::new(EditedLoop { kept: Arc::clone(kept), block: (*block).to_owned(), writer, order, ends_lines });
    if in_order {
        add_in_order(steps, &edited, table, known)?;
        add_fresh(steps, &edited, known..known + fresh);
        Ok(())
    } else {
        add_shuffled(steps, &edited, table)
    }
}

fn check_order(order: Option<&[i64]>, table: &Loop) -> Result<()> {
    let total = i64::try_from(table.rows).unwrap_or(i64::MAX);
    if order.is_some_and(|order| order.iter().any(|&row| row >= total)) {
        return Err(StarError::Option(format!("a row beyond the table's {total}")));
    }
    Ok(())
}

/// The lines above the first row, with the labels of what is written.
fn header(kept: &Kept, table: &Loop, outs: &[Out]) -> Result<Vec<u8>> {
    let mut memory = Vec::new();
    let text = kept.bytes(table.start..first_row(kept, table)?, &mut memory)?;
    let names: Vec<&str> = table.labels.iter().map(|label| &*label.name).collect();
    let starts = table.labels.iter().filter_map(|label| usize::try_from(label.at).ok());
    Ok(Header::new(text, starts).rewritten(&names, outs, kept.line_end()?))
}

/// Where the first row begins, or would: below the last label.
fn first_row(kept: &Kept, table: &Loop) -> Result<u64> {
    if let Some(piece) = table.pieces.first() {
        return Ok(piece.start);
    }
    let last = table.start + table.labels.last().map_or(0, |label| label.at);
    let mut memory = Vec::new();
    let text = kept.bytes(last..table.end.max(last), &mut memory)?;
    let end = memchr::memchr(b'\n', text).map_or(text.len(), |at| at + 1);
    Ok(last + end as u64)
}

/// Where the last row ends, or the last label's line where there is none.
///
/// # Errors
/// What the operating system says.
pub fn last_row_end(kept: &Kept, table: &Loop) -> Result<u64> {
    table.pieces.last().map_or_else(|| first_row(kept, table), |piece| Ok(piece.end))
}

/// What stands between the first two values of the first row.
fn separator(kept: &Kept, table: &Loop) -> Result<u8> {
    const LOOK: u64 = 1 << 12;
    let Some(piece) = table.pieces.first() else { return Ok(b' ') };
    let mut memory = Vec::new();
    let text = kept.bytes(piece.start..piece.end.min(piece.start + LOOK), &mut memory)?;
    let first = text.trim_ascii_start();
    let end = first.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'\n'));
    Ok(if end.and_then(|end| first.get(end)) == Some(&b'\t') { b'\t' } else { b' ' })
}

/// Lines between labels and rows, and between rows, must be blank or comments: others are rows that could not be read,
/// and might be rows of another number of columns.
fn check_between(kept: &Kept, block: &str, table: &Loop) -> Result<()> {
    let last_label = table.start + table.labels.last().map_or(0, |label| label.at);
    let ends = std::iter::once(last_label).chain(table.pieces.iter().map(|piece| piece.end));
    let starts = table.pieces.iter().map(|piece| piece.start).chain(std::iter::once(table.end));
    let mut memory = Vec::new();
    for (index, (end, start)) in ends.zip(starts).enumerate().filter(|(_, (end, start))| end < start) {
        let text = kept.bytes(end..start, &mut memory)?;
        // Above the first row lines that begin with a semicolon are comments; the label's own line is skipped.
        let is_odd = |line: &[u8]| match line.trim_ascii_start().first() {
            None | Some(b'#') => false,
            Some(b';') => index > 0,
            Some(_) => true,
        };
        if text.split(|&byte| byte == b'\n').skip(usize::from(index == 0)).any(is_odd) {
            return Err(StarError::Unwritable(Box::new(Unwritable {
                block: block.to_owned(),
                expected: "rows that could all be read, of a table that is edited (write the table alone, as \
                           to_arrow() gives it, to leave the others out)"
                    .to_owned(),
                found: "rows that could not be read".to_owned(),
                ..Unwritable::default()
            })));
        }
    }
    Ok(())
}

impl EditedLoop {
    /// Adds row `row` of what is written, which is row `old_row` of the text.
    ///
    /// # Errors
    /// A value that cannot be written.
    pub fn push(
        &self,
        out: &mut Vec<u8>,
        text: &RowText<'_>,
        old_row: usize,
        row: usize,
        memory: &mut Vec<u8>,
    ) -> Result<()> {
        self.writer.push(out, text, old_row, row, memory).map_err(|refused| self.refused(row, refused))?;
        if self.ends_lines {
            end_line(out, self.writer.line_end);
        }
        Ok(())
    }

    /// Names the value that was refused.
    pub fn refused(&self, row: usize, Refused(label, refusal): Refused) -> StarError {
        refused(&self.block, &label, Some(row), refusal)
    }
}

/// A range of the text as it is.
pub struct Copy {
    pub kept: Arc<Kept>,
    pub range: Range<u64>,
}

impl Step for Copy {
    fn size(&self) -> usize {
        usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX)
    }

    fn render(&self, out: &mut Vec<u8>) -> Result<()> {
        let mut memory = Vec::new();
        out.extend_from_slice(self.kept.bytes(self.range.clone(), &mut memory)?);
        Ok(())
    }
}

/// Adds a range of the text, in parts that threads can share.
pub fn add_copy(steps: &mut Vec<Box<dyn Step>>, kept: &Arc<Kept>, range: Range<u64>) {
    let mut at = range.start;
    while at < range.end {
        let end = range.end.min(at + TASK as u64);
        steps.push(Box::new(Copy { kept: Arc::clone(kept), range: at..end }));
        at = end;
    }
}

/// The rows of a piece that stay, in their order.
struct InOrder {
    edited: Arc<EditedLoop>,
    piece: Piece,
    /// The piece's first row.
    first: usize,
    /// How many rows of what is written are of the text.
    known: usize,
}

fn add_in_order(steps: &mut Vec<Box<dyn Step>>, edited: &Arc<EditedLoop>, table: &Loop, known: usize) -> Result<()> {
    let mut at = first_row(&edited.kept, table)?;
    let mut first = 0;
    for piece in &table.pieces {
        if at < piece.start {
            steps.push(Box::new(Copy { kept: Arc::clone(&edited.kept), range: at..piece.start }));
        }
        steps.push(Box::new(InOrder { edited: Arc::clone(edited), piece: *piece, first, known }));
        first += usize::try_from(piece.rows).unwrap_or(usize::MAX);
        at = piece.end;
    }
    Ok(())
}

impl Step for InOrder {
    fn size(&self) -> usize {
        usize::try_from(self.piece.end - self.piece.start).unwrap_or(usize::MAX)
    }

    fn render(&self, out: &mut Vec<u8>) -> Result<()> {
        let Self { edited, piece, first, known } = self;
        let mut memory = Vec::new();
        let text = edited.kept.bytes(piece.start..piece.end, &mut memory)?;
        if edited.order.is_none() && edited.writer.changes_nothing() {
            out.extend_from_slice(text);
            return Ok(());
        }
        out.reserve(text.len() + text.len() / 8);
        let order = edited.order.as_ref().map(|order| order.get(..*known).unwrap_or(order));
        let mut row = order.map_or(*first, |order| order.partition_point(|&row| row < *first as i64));
        let mut old_row = *first;
        let mut token = Vec::new();
        cut(text, piece.shape, edited.writer.wanted(), |part| {
            match part {
                Part::Between(text) => out.extend_from_slice(text),
                Part::Row(text) => {
                    let stays = order.is_none_or(|order| order.get(row) == Some(&(old_row as i64)));
                    if stays {
                        edited.push(out, &text, old_row, row, &mut token)?;
                        row += 1;
                    }
                    old_row += 1;
                }
            }
            Ok::<_, StarError>(())
        })?;
        if (old_row - first) as u64 != piece.rows {
            return Err(changed().into());
        }
        Ok(())
    }
}

/// Rows that the text does not have.
struct Fresh {
    edited: Arc<EditedLoop>,
    rows: Range<usize>,
}

/// Rows of a step.
pub const ROWS: usize = 1 << 12;

fn add_fresh(steps: &mut Vec<Box<dyn Step>>, edited: &Arc<EditedLoop>, rows: Range<usize>) {
    for start in rows.clone().step_by(ROWS) {
        let rows = start..rows.end.min(start + ROWS);
        steps.push(Box::new(Fresh { edited: Arc::clone(edited), rows }));
    }
}

impl Step for Fresh {
    fn size(&self) -> usize {
        self.rows.len() * self.edited.writer.outs.len() * VALUE
    }

    fn render(&self, out: &mut Vec<u8>) -> Result<()> {
        for row in self.rows.clone() {
            self.edited.writer.push_fresh(out, row).map_err(|refused| self.edited.refused(row, refused))?;
        }
        Ok(())
    }
}
