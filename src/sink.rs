//! Where a text goes: a file that is replaced as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::fs::{Gid, Uid};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use crate::error::{Result, StarError};

/// Writes a file beside the path, brings it to disk and puts it in the path's place, as [`Replacement`] does.
///
/// # Errors
/// What `write` fails with, and what the operating system says; the file at the path is then as it was.
pub fn replace(path: &Path, durable: bool, write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>) -> Result<()> {
    let replacement = Replacement::begin(path)?;
    let mut file = BufWriter::new(replacement.file());
    write(&mut file)?;
    file.flush()?;
    drop(file);
    replacement.put(durable)
}

/// A file in the making, which takes the place of another in one step.
///
/// Until then it has no name where the file system can do so, so whatever ends the process leaves the old file whole and
/// nothing beside it; in the very instant of that step, the whole new file beside it. A link is followed; the old file's
/// permissions are kept, and its owner if the system lets us. What is no regular file, such as a pipe, is written to
/// directly.
#[derive(Debug)]
pub struct Replacement {
    out: Out,
    target: PathBuf,
    old: Option<fs::Metadata>,
}

#[derive(Debug)]
enum Out {
    Direct(File),
    Beside(Fresh),
}

impl Replacement {
    /// Begins a file that is to be at a path.
    ///
    /// # Errors
    /// What the operating system says; a file that may not be written to is not replaced either.
    pub fn begin(path: &Path) -> Result<Self> {
        let old = match fs::metadata(path) {
            Ok(facts) => Some(facts),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(facts) = &old {
            let file = File::options().write(true).open(path)?;
            if !facts.is_file() {
                return Ok(Self { out: Out::Direct(file), target: path.to_path_buf(), old });
            }
        }
        // Not before: links to pipes, such as /dev/stdout, lead to nothing that has a path.
        let target = followed(path)?;
        Ok(Self { out: Out::Beside(Fresh::beside(&target)?), target, old })
    }

    /// Where to write.
    #[must_use]
    pub fn file(&self) -> &File {
        match &self.out {
            Out::Direct(file) => file,
            Out::Beside(fresh) => fresh.file(),
        }
    }

    /// Puts what was written in the path's place; with `durable` false the system brings it to disk when it likes.
    ///
    /// # Errors
    /// What the operating system says; the file at the path is then as it was.
    pub fn put(self, durable: bool) -> Result<()> {
        let Self { out: Out::Beside(fresh), target, old } = self else { return Ok(()) };
        if let Some(facts) = &old {
            fresh.take_after(facts)?;
        }
        if durable {
            fresh.file().sync_all()?;
        }
        fresh.put(&target, old.is_some())?;
        if durable {
            // The name is as good as the folder that has it. Some systems cannot bring folders to disk.
            let _ = File::open(folder(&target)).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }
}

/// How a text is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Packing {
    #[default]
    None,
    Gzip,
    Zstd,
}

/// Lets `write` write to `out`, packed.
///
/// # Errors
/// What `write` and `out` fail with.
pub fn pack(
    out: &mut (dyn Write + Send),
    packing: Packing,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>,
) -> Result<()> {
    match packing {
        Packing::None => write(out),
        Packing::Gzip => {
            let mut packed = flate2::write::GzEncoder::new(Gate(Some(out)), flate2::Compression::default());
            // A packer that goes out of use ends its text, as if it were whole.
            write(&mut packed).inspect_err(|_| packed.get_mut().0 = None)?;
            packed.finish()?;
            Ok(())
        }
        Packing::Zstd => {
            let mut packed = zstd::stream::write::Encoder::new(Gate(Some(out)), zstd::DEFAULT_COMPRESSION_LEVEL)?;
            write(&mut packed).inspect_err(|_| packed.get_mut().0 = None)?;
            packed.finish()?;
            Ok(())
        }
    }
}

/// Where to, until that is taken away.
struct Gate<'a>(Option<&'a mut (dyn Write + Send)>);

impl Write for Gate<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.flush()
    }
}

