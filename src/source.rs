//! Where a text comes from: a path, bytes, gzip or zstd, brought into one shared buffer or behind a window.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use arrow_buffer::Buffer;

use crate::gzip;
use crate::memory::{Zeroed, borrowed, reserve};
use crate::parallel;
use crate::sink;
use crate::star::text::Text;

/// A text in memory.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub buffer: Buffer,
    /// Lines ended in a lone CR, which was made a line feed.
    pub cr_only: bool,
}

/// A text's bytes, wherever they are.
#[derive(Clone, Copy, Debug)]
pub enum Bytes<'a> {
    /// In memory from offset `base` on.
    Memory { text: &'a [u8], base: u64 },
    /// In a file, to be read piece by piece.
    File(&'a File),
}

impl<'a> Bytes<'a> {
    /// The bytes of a range, read into `memory` when they are not in memory yet, and the offset they begin at.
    ///
    /// # Errors
    /// As [`load_path`].
    pub fn range<'m>(self, start: u64, end: u64, memory: &'m mut Vec<u8>) -> io::Result<(&'m [u8], u64)>
    where
        'a: 'm,
    {
        match self {
            Self::Memory { text, base } => {
                let within = |offset: u64| usize::try_from(offset.checked_sub(base)?).ok();
                let range = within(start).zip(within(end)).and_then(|(start, end)| text.get(start..end));
                range.map(|text| (text, start)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            }
            Self::File(file) => {
                resize(memory, usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX))?;
                read_exactly(file, memory, start)?;
                Ok((memory, start))
            }
        }
    }
}

/// How a text is compressed, told by its first bytes (`docs/format.md`, rule 1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

fn packing(head: &[u8]) -> Packing {
    match head {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        // A frame, or a skippable one before it.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Packing::Zstd,
        _ => Packing::None,
    }
}

/// Reads a file into a buffer of our own; maps it instead only when asked.
///
/// A mapped file that somebody truncates kills the process, so mapping is for files at rest.
///
/// # Errors
/// What the operating system says; [`io::ErrorKind::UnexpectedEof`] when the file shrinks meanwhile or a compressed
/// one is cut short; [`io::ErrorKind::IsADirectory`] and [`io::ErrorKind::Unsupported`] for what is no regular file.
pub fn load_path(path: &Path, memory_map: bool, threads: Option<usize>) -> io::Result<Loaded> {
    let (file, length) = open(path)?;
    let mut head = [0; 4];
    let known = file.read_at(&mut head, 0)?;
    let packing = packing(head.get(..known).unwrap_or_default());
    if packing != Packing::None {
        return Ok(load_owned(unpack(&mut &file, packing)?));
    }
    if length == 0 {
        // Some systems' virtual files have no size.
        let mut bytes = Vec::new();
        (&file).read_to_end(&mut bytes)?;
        return Ok(load_owned(bytes));
    }
    if memory_map {
        // SAFETY: the caller asked for it, and is told in the docs that the file must not change.
        let map = Arc::new(unsafe { memmap2::Mmap::map(&file)? });
        // SAFETY: the map neither moves nor is unmapped before its last owner is gone.
        let buffer = unsafe { borrowed(&map, Arc::clone(&map) as Arc<dyn arrow_buffer::alloc::Allocation>) };
        return Ok(load_buffer(buffer));
    }
    let size = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = Zeroed::<u8>::new(size)?;
    let threads = parallel::threads_for(length, parallel::SHARE, threads);
    read_parts(&file, &mut bytes, threads)?;
    let cr_only = mend_line_ends(&mut bytes);
    Ok(Loaded { buffer: bytes.into_buffer(), cr_only })
}

/// Takes bytes that are in memory already, shared or unpacked.
///
/// # Errors
/// As [`load_path`], for compressed bytes.
pub fn load_bytes(buffer: Buffer) -> io::Result<Loaded> {
    match packing(&buffer) {
        Packing::None => Ok(load_buffer(buffer)),
        packing => Ok(load_owned(unpack(&mut buffer.as_slice(), packing)?)),
    }
}

/// Opens a regular file; its size is the one it has now.
///
/// # Errors
/// As [`load_path`].
pub fn open(path: &Path) -> io::Result<(File, u64)> {
    // Not to wait for a writer when the path is a FIFO.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let facts = file.metadata()?;
    if facts.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::EISDIR));
    }
    if !facts.is_file() {
        let words = "not a regular file; open it yourself and pass the file object";
        return Err(io::Error::new(io::ErrorKind::Unsupported, words));
    }
    Ok((file, facts.len()))
}

