//! A tree, walked by several threads, unit by unit: the STAR files of a project, or of a folder of loose files.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::entries::{Entry, Sort};

/// The file that marks a RELION project's folder.
const PROJECT_MARK: &[u8] = b"default_pipeline.star";
/// Names that STAR files end in, in letters of either case.
const ENDINGS: [&[u8]; 4] = [b".star", b".tomostar", b".star.gz", b".star.zst"];
/// How the names begin of the empty files with which RELION's jobs say how they ended.
const MARKER: &[u8] = b"RELION_JOB_EXIT_";
/// Units that may wait to be taken.
const WAITING: usize = 64;

/// What to walk.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub root: PathBuf,
    /// Folders that are walked, relative to the root; the root itself if there are none.
    pub starts: Vec<Start>,
    /// Folders that are left out.
    pub exclude: Vec<PathBuf>,
    pub threads: usize,
    /// Fingerprints of units: those that are as they were are counted, and not given.
    pub known: HashMap<Vec<u8>, u128>,
}

/// A folder to begin in.
#[derive(Clone, Debug, Default)]
pub struct Start {
    pub folder: Vec<u8>,
    /// The unit that it is a part of, if its folder is further up, and whether that is a project.
    pub within: Option<(Vec<u8>, bool)>,
    /// Folders in it are left out: they are begun in on their own.
    pub is_flat: bool,
}

/// The files of a project, or of a folder below the root that belong to none.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Relative to the root.
    pub folder: Vec<u8>,
    pub is_project: bool,
    /// The sum of the entries' fingerprints.
    pub fingerprint: u128,
    /// In the order of their paths.
    pub entries: Vec<Entry>,
    /// It is a part of a unit whose folder is above where the walk began.
    pub is_part: bool,
}

/// What a walk has seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    pub folders: AtomicU64,
    pub files: AtomicU64,
    pub bytes: AtomicU64,
    /// Folders of all units that were seen whole.
    units: Mutex<Vec<Vec<u8>>>,
    /// Folders that could not be listed.
    closed: Mutex<Vec<Vec<u8>>>,
}

impl Seen {
    /// Folders of all units that were seen whole, changed or not.
    #[must_use]
    pub fn units(&self) -> Vec<Vec<u8>> {
        lock(&self.units).clone()
    }

    /// Folders that could not be listed; nothing is known of what lies in them.
    #[must_use]
    pub fn closed(&self) -> Vec<Vec<u8>> {
        lock(&self.closed).clone()
    }
}

/// An ongoing walk.
pub struct Walk {
    units: Receiver<Unit>,
    pub seen: Arc<Seen>,
}

impl Walk {
    /// Begins to walk, in threads of its own.
    ///
    /// # Errors
    /// When the root is no folder that can be listed.
    pub fn begin(mut options: Options) -> io::Result<Self> {
        fs::read_dir(&options.root)?;
        if options.starts.is_empty() {
            options.starts.push(Start::default());
        }
        let (send, units) = sync_channel(WAITING);
        let seen = Arc::new(Seen::default());
        let threads = options.threads.max(1);
        let tasks = options.starts.iter().map(Task::begin).collect();
        let shared = Arc::new(Shared {
            exclude: options.exclude.iter().cloned().collect(),
            root: options.root,
            known: options.known,
            queue: Mutex::new(Queue { tasks, busy: 0 }),
            more: Condvar::new(),
            seen: Arc::clone(&seen),
        });
        for _ in 0..threads {
            let (shared, send) = (Arc::clone(&shared), send.clone());
            std::thread::Builder::new().name("tomoset-walk".into()).spawn(move || shared.work(&send))?;
        }
        Ok(Self { units, seen })
    }
}

impl Iterator for Walk {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        self.units.recv().ok()
    }
}

/// A folder to be listed.
struct Task {
    folder: Vec<u8>,
    unit: Arc<Gathering>,
    /// Whether it is a child of the root, and no part of a project: its loose files are a unit.
    is_top: bool,
    is_flat: bool,
}

impl Task {
    fn begin(start: &Start) -> Self {
        let part = start.within.is_some();
        let (folder, is_project) = start.within.clone().unwrap_or_default();
        // A folder of the first level is a unit, as it is where the walk comes to it from the root.
        let is_own = start.within.as_ref().is_some_and(|(unit, _)| *unit == start.folder);
        let is_top = !is_project && !is_own && !start.folder.is_empty() && !start.folder.contains(&b'/');
        let unit = Arc::new(Gathering::new(folder, is_project, part));
        Self { folder: start.folder.clone(), unit, is_top, is_flat: start.is_flat }
    }
}

/// A unit whose folders are being listed.
struct Gathering {
    folder: Vec<u8>,
    is_project: bool,
    is_part: bool,
    found: Mutex<Found>,
}

struct Found {
    /// Folders that are not listed yet.
    pending: usize,
    entries: Vec<Entry>,
}

impl Gathering {
    /// A unit with one folder that is to be listed.
    fn new(folder: Vec<u8>, is_project: bool, is_part: bool) -> Self {
        Self { folder, is_project, is_part, found: Mutex::new(Found { pending: 1, entries: Vec::new() }) }
    }

