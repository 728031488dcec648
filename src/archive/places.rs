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

/// A folder that paths name.
struct Folder {
    inside: bool,
    /// Nothing for one that is outside, too.
    names: Names,
}

/// The paths below a project's folder. Each folder is looked at once.
pub struct Places {
    root: PathBuf,
    within: Within,
    /// By what paths have before the last name.
    folders: HashMap<Vec<u8>, Folder>,
}

impl Places {
    /// # Errors
    /// There is no such folder.
    pub fn new(root: &Path) -> io::Result<Self> {
        let within = Within::new(root)?;
        Ok(Self { root: root.to_path_buf(), within, folders: HashMap::new() })
    }

    /// Where a path leads to that is of such a kind.
    pub fn find(&mut self, path: &[u8], kind: Kind) -> Place {
        let part = if matches!(kind, Kind::Stem | Kind::Option) { looked_for(path, kind) } else { path };
        // A NUL ends what the system takes for a path; a folder may be named with a slash behind it.
        let length = part.iter().position(|&byte| byte == 0).unwrap_or(part.len());
        let part = part.get(..length).unwrap_or_default();
        let part = part.strip_suffix(b"/").unwrap_or(part);
        let (folder, name) = match memchr::memrchr(b'/', part) {
            Some(slash) => (part.get(..=slash).unwrap_or_default(), part.get(slash + 1..).unwrap_or_default()),
            None => (&b""[..], part),
        };
        let (inside, present) = match name {
            b"" | b"." | b".." => self.look(path, part),
            name => self.look_in(folder, name, part),
        };
        let has_dots = || path.split(|&byte| byte == b'/').any(|name| name == b"..");
        let way = match () {
            () if path.first() == Some(&b'/') => Way::Absolute,
            () if has_dots() => Way::Dots,
            () if inside => Way::Relative,
            () => Way::Link,
        };
        Place { inside, way, present }
    }

    /// Looks for a name in a folder, which is looked at once.
    fn look_in(&mut self, folder: &[u8], name: &[u8], part: &[u8]) -> (bool, Option<bool>) {
        if !self.folders.contains_key(folder) {
            // With a slash behind it, a link would be followed when it is asked whether it is one.
            let end = folder.iter().rposition(|&byte| byte != b'/').map_or(folder.len().min(1), |last| last + 1);
            let place = self.root.join(as_os(folder.get(..end).unwrap_or_default()));
            // The project's folder is in no folder of the project.
            let inside = place.components().eq(self.root.components()) || self.within.holds(&place);
            let names = if inside { names(&place) } else { None };
            self.folders.insert(folder.to_vec(), Folder { inside, names });
        }
        let Some(known) = self.folders.get(folder) else { return (false, None) };
        match known.names.as_ref().map(|names| names.get(as_os(name))) {
            None => (known.inside, None),
            Some(None) => (true, Some(false)),
            Some(Some(false)) => (true, Some(true)),
            Some(Some(true)) => self.look(part, part),
        }
    }

    /// Looks at a path that is a link, or has no name at its end.
    fn look(&mut self, path: &[u8], part: &[u8]) -> (bool, Option<bool>) {
        let place = self.root.join(as_os(if part.is_empty() { path } else { part }));
        let inside = place.components().eq(self.root.components()) || self.within.holds(&place);
        (inside, inside.then(|| fs::metadata(&place).is_ok()))
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