/// What differs when a file was written to, or is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    length: u64,
    inode: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// # Errors
    /// What the operating system says.
    pub fn of(file: &File) -> io::Result<Self> {
        let facts = file.metadata()?;
        Ok(Self { length: facts.len(), inode: facts.ino(), modified: (facts.mtime(), facts.mtime_nsec()) })
    }

    /// Length, inode, and when it was modified, in seconds and nanoseconds.
    #[must_use]
    pub fn parts(self) -> (u64, u64, i64, i64) {
        (self.length, self.inode, self.modified.0, self.modified.1)
    }
}

/// A text as it is in a file, to be changed and written in its place.
pub struct Original {
    pub loaded: Loaded,
    pub packing: sink::Packing,
    pub stamp: Stamp,
}

/// Reads a file that is to be changed.
///
/// # Errors
/// As [`load_path`]; [`io::ErrorKind::UnexpectedEof`] too where the file is written to meanwhile.
pub fn load_original(path: &Path) -> io::Result<Original> {
    let (mut file, length) = open(path)?;
    let stamp = Stamp::of(&file)?;
    let mut bytes = Vec::new();
    reserve(&mut bytes, usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?)?;
    file.read_to_end(&mut bytes)?;
    if Stamp::of(&file)? != stamp {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file was written to while it was read"));
    }
    let packing = match packing(&bytes) {
        Packing::None => sink::Packing::None,
        Packing::Gzip => sink::Packing::Gzip,
        Packing::Zstd => sink::Packing::Zstd,
    };
    Ok(Original { loaded: load_bytes(Buffer::from_vec(bytes))?, packing, stamp })
}

/// A file whose text can be read piece by piece.
pub struct TextFile {
    pub file: File,
    pub length: u64,
    /// What the file at the path was when it was opened.
    pub origin: Stamp,
    /// It is a nameless copy: unpacked, or mended.
    is_copy: bool,
    /// As [`Loaded::cr_only`].
    pub cr_only: bool,
}

/// Opens a file to be read piece by piece; a compressed one is unpacked into a nameless file first.
///
/// # Errors
/// As [`load_path`].
pub fn open_text(path: &Path) -> io::Result<TextFile> {
    let (mut file, length) = open(path)?;
    let origin = Stamp::of(&file)?;
    let mut head = [0; 4];
    let known = file.read_at(&mut head, 0)?;
    let packing = packing(head.get(..known).unwrap_or_default());
    // Some systems' virtual files have no size; they are copied to have one.
    let is_copy = packing != Packing::None || length == 0;
    if is_copy {
        let mut spool = tempfile::tempfile()?;
        let copied = match packing {
            Packing::Gzip => io::copy(&mut gzip::unpack(&file), &mut spool),
            Packing::Zstd => io::copy(&mut zstd::stream::read::Decoder::new(&file)?, &mut spool),
            Packing::None => io::copy(&mut &file, &mut spool),
        };
        copied.map_err(|error| if packing == Packing::None { error } else { cut_short(packing, &error) })?;
        file = spool;
    }
    let length = file.metadata()?.len();
    match lone_cr(&file, length)? {
        true => mended(&file, length, origin),
        false => Ok(TextFile { file, length, origin, is_copy, cr_only: false }),
    }
}

/// Whether a file has CRs but no line feed; most have a line feed near their start.
fn lone_cr(file: &File, length: u64) -> io::Result<bool> {
    let (mut at, mut any) = (0, false);
    let mut part = vec![0; LOOK];
    while at < length {
        let size = file.read_at(&mut part, at)?;
        let read = part.get(..size).unwrap_or_default();
        if size == 0 || memchr::memchr(b'\n', read).is_some() {
            return Ok(false);
        }
        any |= memchr::memchr(b'\r', read).is_some();
        at += size as u64;
        part.resize(AHEAD, 0);
    }
    Ok(any)
}

/// A nameless copy of a file with line feeds for its CRs.
fn mended(file: &File, length: u64, origin: Stamp) -> io::Result<TextFile> {
    let mut spool = tempfile::tempfile()?;
    let mut at = 0;
    let mut part = vec![0; AHEAD];
    while at < length {
        let size = file.read_at(&mut part, at)?;
        let read = part.get_mut(..size).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        read.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        spool.write_all(read)?;
        at += size as u64;
    }
    Ok(TextFile { file: spool, length: at, origin, is_copy: true, cr_only: true })
}

/// Bytes looked at first for a line feed.
const LOOK: usize = 1 << 12;

fn load_owned(mut bytes: Vec<u8>) -> Loaded {
    let cr_only = mend_line_ends(&mut bytes);
    Loaded { buffer: Buffer::from_vec(bytes), cr_only }
}

