//! One row written again: tokens as they stand, others in their place.

use super::cut::RowText;
use super::same::same;
use crate::star::lex;
use crate::star::write::float::pad;
use crate::table::encode::cell::{Cells, Refusal};
use crate::table::encode::values::Column;

/// A column of what is written.
#[derive(Debug)]
pub struct Out {
    pub label: String,
    /// Which token of a row it was; nothing for a column that is new.
    pub word: Option<usize>,
    /// New values, by the rows of what is written.
    pub cells: Option<Cells>,
    /// The values as they were read, by the rows of the text.
    pub old: Option<Column>,
    /// Least width of a value of a new column.
    pub width: usize,
}

/// How a loop's rows are written again.
#[derive(Debug)]
pub struct RowWriter {
    pub outs: Vec<Out>,
    /// Columns whose values are to be compared, in the order of their tokens.
    patched: Vec<usize>,
    /// How many columns, at the end, are new.
    added: usize,
    /// The tokens stay in their order, and all of them.
    in_order: bool,
    /// Rows may stand elsewhere than they did, where some words mean something else.
    moves: bool,
    /// Tokens that are left out.
    dropped: Vec<usize>,
    words: usize,
    separator: u8,
    pub line_end: &'static [u8],
}

/// Where a token goes.
#[derive(Clone, Copy)]
struct Place {
    /// Its column among those that are written.
    index: usize,
    /// Its number among the tokens of the row as it was.
    word: usize,
    /// It is a text field, which goes over several lines.
    is_field: bool,
    begins_line: bool,
}

/// The token before: its number, if it is not new.
#[derive(Clone, Copy)]
struct Before {
    word: Option<usize>,
    is_field: bool,
}

/// A value that cannot be written, and of which column.
pub struct Refused(pub String, pub Refusal);

impl RowWriter {
    /// `words` is the number of tokens in a row of the text, `separator` what stands between them.
    #[must_use]
    pub fn new(outs: Vec<Out>, words: usize, moves: bool, separator: u8, line_end: &'static [u8]) -> Self {
        let kept = outs.iter().take_while(|out| out.word.is_some()).count();
        let in_order = kept == words
            && outs.iter().take(kept).enumerate().all(|(index, out)| out.word == Some(index))
            && outs.iter().skip(kept).all(|out| out.word.is_none());
        let patched = outs.iter().enumerate().filter(|(_, out)| out.word.is_some() && out.cells.is_some());
        let patched = patched.map(|(index, _)| index).collect();
        let added = outs.len() - kept;
        let dropped = (0..words).filter(|word| outs.iter().all(|out| out.word != Some(*word))).collect();
        Self { outs, patched, added, in_order, moves, dropped, words, separator, line_end }
    }

    /// How many tokens of each row have to be known.
    #[must_use]
    pub fn wanted(&self) -> usize {
        if self.in_order && self.added == 0 {
            self.patched.last().map_or(0, |last| last + 1).max(usize::from(self.moves)).min(self.words)
        } else {
            self.words
        }
    }

