//! Rows of loops and what stands between them (`docs/format.md`, rules 4, 10, 12, 13 and 15).

use super::lines::{Line, Sort, holds_keyword, lines, sort, tokens};
use super::texts::{Fix, Fixes};
use super::values;
use crate::star::diagnostic::Code;
use crate::star::lex::{self, Form};
use crate::star::outline::{Loop, Part};
use crate::star::rows::{Piece, Shape};
use crate::table::grid::Grid;

const CODES: [Code; 6] = [
    Code::RowsAfterBlank,
    Code::CommentAmongRows,
    Code::BlockAfterRows,
    Code::WrappedRow,
    Code::SemicolonRow,
    Code::BellEscape,
];

pub fn fix(fixes: &mut Fixes<'_>, table: &Loop) {
    if fixes.first_wanted(&CODES).is_none() || table.pieces.is_empty() {
        return;
    }
    let mut rows = Rows { fixes, table, start: place(table.start), gap: Gap::default(), begun: false };
    rows.walk();
    below(fixes, table);
    if fixes.wants(Code::BellEscape) {
        escapes(fixes, table);
    }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Lines between two rows.
#[derive(Default)]
struct Gap {
    lines: Vec<(Line, Sort)>,
}

/// A walk over the rows of a loop.
struct Rows<'f, 'a> {
    fixes: &'f mut Fixes<'a>,
    table: &'f Loop,
    /// Where the loop begins: comments go above it.
    start: usize,
    gap: Gap,
    /// RELION has met a row; those above that begin with a semicolon are comments to it.
    begun: bool,
}

impl Rows<'_, '_> {
    fn walk(&mut self) {
        let mut at = self.table.pieces.first().map_or(0, |piece| place(piece.start));
        for piece in &self.table.pieces {
            let range = place(piece.start)..place(piece.end);
            for line in lines(self.fixes.text, at..range.start) {
                self.between(line);
            }
            at = range.end;
            match piece.shape {
                // Neither blank lines nor comments are within, nor does it begin with a semicolon.
                Shape::Plain => self.row(),
                Shape::Lines => {
                    for line in lines(self.fixes.text, range) {
                        match sort(line.of(self.fixes.text)) {
                            Sort::Other => self.row_line(&line),
                            _ => self.between(line),
                        }
                    }
                }
                Shape::Wrapped => {
                    self.row();
                    self.wrapped(piece);
                }
            }
        }
    }

    fn between(&mut self, line: Line) {
        let sort = sort(line.of(self.fixes.text));
        self.gap.lines.push((line, sort));
    }

    fn row_line(&mut self, line: &Line) {
        let text = lex::trim(line.of(self.fixes.text));
        if !self.begun && text.first() == Some(&b';') {
            self.gap.lines.clear();
            if self.fixes.wants(Code::SemicolonRow)
                && let Some(word) = tokens(self.fixes.text, line).0.first()
                && !word.of(self.fixes.text).contains(&lex::BELL)
            {
                let fix = Fix::new(Code::SemicolonRow, word.start);
                self.fixes.push(fix.insert(word.start, &b"\""[..]).insert(word.end, &b"\""[..]));
            }
            return;
        }
        self.row();
    }

    /// Mends what stands between the last row and the one that begins here.
    fn row(&mut self) {
        let gap = std::mem::take(&mut self.gap).lines;
        let first = !std::mem::replace(&mut self.begun, true);
        let (Some((from, _)), Some((to, _))) = (gap.first(), gap.last()) else { return };
        let has = |wanted: Sort| gap.iter().any(|(_, sort)| *sort == wanted);
        if first || has(Sort::Other) {
            return;
        }
        let mut codes = Vec::new();
        if has(Sort::Blank) {
            codes.push(Code::RowsAfterBlank);
        }
        if gap.first().is_some_and(|(_, sort)| *sort == Sort::Comment) {
            codes.push(Code::CommentAmongRows);
        }
        let Some(code) = self.fixes.first_wanted(&codes) else { return };
        let mut comments = Vec::new();
        for (line, _) in gap.iter().filter(|(_, sort)| *sort == Sort::Comment) {
            let text = self.fixes.of(line.start..line.next);
            if holds_keyword(text) {
                return;
            }
            comments.extend_from_slice(text);
        }
        let mut fix = Fix::new(code, from.start).delete(from.start..to.next);
        if !comments.is_empty() {
            fix = fix.insert(self.start, comments);
        }
        self.fixes.push(fix);
    }

    /// Puts a row on one line.
    fn wrapped(&mut self, piece: &Piece) {
        if !self.fixes.wants(Code::WrappedRow) || is_field(self.fixes.text, self.table, piece) {
            return;
        }
        let text = self.fixes.text;
        let mut fix = Fix::new(Code::WrappedRow, place(piece.start));
        let mut comments = Vec::new();
        let mut before: Option<(usize, usize)> = None;
        for line in lines(text, place(piece.start)..place(piece.end)) {
            let (words, comment) = tokens(text, &line);
            let Some(last) = words.last() else {
                comments.extend_from_slice(self.fixes.of(line.range()));
                comments.push(b'\n');
                fix = fix.delete(line.start..line.next);
                continue;
            };
            if let Some((end, next)) = before {
                fix = fix.replace(end..next, &b" "[..]);
            }
            if let (Some(comment), true) = (comment, line.next < place(piece.end)) {
                comments.extend_from_slice(self.fixes.of(comment..line.end));
                comments.push(b'\n');
            }
            before = Some((last.end, line.next));
        }
        if holds_keyword(&comments) {
            return;
        }
        if !comments.is_empty() {
            fix = fix.insert(self.start, comments);
        }
        self.fixes.push(fix);
    }
}

/// Whether a row over several lines has a text field, which has no other way to be written.
fn is_field(text: &[u8], table: &Loop, piece: &Piece) -> bool {
    let count = table.labels.len();
    let mut found = false;
    values::grids_of_rows(text, piece, count, &mut Grid::default(), &mut |grid| {
        let is_one = |column| grid.values(column, 0).any(|(_, form, _)| form == Form::TextField);
        found |= (0..count).any(is_one);
    });
    found
}

/// Puts a blank line below the last row, where a comment or a keyword follows.
fn below(fixes: &mut Fixes<'_>, table: &Loop) {
    let (Some(piece), end) = (table.pieces.last(), place(table.end)) else { return };
    let from = place(piece.end);
    let mut sorts = lines(fixes.text, from..end).map(|line| sort(line.of(fixes.text)));
    let mut codes = Vec::new();
    match sorts.next() {
        Some(Sort::Comment) => codes.push(Code::CommentAmongRows),
        None if end < fixes.text.len() => {}
        _ => return,
    }
    let mut blank = false;
    for sort in sorts {
        match sort {
            Sort::Other => return,
            Sort::Blank => blank = true,
            Sort::Comment => {}
        }
    }
    if end < fixes.text.len() && !blank {
        codes.push(Code::BlockAfterRows);
    }
    let Some(code) = fixes.first_wanted(&codes) else { return };
    fixes.push(Fix::new(code, from).insert(from, &b"\n"[..]));
}

/// Puts the other kind of quotes around values that have a quote within, as RELION cannot read its own escapes in rows.
fn escapes(fixes: &mut Fixes<'_>, table: &Loop) {
    let text = fixes.text;
    let mut found = Vec::new();
    values::each(text, &Part::Loop(table.clone()), None, &mut |value| {
        if value.form == Form::Escaped {
            let plain = lex::unescape(value.word);
            let mut quoted = Vec::new();
            if crate::star::write::text::push_text(&mut quoted, &plain, false, 0).is_ok() {
                found.push(Fix::new(Code::BellEscape, value.start).replace(value.whole(), quoted));
            }
        }
    });
    found.sort_by_key(|fix| fix.at);
    for fix in found {
        fixes.push(fix);
    }
}
