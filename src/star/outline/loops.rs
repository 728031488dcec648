//! Loops: labels, and the rows below them (`docs/format.md`, rules 8 to 13 and 15).

use std::sync::Arc;

use super::{Code, Keyword, Kind, Label, Line, Loop, OpenLoop, Outliner, Part, Step, Text, kind, quote, word_count};
use crate::star::lex::{self, Unclosed, Words};
use crate::star::rows::{self, Piece, Shape, push_piece};

/// Text asked for at first when rows begin; most loops of many-block files are short.
const FIRST_LOOK: u64 = 1 << 14;
/// Text asked for at most.
const LONGEST_LOOK: u64 = 1 << 20;
/// Characters looked at to see how a line begins.
const FIRST_CHARACTERS: usize = 64;

/// The last header read, so that a thousand equal ones are read once.
#[derive(Default)]
pub(super) struct HeaderCache {
    text: Vec<u8>,
    labels: Option<Arc<[Label]>>,
}

/// What is known while the rows of one loop are read.
pub(super) struct Rows {
    start: u64,
    header: Arc<[Label]>,
    pub(super) labels: u64,
    pieces: Vec<Piece>,
    count: u64,
    /// A blank line came after the last row.
    blank: bool,
    /// A comment line came after the last row.
    comment: bool,
    /// The next piece must not be joined with the last: faulty lines lie between, or one of them was read ahead.
    apart: bool,
    /// Rows that begin with a semicolon and come first.
    skipped: u64,
}

impl Rows {
    /// Whether RELION has met no row yet: it takes rows for comments that begin with a semicolon and come first.
    fn are_skipped(&self) -> bool {
        self.count == self.skipped
    }
}

/// What becomes of a line among rows that begins with a keyword.
enum Verdict {
    Row,
    End,
}

impl<T: Text> Outliner<'_, '_, T> {
    /// Reads the loop that begins at `line`; gives where it ends. It may have no rows (rule 15).
    pub(super) fn loop_part(&mut self, line: &Line) -> Step<u64> {
        self.ensure_block(line);
        self.returns(line, false);
        self.seek(line);
        // RELION is no longer looking, or does not know this keyword at all.
        self.sought.clear();
        let start = line.start;
        self.no_wrap_before = 0;
        let labels = match self.cached_header(line)? {
            Some(labels) => labels,
            None => self.header(line)?,
        };
        if labels.is_empty() {
            self.fault_at(line, Code::LoopWithoutLabels, "labels below loop_")?;
        }
        let mut rows = Rows {
            start,
            header: Arc::clone(&labels),
            labels: labels.len() as u64,
            pieces: Vec::new(),
            count: 0,
            blank: false,
            comment: false,
            apart: false,
            skipped: 0,
        };
        if !labels.is_empty() {
            self.rows(&mut rows)?;
        }
        let end = self.at;
        if rows.count == 0 && end < self.length {
            self.event(Code::LoopWithoutRows, start);
        }
        if !labels.is_empty() {
            self.push_part(Part::Loop(Loop { start, end, labels, pieces: rows.pieces, rows: rows.count }));
        }
        Ok(end)
    }

    /// The labels of the loop before, when this header is the same bytes.
    fn cached_header(&mut self, line: &Line) -> Step<Option<Arc<[Label]>>> {
        let length = self.memory.header.text.len();
        let Some(labels) = self.memory.header.labels.clone() else { return Ok(None) };
        let view = self.text.view(line.start, length + 1)?;
        if !view.starts_with(&self.memory.header.text) {
            return Ok(None);
        }
        match view.get(length).copied() {
            Some(b'_' | b'#' | b';' | b'\r' | b'\n') | None => return Ok(None),
            // An indented line may still be a label; only a look at it tells.
            Some(b' ' | b'\t') if !self.is_row(line.start + length as u64)? => return Ok(None),
            Some(_) => {}
        }
        self.at = line.start + length as u64;
        Ok(Some(labels))
    }

    fn is_row(&mut self, at: u64) -> Step<bool> {
        let Some(line) = self.line(at)? else { return Ok(false) };
        let row = kind(&line.text) == Kind::Other;
        self.recycle(line);
        Ok(row)
    }

