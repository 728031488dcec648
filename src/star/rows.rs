//! Runs of rows: how many whole-line rows follow one another, without reading a value.
//!
//! A run is scanned 64 bytes a step. It ends at the first line that needs a decision (a keyword, a blank line, a
//! comment line, a text field, a line with another number of words); [`super::outline`] decides and goes on.

use super::diagnostic::{Code, Events};
use super::lex::{self, Form, Unclosed, Words};
use super::simd::{self, Masks, STEP};

/// How the rows of a piece are written, which says how they may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Each line a row of bare words; no quotes, comments or control characters.
    Plain,
    /// Each line a row, blank or a comment.
    Lines,
    /// One row over several lines.
    Wrapped,
}

/// Consecutive rows of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub start: u64,
    pub end: u64,
    pub rows: u64,
    pub shape: Shape,
}

/// Pieces stay near this size, so that threads can share a loop.
pub const PIECE_BYTES: u64 = 1 << 20;
/// Pieces shorter than this are joined with the next, whatever their shapes.
const SMALL_BYTES: u64 = 1 << 16;

/// Adds a piece, joined with the one before where that keeps pieces few and of good size.
///
/// Only blank lines and comments may lie between pieces that are joined; otherwise `join` must be false.
pub fn push_piece(pieces: &mut Vec<Piece>, piece: Piece, join: bool) {
    if piece.rows == 0 {
        return;
    }
    if let Some(last) = pieces.last_mut().filter(|_| join) {
        let length = piece.end - last.start;
        let alike = last.shape == piece.shape && length <= PIECE_BYTES;
        let tiny = length <= SMALL_BYTES || piece.end - piece.start < 1 << 10;
        if last.shape.max(piece.shape) < Shape::Wrapped && (alike || (tiny && length <= 2 * PIECE_BYTES)) {
            last.end = piece.end;
            last.rows += piece.rows;
            last.shape = last.shape.max(piece.shape);
            return;
        }
    }
    pieces.push(piece);
}

/// What a scan over rows found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Bytes of whole rows, from where the scan began.
    pub length: usize,
    pub rows: u64,
    /// Words in each row.
    pub words: u32,
    /// All rows are [`Shape::Plain`].
    pub plain: bool,
    /// What is odd about them.
    pub events: Events,
    /// The scan ended at a whole line that needs a decision, and not for want of bytes.
    pub stopped: bool,
}

/// Scans rows of `words` words (0: as many as the first has), in a text that begins at a line's start.
///
/// Only lines with a line feed count, and at `at_end` the last one without. Events carry offsets from `base` on.
#[must_use]
pub fn scan(text: &[u8], base: u64, words: u32, at_end: bool) -> Run {
    let (mut run, any_return) = scan_lines(text, base, words, at_end);
    let rows = text.get(..run.length).filter(|_| any_return).unwrap_or_default();
    if let Some(first) = memchr::memchr(b'\r', rows) {
        let mut at = memchr::memrchr(b'\n', rows.get(..first).unwrap_or_default()).map_or(0, |end| end + 1);
        for line in rows.get(at..).unwrap_or_default().split(|&byte| byte == b'\n') {
            note_returns(line, base + at as u64, true, &mut run.events);
            at += line.len() + 1;
        }
    }
    run
}

/// As [`scan`], CRs left unnoted; tells whether there may be any, as in few texts.
fn scan_lines(text: &[u8], base: u64, words: u32, at_end: bool) -> (Run, bool) {
    let mut scan = Scan { text, base, run: Run { words, plain: true, ..Run::default() }, line: Line::default() };
    let mut masks = Vec::with_capacity(STEP);
    // Short loops are common: the first looks are short, lest most of what is looked at lies beyond the loop.
    let (mut at, mut length) = (0, 4 * STEP);
    let mut any_return = false;
    while let Some(block) = text.get(at..).filter(|rest| !rest.is_empty()) {
        any_return |= simd::classify(block.get(..length).unwrap_or(block), &mut masks);
        for mask in &masks {
            if !scan.step(at, *mask) {
                scan.run.stopped = true;
                return (scan.run, any_return);
            }
            at += STEP;
        }
        length = (2 * length).min(STEP * STEP);
    }
    if at_end && scan.run.length < text.len() {
        scan.run.stopped = !scan.close(text.len());
        scan.run.length = if scan.run.stopped { scan.run.length } else { text.len() };
    }
    (scan.run, any_return)
}

