//! The structure of a text: blocks, labels and where the rows lie. No value is read (`docs/format.md`, rules 6 to 16).

mod ahead;
mod fields;
mod found;
mod lists;
mod loops;
mod seek;
mod shares;
mod wrapped;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::{Code, Events};
use super::lex::{self, Keyword, Words};
use super::rows;
use super::text::{Line, Text, read_line};
use crate::error::{Fault, Result, StarError};

pub use ahead::{Ahead, OpenLoop};
pub use found::{Block, Collected, Item, Label, LabelEvent, List, Loop, Outline, Part, Span};
pub use shares::outline_shared;

/// What to do at a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Stop at the first one.
    #[default]
    Raise,
    /// Keep every good row and block, and note the fault.
    Collect,
}

/// Finds the blocks of a text.
///
/// `ahead` reads the rows of long loops meanwhile; it saves time and changes nothing.
///
/// # Errors
/// [`crate::error::StarError::Fault`] without a position for the first fault, unless faults are collected; whatever the text fails with.
pub fn outline<T: Text>(
    text: T,
    on_error: OnError,
    ahead: Option<&mut dyn Ahead>,
) -> std::result::Result<Outline, Stop> {
    outline_with(text, on_error, ahead, &mut Memory::default())
}

/// What may be kept from one text to the next, to save time where they are alike.
#[derive(Default)]
pub struct Memory {
    header: loops::HeaderCache,
    labels: HashSet<Arc<[Label]>>,
    spare: Line,
}

impl Memory {
    /// Labels like these that are known already, so that loops with equal labels share them.
    fn shared(&mut self, labels: Arc<[Label]>) -> Arc<[Label]> {
        if let Some(known) = self.labels.get(&labels) {
            return Arc::clone(known);
        }
        self.labels.insert(Arc::clone(&labels));
        labels
    }
}

/// As [`outline`]; loops whose labels are like some that are remembered share these.
///
/// # Errors
/// As [`outline`].
pub fn outline_with<T: Text>(
    text: T,
    on_error: OnError,
    ahead: Option<&mut dyn Ahead>,
    memory: &mut Memory,
) -> std::result::Result<Outline, Stop> {
    let end = text.length();
    let mut outliner = Outliner::new(text, 0..end, on_error, memory);
    outliner.ahead = ahead;
    outliner.skip_byte_order_mark()?;
    outliner.run()?;
    Ok(outliner.found)
}

/// Why an outline could not be made.
#[derive(Debug)]
pub enum Stop {
    /// A fault whose line and column are not counted yet.
    Fault(Box<Fault>),
    Error(Box<StarError>),
}

impl From<StarError> for Stop {
    fn from(error: StarError) -> Self {
        Self::Error(Box::new(error))
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        StarError::from(error).into()
    }
}

type Step<T> = std::result::Result<T, Stop>;

/// What a line is, seen on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Blank,
    Comment,
    /// A semicolon at the very start of the line.
    Semicolon,
    /// A semicolon as the first character after blanks, where no text field begins.
    Indented,
    Keyword(Keyword),
    Other,
}

fn kind(line: &[u8]) -> Kind {
    let text = lex::trim(line);
    match text.first() {
        None => Kind::Blank,
        Some(b'#') => Kind::Comment,
        Some(b';') if line.first() == Some(&b';') => Kind::Semicolon,
        Some(b';') => Kind::Indented,
        Some(_) => {
            let end = text.iter().position(|&byte| lex::is_blank(byte)).unwrap_or(text.len());
            lex::keyword(text.get(..end).unwrap_or_default()).map_or(Kind::Other, Kind::Keyword)
        }
    }
}

struct Outliner<'a, 'm, T: Text> {
    text: T,
    length: u64,
    at: u64,
    /// Where to stop: at the end, or at the header of a block that somebody else begins with.
    until: u64,
    on_error: OnError,
    ahead: Option<&'a mut dyn Ahead>,
    found: Outline,
    /// Faults collected in the blocks before.
    faults_before: usize,
    version: Option<i64>,
    memory: &'m mut Memory,
    sought: Vec<seek::Sought>,
    /// Of this loop, no line before this one begins a row over several lines.
    no_wrap_before: u64,
    field_end: fields::FieldEnd,
}