    /// Reads the labels below a `loop_` line.
    fn header(&mut self, line: &Line) -> Step<Arc<[Label]>> {
        let start = line.start;
        let events_before = self.events().clone();
        let mut commented = false;
        let mut below = (0, false);
        let mut labels = Vec::new();
        let mut words = Words::new(&line.text);
        if words.next().and_then(Result::ok).is_some_and(|word| word.of(&line.text) != b"loop_") {
            self.event(Code::KeywordCase, start);
        }
        if self.labels_of(words, line, start, &mut labels)? > 0 {
            self.event(Code::LabelsOnLoopLine, start);
        }
        self.at = line.next;
        while let Some(line) = self.line(self.at)? {
            let kind = kind(&line.text);
            if matches!(kind, Kind::Keyword(Keyword::Label) | Kind::Blank | Kind::Comment) {
                self.returns(&line, false);
            }
            match kind {
                Kind::Keyword(Keyword::Label) => {
                    if self.labels_of(Words::new(&line.text), &line, start, &mut labels)? > 1 {
                        self.event(Code::ManyLabelsOnLine, line.start);
                    }
                    if !line.terminated {
                        self.event(Code::LabelAtEnd, line.start);
                    }
                }
                Kind::Blank => {}
                Kind::Comment => {
                    commented = true;
                    self.comment(&line);
                    self.commented_row(&line, labels.len() as u64);
                }
                Kind::Semicolon | Kind::Indented if self.is_label_below(line.next, &mut below)? => {
                    commented = true;
                    self.returns(&line, false);
                    self.comment(&line);
                }
                _ => {
                    self.recycle(line);
                    break;
                }
            }
            self.at = line.next;
            self.recycle(line);
        }
        let labels = self.memory.shared(labels.into());
        let length = usize::try_from(self.at - start).unwrap_or(usize::MAX);
        if !commented && *self.events() == events_before && length < 1 << 16 {
            let view = self.text.view(start, length)?;
            self.memory.header.text = view.get(..length).unwrap_or_default().to_vec();
            self.memory.header.labels = Some(Arc::clone(&labels));
        }
        Ok(labels)
    }

    /// Takes the labels of a line; gives how many there were.
    fn labels_of(&mut self, words: Words<'_>, line: &Line, start: u64, labels: &mut Vec<Label>) -> Step<usize> {
        let mut count = 0;
        for word in words {
            let at = |offset: usize| line.start + offset as u64;
            match word {
                Ok(word) if word.of(&line.text).first() == Some(&b'_') => {
                    count += 1;
                    labels.push(self.label(word.of(&line.text), at(word.start), start)?);
                }
                Ok(word) => self.event(Code::LabelExtraText, at(word.start)),
                Err(Unclosed(open)) => self.event(Code::LabelExtraText, at(open)),
            }
        }
        Ok(count)
    }