fn load_buffer(buffer: Buffer) -> Loaded {
    if is_cr_only(&buffer) {
        return load_owned(buffer.to_vec());
    }
    Loaded { buffer, cr_only: false }
}

/// Bytes that a thread reads at once.
const PART: usize = 1 << 20;

/// Reads the file by several threads.
fn read_parts(file: &File, bytes: &mut [u8], threads: usize) -> io::Result<()> {
    if threads < 2 {
        return read_exactly(file, bytes, 0);
    }
    let parts: Vec<_> = bytes.chunks_mut(PART).enumerate().collect();
    let read = |(index, part): (usize, &mut [u8])| read_exactly(file, part, (index * PART) as u64);
    parallel::consume(parts, threads, read).into_iter().collect()
}

/// Makes a buffer of that many bytes, whatever they are.
fn resize(bytes: &mut Vec<u8>, length: usize) -> io::Result<()> {
    if length > bytes.len() {
        let more = length - bytes.len();
        reserve(bytes, more)?;
    }
    bytes.resize(length, 0);
    Ok(())
}

pub(crate) fn read_exactly(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    file.read_exact_at(bytes, at).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read")
        }
        _ => error,
    })
}

fn unpack(from: &mut dyn Read, packing: Packing) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let result = match packing {
        Packing::Gzip => gzip::unpack(from).read_to_end(&mut bytes),
        Packing::Zstd => zstd::stream::read::Decoder::new(from)?.read_to_end(&mut bytes),
        Packing::None => from.read_to_end(&mut bytes),
    };
    match result {
        Ok(_) => Ok(bytes),
        Err(error) => Err(cut_short(packing, &error)),
    }
}

fn cut_short(packing: Packing, error: &io::Error) -> io::Error {
    let name = if packing == Packing::Gzip { "gzip" } else { "zstd" };
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("{name} data is cut short or damaged: {error}"))
}

/// Whether a text is there as it is to be read: not packed, not empty, with line feeds if any line end.
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    !bytes.is_empty() && packing(bytes) == Packing::None && !is_cr_only(bytes)
}

/// Whether a text that begins so is compressed.
pub(crate) fn is_packed(head: &[u8]) -> bool {
    packing(head) != Packing::None
}

fn is_cr_only(bytes: &[u8]) -> bool {
    memchr::memchr(b'\n', bytes).is_none() && memchr::memchr(b'\r', bytes).is_some()
}

/// Makes line feeds of the CRs of a text without a line feed; its offsets stay.
fn mend_line_ends(bytes: &mut [u8]) -> bool {
    let mend = is_cr_only(bytes);
    if mend {
        for byte in bytes.iter_mut().filter(|byte| **byte == b'\r') {
            *byte = b'\n';
        }
    }
    mend
}

/// A file seen through a window, for outlines and streams in bounded memory.
pub struct Window {
    file: File,
    length: u64,
    origin: Stamp,
    is_copy: bool,
    bytes: Vec<u8>,
    at: u64,
}

/// Bytes read ahead at once.
const AHEAD: usize = 1 << 18;

impl Window {
    #[must_use]
    pub fn new(text: TextFile) -> Self {
        let TextFile { file, length, origin, is_copy, .. } = text;
        Self { file, length, origin, is_copy, bytes: Vec::new(), at: 0 }
    }

    /// The file behind the window.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// What the file at the path was when it was opened.
    #[must_use]
    pub fn origin(&self) -> Stamp {
        self.origin
    }

    /// Whether nobody has written to the file since it was opened.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn is_untouched(&self) -> io::Result<bool> {
        Ok(self.is_copy || Stamp::of(&self.file)? == self.origin)
    }
}

impl Text for Window {
    fn length(&self) -> u64 {
        self.length
    }

    fn view(&mut self, at: u64, want: usize) -> io::Result<&[u8]> {
        let rest = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX);
        let want = want.min(rest);
        let inside = at.checked_sub(self.at).and_then(|skip| usize::try_from(skip).ok());
        let covered = inside.is_some_and(|skip| self.bytes.len().saturating_sub(skip) >= want);
        if !covered {
            resize(&mut self.bytes, want.max(AHEAD).min(rest))?;
            self.at = at;
            read_exactly(&self.file, &mut self.bytes, at)?;
        }
        let skip = usize::try_from(at - self.at).unwrap_or(usize::MAX);
        Ok(self.bytes.get(skip..).unwrap_or_default())
    }

    fn again(&self) -> io::Result<impl Text + Send> {
        Ok(Self { file: self.file()?, bytes: Vec::new(), at: 0, ..*self })
    }
}