/// What is known of the line that is being scanned.
#[derive(Default)]
struct Line {
    words: u32,
    odd: bool,
    first: Option<usize>,
    /// The byte before the step is no blank, so the step may begin within a word.
    within: bool,
}

struct Scan<'a> {
    text: &'a [u8],
    base: u64,
    run: Run,
    line: Line,
}

impl Scan<'_> {
    /// Takes in 64 bytes; false when a line needs a decision.
    #[inline]
    fn step(&mut self, at: usize, mask: Masks) -> bool {
        let mut starts = !mask.blank & ((mask.blank << 1) | u64::from(!self.line.within));
        let mut odd = (mask.opener & starts) | mask.control;
        let mut newlines = mask.newline;
        self.line.within = mask.blank >> (STEP - 1) == 0;
        while newlines != 0 {
            let end = newlines.trailing_zeros();
            let before = (1u64 << end) - 1;
            self.note(at, starts & before, odd & before);
            if !self.close(at + end as usize) {
                return false;
            }
            self.run.length = at + end as usize + 1;
            starts &= !before;
            odd &= !before;
            newlines &= newlines - 1;
        }
        self.note(at, starts, odd);
        true
    }

    #[inline]
    fn note(&mut self, at: usize, starts: u64, odd: u64) {
        self.line.words += starts.count_ones();
        self.line.odd |= odd != 0;
        if self.line.first.is_none() && starts != 0 {
            self.line.first = Some(at + starts.trailing_zeros() as usize);
        }
    }

    /// Ends the line at `end`; false when it is no simple row.
    #[inline]
    fn close(&mut self, end: usize) -> bool {
        let within = self.line.within;
        let line = std::mem::take(&mut self.line);
        self.line.within = within;
        let Some(first) = line.first else { return false };
        let start = self.run.length;
        let text = self.text.get(start..end).unwrap_or_default();
        if may_be_keyword(text, first - start) {
            return false;
        }
        if line.odd {
            return self.close_odd(text, start);
        }
        self.row(line.words)
    }

    /// As [`Self::close`], for a line with quotes, comments or control characters.
    #[cold]
    fn close_odd(&mut self, text: &[u8], start: usize) -> bool {
        let mut events = Events::default();
        match count(text, self.base + start as u64, &mut events) {
            Ok(counted) if counted > 0 && self.row(counted) => {}
            _ => return false,
        }
        self.run.events.extend(&events);
        self.run.plain = false;
        true
    }

    /// Takes a row of so many words, if they are as many as in the others.
    #[inline]
    fn row(&mut self, words: u32) -> bool {
        if words != self.run.words {
            if self.run.words != 0 {
                return false;
            }
            self.run.words = words;
        }
        self.run.rows += 1;
        true
    }
}

/// Whether the line's first word is a keyword, a label or, at the line's start, a semicolon.
#[inline]
fn may_be_keyword(line: &[u8], first: usize) -> bool {
    match line.get(first) {
        Some(b'_') => true,
        Some(b';') => first == 0,
        Some(b'd' | b'D' | b'l' | b'L' | b's' | b'S' | b'g' | b'G') => {
            let word = line.get(first..).unwrap_or_default();
            let end = word.iter().position(|&byte| lex::is_blank(byte)).unwrap_or(word.len());
            lex::keyword(word.get(..end).unwrap_or_default()).is_some()
        }
        _ => false,
    }
}

/// Counts a line's words with quotes and comments minded, and notes what is odd about them.
///
/// # Errors
/// A quote that does not close on the line.
pub fn count(line: &[u8], at: u64, events: &mut Events) -> Result<u32, Unclosed> {
    let mut words = 0;
    for word in Words::new(line) {
        let word = word?;
        words += 1;
        note_word(&word, word.of(line), at + word.start as u64, true, events);
    }
    Ok(words)
}