    /// Takes what a folder had, with so many folders below it; gives all entries once no folder is left.
    fn take(&self, entries: Vec<Entry>, below: usize) -> Option<Vec<Entry>> {
        let mut found = lock(&self.found);
        found.entries.extend(entries);
        found.pending = found.pending + below - 1;
        (found.pending == 0).then(|| std::mem::take(&mut found.entries))
    }
}

struct Queue {
    tasks: Vec<Task>,
    /// Threads that may add tasks yet.
    busy: usize,
}

struct Shared {
    root: PathBuf,
    exclude: HashSet<PathBuf>,
    known: HashMap<Vec<u8>, u128>,
    queue: Mutex<Queue>,
    more: Condvar,
    seen: Arc<Seen>,
}

impl Shared {
    fn work(&self, send: &SyncSender<Unit>) {
        while let Some(task) = self.next() {
            let wanted = self.list(task, send);
            let mut queue = lock(&self.queue);
            queue.busy -= 1;
            if !wanted {
                // Nobody takes the units any more.
                queue.tasks.clear();
            }
            if queue.tasks.is_empty() && queue.busy == 0 {
                self.more.notify_all();
            }
        }
    }

    fn next(&self) -> Option<Task> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(task) = queue.tasks.pop() {
                queue.busy += 1;
                return Some(task);
            }
            if queue.busy == 0 {
                return None;
            }
            queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lists a folder; tells whether units are still wanted.
    fn list(&self, task: Task, send: &SyncSender<Unit>) -> bool {
        self.seen.folders.fetch_add(1, Ordering::Relaxed);
        let path = self.root.join(OsStr::from_bytes(&task.folder));
        let mut listed = Listed::default();
        if let Err(error) = listed.read(&path, &task.folder, &self.exclude) {
            lock(&self.seen.closed).push(task.folder.clone());
            // A listing that broke off might make loose files of a project's.
            listed = Listed::default();
            listed.entries.push(Entry::new(task.folder.clone(), Sort::Folder, Err(error)));
        }
        let files = listed.entries.iter().filter(|entry| !matches!(entry.sort, Sort::Marker | Sort::Folder));
        let (count, bytes) = files.fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.size));
        self.seen.files.fetch_add(count, Ordering::Relaxed);
        self.seen.bytes.fetch_add(u64::try_from(bytes).unwrap_or(0), Ordering::Relaxed);
        let begins = listed.is_project && !(task.unit.is_project && task.unit.folder == task.folder);
        let unit = if begins || task.is_top {
            Arc::new(Gathering::new(task.folder.clone(), listed.is_project, false))
        } else {
            Arc::clone(&task.unit)
        };
        let at_root = task.folder.is_empty() && !listed.is_project;
        if task.is_flat {
            listed.folders.clear();
        }
        let tasks: Vec<Task> = listed
            .folders
            .into_iter()
            .map(|folder| Task { folder, unit: Arc::clone(&unit), is_top: at_root, is_flat: false })
            .collect();
        let below = tasks.len();
        let mut wanted = true;
        if !Arc::ptr_eq(&unit, &task.unit) {
            wanted &= self.complete(&task.unit, Vec::new(), 0, send);
        }
        wanted &= self.complete(&unit, listed.entries, below, send);
        // Only now that the unit knows of them: it is complete when the last of them is listed.
        if wanted && below > 0 {
            let mut queue = lock(&self.queue);
            queue.tasks.extend(tasks);
            drop(queue);
            self.more.notify_all();
        }
        wanted
    }

    /// Adds what a folder had to its unit, and hands the unit on when it is complete.
    fn complete(&self, unit: &Gathering, entries: Vec<Entry>, below: usize, send: &SyncSender<Unit>) -> bool {
        let Some(mut entries) = unit.take(entries, below) else { return true };
        // Without a STAR file it is none, though there be marks of jobs: a project has its own mark, at least.
        let is_none = match unit.is_part {
            true => entries.is_empty(),
            false => entries.iter().all(|entry| entry.sort == Sort::Marker),
        };
        if is_none {
            return true;
        }
        // Parts are added up by whoever has them all.
        let seed = u128::from(unit.is_project && !unit.is_part);
        let fingerprint = entries.iter().map(Entry::fingerprint).fold(seed, u128::wrapping_add);
        if !unit.is_part {
            lock(&self.seen.units).push(unit.folder.clone());
            if self.known.get(&unit.folder) == Some(&fingerprint) {
                return true;
            }
        }
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let unit = Unit {
            folder: unit.folder.clone(),
            is_project: unit.is_project,
            fingerprint,
            entries,
            is_part: unit.is_part,
        };
        send.send(unit).is_ok()
    }
}

/// What one folder has.
#[derive(Default)]
struct Listed {
    entries: Vec<Entry>,
    folders: Vec<Vec<u8>>,
    is_project: bool,
}

