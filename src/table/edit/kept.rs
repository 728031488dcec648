//! The text of a file that was read, and its outline, for as long as somebody may want to write it again.

use std::fs::File;
use std::io;
use std::ops::Range;

use arrow_buffer::Buffer;

use crate::source::{Bytes, Stamp};
use crate::star::outline::{Block, Outline, Part};

/// Where the text is.
#[derive(Debug)]
pub enum Place {
    Memory(Buffer),
    /// In a file that is kept open, so that it stays even where another takes its place.
    File {
        file: File,
        stamp: Stamp,
    },
}

/// A text and what is where in it.
#[derive(Debug)]
pub struct Kept {
    pub outline: Outline,
    pub place: Place,
    /// Line feeds stand for lone CRs.
    pub cr_only: bool,
}

impl Kept {
    /// The bytes of a range, read into `memory` when they are not in memory.
    ///
    /// # Errors
    /// What the operating system says; [`io::ErrorKind::UnexpectedEof`] when the file was written to meanwhile.
    pub fn bytes<'m>(&'m self, range: Range<u64>, memory: &'m mut Vec<u8>) -> io::Result<&'m [u8]> {
        let bytes = match &self.place {
            Place::Memory(buffer) => Bytes::Memory { text: buffer.as_slice(), base: 0 },
            Place::File { file, .. } => Bytes::File(file),
        };
        Ok(bytes.range(range.start, range.end, memory)?.0)
    }

    /// # Errors
    /// The file is no longer as it was read.
    pub fn check(&self) -> io::Result<()> {
        match &self.place {
            Place::File { file, stamp } if Stamp::of(file)? != *stamp => Err(io::Error::other(
                "the file that was read has been written to since, so that its text cannot be kept",
            )),
            _ => Ok(()),
        }
    }

    /// A block, by its index.
    #[must_use]
    pub fn block(&self, index: usize) -> Option<&Block> {
        self.outline.blocks.get(index)
    }

    /// What ends a line: CR LF where the first line ends so.
    ///
    /// # Errors
    /// As [`Self::bytes`].
    pub fn line_end(&self) -> io::Result<&'static [u8]> {
        const LOOK: u64 = 4096;
        let mut memory = Vec::new();
        let head = self.bytes(0..self.outline.length.min(LOOK), &mut memory)?;
        let end = memchr::memchr(b'\n', head).unwrap_or(0);
        Ok(if head.get(..end).is_some_and(|line| line.ends_with(b"\r")) { b"\r\n" } else { b"\n" })
    }

    /// Where a block's text begins, comments above its header included, up to where the next one's begins.
    ///
    /// # Errors
    /// As [`Self::bytes`].
    pub fn segment(&self, index: usize) -> io::Result<Range<u64>> {
        let end = if index + 1 < self.outline.blocks.len() { self.lead(index + 1)? } else { self.outline.length };
        Ok(self.lead(index)?..end)
    }

    /// Where the comments above a block's header begin that go with it.
    ///
    /// A blank line above them goes along if there is another above, which closes what is there. Above the first
    /// block only the comment with RELION's version is the block's own; what is above that is the file's.
    fn lead(&self, index: usize) -> io::Result<u64> {
        let Some(block) = self.block(index) else { return Ok(self.outline.length) };
        let before = index.checked_sub(1).and_then(|before| self.block(before));
        let from = before.map_or(0, content_end);
        let mut memory = Vec::new();
        let gap = self.bytes(from.min(block.start)..block.start, &mut memory)?;
        let wanted = |line: &[u8]| match index {
            0 => memchr::memmem::find(line, b"# version ").is_some(),
            _ => line.trim_ascii_start().first() == Some(&b'#'),
        };
        let (mut at, mut blanks, mut last_blank) = (0, 0, 0);
        for line in gap.split_inclusive(|&byte| byte == b'\n') {
            if wanted(line) {
                let lead = if blanks > usize::from(index > 0) { last_blank } else { at };
                return Ok(from + lead as u64);
            }
            if line.trim_ascii().is_empty() && line.ends_with(b"\n") {
                blanks += 1;
                last_blank = at;
            } else {
                blanks = 0;
            }
            at += line.len();
        }
        Ok(block.start)
    }
}

/// Where the last row, label or value of a block ends.
fn content_end(block: &Block) -> u64 {
    match block.parts.last() {
        Some(Part::List(list)) => list.end,
        Some(Part::Loop(table)) => match (table.pieces.last(), table.labels.last()) {
            (Some(piece), _) => piece.end,
            // Somewhere on the line of the last label.
            (None, label) => table.start + label.map_or(0, |label| label.at),
        },
        None => block.start,
    }
}