    /// Whether rows stay as they are.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        self.in_order && self.added == 0 && self.patched.is_empty()
    }

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
    ) -> Result<(), Refused> {
        if self.in_order && !(text.wrapped && self.changes(old_row, row)) {
            return self.push_in_order(out, text, old_row, row, memory);
        }
        self.push_anew(out, text, old_row, row, memory)
    }

    /// Whether any value of a row is another than it was.
    fn changes(&self, old_row: usize, row: usize) -> bool {
        self.patched.iter().filter_map(|&index| self.outs.get(index)).any(|out| changes(out, old_row, row))
    }

    /// The text up to each token that changed, and that token anew.
    fn push_in_order(
        &self,
        out: &mut Vec<u8>,
        text: &RowText<'_>,
        old_row: usize,
        row: usize,
        memory: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        let line = out.len();
        let mut at = text.start;
        let first = text.token(0);
        if self.moves && is_odd_first(text.slice(first.clone())) {
            let column = self.outs.first().filter(|_| self.patched.first() == Some(&0));
            if !column.is_some_and(|column| changes(column, old_row, row)) {
                out.extend_from_slice(text.slice(at..first.start));
                push_first(out, text.slice(first.clone()));
                at = first.end;
            }
        }
        for (word, column) in self.patched.iter().filter_map(|&index| Some((index, self.outs.get(index)?))) {
            if !render(column, old_row, row, memory)? {
                continue;
            }
            let token = text.token(word);
            out.extend_from_slice(text.slice(at..token.start));
            push_aligned(out, line, memory, token.len());
            at = token.end;
        }
        if self.added > 0 {
            let last = text.token(self.words.saturating_sub(1)).end;
            out.extend_from_slice(text.slice(at..last));
            for column in self.outs.iter().skip(self.words) {
                out.push(self.separator);
                push_new(out, column, row)?;
            }
            at = last;
        }
        out.extend_from_slice(text.slice(at..text.end));
        Ok(())
    }

    /// Token by token: what stands before a token stays with it, as far as it can.
    fn push_anew(
        &self,
        out: &mut Vec<u8>,
        text: &RowText<'_>,
        old_row: usize,
        row: usize,
        memory: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        let line = out.len();
        // With one or two labels RELION makes several rows of lines, so that comments among them go behind.
        let is_narrow = self.outs.len() <= 2;
        let mut late = Vec::new();
        let mut before = Before { word: None, is_field: false };
        for (index, column) in self.outs.iter().enumerate() {
            let Some(word) = column.word else {
                if index > 0 {
                    out.push(self.separator);
                }
                push_new(out, column, row)?;
                before = Before { word: None, is_field: false };
                continue;
            };
            let changed = column.cells.is_some() && render(column, old_row, row, memory)?;
            let token = text.slice(text.token(word));
            let is_field = !changed && text.wrapped && token.starts_with(b";") && token.contains(&b'\n');
            let gap = text.slice(text.gap_start(word)..text.token(word).start);
            let place = Place { index, word, is_field, begins_line: out.len() == line };
            let has_comment = gap.contains(&b'#');
            if has_comment && is_narrow {
                push_comments(&mut late, gap);
            }
            match has_comment && !is_narrow {
                // Only a row over several lines has comments among its values; they end with their lines.
                true => out.extend_from_slice(gap),
                false => self.push_gap(out, gap, place, before),
            }
            if changed {
                push_aligned(out, line, memory, if token.contains(&b'\n') { 0 } else { token.len() });
            } else if index == 0 && !is_field {
                push_first(out, token);
            } else {
                out.extend_from_slice(token);
            }
            before = Before { word: Some(word), is_field };
        }
        for &word in self.dropped.iter().filter(|_| text.wrapped) {
            push_comments(&mut late, text.slice(text.gap_start(word)..text.token(word).start));
        }
        if !late.is_empty() {
            out.push(b' ');
            out.append(&mut late);
        }
        out.extend_from_slice(text.slice(text.token(self.words.saturating_sub(1)).end..text.end));
        Ok(())
    }

    /// Adds what stands before a token: `gap` did so in the text.
    fn push_gap(&self, out: &mut Vec<u8>, gap: &[u8], place: Place, before: Before) {
        let is_first = place.index == 0;
        let follows = place.word.checked_sub(1) == before.word && is_first == (place.word == 0);
        if place.is_field {
            // A text field begins a line.
            if !place.begins_line {
                out.extend_from_slice(self.line_end);
            }
        } else if gap.contains(&b'\n') {
            if !is_first {
                out.push(self.separator);
            }
        } else if follows && !before.is_field {
            out.extend_from_slice(gap);
        } else {
            // One blank separates, the others put the value in its place.
            let padding = if place.word > 0 { gap.get(1..).unwrap_or_default() } else { gap };
            if !is_first {
                out.push(self.separator);
            }
            out.extend_from_slice(padding);
        }
    }

    /// Adds a row that the text does not have.
    ///
    /// # Errors
    /// A value that cannot be written.
    pub fn push_fresh(&self, out: &mut Vec<u8>, row: usize) -> Result<(), Refused> {
        for (index, column) in self.outs.iter().enumerate() {
            if index > 0 {
                out.push(self.separator);
            }
            push_new(out, column, row)?;
        }
        if self.separator == b' ' {
            out.push(b' ');
        }
        out.extend_from_slice(self.line_end);
        Ok(())
    }
}