/// Notes what RELION would change in a value; `in_row` is false in lists.
pub fn note_word(word: &lex::Word, text: &[u8], at: u64, in_row: bool, events: &mut Events) {
    if word.form == Form::Escaped && in_row {
        events.add(Code::BellEscape, at);
    }
    let escaped = if word.form == Form::Escaped { lex::unescape(text) } else { Vec::new() };
    let text = if word.form == Form::Escaped { &escaped } else { text };
    if text.contains(&0) {
        events.add(Code::NulByte, at);
    } else if text.iter().any(|&byte| lex::is_control(byte)) {
        events.add(Code::ControlCharacter, at);
    }
    if in_row && word.form != Form::Bare {
        let double = text.windows(2).any(|pair| pair.iter().all(|&byte| lex::is_blank(byte)));
        if double || text.contains(&b'\t') {
            events.add(Code::BlanksInQuotes, at);
        }
    }
}

/// Notes the CRs of a line (rule 3): that at its end, and in rows those that RELION would delete from between words.
pub fn note_returns(line: &[u8], at: u64, in_row: bool, events: &mut Events) {
    let text = line.strip_suffix(b"\r").unwrap_or(line);
    if text.len() < line.len() && !text.is_empty() {
        events.add(Code::CrLfHarmless, at);
    }
    if !in_row || memchr::memchr(b'\r', text).is_none() {
        return;
    }
    let is_joint = |from: usize, to: usize| {
        let gap = text.get(from..to).unwrap_or_default();
        !gap.is_empty() && gap.iter().all(|&byte| byte == b'\r')
    };
    let mut words = Words::new(text);
    let mut before = None;
    for word in words.by_ref() {
        let Ok(word) = word else { return };
        let quote = usize::from(word.form != Form::Bare);
        let start = word.start - quote;
        if before.is_some_and(|end| is_joint(end, start)) || word.of(text).contains(&b'\r') {
            events.add(Code::LoneCr, at + start as u64);
        }
        before = Some(word.end + quote);
    }
    if let (Some(end), Some(comment)) = (before, words.comment())
        && is_joint(end, comment)
    {
        events.add(Code::LoneCr, at + end as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Run {
        scan(text.as_bytes(), 0, 0, true)
    }

    #[test]
    fn plain_rows() {
        let found = run(" a 1 2\n b 3 4 \n\tc\t5\t6");
        assert_eq!((found.rows, found.words, found.plain, found.stopped), (3, 3, true, false));
        assert_eq!(found.length, 21);
    }

    #[test]
    fn quotes_and_comments_are_no_reason_to_stop() {
        let found = run("'a b' 1 # x\nc 2\n");
        assert_eq!((found.rows, found.words, found.plain, found.stopped), (2, 2, false, false));
    }

    #[test]
    fn stops_at_lines_that_need_a_decision() {
        for (text, rows, length) in [
            ("a 1\n\nb 2\n", 1, 4),
            ("a 1\n# c\nb 2\n", 1, 4),
            ("a 1\nb\n", 1, 4),
            ("a 1\ndata_x y\n", 1, 4),
            ("a 1\n_l 2\n", 1, 4),
            ("a 1\n;l 2\n", 1, 4),
            ("a 1\n'l 2\n", 1, 4),
            ("loop_ 1\n", 0, 0),
        ] {
            let found = run(text);
            assert_eq!((found.rows, found.length, found.stopped), (rows, length, true), "{text:?}");
        }
        assert!(!run("delta 1\nloopy 2\n").stopped);
    }

    #[test]
    fn only_whole_lines_without_the_end() {
        let found = scan(b"a 1\nb 2", 0, 0, false);
        assert_eq!((found.rows, found.length, found.stopped), (1, 4, false));
    }

    #[test]
    fn long_lines_span_steps() {
        let line = format!("{} x\n", "word ".repeat(5000));
        let found = run(&line.repeat(3));
        assert_eq!((found.rows, found.words), (3, 5001));
    }
}
