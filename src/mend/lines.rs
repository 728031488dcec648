//! Lines of a text that is in memory.

use std::ops::Range;

use crate::star::lex::{self, Form, Words};

/// A line's place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub start: usize,
    /// Without the line feed.
    pub end: usize,
    /// Where the next one begins.
    pub next: usize,
}

impl Line {
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    #[must_use]
    pub fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.range()).unwrap_or_default()
    }
}

/// The lines that begin in a range.
pub fn lines(text: &[u8], range: Range<usize>) -> impl Iterator<Item = Line> + '_ {
    let mut at = range.start;
    std::iter::from_fn(move || {
        if at >= range.end.min(text.len()) {
            return None;
        }
        let line = line_from(text, at);
        at = line.next;
        Some(line)
    })
}

/// The line that begins at a place.
#[must_use]
pub fn line_from(text: &[u8], start: usize) -> Line {
    match memchr::memchr(b'\n', text.get(start..).unwrap_or_default()) {
        Some(length) => Line { start, end: start + length, next: start + length + 1 },
        None => Line { start, end: text.len(), next: text.len() },
    }
}

/// The line that a place is on.
#[must_use]
pub fn line_at(text: &[u8], at: usize) -> Line {
    let start = memchr::memrchr(b'\n', text.get(..at).unwrap_or_default()).map_or(0, |end| end + 1);
    line_from(text, start)
}

/// A word's place in the text, with its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub start: usize,
    pub end: usize,
    pub form: Form,
}

impl Token {
    #[must_use]
    pub fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// The words of a line, and where its comment begins. A quote that does not close is a word up to the line's end.
#[must_use]
pub fn tokens(text: &[u8], line: &Line) -> (Vec<Token>, Option<usize>) {
    let of = line.of(text);
    let mut words = Words::new(of);
    let mut found = Vec::new();
    for word in words.by_ref() {
        found.push(match word {
            Ok(word) => {
                let quote = usize::from(word.form != Form::Bare);
                Token { start: line.start + word.start - quote, end: line.start + word.end + quote, form: word.form }
            }
            Err(open) => Token { start: line.start + open.0, end: line.end, form: Form::Quoted },
        });
    }
    (found, words.comment().map(|at| line.start + at))
}

/// What a line among rows is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Blank,
    Comment,
    Other,
}

#[must_use]
pub fn sort(line: &[u8]) -> Sort {
    match lex::trim(line).first() {
        None => Sort::Blank,
        Some(b'#') => Sort::Comment,
        Some(_) => Sort::Other,
    }
}

/// Whether a comment must stay where it is: RELION takes lines with these words for keywords.
#[must_use]
pub fn holds_keyword(text: &[u8]) -> bool {
    let holds = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    holds(b"data_") || holds(b"loop_")
}