impl Listed {
    fn read(&mut self, path: &Path, folder: &[u8], exclude: &HashSet<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.as_bytes();
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                // It is gone since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let place = || if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() };
            if kind.is_dir() {
                if exclude.is_empty() || !exclude.contains(&entry.path()) {
                    self.folders.push(place());
                }
                continue;
            }
            let sort = match () {
                () if kind.is_file() && name.starts_with(MARKER) => Sort::Marker,
                () if !is_star(name) => continue,
                () if kind.is_file() => Sort::File,
                () if kind.is_symlink() => Sort::Link,
                () => Sort::Other,
            };
            match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                facts => {
                    self.is_project |= sort == Sort::File && name == PROJECT_MARK;
                    self.entries.push(Entry::new(place(), sort, facts));
                }
            }
        }
        Ok(())
    }
}

fn is_star(name: &[u8]) -> bool {
    ENDINGS.iter().any(|ending| {
        let end = name.len().checked_sub(ending.len()).and_then(|from| name.get(from..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(ending))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let top = tempfile::tempdir().expect("a folder");
        for file in [
            "loose.star",
            "a/x.star",
            "a/deep/y.STAR.gz",
            "a/p/default_pipeline.star",
            "a/p/Import/job001/RELION_JOB_EXIT_SUCCESS",
            "a/p/Import/job001/tilts.star",
            "a/p/inner/default_pipeline.star",
            "a/p/inner/z.tomostar",
            "a/p/movie.mrc",
            "b/none.txt",
            "c/Import/job001/RELION_JOB_EXIT_SUCCESS",
        ] {
            let path = top.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, file).expect("written");
        }
        top
    }

    /// Folder, whether it is a project, paths.
    type Told = (String, bool, Vec<String>);

    fn units(options: &Options) -> (Vec<Told>, Arc<Seen>) {
        let walk = Walk::begin(options.clone()).expect("there");
        let seen = Arc::clone(&walk.seen);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut found: Vec<_> = walk
            .map(|unit| {
                (text(&unit.folder), unit.is_project, unit.entries.iter().map(|entry| text(&entry.path)).collect())
            })
            .collect();
        found.sort();
        (found, seen)
    }

    #[test]
    fn units_are_projects_and_folders_of_loose_files() {
        let top = tree();
        for threads in [1, 3] {
            let options = Options { root: top.path().to_path_buf(), threads, ..Options::default() };
            let (found, seen) = units(&options);
            let expected = [
                ("", false, vec!["loose.star"]),
                ("a", false, vec!["a/deep/y.STAR.gz", "a/x.star"]),
                (
                    "a/p",
                    true,
                    vec![
                        "a/p/Import/job001/RELION_JOB_EXIT_SUCCESS",
                        "a/p/Import/job001/tilts.star",
                        "a/p/default_pipeline.star",
                    ],
                ),
                ("a/p/inner", true, vec!["a/p/inner/default_pipeline.star", "a/p/inner/z.tomostar"]),
            ];
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(unit, is_project, paths)| {
                    (unit.to_owned(), is_project, paths.into_iter().map(str::to_owned).collect::<Vec<_>>())
                })
                .collect();
            assert_eq!(found, expected);
            assert_eq!(seen.files.load(Ordering::Relaxed), 7);
        }
    }

    #[test]
    fn units_that_are_as_they_were_are_counted_alone() {
        let top = tree();
        let mut options = Options { root: top.path().to_path_buf(), threads: 2, ..Options::default() };
        options.known =
            Walk::begin(options.clone()).expect("there").map(|unit| (unit.folder, unit.fingerprint)).collect();
        fs::write(top.path().join("a/p/inner/z.tomostar"), "other").expect("written");
        let (found, seen) = units(&options);
        assert_eq!(found.len(), 1);
        assert_eq!(seen.units().len(), 4);
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let top = tree();
        let root = top.path().to_path_buf();
        let whole = Options { root: root.clone(), threads: 1, ..Options::default() };
        let whole: HashMap<_, _> =
            Walk::begin(whole).expect("there").map(|unit| (unit.folder, unit.fingerprint)).collect();
        let start = |folder: &[u8], within: Option<(&[u8], bool)>, is_flat| Start {
            folder: folder.to_vec(),
            within: within.map(|(unit, is_project)| (unit.to_vec(), is_project)),
            is_flat,
        };
        let starts = vec![
            start(b"", Some((b"", false)), true),
            start(b"a", Some((b"a", false)), true),
            start(b"a/p", Some((b"a", false)), false),
            start(b"a/deep", Some((b"a", false)), false),
            start(b"b", None, false),
        ];
        let parts: Vec<Unit> =
            Walk::begin(Options { root, starts, threads: 2, ..Options::default() }).expect("there").collect();
        let mut sums: HashMap<Vec<u8>, u128> = HashMap::new();
        for unit in &parts {
            assert_eq!(unit.is_part, [&b""[..], b"a"].contains(&&*unit.folder), "{unit:?}");
            let sum = sums.entry(unit.folder.clone()).or_default();
            *sum = sum.wrapping_add(unit.fingerprint);
        }
        assert_eq!(sums, whole);
    }

    #[test]
    fn dropping_a_walk_ends_it() {
        let top = tree();
        let walk = Walk::begin(Options { root: top.path().to_path_buf(), threads: 2, ..Options::default() });
        drop(walk.expect("there"));
    }
}
