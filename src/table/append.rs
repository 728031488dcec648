//! Rows added to the last loop of a file, which is looked at from its end: nothing above is read, it is copied.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use arrow_array::ArrayRef;
use rustix::fs::FlockOperation;

use super::edit::row::{Out, Refused, RowWriter};
use super::encode::block::refused;
use super::encode::cell::{Cells, Style};
use super::encode::options::WriteOptions;
use crate::error::{Result, StarError, Unwritable};
use crate::near;
use crate::sink;
use crate::source::{self, is_packed, read_exactly};
use crate::star::lex::{self, Keyword, Words};
use crate::star::outline::quote;

/// A column of the rows.
pub struct Given {
    pub label: String,
    pub values: ArrayRef,
}

/// Adds rows below the last loop's last row. The file is replaced as a whole, so that whoever reads it sees all of the
/// rows or none; two that add rows at once take turns.
///
/// # Errors
/// A file whose last table is no loop, or whose last row is not on a line of its own; columns that differ from the
/// loop's; values that cannot be written; what the operating system says. The file is then as it was.
pub fn append(path: &Path, columns: &[Given], rows: usize, options: &WriteOptions, durable: bool) -> Result<()> {
    let (file, length) = locked(path)?;
    let end = Ending::of(&file, length)?;
    options.check(end.labels.iter().map(String::as_str))?;
    let extra = columns.iter().find(|column| !end.labels.contains(&column.label));
    if let Some(Given { label, .. }) = extra {
        let known = end.labels.iter().map(String::as_str);
        return Err(StarError::MissingLabel {
            label: label.clone(),
            block: None,
            hint: near::hint(label, "_", known),
            path: None,
        });
    }
    let outs = end.labels.iter().map(|label| out(label, columns, options)).collect::<Result<Vec<_>>>()?;
    let outs = if end.separator == b' ' { outs } else { outs.into_iter().map(|out| Out { width: 0, ..out }).collect() };
    if rows == 0 {
        return Ok(());
    }
    let writer = RowWriter::new(outs, 0, false, end.separator, end.line_end);
    let mut text = Vec::new();
    if !end.ended {
        text.extend_from_slice(end.line_end);
    }
    for row in 0..rows {
        let named = |Refused(label, refusal)| refused("", &label, Some(row), refusal);
        writer.push_fresh(&mut text, row).map_err(named)?;
    }
    if !end.has_rows && !begins_blank(&file, end.at..length)? {
        // RELION takes whatever follows rows without a blank line for a row.
        text.extend_from_slice(end.line_end);
    }
    sink::replace(path, durable, |out| {
        copy(&file, 0..end.at, out)?;
        out.write_all(&text)?;
        copy(&file, end.at..length, out)?;
        Ok(())
    })
}

fn out(label: &str, columns: &[Given], options: &WriteOptions) -> Result<Out> {
    let given = columns.iter().find(|column| column.label == label).ok_or_else(|| {
        StarError::Unwritable(Box::new(Unwritable {
            label: Some(label.to_owned()),
            expected: "a value for each label of the file's last loop".to_owned(),
            found: "none".to_owned(),
            ..Unwritable::default()
        }))
    })?;
    let cells = Cells::new(&given.values, Style::of(label, false, options).unpadded());
    let cells = cells.map_err(|refusal| refused("", label, None, refusal))?;
    let width = options.layout.width(cells.column().is_number(), false);
    Ok(Out { label: label.to_owned(), word: None, cells: Some(cells), old: None, width })
}

/// The file, once nobody else adds rows to it, and its length.
fn locked(path: &Path) -> Result<(File, u64)> {
    loop {
        source::open(path)?;
        // Some network file systems lock only what is open for writing.
        let file = File::options().read(true).write(true).open(path)?;
        rustix::fs::flock(&file, FlockOperation::LockExclusive).map_err(io::Error::from)?;
        // Whoever was before us has put another file in its place.
        let (own, now) = (file.metadata()?, std::fs::metadata(path)?);
        if (own.ino(), own.dev()) == (now.ino(), now.dev()) {
            return Ok((file, own.len()));
        }
    }
}

fn copy(file: &File, range: std::ops::Range<u64>, out: &mut dyn Write) -> Result<()> {
    const PART: u64 = 1 << 20;
    let mut part = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let size = PART.min(range.end - at);
        part.resize(usize::try_from(size).unwrap_or(usize::MAX), 0);
        read_exactly(file, &mut part, at)?;
        out.write_all(&part)?;
        at += size;
    }
    Ok(())
}

/// Whether there is nothing, or first a blank line.
fn begins_blank(file: &File, range: std::ops::Range<u64>) -> Result<bool> {
    const LOOK: u64 = 4096;
    let mut text = vec![0; usize::try_from(LOOK.min(range.end - range.start)).unwrap_or(0)];
    read_exactly(file, &mut text, range.start)?;
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    Ok(line.trim_ascii().is_empty())
}

/// How a file ends.
struct Ending {
    has_rows: bool,
    labels: Vec<String>,
    /// Where rows go: below the last line that is neither blank nor a comment.
    at: u64,
    /// Whether a line feed ends that line.
    ended: bool,
    separator: u8,
    line_end: &'static [u8],
}

