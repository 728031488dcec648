//! What a walk meets: the entries of one unit, as facts that can be compared, sent elsewhere and read.

use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, LargeBinaryBuilder, LargeStringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Result, StarError};

/// Files up to this size may be kept by the file system without a block of their own.
const IN_INODE: i64 = 4096;

/// What lies at a path, as the folder's listing says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    File,
    Link,
    /// FIFO, socket or device.
    Other,
    /// The empty file with which a job says how it ended.
    Marker,
    /// A folder that cannot be listed; others are no entries.
    Folder,
}

impl Sort {
    const ALL: [Self; 5] = [Self::File, Self::Link, Self::Other, Self::Marker, Self::Folder];

    fn code(self) -> i64 {
        self as i64
    }
}

/// Something that the walk met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the root.
    pub path: Vec<u8>,
    pub sort: Sort,
    pub size: i64,
    pub mtime_ns: i64,
    pub inode: i64,
    /// Of 512 bytes: none for a file that is on tape.
    pub blocks: i64,
    /// Why nothing is known of it.
    pub error: Option<String>,
}

impl Entry {
    #[must_use]
    pub fn new(path: Vec<u8>, sort: Sort, facts: std::io::Result<Metadata>) -> Self {
        let mut entry = Self { path, sort, size: 0, mtime_ns: 0, inode: 0, blocks: 0, error: None };
        match facts {
            Ok(facts) => entry.take(&facts),
            Err(error) => entry.error = Some(error.to_string()),
        }
        entry
    }

    /// A file that somebody names, wherever it is: of a link what it leads to.
    #[must_use]
    pub fn of_path(path: &Path) -> Self {
        let facts = std::fs::metadata(path);
        let sort = if facts.as_ref().map_or(true, Metadata::is_file) { Sort::File } else { Sort::Other };
        Self::new(path.as_os_str().as_bytes().to_vec(), sort, facts)
    }

    /// The path as the tables have it: that of a folder ends in `/`, by which it is one of its own unit.
    #[must_use]
    pub fn text(&self) -> String {
        let text = text_of(&self.path);
        if self.sort == Sort::Folder && !text.is_empty() { format!("{text}/") } else { text }
    }

    /// Whether it is on tape: it has a size, and no blocks. Small files may lie in their inode, which has none either.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.sort == Sort::File && self.size > IN_INODE && self.blocks == 0
    }

    /// Takes over what the system says of the file now.
    pub fn take(&mut self, facts: &Metadata) {
        let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.size = whole(facts.len());
        self.mtime_ns = facts.mtime().saturating_mul(1_000_000_000).saturating_add(facts.mtime_nsec());
        self.inode = whole(facts.ino());
        self.blocks = whole(facts.blocks());
    }

    /// Whether these are the facts of the same bytes, as far as the system tells.
    #[must_use]
    pub fn is_like(&self, facts: &Metadata) -> bool {
        let mut other = self.clone();
        other.take(facts);
        (self.size, self.mtime_ns, self.inode) == (other.size, other.mtime_ns, other.inode)
    }

    /// A number that differs when anything does; those of many entries are added up.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        let mut bytes = self.path.clone();
        for value in [self.sort.code(), self.size, self.mtime_ns, self.inode, i64::from(self.is_offline())] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(self.error.iter().flat_map(|error| error.bytes()));
        xxh3_128(&bytes)
    }
}

/// The columns of [`to_batch`].
fn schema() -> SchemaRef {
    let number = |name: &str| Field::new(name, DataType::Int64, false);
    Arc::new(Schema::new(vec![
        Field::new("path", DataType::LargeBinary, false),
        number("sort"),
        number("size"),
        number("mtime_ns"),
        number("inode"),
        number("blocks"),
        Field::new("error", DataType::LargeUtf8, true),
    ]))
}

