//! Text fields: values between two lines that begin with a semicolon (`docs/format.md`, rule 13).

use super::{Outliner, Span, Step, Text};
use crate::star::lex::{self, Form};

/// Where the last text field that was looked for ends, since the same end serves all lines before it.
#[derive(Clone, Copy, Default)]
pub(super) struct FieldEnd {
    from: u64,
    /// Where the closing line begins, or the text's end when there is none.
    to: u64,
    /// Where the value ends; nothing when there is no closing line.
    value_end: Option<u64>,
}

impl<T: Text> Outliner<'_, '_, T> {
    /// The text field that begins with the semicolon at `start`: its value, and where the words after it begin.
    ///
    /// It ends at the next line that begins with a semicolon followed by a blank or the line's end; without such a
    /// line it is no text field (rule 13).
    pub(super) fn text_field(&mut self, start: u64) -> Step<Option<(Span, u64)>> {
        if !(self.field_end.from..self.field_end.to).contains(&start) {
            self.field_end = self.find_field_end(start)?;
        }
        let FieldEnd { to, value_end, .. } = self.field_end;
        Ok(value_end.map(|end| (Span { start: start + 1, end, form: Form::TextField }, to + 1)))
    }

    fn find_field_end(&mut self, start: u64) -> Step<FieldEnd> {
        let mut found = FieldEnd { from: start, to: self.length.max(start + 1), value_end: None };
        let (mut at, mut value_end) = (start, start);
        while let Some(line) = self.line(at)? {
            let closes = line.text.first() == Some(&b';') && line.text.get(1).copied().is_none_or(lex::is_blank);
            let text_end = line.start + line.text.strip_suffix(b"\r").unwrap_or(&line.text).len() as u64;
            let (begin, end) = (line.start, text_end);
            at = line.next;
            self.recycle(line);
            if closes && begin > start {
                found.to = begin;
                found.value_end = Some(value_end);
                break;
            }
            value_end = end;
        }
        Ok(found)
    }
}
