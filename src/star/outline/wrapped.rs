//! Rows over several lines (`docs/format.md`, rule 12).

use super::loops::{Rows, first_word};
use super::{Code, Kind, Line, Outliner, Step, Text, kind, word_count};
use crate::star::rows::{Piece, Shape};

impl<T: Text> Outliner<'_, '_, T> {
    /// Takes the row over several lines that begins at `line`, if there is one; gives where it ends.
    pub(super) fn wrapped_row(&mut self, line: &Line, rows: &mut Rows) -> Step<Option<u64>> {
        let Some(end) = self.wrapped(line.start, rows.labels)? else { return Ok(None) };
        self.event(Code::WrappedRow, first_word(line));
        self.push_rows(rows, Piece { start: line.start, end, rows: 1, shape: Shape::Wrapped });
        Ok(Some(end))
    }

    /// Where the row that begins at `start` ends, when it fills several lines exactly (rule 12).
    ///
    /// RELION makes several rows of the lines when there are one or two labels, so there it takes a text field.
    fn wrapped(&mut self, start: u64, labels: u64) -> Step<Option<u64>> {
        if start < self.no_wrap_before {
            return Ok(None);
        }
        let mut field = None;
        let found = self.try_wrapped(start, labels, &mut field)?;
        if let Err(reached) = found {
            // The lines below the start of a text field may be rows all the same, if it is none.
            self.no_wrap_before = field.map_or(reached, |field| reached.min(field));
        }
        if let (Ok(_), Some(field)) = (found, field) {
            self.event(Code::TextField, field);
        }
        Ok(found.ok())
    }

    /// As [`Self::wrapped`]; where it fails, it tells the line that it failed at. A row that began on one of the lines
    /// up to there would fail at the same line, so they are not tried again, lest time grow with the square of their
    /// number. `field_start` is where the first text field begins.
    fn try_wrapped(
        &mut self,
        start: u64,
        labels: u64,
        field_start: &mut Option<u64>,
    ) -> Step<std::result::Result<u64, u64>> {
        let (mut at, mut last, mut total) = (start, start, 0);
        // Right after a text field the rest of its closing line is read, which may be empty.
        let mut after_field = false;
        while total < labels {
            let Some(line) = self.line(at)? else { return Ok(Err(at)) };
            let found = kind(&line.text);
            let (words, next, begin) = (word_count(&line.text), line.next, line.start);
            self.recycle(line);
            let field = if found == Kind::Semicolon && !after_field { self.text_field(begin)? } else { None };
            at = match (found, field, words) {
                (_, Some((_, after)), _) => {
                    total += 1;
                    field_start.get_or_insert(begin);
                    after_field = true;
                    after
                }
                (Kind::Comment, _, _) => next,
                (Kind::Blank, _, _) if after_field => next,
                (Kind::Other | Kind::Semicolon | Kind::Indented, _, Ok(words)) => {
                    total += words;
                    next
                }
                _ => return Ok(Err(begin)),
            };
            last = begin;
            after_field = after_field && field.is_some();
        }
        if total != labels || (labels <= 2 && field_start.is_none()) {
            return Ok(Err(last));
        }
        if after_field && let Some(rest) = self.line(at)? {
            // Nothing but a comment may follow the row on its last line.
            let (blank, next) = (matches!(kind(&rest.text), Kind::Blank | Kind::Comment), rest.next);
            self.recycle(rest);
            if !blank {
                return Ok(Err(last));
            }
            at = next;
        }
        Ok(Ok(at))
    }
}