impl Ending {
    /// Goes through the lines of the last loop, from the file's end up to its header.
    fn of(file: &File, length: u64) -> Result<Self> {
        let mut head = [0; 4];
        let known = usize::try_from(length.min(4)).unwrap_or(0);
        let start = head.get_mut(..known).unwrap_or_default();
        read_exactly(file, start, 0)?;
        if is_packed(start) {
            return Err(odd("a file that is not compressed", "gzip or zstd"));
        }
        let mut tail = Tail::default();
        let mut lines = LinesBelow { file, start: length, text: Vec::new(), end: 0 };
        while let Some((line, end)) = lines.next_above()? {
            if tail.take(line, end)? {
                return tail.ending();
            }
        }
        Err(odd(LOOP, "no loop"))
    }
}

const LOOP: &str = "a file whose last table is a loop";

/// What was met below a loop's header, from below to above.
#[derive(Default)]
struct Tail {
    /// The last line that is neither blank nor a comment, and where the next one begins.
    last: Option<(Vec<u8>, u64)>,
    last_is_row: bool,
    /// Some line ends in CR LF.
    returns: bool,
    labels: Vec<String>,
}

impl Tail {
    /// Takes the next line above; true when it is the loop's header.
    fn take(&mut self, line: &[u8], end: u64) -> Result<bool> {
        self.returns |= line.ends_with(b"\r\n");
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        if text.strip_suffix(b"\r").unwrap_or(text).contains(&b'\r') {
            return Err(odd("lines that end in line feeds", "lone CRs"));
        }
        let words: Vec<_> = Words::new(text).collect();
        let Some(first) = words.first() else { return Ok(false) };
        let first = first.as_ref().map(|word| word.of(text)).unwrap_or_default();
        let alone = words.len() == 1;
        match lex::keyword(first) {
            Some(Keyword::Loop) if alone => return Ok(true),
            Some(Keyword::Label) if alone => {
                let name = first.split(|&byte| byte == b'#').next().and_then(|word| word.get(1..));
                self.labels.push(String::from_utf8_lossy(name.unwrap_or_default()).into_owned());
            }
            Some(_) => return Err(odd(LOOP, &quote(text))),
            // A text field has such lines, and a list may stand below the rows.
            None if line.first() == Some(&b';') || !self.labels.is_empty() => return Err(odd(LOOP, &quote(text))),
            None => self.last_is_row |= self.last.is_none(),
        }
        self.last.get_or_insert_with(|| (line.to_vec(), end));
        Ok(false)
    }

    fn ending(mut self) -> Result<Ending> {
        self.labels.reverse();
        let Some((line, at)) = self.last else { return Err(odd(LOOP, "a loop without labels")) };
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let words: Vec<_> = Words::new(text).collect();
        if self.last_is_row && (words.len() != self.labels.len() || words.iter().any(std::result::Result::is_err)) {
            let expected = format!("a last row of {} values on one line", self.labels.len());
            return Err(odd(&expected, &quote(text)));
        }
        let rest = text.trim_ascii_start();
        let after = rest.iter().position(|byte| matches!(byte, b' ' | b'\t')).and_then(|at| rest.get(at));
        Ok(Ending {
            separator: if self.last_is_row && after == Some(&b'\t') { b'\t' } else { b' ' },
            line_end: if text.ends_with(b"\r") || (self.returns && text.len() == line.len()) { b"\r\n" } else { b"\n" },
            ended: line.ends_with(b"\n"),
            has_rows: self.last_is_row,
            labels: self.labels,
            at,
        })
    }
}

/// The lines of a file from its last to its first, brought in some at a time.
struct LinesBelow<'a> {
    file: &'a File,
    /// Where `text` begins.
    start: u64,
    text: Vec<u8>,
    /// How much of `text` is above the lines that were given.
    end: usize,
}

impl LinesBelow<'_> {
    /// The line above the one before, its line feed included, and where it ends in the file.
    fn next_above(&mut self) -> Result<Option<(&[u8], u64)>> {
        const WINDOW: u64 = 1 << 18;
        let mut window = WINDOW;
        loop {
            let before = self.text.get(..self.end.saturating_sub(1)).unwrap_or_default();
            let begin = memchr::memrchr(b'\n', before).map(|at| at + 1);
            if begin.is_none() && self.start > 0 {
                // The line begins further above.
                let start = self.start.saturating_sub(window);
                let more = usize::try_from(self.start - start).unwrap_or(usize::MAX);
                let mut text = vec![0; more];
                read_exactly(self.file, &mut text, start)?;
                text.extend_from_slice(self.text.get(..self.end).unwrap_or_default());
                (self.start, self.text, self.end) = (start, text, more + self.end);
                window *= 2;
                continue;
            }
            if self.end == 0 {
                return Ok(None);
            }
            let range = begin.unwrap_or(0)..self.end;
            self.end = range.start;
            let end = self.start + range.end as u64;
            return Ok(Some((self.text.get(range).unwrap_or_default(), end)));
        }
    }
}

fn odd(expected: &str, found: &str) -> StarError {
    StarError::Unwritable(Box::new(Unwritable {
        expected: expected.to_owned(),
        found: found.to_owned(),
        ..Unwritable::default()
    }))
}