impl<'m, T: Text> Outliner<'_, 'm, T> {
    fn new(text: T, range: Range<u64>, on_error: OnError, memory: &'m mut Memory) -> Self {
        let length = text.length();
        Self {
            length,
            text,
            at: range.start,
            until: range.end,
            on_error,
            ahead: None,
            found: Outline { length, ..Outline::default() },
            faults_before: 0,
            version: None,
            memory,
            sought: Vec::new(),
            no_wrap_before: 0,
            field_end: fields::FieldEnd::default(),
        }
    }

    fn run(&mut self) -> Step<()> {
        while self.at < self.until
            && let Some(line) = self.line(self.at)?
        {
            let kind = kind(&line.text);
            if !matches!(kind, Kind::Keyword(Keyword::Data | Keyword::Loop | Keyword::Label)) {
                self.returns(&line, false);
            }
            self.at = match kind {
                Kind::Blank => line.next,
                Kind::Comment | Kind::Semicolon | Kind::Indented => {
                    self.comment(&line);
                    line.next
                }
                Kind::Keyword(Keyword::Data) => self.block(&line),
                Kind::Other if self.is_header_within(&line)? => self.block(&line),
                Kind::Keyword(Keyword::Loop) => self.loop_part(&line)?,
                Kind::Keyword(Keyword::Label) => self.list_part(&line)?,
                Kind::Keyword(Keyword::Unsupported) => {
                    self.fault_at(&line, Code::UnsupportedKeyword, "a data_ block, a loop_, a label or a comment")?;
                    line.next
                }
                Kind::Other => {
                    let (code, expected) = match self.found.blocks.last() {
                        None => (Code::NotStar, "a data_ line as the first content of a STAR file"),
                        Some(_) => (Code::JunkLine, "a label, a keyword or a comment"),
                    };
                    self.fault_at(&line, code, expected)?;
                    line.next
                }
            };
            self.recycle(line);
        }
        self.close_block(self.at.max(self.until));
        if self.at >= self.length {
            self.end_search();
        }
        Ok(())
    }

    fn skip_byte_order_mark(&mut self) -> Step<()> {
        if self.text.view(0, 3)?.starts_with(b"\xef\xbb\xbf") {
            self.event(Code::ByteOrderMark, 0);
            self.at = 3;
        }
        Ok(())
    }

    /// Begins the block whose header `line` is.
    fn block(&mut self, line: &Line) -> u64 {
        self.close_block(line.start);
        // RELION, looking for this block, meets all lines above.
        self.found.events.turn(Code::CrLfHarmless, Code::CrLf);
        let text = lex::trim(&line.text);
        let within = if kind(text) == Kind::Other { memchr::memmem::find(text, b"data_").unwrap_or(0) } else { 0 };
        let text = text.get(within..).unwrap_or_default();
        let (keyword, rest) = text.split_at_checked(b"data_".len()).unwrap_or((text, &[]));
        let comment = rest.windows(2).position(|pair| matches!(pair, [blank, b'#'] if lex::is_blank(*blank)));
        let named = comment.map_or(rest, |at| rest.get(..at).unwrap_or_default());
        let name = lex::trim(named);
        let mut events = Events::default();
        if keyword != b"data_" {
            events.add(Code::KeywordCase, line.start);
        }
        if comment.is_some() {
            events.add(Code::BlockNameComment, line.start);
        }
        let tail = line.text.strip_suffix(b"\r").unwrap_or(&line.text);
        let led = !name.is_empty() && named.first().is_some_and(|&byte| lex::is_blank(byte));
        if led || (comment.is_none() && tail.last() == Some(&b'\t')) {
            events.add(Code::BlockNameBlanks, line.start);
        }
        if within > 0 {
            events.add(Code::HeaderWithin, line.start);
        }
        let is_content = |word: lex::Word| matches!(lex::keyword(word.of(name)), Some(Keyword::Label | Keyword::Loop));
        if Words::new(name).flatten().skip(usize::from(!led)).any(is_content) {
            events.add(Code::ContentInHeader, line.start);
        }
        self.open_block(&String::from_utf8_lossy(name), line.start, events);
        self.seek(line);
        self.sought.push(seek::Sought { block: self.found.blocks.len() - 1, list: None });
        if std::str::from_utf8(name).is_err() {
            self.event(Code::InvalidUtf8, line.start);
        }
        if line.text.last() == Some(&b'\r') {
            self.event(Code::CrLf, line.start);
        }
        line.next
    }

    fn open_block(&mut self, name: &str, start: u64, events: Events) {
        self.faults_before = self.found.faults.len();
        self.found.blocks.push(Block {
            name: name.into(),
            start,
            end: start,
            version: self.version,
            parts: Vec::new(),
            events,
            labels: Vec::new(),
        });
    }

    /// Content before any header belongs to a block without a name.
    fn ensure_block(&mut self, line: &Line) {
        if self.found.blocks.is_empty() {
            self.open_block("", line.start, Events::default());
            self.event(Code::MissingDataHeader, line.start);
        }
    }

    fn close_block(&mut self, end: u64) {
        let at_end = end >= self.length;
        if let Some(block) = self.found.blocks.last_mut() {
            block.end = end;
            if !at_end || block.events.has(Code::CrLf) {
                block.events.turn(Code::CrLfHarmless, Code::CrLf);
            }
        }
    }

    fn push_part(&mut self, part: Part) {
        let start = part.start();
        if let Some(block) = self.found.blocks.last_mut() {
            if !block.parts.is_empty() {
                block.events.add(Code::SeveralTables, start);
            }
            block.parts.push(part);
        }
    }

    /// Notes the CRs of a line.
    fn returns(&mut self, line: &Line, in_row: bool) {
        rows::note_returns(&line.text, line.start, in_row, self.events());
    }

    /// Notes something odd in the open block, or before any.
    fn event(&mut self, code: Code, offset: u64) {
        self.events().add(code, offset);
    }

    fn events(&mut self) -> &mut Events {
        match self.found.blocks.last_mut() {
            Some(block) => &mut block.events,
            None => &mut self.found.events,
        }
    }

    /// Raises or collects a fault at the line's first word.
    fn fault_at(&mut self, line: &Line, code: Code, expected: &str) -> Step<()> {
        self.fault(code, loops::first_word(line), None, expected.into(), quote(&line.text))
    }

    /// Raises or collects a fault (rule 18).
    fn fault(&mut self, code: Code, offset: u64, label: Option<&str>, expected: String, found: String) -> Step<()> {
        let block = self.found.blocks.last().map(|block| block.name.to_string());
        let fault = Fault { code, offset, block, label: label.map(str::to_owned), expected, found };
        match self.on_error {
            OnError::Raise => Err(Stop::Fault(Box::new(fault))),
            OnError::Collect => {
                let of_block = self.found.faults.get_mut(self.faults_before..).unwrap_or_default();
                match of_block.iter_mut().find(|known| known.fault.code == code) {
                    Some(known) => known.count += 1,
                    None => self.found.faults.push(Collected { fault, count: 1 }),
                }
                Ok(())
            }
        }
    }

    /// The line at an offset, in a buffer that [`Self::recycle`] takes back.
    fn line(&mut self, at: u64) -> Step<Option<Line>> {
        let mut line = std::mem::take(&mut self.memory.spare);
        Ok(read_line(&mut self.text, at, &mut line)?.then_some(line))
    }

    fn recycle(&mut self, line: Line) {
        self.memory.spare = line;
    }

    /// The kind of the next line that is neither blank nor a comment with `#`.
    fn next_kind(&mut self, mut at: u64) -> Step<Option<Kind>> {
        while let Some(line) = self.line(at)? {
            let found = kind(&line.text);
            at = line.next;
            self.recycle(line);
            if !matches!(found, Kind::Blank | Kind::Comment) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// The start of a line or value, for people.
pub(crate) fn quote(text: &[u8]) -> String {
    quote_all(lex::trim(text))
}

/// The same with the blanks around it.
pub(crate) fn quote_all(text: &[u8]) -> String {
    const LONGEST: usize = 60;
    if text.is_empty() {
        return "nothing".into();
    }
    let cut = text.get(..LONGEST).unwrap_or(text);
    let words = String::from_utf8_lossy(cut);
    let dots = if cut.len() < text.len() { "..." } else { "" };
    format!("'{}{dots}'", words.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\""))
}

/// The words of a line, or the offset of a quote that does not close.
fn word_count(line: &[u8]) -> std::result::Result<u64, lex::Unclosed> {
    let mut count = 0;
    for word in Words::new(line) {
        word?;
        count += 1;
    }
    Ok(count)
}

/// Turns a stop into an error that knows its line and column.
///
/// # Errors
/// Always; the type lets callers use `?`.
pub fn raise<T: Text, O>(stop: Stop, text: &mut T) -> Result<O> {
    match stop {
        Stop::Error(error) => Err(*error),
        Stop::Fault(fault) => Err(super::position::faulty(*fault, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Outline {
        outline(text.as_bytes(), OnError::Raise, None).expect("no fault")
    }

    fn fault(text: &str) -> Fault {
        match outline(text.as_bytes(), OnError::Raise, None) {
            Err(Stop::Fault(fault)) => *fault,
            other => panic!("{other:?}"),
        }
    }

    fn codes(outline: &Outline) -> Vec<&'static str> {
        let blocks = outline.blocks.iter().flat_map(|block| block.events.iter());
        outline.events.iter().chain(blocks).map(|event| event.code.id()).collect()
    }

    fn rows(outline: &Outline) -> Vec<Vec<u64>> {
        outline.blocks.iter().map(|block| block.parts.iter().map(Part::rows).collect()).collect()
    }

    const HEAD: &str = "data_x\n\nloop_ \n_a #1 \n_b #2 \n";

    #[test]
    fn blocks_lists_and_loops() {
        let found = read("# version 50001\ndata_g\n\n_a 1\n_b 'x y'\n\ndata_x\nloop_\n_a #1\n_b\n1 2\n3 4\n\n");
        assert_eq!(rows(&found), [vec![1], vec![2]]);
        assert_eq!(found.blocks[0].version, Some(50001));
        assert_eq!(codes(&found), Vec::<&str>::new());
    }

    #[test]
    fn rows_go_on_after_blanks_comments_and_wraps() {
        let found = read(&format!("{HEAD}_c\n1 2 3\n\n3 4 5\n# c\n5 6 7\n7 8\n9\n"));
        assert_eq!(rows(&found), [[4]]);
        assert_eq!(codes(&found), ["R101", "R102", "R104"]);
        // With two labels RELION makes two rows of it.
        assert_eq!(fault(&format!("{HEAD}7\n8\n")).code, Code::RowLength);
    }

    #[test]
    fn keywords_end_a_loop_unless_they_are_a_row() {
        assert_eq!(rows(&read(&format!("{HEAD}1 2\nloop_ x\ndata_y z\nsave_ v\n3 4\n_u v\n"))), [[6]]);
        assert_eq!(rows(&read(&format!("{HEAD}1 2\ndata_y\nloop_\n_c\n1\n"))), [[1], [1]]);
        assert_eq!(rows(&read(&format!("{HEAD}1 2\n\n_c 5\n"))), [[1, 1]]);
    }

    #[test]
    fn text_fields() {
        let found = read(&format!("{HEAD}1\n;two\nlines\n;\n3 4\n;5\n;\n6\n"));
        assert_eq!(rows(&found), [[3]]);
        let found = read("data_x\n_a\n;line one\ndata_no\n;\n_b 3\n");
        assert_eq!(rows(&found), [[1]]);
        let Part::List(list) = &found.blocks[0].parts[0] else { panic!("a list") };
        assert_eq!(list.items.len(), 2);
    }

    #[test]
    fn faults_say_where() {
        let found = fault(&format!("{HEAD}1 2\n1 2 3\n"));
        assert_eq!((found.code, found.offset), (Code::RowLength, HEAD.len() as u64 + 4));
        assert_eq!(fault(&format!("{HEAD}1\n")).code, Code::RowLength);
        assert_eq!(fault(&format!("{HEAD}'1 2\n")).code, Code::UnclosedQuote);
        assert_eq!(fault("<html>\n").code, Code::NotStar);
        assert_eq!(fault("data_x\n_a\n").code, Code::ValueMissing);
        assert_eq!(fault("data_x\n_ 5\n").code, Code::EmptyLabel);
    }

    #[test]
    fn collecting_keeps_the_good_rows() {
        let text = format!("{HEAD}1 2\n1 2 3\n3 4\n\ndata_y\n\n_a 5\njunk\n_b\n_c 7\n");
        let found = outline(text.as_bytes(), OnError::Collect, None).expect("collected");
        assert_eq!(rows(&found), [[2], [1]]);
        let codes = |found: &Outline| -> Vec<_> {
            found.faults.iter().map(|known| (known.fault.code.id(), known.fault.offset, known.count)).collect()
        };
        let head = HEAD.len() as u64;
        assert_eq!(codes(&found), [("R201", head + 4, 1), ("R202", head + 28, 1), ("R203", head + 35, 1)]);
        // Of one code in one block the first is kept, and the others are counted.
        let text = format!("{HEAD}{}\n", "1\n".repeat(1000)).repeat(2);
        let found = outline(text.as_bytes(), OnError::Collect, None).expect("collected");
        assert_eq!(codes(&found), [("R201", head, 1000), ("R201", 2 * head + 2001, 1000)]);
    }

    #[test]
    fn equal_headers_share_their_labels() {
        let one = "data_x\n\nloop_\n_a #1\n_b #2\n 1 2\n\n";
        let found = read(&one.repeat(3));
        let labels: Vec<_> = found
            .blocks
            .iter()
            .map(|block| match &block.parts[0] {
                Part::Loop(table) => Arc::as_ptr(&table.labels),
                Part::List(_) => panic!("a loop"),
            })
            .collect();
        assert!(labels.windows(2).all(|pair| std::ptr::addr_eq(pair[0], pair[1])));
        // One label more is another header.
        let found = read(&format!("{one}data_y\n\nloop_\n_a #1\n_b #2\n_c\n 1 2 3\n"));
        assert_eq!(found.blocks[1].parts[0].labels().count(), 3);
    }
}