/// The file that a path leads to, by however many links; the last may lead to nothing.
fn followed(path: &Path) -> io::Result<PathBuf> {
    const MOST: usize = 40;
    let mut target = path.to_path_buf();
    for _ in 0..MOST {
        match fs::read_link(&target) {
            Ok(next) => target = folder(&target).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(Errno::LOOP.into())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A file that is not in its place yet.
#[derive(Debug)]
enum Fresh {
    /// It has no name, and goes when it is closed; only Linux has such files.
    #[cfg(target_os = "linux")]
    Nameless(File),
    /// It goes when it is dropped, but not when the process is killed.
    Named(NamedTempFile),
}

impl Fresh {
    fn beside(target: &Path) -> io::Result<Self> {
        let folder = folder(target);
        #[cfg(target_os = "linux")]
        if let Some(file) = nameless(folder)? {
            return Ok(Self::Nameless(file));
        }
        let new = |path: &Path| File::options().write(true).create_new(true).open(path);
        named(folder, new).map(Self::Named)
    }

    fn file(&self) -> &File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => file,
            Self::Named(named) => named.as_file(),
        }
    }

    /// Takes on the permissions of the file it replaces, and its owner where that is allowed.
    fn take_after(&self, old: &fs::Metadata) -> io::Result<()> {
        let own = self.file().metadata()?;
        if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
            let (owner, group) = (Uid::from_raw(old.uid()), Gid::from_raw(old.gid()));
            // Only root may give a file away; others may still keep the group.
            let _ = rustix::fs::fchown(self.file().as_fd(), Some(owner), Some(group))
                .or_else(|_| rustix::fs::fchown(self.file().as_fd(), None, Some(group)));
        }
        self.file().set_permissions(old.permissions())
    }

    #[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "a named file replaces either way"))]
    fn put(self, target: &Path, replaces: bool) -> Result<()> {
        match self {
            Self::Named(named) => {
                named.persist(target).map_err(|error| StarError::from(error.error))?;
                Ok(())
            }
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => Ok(put_nameless(&file, target, replaces)?),
        }
    }
}

/// Makes a file with a name of its own.
fn named<F>(folder: &Path, mut make: impl FnMut(&Path) -> io::Result<F>) -> io::Result<NamedTempFile<F>> {
    let mut reason = None;
    let mut builder = tempfile::Builder::new();
    let made = builder
        .prefix(".tomoset-")
        .suffix(".tmp")
        .make_in(folder, |path| make(path).inspect_err(|error| reason = error.raw_os_error()));
    // What comes of `make_in` has lost the system's number, and names a file that nobody has heard of.
    made.map_err(|error| reason.map_or(error, io::Error::from_raw_os_error))
}

/// Makes a file without a name, if the file system can, and the system can give it one later.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, folder, flags, Mode::from_raw_mode(0o666)) {
        Ok(file) if fs::symlink_metadata(descriptor(&file)).is_ok() => Ok(Some(file.into())),
        Ok(_) | Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Where the system lists an open file, which is how a nameless one is given a name.
#[cfg(target_os = "linux")]
fn descriptor(file: impl AsFd) -> PathBuf {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()).into()
}

#[cfg(target_os = "linux")]
fn put_nameless(file: &File, target: &Path, replaces: bool) -> io::Result<()> {
    let link = |to: &Path| rustix::fs::linkat(CWD, descriptor(file), CWD, to, AtFlags::SYMLINK_FOLLOW);
    if !replaces {
        match link(target) {
            // Somebody was faster: the file that came last is the one that stays.
            Err(Errno::EXIST) => {}
            result => return Ok(result?),
        }
    }
    // A name cannot be given to a file while another has it, so there is one in between, for an instant.
    named(folder(target), |path| Ok(link(path)?))?.persist(target).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_was_not_written_is_not_ended() {
        for packing in [Packing::Gzip, Packing::Zstd] {
            let mut out = Vec::new();
            let whole = pack(&mut out, packing, |out| Ok(out.write_all(b"text")?));
            assert!(whole.is_ok());
            let length = out.len();
            out.clear();
            let failed = pack(&mut out, packing, |out| {
                out.write_all(b"text")?;
                Err(StarError::Option("refused".to_owned()))
            });
            assert!(failed.is_err());
            assert!(out.len() < length, "{packing:?}");
        }
    }

    #[test]
    fn where_files_cannot_be_nameless() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("a.star");
        let new = |path: &Path| File::options().write(true).create_new(true).open(path);
        for text in [b"one", b"two"] {
            let fresh = Fresh::Named(named(folder.path(), new).expect("a file"));
            fresh.file().write_all(text).expect("written");
            fresh.put(&target, target.exists()).expect("put in its place");
            assert_eq!(fs::read(&target).expect("read"), text);
        }
        drop(named(folder.path(), new).expect("a file"));
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
        let error = named(&target, new).expect_err("no folder");
        assert_eq!(error.raw_os_error(), Some(libc::ENOTDIR));
    }
}