/// Whether a bare token means something else where it is the first of a line, or may do.
fn is_odd_first(token: &[u8]) -> bool {
    matches!(token.first(), Some(b';' | b'_')) || lex::keyword(token).is_some()
}

/// Adds the first token of a row, in quotes if it may mean something else there.
fn push_first(out: &mut Vec<u8>, token: &[u8]) {
    if is_odd_first(token) && !token.contains(&b'\n') {
        // A bare token has no blanks, so that quotes can be put around it.
        let quoted = [b"\"", token, b"\""].concat();
        out.extend_from_slice(&quoted);
    } else {
        out.extend_from_slice(token);
    }
}

/// Adds the comments among some lines, one behind the other.
fn push_comments(out: &mut Vec<u8>, lines: &[u8]) {
    for line in lines.split(|&byte| byte == b'\n') {
        if let Some(comment) = memchr::memchr(b'#', line).and_then(|at| line.get(at..)) {
            if !out.is_empty() {
                out.push(b' ');
            }
            out.extend_from_slice(comment.trim_ascii_end());
        }
    }
}

/// Whether a column's value in a row is another than it was.
fn changes(column: &Out, old_row: usize, row: usize) -> bool {
    let pair = column.old.as_ref().zip(column.cells.as_ref());
    pair.is_some_and(|(old, cells)| !same(old, old_row, cells.column(), row))
}

/// Puts a column's new value into `memory`, without blanks; false when it is the old one.
fn render(column: &Out, old_row: usize, row: usize, memory: &mut Vec<u8>) -> Result<bool, Refused> {
    let Some(cells) = &column.cells else { return Ok(false) };
    if column.old.as_ref().is_some_and(|old| same(old, old_row, cells.column(), row)) {
        return Ok(false);
    }
    memory.clear();
    cells.push(memory, row).map_err(|refusal| Refused(column.label.clone(), refusal))?;
    Ok(true)
}

/// Adds a value of a column, or a row, that the text does not have.
fn push_new(out: &mut Vec<u8>, column: &Out, row: usize) -> Result<(), Refused> {
    let Some(cells) = &column.cells else { return Ok(()) };
    let start = out.len();
    cells.push(out, row).map_err(|refusal| Refused(column.label.clone(), refusal))?;
    let short = column.width.saturating_sub(out.len() - start);
    if short > 0 {
        let text = out.split_off(start);
        pad(out, short);
        out.extend_from_slice(&text);
    }
    Ok(())
}

/// Adds a token in the place of one of `before` bytes, so that it ends in the same column where blanks allow it.
///
/// `line` is where the row begins in `out`.
pub fn push_aligned(out: &mut Vec<u8>, line: usize, token: &[u8], before: usize) {
    let (more, less) = (token.len().saturating_sub(before), before.saturating_sub(token.len()));
    let row = out.get(line..).unwrap_or_default();
    let blanks = row.iter().rev().take_while(|&&byte| byte == b' ').count();
    let spare = if blanks == row.len() { blanks } else { blanks.saturating_sub(1) };
    if more > 0 {
        out.truncate(out.len() - more.min(spare));
    } else if blanks > 0 || row.is_empty() {
        pad(out, less);
    }
    out.extend_from_slice(token);
}
