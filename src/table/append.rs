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
    let outs = end.labels.iter().map(|label| out(label, columns, options)).collect::<Result<Vec<_>>>()?;
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
    let outs = if end.separator == b' ' { outs } else { outs.into_iter().map(|out| Out { width: 0, ..out }).collect() };
    let writer = RowWriter::new(outs, 0, end.separator, end.line_end);
    let mut text = Vec::new();
    if !end.ended {
        text.extend_from_slice(end.line_end);
    }
    for row in 0..rows {
        let named = |Refused(label, refusal)| refused("", &label, Some(row), refusal);
        writer.push_fresh(&mut text, row).map_err(named)?;
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
        let (file, _) = source::open(path)?;
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

/// How a file ends.
struct Ending {
    labels: Vec<String>,
    /// Where rows go: below the last line that is neither blank nor a comment.
    at: u64,
    /// Whether a line feed ends that line.
    ended: bool,
    separator: u8,
    line_end: &'static [u8],
}

impl Ending {
    fn of(file: &File, length: u64) -> Result<Self> {
        let mut head = [0; 4];
        let known = usize::try_from(length.min(4)).unwrap_or(0);
        let start = head.get_mut(..known).unwrap_or_default();
        read_exactly(file, start, 0)?;
        if is_packed(start) {
            return Err(odd("a file that is not compressed", "gzip or zstd"));
        }
        let Some(header) = last_loop(file, length)? else {
            return Err(odd("a file whose last table is a loop", "no loop"));
        };
        let labels = labels(file, header, length)?;
        let (line, at) = last_line(file, length)?;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let words: Vec<_> = Words::new(text).collect();
        let first = words.first().and_then(|word| word.as_ref().ok()).map(|word| word.of(text)).unwrap_or_default();
        let is_label = lex::keyword(first) == Some(Keyword::Label);
        // With no rows yet, the last line is a label's.
        let is_header =
            is_label && first.get(1..).map(String::from_utf8_lossy).as_deref() == labels.last().map(String::as_str);
        let is_row = lex::keyword(first).is_none()
            && words.len() == labels.len()
            && words.iter().all(std::result::Result::is_ok);
        if !is_header && !is_row {
            let expected = format!("a last row of {} values on one line", labels.len());
            return Err(odd(&expected, &quote(text)));
        }
        let rest = text.get(text.len() - text.trim_ascii_start().len()..).unwrap_or_default();
        let after = rest.iter().position(|byte| matches!(byte, b' ' | b'\t')).and_then(|at| rest.get(at));
        Ok(Self {
            separator: if is_row && after == Some(&b'\t') { b'\t' } else { b' ' },
            line_end: if text.ends_with(b"\r") { b"\r\n" } else { b"\n" },
            ended: line.ends_with(b"\n"),
            labels,
            at,
        })
    }
}

fn odd(expected: &str, found: &str) -> StarError {
    StarError::Unwritable(Box::new(Unwritable {
        expected: expected.to_owned(),
        found: found.to_owned(),
        ..Unwritable::default()
    }))
}

const WINDOW: u64 = 1 << 18;

/// Where the last line that begins with `loop_` begins; looked for from the end, a window at a time.
fn last_loop(file: &File, length: u64) -> Result<Option<u64>> {
    const KEYWORD: &[u8] = b"loop_";
    let mut end = length;
    let mut window = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(WINDOW);
        // A keyword may lie across two windows.
        let until = length.min(end + KEYWORD.len() as u64);
        window.resize(usize::try_from(until - start).unwrap_or(usize::MAX), 0);
        read_exactly(file, &mut window, start)?;
        let finder = memchr::memmem::FinderRev::new(KEYWORD);
        for at in finder.rfind_iter(&window) {
            let before = window.get(..at).unwrap_or_default();
            let line = memchr::memrchr(b'\n', before).map_or(before, |end| before.get(end + 1..).unwrap_or_default());
            let begins = line.iter().all(|&byte| lex::is_blank(byte)) && (line.len() < at || start == 0);
            let after = window.get(at + KEYWORD.len());
            if begins && after.is_none_or(|byte| byte.is_ascii_whitespace()) {
                return Ok(Some(start + at as u64));
            }
        }
        end = start;
    }
    Ok(None)
}

/// The labels below the `loop_` at an offset.
fn labels(file: &File, header: u64, length: u64) -> Result<Vec<String>> {
    let mut size = WINDOW;
    loop {
        let end = length.min(header + size);
        let mut text = vec![0; usize::try_from(end - header).unwrap_or(usize::MAX)];
        read_exactly(file, &mut text, header)?;
        let mut labels = Vec::new();
        let mut lines = text.split(|&byte| byte == b'\n').skip(1);
        let below = lines.find(|line| {
            let first = Words::new(line).next().and_then(std::result::Result::ok);
            let word = first.map(|word| word.of(line)).unwrap_or_default();
            if lex::keyword(word) == Some(Keyword::Label) {
                let name = word.split(|&byte| byte == b'#').next().and_then(|word| word.get(1..));
                labels.push(String::from_utf8_lossy(name.unwrap_or_default()).into_owned());
            }
            !(word.is_empty() || word.first() == Some(&b';') || lex::keyword(word) == Some(Keyword::Label))
        });
        if below.is_some() || end == length {
            return Ok(labels);
        }
        size *= 4;
    }
}

/// The last line that is neither blank nor a comment, and where the next one begins.
fn last_line(file: &File, length: u64) -> Result<(Vec<u8>, u64)> {
    let mut size = WINDOW;
    loop {
        let start = length.saturating_sub(size);
        let mut text = vec![0; usize::try_from(length - start).unwrap_or(usize::MAX)];
        read_exactly(file, &mut text, start)?;
        let mut end = text.len();
        while end > 0 {
            let before = text.get(..end - 1).unwrap_or_default();
            let begin = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
            if begin == 0 && start > 0 {
                break;
            }
            let line = text.get(begin..end).unwrap_or_default();
            if !matches!(line.trim_ascii_start().first(), None | Some(b'#')) {
                return Ok((line.to_vec(), start + end as u64));
            }
            end = begin;
        }
        if start == 0 {
            return Ok((Vec::new(), length));
        }
        size *= 4;
    }
}