    /// A comment between labels and rows that RELION and we skip, though somebody may have meant a row.
    fn commented_row(&mut self, line: &Line, labels: u64) {
        let hash = line.text.iter().position(|&byte| byte == b'#').unwrap_or(0);
        let mut text = line.text.clone();
        if let Some(byte) = text.get_mut(hash) {
            *byte = b'x';
        }
        let glued = line.text.get(hash + 1).is_some_and(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'#'));
        if glued && word_count(&text) == Ok(labels) {
            self.event(Code::CommentedRow, line.start);
        }
    }

    /// Whether the next line that is neither blank nor a comment of either kind is a label.
    ///
    /// `known` has the last answer and the line that gave it, since it serves all lines above that.
    fn is_label_below(&mut self, mut at: u64, known: &mut (u64, bool)) -> Step<bool> {
        if at <= known.0 {
            return Ok(known.1);
        }
        *known = (self.length, false);
        while let Some(line) = self.line(at)? {
            let kind = kind(&line.text);
            at = line.next;
            if !matches!(kind, Kind::Blank | Kind::Comment | Kind::Semicolon | Kind::Indented) {
                *known = (line.start, kind == Kind::Keyword(Keyword::Label));
            }
            self.recycle(line);
            if known.0 < at {
                break;
            }
        }
        Ok(known.1)
    }

    fn rows(&mut self, rows: &mut Rows) -> Step<()> {
        loop {
            if !(rows.are_skipped() && self.is_semicolon_next()?) {
                self.simple_rows(rows)?;
            }
            let Some(line) = self.line(self.at)? else { return Ok(()) };
            let next = self.decide(&line, rows)?;
            self.recycle(line);
            match next {
                Some(next) => self.at = next,
                None => return Ok(()),
            }
        }
    }

    /// Whether a semicolon is the first character of the next line.
    fn is_semicolon_next(&mut self) -> Step<bool> {
        let view = self.text.view(self.at, FIRST_CHARACTERS)?;
        if let Some(first) = view.iter().take(FIRST_CHARACTERS).find(|&&byte| !lex::is_blank(byte)) {
            return Ok(*first == b';');
        }
        let Some(line) = self.line(self.at)? else { return Ok(false) };
        let found = matches!(kind(&line.text), Kind::Semicolon | Kind::Indented);
        self.recycle(line);
        Ok(found)
    }

    /// Takes all rows from here on that are a line each and need no decision.
    fn simple_rows(&mut self, rows: &mut Rows) -> Step<()> {
        let (mut begin, mut wanted) = (self.at, FIRST_LOOK);
        while self.at < self.length {
            if self.read_ahead(rows, self.at - begin)? {
                // What stopped it is looked at here.
                begin = self.at;
            }
            let want = usize::try_from(wanted).unwrap_or(usize::MAX);
            let (at, words) = (self.at, u32::try_from(rows.labels).unwrap_or(u32::MAX));
            let view = self.text.view(at, want)?;
            let view = view.get(..want).unwrap_or(view);
            let whole = at + view.len() as u64 >= self.length;
            let run = rows::scan(view, at, words, whole);
            self.take(&run, rows);
            if run.stopped {
                return Ok(());
            }
            // Not even one line: a long one.
            wanted = if run.length == 0 { wanted.saturating_mul(4) } else { (wanted * 4).min(LONGEST_LOOK) };
            if run.length == 0 && whole {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Lets the rest of a long loop be read ahead, of which `read` bytes were simple rows; false when nobody wants it.
    fn read_ahead(&mut self, rows: &mut Rows, read: u64) -> Step<bool> {
        let Some(ahead) = self.ahead.as_mut().filter(|ahead| ahead.wants(read)) else { return Ok(false) };
        let block = self.found.blocks.last().map_or("", |block| &block.name);
        let table = OpenLoop { block, start: rows.start, labels: &rows.header, pieces: &rows.pieces };
        let runs = ahead.read(table, self.at)?;
        rows.apart = true;
        for run in &runs {
            self.take(run, rows);
        }
        rows.apart = true;
        Ok(true)
    }

    fn take(&mut self, run: &rows::Run, rows: &mut Rows) {
        if run.rows == 0 {
            return;
        }
        let start = self.at;
        self.at += run.length as u64;
        self.events().extend(&run.events);
        let shape = if run.plain { Shape::Plain } else { Shape::Lines };
        self.push_rows(rows, Piece { start, end: self.at, rows: run.rows, shape });
    }

    pub(super) fn push_rows(&mut self, rows: &mut Rows, piece: Piece) {
        let mut piece = piece;
        if rows.blank || rows.comment {
            if rows.blank && !rows.are_skipped() {
                self.event(Code::RowsAfterBlank, piece.start);
            }
            // The lines between are part of the piece before, once the two are joined.
            if piece.shape == Shape::Plain && rows.count > 0 {
                piece.shape = Shape::Lines;
            }
        }
        rows.blank = false;
        rows.comment = false;
        rows.count += piece.rows;
        push_piece(&mut rows.pieces, piece, !std::mem::take(&mut rows.apart));
    }

    /// Decides about a line that is no simple row: where to go on, or nothing at the loop's end (rule 15).
    fn decide(&mut self, line: &Line, rows: &mut Rows) -> Step<Option<u64>> {
        let kind = kind(&line.text);
        if !matches!(kind, Kind::Keyword(_)) {
            self.returns(line, !matches!(kind, Kind::Blank | Kind::Comment));
        }
        match kind {
            Kind::Blank => {
                rows.blank = true;
                Ok(Some(line.next))
            }
            Kind::Comment => {
                if rows.are_skipped() {
                    self.commented_row(line, rows.labels);
                } else if !rows.blank {
                    self.event(Code::CommentAmongRows, line.start);
                }
                rows.comment = true;
                self.comment(line);
                Ok(Some(line.next))
            }
            Kind::Keyword(keyword) => match self.verdict(keyword, line, rows)? {
                Verdict::Row => {
                    self.event(Code::KeywordRow, line.start);
                    self.returns(line, true);
                    self.line_row(line, rows);
                    Ok(Some(line.next))
                }
                Verdict::End => {
                    if rows.count > 0 && !rows.blank {
                        self.event(Code::BlockAfterRows, line.start);
                    }
                    Ok(None)
                }
            },
            Kind::Semicolon | Kind::Indented => self.semicolon(line, rows).map(Some),
            Kind::Other if rows.blank && rows.count > 0 && self.is_header_within(line)? => Ok(None),
            Kind::Other => self.odd_row(line, rows).map(Some),
        }
    }

    /// Whether a line that begins like a keyword or label is a row all the same (rule 11).
    fn verdict(&mut self, keyword: Keyword, line: &Line, rows: &Rows) -> Step<Verdict> {
        if word_count(&line.text) != Ok(rows.labels) {
            return Ok(Verdict::End);
        }
        if keyword == Keyword::Label {
            let among = rows.count > 0 && !rows.blank && !rows.comment;
            return Ok(if among { Verdict::Row } else { Verdict::End });
        }
        let header = match (keyword, self.next_kind(line.next)?) {
            (Keyword::Loop, Some(Kind::Keyword(Keyword::Label)))
            | (Keyword::Data, Some(Kind::Keyword(Keyword::Label | Keyword::Loop))) => true,
            (Keyword::Data, Some(Kind::Keyword(Keyword::Data)) | None) => rows.blank || rows.count == 0,
            (Keyword::Data, _) if rows.labels == 1 => rows.blank,
            (_, None) => rows.blank || rows.labels == 1,
            _ => rows.labels == 1 && keyword != Keyword::Data,
        };
        Ok(if header { Verdict::End } else { Verdict::Row })
    }

    /// A line that begins with a semicolon: a row, a text field, or before the first row a comment (rule 13).
    fn semicolon(&mut self, line: &Line, rows: &mut Rows) -> Step<u64> {
        let simple = word_count(&line.text) == Ok(rows.labels);
        let may_be_field = line.text.first() == Some(&b';') && self.text_field(line.start)?.is_some();
        if simple && (rows.labels > 1 || !may_be_field) {
            let skipped = rows.are_skipped();
            self.line_row(line, rows);
            if skipped {
                self.event(Code::SemicolonRow, line.start);
                rows.skipped = rows.count;
            }
            return Ok(line.next);
        }
        if !rows.are_skipped() {
            return self.odd_row(line, rows);
        }
        if may_be_field && let Some(end) = self.wrapped_row(line, rows)? {
            return Ok(end);
        }
        // Unlike other comments it must not be part of a piece of rows, where it would be a value.
        rows.apart = true;
        self.comment(line);
        Ok(line.next)
    }

    /// Takes a line as one row.
    fn line_row(&mut self, line: &Line, rows: &mut Rows) {
        let mut events = std::mem::take(self.events());
        // Counted before, so there is no quote left open.
        let _ = rows::count(&line.text, line.start, &mut events);
        *self.events() = events;
        self.push_rows(rows, Piece { start: line.start, end: line.next, rows: 1, shape: Shape::Lines });
    }

    /// A line with too few or too many words: a row over several lines, or a fault.
    fn odd_row(&mut self, line: &Line, rows: &mut Rows) -> Step<u64> {
        let labels = rows.labels;
        let at = first_word(line);
        let found = match word_count(&line.text) {
            Err(Unclosed(open)) => {
                let found = quote(line.text.get(open..).unwrap_or_default());
                let expected = "a closing quote before the end of the line".to_owned();
                self.fault(Code::UnclosedQuote, line.start + open as u64, None, expected, found)?;
                rows.apart = true;
                return Ok(line.next);
            }
            Ok(found) => found,
        };
        if (found < labels || line.text.first() == Some(&b';'))
            && let Some(end) = self.wrapped_row(line, rows)?
        {
            return Ok(end);
        }
        let expected = format!("{labels} value{} in a row", if labels == 1 { "" } else { "s" });
        self.fault(Code::RowLength, at, None, expected, format!("{found}: {}", quote(&line.text)))?;
        rows.apart = true;
        Ok(line.next)
    }
}

/// Where the line's first word begins.
pub(super) fn first_word(line: &Line) -> u64 {
    let first = line.text.iter().position(|&byte| !lex::is_blank(byte)).unwrap_or(0);
    line.start + first as u64
}
