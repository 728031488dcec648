//! The files of a tree that may be STAR files, in a fixed order, without following a link.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::{DirEntry, WalkBuilder};

/// The file that marks a RELION project's folder.
const PROJECT_MARK: &str = "default_pipeline.star";
/// Names that STAR files end in, in letters of either case.
const ENDINGS: [&[u8]; 4] = [b".star", b".tomostar", b".star.gz", b".star.zst"];

/// What lies at a path, as the folder's listing says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    File,
    Link,
    /// FIFO, socket or device.
    Other,
}

/// Something that the walk met.
#[derive(Debug)]
pub struct Entry {
    pub path: PathBuf,
    /// The folder of the project it belongs to.
    pub project: Option<Arc<Path>>,
    /// What it is, or why that cannot be told.
    pub sort: io::Result<Sort>,
}

/// Walks a tree, folder by folder in the order of names.
///
/// # Errors
/// When the root is no folder that can be listed.
pub fn walk(root: &Path, exclude: &[PathBuf]) -> io::Result<impl Iterator<Item = Entry> + use<>> {
    std::fs::read_dir(root)?;
    let exclude: Vec<PathBuf> = exclude.to_vec();
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .follow_links(false)
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .filter_entry(move |entry| !exclude.iter().any(|path| path == entry.path()))
        .build();
    let mut projects = Projects { root: root.to_path_buf(), known: HashMap::new() };
    Ok(walk.filter_map(move |found| match found {
        Ok(entry) => star_entry(&entry).map(|sort| projects.entry(entry.into_path(), Ok(sort))),
        Err(error) => {
            let path = path_of(&error).unwrap_or(&projects.root).to_path_buf();
            let error = error.into_io_error().unwrap_or_else(|| io::Error::other("the folder cannot be listed"));
            Some(projects.entry(path, Err(error)))
        }
    }))
}

fn star_entry(entry: &DirEntry) -> Option<Sort> {
    let name = entry.file_name().as_encoded_bytes();
    let kind = entry.file_type()?;
    let ends_in = |ending: &&[u8]| {
        let end = name.len().checked_sub(ending.len()).and_then(|from| name.get(from..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    if kind.is_dir() || !ENDINGS.iter().any(ends_in) {
        return None;
    }
    Some(match () {
        () if kind.is_file() => Sort::File,
        () if kind.is_symlink() => Sort::Link,
        () => Sort::Other,
    })
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

/// Which project a folder belongs to, looked up once a folder.
struct Projects {
    root: PathBuf,
    known: HashMap<PathBuf, Option<Arc<Path>>>,
}

impl Projects {
    fn entry(&mut self, path: PathBuf, sort: io::Result<Sort>) -> Entry {
        let project = path.parent().map(Path::to_path_buf).and_then(|folder| self.of(&folder));
        Entry { path, project, sort }
    }

    /// The nearest folder, from this one up to the root, that holds a pipeline.
    fn of(&mut self, folder: &Path) -> Option<Arc<Path>> {
        if let Some(known) = self.known.get(folder) {
            return known.clone();
        }
        let found = if folder.join(PROJECT_MARK).is_file() {
            Some(Arc::from(folder))
        } else if folder == self.root || !folder.starts_with(&self.root) {
            None
        } else {
            folder.parent().map(Path::to_path_buf).and_then(|parent| self.of(&parent))
        };
        self.known.insert(folder.to_path_buf(), found.clone());
        found
    }
}
