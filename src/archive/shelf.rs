//! Many small files in few large pieces of memory.

use std::io;
use std::ops::Range;
use std::path::Path;

use arrow_buffer::Buffer;

use crate::memory::Zeroed;
use crate::source;

/// Memory is asked for in pieces of this size: fresh memory is dear, page by page, and each piece is on huge pages.
const PIECE: usize = 4 << 20;

/// The texts that one thread has read.
pub struct Shelf {
    thread: usize,
    pieces: Vec<Zeroed<u8>>,
    /// Bytes of the last piece that are in use.
    used: usize,
}

/// Where a text is.
pub enum Shelved {
    On {
        thread: usize,
        piece: usize,
        range: Range<usize>,
    },
    /// In memory of its own: it was mapped, unpacked or mended.
    Alone(Buffer),
}

impl Shelved {
    /// The text's bytes; `shelves` are those of all threads, in order.
    #[must_use]
    pub fn bytes<'s>(&'s self, shelves: &'s [Shelf]) -> &'s [u8] {
        match self {
            Self::Alone(buffer) => buffer,
            Self::On { thread, .. } => shelves.get(*thread).map(|shelf| shelf.bytes(self)).unwrap_or_default(),
        }
    }
}

impl Shelf {
    /// An empty shelf of the thread with this number.
    #[must_use]
    pub fn new(thread: usize) -> Self {
        Self { thread, pieces: Vec::new(), used: 0 }
    }

    /// The bytes of a text that this shelf has read.
    #[must_use]
    pub fn bytes<'s>(&'s self, text: &'s Shelved) -> &'s [u8] {
        match text {
            Shelved::Alone(buffer) => buffer,
            Shelved::On { piece, range, .. } => {
                self.pieces.get(*piece).and_then(|piece| piece.get(range.clone())).unwrap_or_default()
            }
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`source::load_path`].
    pub fn load(&mut self, path: &Path, memory_map: bool) -> io::Result<Shelved> {
        let (file, length) = source::open(path)?;
        // A mapped file has no place here; some systems' virtual files have no size.
        if memory_map || length == 0 {
            return Ok(Shelved::Alone(source::load_path(path, memory_map, Some(1))?.buffer));
        }
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
        if self.pieces.last().is_none_or(|piece| piece.len() - self.used < length) {
            self.pieces.push(Zeroed::new(length.max(PIECE))?);
            self.used = 0;
        }
        let range = self.used..self.used + length;
        let bytes = self.pieces.last_mut().and_then(|piece| piece.get_mut(range.clone())).unwrap_or_default();
        source::read_exactly(&file, bytes, 0)?;
        if !source::is_plain(bytes) {
            return Ok(Shelved::Alone(source::load_bytes(Buffer::from(&*bytes))?.buffer));
        }
        self.used += length;
        Ok(Shelved::On { thread: self.thread, piece: self.pieces.len() - 1, range })
    }
}
