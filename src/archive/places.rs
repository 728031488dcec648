//! Where paths lead to from a project's folder: in it or out of it, and whether something is there. Nothing is opened.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::file::as_os;
use super::within::Within;
use crate::relion::paths::Kind;

/// How a path is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Relative,
    /// From the system's root.
    Absolute,
    /// With `..` in it.
    Dots,
    /// Out of the folder by a symbolic link.
    Link,
}

impl Way {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Relative => "relative",
            Self::Absolute => "absolute",
            Self::Dots => "dots",
            Self::Link => "link",
        }
    }
}

/// Where a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub inside: bool,
    pub way: Way,
    /// Nothing where that is not to be looked at, or cannot be.
    pub present: Option<bool>,
}

/// Names in a folder, and which of them are links; nothing for a folder that cannot be looked at.
type Names = Option<HashMap<OsString, bool>>;

/// The paths below a project's folder. Each folder is looked at once.
pub struct Places {
    root: PathBuf,
    within: Within,
    folders: HashMap<PathBuf, Names>,
    known: HashMap<(Vec<u8>, bool), Place>,
}

impl Places {
    /// # Errors
    /// There is no such folder.
    pub fn new(root: &Path) -> io::Result<Self> {
        let within = Within::new(root)?;
        Ok(Self { root: root.to_path_buf(), within, folders: HashMap::new(), known: HashMap::new() })
    }

    /// Where a path leads to that is of such a kind.
    pub fn find(&mut self, path: &[u8], kind: Kind) -> Place {
        let part = if matches!(kind, Kind::Stem | Kind::Option) { looked_for(path, kind) } else { path };
        let key = (part.to_vec(), path.first() == Some(&b'/'));
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let found = self.look(part, path);
        self.known.insert(key, found);
        found
    }

    /// `part` is what there is to look for of the path.
    fn look(&mut self, part: &[u8], path: &[u8]) -> Place {
        // A NUL ends what the system takes for a path.
        let length = part.iter().position(|&byte| byte == 0).unwrap_or(part.len());
        let place = self.root.join(as_os(part.get(..length).unwrap_or_default()));
        // The folder itself is in no folder of the project.
        let inside = place.components().eq(self.root.components()) || self.within.holds(&place);
        let has_dots = path.split(|&byte| byte == b'/').any(|name| name == b"..");
        let way = match () {
            () if path.first() == Some(&b'/') => Way::Absolute,
            () if has_dots => Way::Dots,
            () if inside => Way::Relative,
            () => Way::Link,
        };
        Place { inside, way, present: if inside { self.is_there(&place) } else { None } }
    }

    fn is_there(&mut self, place: &Path) -> Option<bool> {
        let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else {
            return Some(fs::metadata(place).is_ok());
        };
        if !self.folders.contains_key(folder) {
            self.folders.insert(folder.to_path_buf(), names(folder));
        }
        let names = self.folders.get(folder)?.as_ref()?;
        Some(match names.get(name) {
            // What it leads to may not be there.
            Some(true) => fs::metadata(place).is_ok(),
            found => found.is_some(),
        })
    }
}

/// The part of a path that there is to look for: of what names begin with, and of names with wildcards, the folder.
fn looked_for(path: &[u8], kind: Kind) -> &[u8] {
    let end = match kind {
        Kind::Stem => path.len(),
        _ => match path.iter().position(|byte| matches!(byte, b'*' | b'?' | b'[')) {
            Some(wild) => wild,
            None => return path,
        },
    };
    let slash = memchr::memrchr(b'/', path.get(..end).unwrap_or_default());
    slash.and_then(|slash| path.get(..slash.max(1))).unwrap_or(b".")
}

fn names(folder: &Path) -> Names {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let gone = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
                || error.raw_os_error() == Some(libc::ENAMETOOLONG);
            return gone.then(HashMap::new);
        }
    };
    let named = |entry: fs::DirEntry| {
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        (entry.file_name(), is_link)
    };
    entries.map(|entry| entry.map(named)).collect::<io::Result<_>>().ok()
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there() {
        let top = tempfile::tempdir().expect("a folder");
        let root = top.path().join("root");
        fs::create_dir_all(root.join("a/b")).expect("made");
        fs::write(root.join("a/file"), "").expect("written");
        fs::write(top.path().join("out"), "").expect("written");
        std::os::unix::fs::symlink("none", root.join("a/broken")).expect("linked");
        std::os::unix::fs::symlink(top.path(), root.join("up")).expect("linked");
        let mut places = Places::new(&root).expect("there");
        let inside = |way, present| Place { inside: true, way, present: Some(present) };
        let outside = |way| Place { inside: false, way, present: None };
        let absolute = format!("{}/a/file", root.display());
        for (path, kind, expected) in [
            ("a/file", Kind::Image, inside(Way::Relative, true)),
            ("a/none", Kind::Image, inside(Way::Relative, false)),
            ("none/none", Kind::Image, inside(Way::Relative, false)),
            ("a/file/none", Kind::Image, inside(Way::Relative, false)),
            ("a/b/", Kind::Folder, inside(Way::Relative, true)),
            ("a/b/../file", Kind::Star, inside(Way::Dots, true)),
            ("a/run", Kind::Stem, inside(Way::Relative, true)),
            ("c/run", Kind::Stem, inside(Way::Relative, false)),
            ("run", Kind::Stem, inside(Way::Relative, true)),
            ("a/*.mrc", Kind::Option, inside(Way::Relative, true)),
            ("c/*.mrc", Kind::Option, inside(Way::Relative, false)),
            (".", Kind::Folder, inside(Way::Relative, true)),
            ("*.mrc", Kind::Option, inside(Way::Relative, true)),
            (absolute.as_str(), Kind::File, inside(Way::Absolute, true)),
            ("../out", Kind::File, outside(Way::Dots)),
            ("up/out", Kind::File, outside(Way::Link)),
            ("/etc/passwd", Kind::File, outside(Way::Absolute)),
            ("a/broken", Kind::File, outside(Way::Link)),
        ] {
            assert_eq!(places.find(path.as_bytes(), kind), expected, "{path}");
        }
    }
}
