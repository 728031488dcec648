//! Whether a path stays within a folder, whatever `..` and links it goes through.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// A folder that paths should stay in.
pub struct Within {
    root: PathBuf,
    /// Folders are looked up once: a set has thousands of files in one.
    known: HashMap<PathBuf, bool>,
}

impl Within {
    /// # Errors
    /// There is no such folder.
    pub fn new(root: &Path) -> io::Result<Self> {
        Ok(Self { root: fs::canonicalize(root)?, known: HashMap::new() })
    }

    /// Whether a path leads to something within the folder; what leads to nothing is judged by its folder.
    pub fn holds(&mut self, path: &Path) -> bool {
        let is_plain = matches!(path.components().next_back(), Some(Component::Normal(_)))
            && !fs::symlink_metadata(path).is_ok_and(|facts| facts.is_symlink());
        match path.parent() {
            Some(folder) if is_plain => {
                if let Some(&known) = self.known.get(folder) {
                    return known;
                }
                let found = self.leads_in(folder);
                self.known.insert(folder.to_path_buf(), found);
                found
            }
            _ => self.leads_in(path),
        }
    }

    fn leads_in(&self, path: &Path) -> bool {
        match fs::canonicalize(path) {
            Ok(real) => real.starts_with(&self.root),
            // A folder that is not there, or a link to nothing: the nearest above it that is there tells.
            Err(_) => {
                let is_link = fs::symlink_metadata(path).is_ok_and(|facts| facts.is_symlink());
                let climbs = path.components().next_back() == Some(Component::ParentDir);
                !is_link && !climbs && path.parent().is_some_and(|above| self.leads_in(above))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_out() {
        let top = tempfile::tempdir().expect("a folder");
        let root = top.path().join("root");
        fs::create_dir_all(root.join("a/b")).expect("made");
        fs::write(root.join("a/file"), "").expect("written");
        fs::write(top.path().join("out"), "").expect("written");
        std::os::unix::fs::symlink(top.path(), root.join("up")).expect("linked");
        std::os::unix::fs::symlink("file", root.join("a/same")).expect("linked");
        std::os::unix::fs::symlink("../../out", root.join("a/far")).expect("linked");
        let mut within = Within::new(&root).expect("there");
        for (path, expected) in [
            ("a/file", true),
            ("a/none", true),
            ("none/none", true),
            ("a/same", true),
            ("a/b/../file", true),
            ("a/far", false),
            ("../out", false),
            ("..", false),
            ("none/../../out", false),
            ("up/out", false),
            ("up/root/a/file", true),
            ("up/none", false),
        ] {
            assert_eq!(within.holds(&root.join(path)), expected, "{path}");
        }
        assert!(!within.holds(Path::new("/etc/passwd")));
    }
}