/// Entries as columns, to be kept and sent.
///
/// # Errors
/// Only for defects of ours.
pub fn to_batch(entries: &[Entry]) -> Result<RecordBatch> {
    let mut paths = LargeBinaryBuilder::new();
    let mut errors = LargeStringBuilder::new();
    for entry in entries {
        paths.append_value(&entry.path);
        errors.append_option(entry.error.as_deref());
    }
    let numbers = |value: fn(&Entry) -> i64| {
        let mut builder = Int64Builder::with_capacity(entries.len());
        entries.iter().for_each(|entry| builder.append_value(value(entry)));
        Arc::new(builder.finish())
    };
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(paths.finish()),
        numbers(|entry| entry.sort.code()),
        numbers(|entry| entry.size),
        numbers(|entry| entry.mtime_ns),
        numbers(|entry| entry.inode),
        numbers(|entry| entry.blocks),
        Arc::new(errors.finish()),
    ];
    RecordBatch::try_new(schema(), columns).map_err(|error| StarError::Option(error.to_string()))
}

/// The entries that [`to_batch`] made columns of.
///
/// # Errors
/// Other columns.
pub fn of_batch(batch: &RecordBatch) -> Result<Vec<Entry>> {
    let odd = || StarError::Option("these are no entries of a walk".into());
    let column = |name: &str| batch.column_by_name(name).ok_or_else(odd);
    let paths = column("path")?.as_binary_opt::<i64>().ok_or_else(odd)?;
    let errors = column("error")?.as_string_opt::<i64>().ok_or_else(odd)?;
    let numbers = |name: &str| column(name)?.as_primitive_opt::<Int64Type>().ok_or_else(odd);
    let (sorts, sizes, times) = (numbers("sort")?, numbers("size")?, numbers("mtime_ns")?);
    let (inodes, blocks) = (numbers("inode")?, numbers("blocks")?);
    (0..batch.num_rows())
        .map(|row| {
            let sort = usize::try_from(sorts.value(row)).ok().and_then(|code| Sort::ALL.get(code)).ok_or_else(odd)?;
            Ok(Entry {
                path: paths.value(row).to_vec(),
                sort: *sort,
                size: sizes.value(row),
                mtime_ns: times.value(row),
                inode: inodes.value(row),
                blocks: blocks.value(row),
                error: errors.is_valid(row).then(|| errors.value(row).to_owned()),
            })
        })
        .collect()
}

/// A path as text: its parts as they are, or, where one is not UTF-8, with `\xNN` for the bytes that are not and `\\` for
/// backslashes. So is one that looks as if it were written this way, lest two paths have one text.
#[must_use]
pub fn text_of(path: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(path)
        && !text.contains("\\x")
    {
        return text.to_owned();
    }
    // Part by part, so that a folder is written alike in all paths that lead through it.
    let parts: Vec<String> = path.split(|&byte| byte == b'/').map(part_of).collect();
    parts.join("/")
}

fn part_of(part: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(part)
        && !looks_written_so(text)
    {
        return text.to_owned();
    }
    let mut text = String::with_capacity(part.len() + 8);
    for chunk in part.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', "\\\\"));
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

fn looks_written_so(text: &str) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let mut ends = text.match_indices("\\x").filter_map(|(at, mark)| text.as_bytes().get(at + mark.len()..));
    ends.any(|rest| rest.get(..2).is_some_and(|digits| digits.iter().all(is_digit)))
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back() {
        let entry = |path: &[u8], sort, error: Option<&str>| Entry {
            path: path.to_vec(),
            sort,
            size: 7,
            mtime_ns: -3,
            inode: 11,
            blocks: 8,
            error: error.map(str::to_owned),
        };
        let all = [
            entry(b"a/b.star", Sort::File, None),
            entry(b"\xff", Sort::Folder, Some("no")),
            entry(b"", Sort::Marker, None),
        ];
        assert_eq!(of_batch(&to_batch(&all).expect("columns")).expect("entries"), all);
        let fingerprints: std::collections::HashSet<u128> = all.iter().map(Entry::fingerprint).collect();
        assert_eq!(fingerprints.len(), 3);
    }

    #[test]
    fn paths_as_text_are_not_confused() {
        assert_eq!(text_of("caf\u{e9}\\x".as_bytes()), "caf\u{e9}\\x");
        assert_eq!(text_of(b"caf\xe9\\x"), "caf\\xe9\\\\x");
        assert_eq!(text_of(b"a\\b/\xe9"), "a\\b/\\xe9");
        assert_eq!(text_of(b"caf\\xe9"), "caf\\\\xe9");
        assert_eq!(text_of(b"a\\\\xe9\\b/\\b"), "a\\\\\\\\xe9\\\\b/\\b");
    }
}
