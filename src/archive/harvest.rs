//! A tree's STAR files, read many at a time by several threads into the catalogue's few large batches.

use std::collections::VecDeque;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use arrow_array::builder::{Int64Builder, LargeBinaryBuilder, LargeStringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;

use super::classify::{Kind, Role, classify, role_of};
use super::problems::{Problem, status};
use super::schema::{self, FromLabel, TILT_COLUMNS, TOMOGRAM_COLUMNS};
use super::walk::{Entry, Sort, walk};
use crate::error::{Result, StarError};
use crate::parallel;
use crate::relion::dialect;
use crate::source::{self, Bytes, Loaded};
use crate::star::diagnostic::{Code, Diagnostic};
use crate::star::outline::{Block, OnError, Outline, Part, outline, raise};
use crate::star::text::Text;
use crate::table::decode::{Layout, Member, Met, OnMisfit};
use crate::table::dtype::{InvalidUtf8, Numbers, Strings, Type};
use crate::table::report::Report;
use crate::table::stack::stack;
use crate::table::stream;

/// Files up to this size are read at once; of larger ones only the outline, unless they hold a set.
const WHOLE: u64 = 8 << 20;
/// Paths the walk may be ahead of the readers.
const AHEAD: usize = 1 << 16;

/// What to harvest and how.
#[derive(Clone, Debug)]
pub struct Options {
    pub root: PathBuf,
    /// Folders that are left out.
    pub exclude: Vec<PathBuf>,
    /// Files in a unit, and bytes: a unit ends with the file that goes beyond.
    pub unit_files: usize,
    pub unit_bytes: u64,
    pub threads: Option<usize>,
}

/// Rows for the catalogue from some of the tree's files.
#[derive(Debug)]
pub struct Unit {
    pub files: RecordBatch,
    pub tomograms: RecordBatch,
    pub tilts: RecordBatch,
    pub problems: RecordBatch,
    pub num_files: usize,
    pub num_bytes: u64,
}

/// An ongoing harvest; units come in the order of paths, whatever the threads do.
pub struct Harvest {
    options: Options,
    root: String,
    entries: Receiver<Entry>,
    /// Entries whose facts are known already, for the units to come.
    listed: VecDeque<Listed>,
    progress: Progress,
}

/// How far the walk and the readers are; clones tell the same.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    found: Arc<AtomicU64>,
    walked: Arc<AtomicBool>,
    read: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

impl Progress {
    /// Files that the walk has met so far.
    #[must_use]
    pub fn num_found(&self) -> u64 {
        self.found.load(Ordering::Relaxed)
    }

    /// Whether the walk has met all files.
    #[must_use]
    pub fn walk_done(&self) -> bool {
        self.walked.load(Ordering::Relaxed)
    }

    /// Files that were read so far.
    #[must_use]
    pub fn num_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes of the files that were read so far.
    #[must_use]
    pub fn num_bytes_read(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Harvest {
    /// Begins to walk the tree, in a thread of its own.
    ///
    /// # Errors
    /// When the root is no folder that can be listed.
    pub fn begin(options: Options) -> Result<Self> {
        let walk = walk(&options.root, &options.exclude)
            .map_err(|error| StarError::from(error).at_path(Some(&options.root)))?;
        let (send, entries) = sync_channel(AHEAD);
        let progress = Progress::default();
        let told = progress.clone();
        std::thread::spawn(move || {
            for entry in walk {
                told.found.fetch_add(1, Ordering::Relaxed);
                // Nobody takes them any more once the harvest is dropped.
                if send.send(entry).is_err() {
                    return;
                }
            }
            told.walked.store(true, Ordering::Relaxed);
        });
        let root = options.root.to_string_lossy().into_owned();
        Ok(Self { options, root, entries, listed: VecDeque::new(), progress })
    }

    /// How far the walk is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Reads the next files; nothing when there are no more.
    ///
    /// # Errors
    /// Only for defects of ours: whatever is wrong with a file becomes a row.
    pub fn next_unit(&mut self) -> Result<Option<Unit>> {
        let threads = self.options.threads.unwrap_or_else(parallel::available);
        if self.listed.is_empty() {
            let entries: Vec<Entry> = self.entries.iter().take(self.options.unit_files.max(1)).collect();
            self.listed = parallel::consume(entries, threads, list).into();
        }
        let (mut unit, mut bytes) = (Vec::new(), 0);
        while bytes < self.options.unit_bytes.max(1)
            && let Some(next) = self.listed.pop_front()
        {
            bytes += next.facts.as_ref().map_or(0, Metadata::len);
            unit.push(next);
        }
        if unit.is_empty() {
            return Ok(None);
        }
        let look = |listed| {
            let file = look(listed, &self.options.root);
            self.progress.read.fetch_add(1, Ordering::Relaxed);
            self.progress.bytes.fetch_add(file.size.unwrap_or(0), Ordering::Relaxed);
            file
        };
        let files = parallel::consume(unit, threads, look);
        self.unit(files, threads).map(Some)
    }

    fn unit(&self, mut files: Vec<File>, threads: usize) -> Result<Unit> {
        let tomograms = self.rows(&mut files, Role::Tomograms, TOMOGRAM_COLUMNS, schema::tomograms(), threads)?;
        let tilts = self.rows(&mut files, Role::Tilts, TILT_COLUMNS, schema::tilts(), threads)?;
        Ok(Unit {
            tomograms,
            tilts,
            problems: self.problem_rows(&files)?,
            num_files: files.len(),
            num_bytes: files.iter().filter_map(|file| file.size).sum(),
            files: self.file_rows(&files)?,
        })
    }

    /// All rows of one role, from all files, in one batch.
    fn rows(
        &self,
        files: &mut [File],
        role: Role,
        columns: &[FromLabel],
        schema: SchemaRef,
        threads: usize,
    ) -> Result<RecordBatch> {
        let types: Vec<Type> = columns.iter().map(FromLabel::kind).collect();
        let (places, stacked) = {
            let mut places: Vec<Place> = Vec::new();
            let mut members: Vec<Member<'_>> = Vec::new();
            for (index, file) in files.iter().enumerate() {
                let Some(kept) = &file.kept else { continue };
                for (block, part) in kept.tables(role) {
                    let labels: Vec<&str> = part.labels().map(|label| &*label.name).collect();
                    let source = |column: &FromLabel| labels.iter().position(|label| *label == column.label);
                    let sources = columns.iter().map(source).collect();
                    let text = Bytes::Memory { text: &kept.loaded.buffer, base: 0 };
                    let member = Member::of(part, labels.len(), sources, text);
                    places.push(Place { file: index, block: block.name.clone(), rows: member.rows });
                    members.push(member);
                }
            }
            let layout = Layout {
                strings: Strings::Large,
                invalid_utf8: InvalidUtf8::Replace,
                numbers: Numbers::Star,
                on_misfit: OnMisfit::Null,
                threads,
            };
            let stacked = stack(&types, &members, layout, &[])?;
            (places, stacked)
        };
        for (place, met) in places.iter().zip(&stacked.met) {
            if let Some(file) = files.get_mut(place.file) {
                file.add_met(&place.block, met, columns, &types)?;
            }
        }
        let mut own = self.origin(places.iter().filter_map(|place| Some((files.get(place.file)?, place.rows))));
        if role == Role::Tilts {
            let mut names = LargeStringBuilder::new();
            for place in &places {
                (0..place.rows).for_each(|_| names.append_value(&place.block));
            }
            own.push(Arc::new(names.finish()));
        }
        let mut numbers = Int64Builder::new();
        places.iter().for_each(|place| (0i64..).take(place.rows).for_each(|row| numbers.append_value(row)));
        own.push(Arc::new(numbers.finish()));
        own.extend(stacked.columns);
        to_batch(schema, own)
    }

    /// The columns `path`, `root` and `project` for so many rows of each file.
    fn origin<'f>(&self, rows: impl Iterator<Item = (&'f File, usize)>) -> Vec<ArrayRef> {
        let mut paths = LargeStringBuilder::new();
        let mut roots = LargeStringBuilder::new();
        let mut projects = LargeStringBuilder::new();
        for (file, count) in rows {
            for _ in 0..count {
                paths.append_value(&file.path);
                roots.append_value(&self.root);
                projects.append_option(file.project.as_deref());
            }
        }
        vec![Arc::new(paths.finish()), Arc::new(roots.finish()), Arc::new(projects.finish())]
    }

    fn file_rows(&self, files: &[File]) -> Result<RecordBatch> {
        let origin = self.origin(files.iter().map(|file| (file, 1)));
        let mut bytes = LargeBinaryBuilder::new();
        files.iter().for_each(|file| bytes.append_option(file.path_bytes.as_deref()));
        let whole = |value: fn(&File) -> Option<i64>| -> ArrayRef {
            let mut builder = Int64Builder::with_capacity(files.len());
            files.iter().for_each(|file| builder.append_option(value(file)));
            Arc::new(builder.finish())
        };
        let words = |value: fn(&File) -> &str| -> ArrayRef {
            let mut builder = LargeStringBuilder::new();
            files.iter().for_each(|file| builder.append_value(value(file)));
            Arc::new(builder.finish())
        };
        let mut times = TimestampMicrosecondBuilder::with_capacity(files.len()).with_timezone("UTC");
        files.iter().for_each(|file| times.append_option(file.mtime_ns.map(|time| time.div_euclid(1000))));
        let mut columns = origin;
        columns.insert(1, Arc::new(bytes.finish()));
        columns.push(words(|file| &file.name));
        columns.push(whole(|file| file.size.and_then(|size| i64::try_from(size).ok())));
        columns.push(Arc::new(times.finish()));
        columns.push(whole(|file| file.mtime_ns));
        columns.push(whole(|file| file.inode));
        columns.push(words(|file| file.kind));
        columns.push(whole(|file| file.blocks));
        columns.push(whole(|file| file.rows));
        columns.push(whole(|file| i64::try_from(file.problems.len()).ok()));
        columns.push(words(|file| status(&file.problems)));
        to_batch(schema::files(), columns)
    }

    fn problem_rows(&self, files: &[File]) -> Result<RecordBatch> {
        let all = || files.iter().flat_map(|file| &file.problems);
        let words = |value: &dyn Fn(&Problem) -> Option<String>| -> ArrayRef {
            let mut builder = LargeStringBuilder::new();
            all().for_each(|problem| builder.append_option(value(problem)));
            Arc::new(builder.finish())
        };
        let whole = |value: &dyn Fn(&Problem) -> Option<u64>| -> ArrayRef {
            let mut builder = Int64Builder::new();
            all().for_each(|problem| builder.append_option(value(problem).and_then(|v| i64::try_from(v).ok())));
            Arc::new(builder.finish())
        };
        let mut columns = self.origin(files.iter().map(|file| (file, file.problems.len())));
        columns.push(words(&|problem| Some(problem.code.id().to_owned())));
        columns.push(words(&|problem| Some(problem.code.name().to_owned())));
        columns.push(words(&|problem| Some(problem.code.severity().name().to_owned())));
        columns.push(words(&|problem| Some(problem.message.clone())));
        columns.push(words(&|problem| problem.block.clone()));
        columns.push(words(&|problem| problem.label.clone()));
        columns.push(whole(&|problem| problem.position.map(|position| position.line)));
        columns.push(whole(&|problem| problem.position.map(|position| position.column)));
        columns.push(whole(&|problem| Some(problem.count)));
        to_batch(schema::problems(), columns)
    }
}

/// Where the rows of a stack come from.
struct Place {
    file: usize,
    block: Box<str>,
    rows: usize,
}

/// What is known of one file.
struct File {
    path: String,
    path_bytes: Option<Vec<u8>>,
    project: Option<String>,
    name: String,
    size: Option<u64>,
    mtime_ns: Option<i64>,
    inode: Option<i64>,
    kind: &'static str,
    blocks: Option<i64>,
    rows: Option<i64>,
    problems: Vec<Problem>,
    kept: Option<Kept>,
}

/// A text with tables that the catalogue wants.
struct Kept {
    loaded: Loaded,
    outline: Outline,
}

impl Kept {
    fn tables(&self, role: Role) -> impl Iterator<Item = (&Block, &Part)> {
        let of_block = move |block| {
            let wanted = move |part: &&Part| role_of(block, part) == Some(role);
            block.parts.iter().filter(wanted).map(move |part| (block, part))
        };
        self.outline.blocks.iter().flat_map(of_block)
    }
}

impl File {
    /// Adds what was met in the values of a table.
    fn add_met(&mut self, block: &str, met: &[Met], columns: &[FromLabel], types: &[Type]) -> Result<()> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let mut report = Report::default();
        for ((met, column), kind) in met.iter().zip(columns).zip(types) {
            report.add_met(met, block, column.label);
            if let Some(misfit) = &met.misfit {
                report.push(Diagnostic {
                    code: Code::BadValue,
                    offset: misfit.offset,
                    count: misfit.count,
                    block: Some(block.to_owned()),
                    label: Some(column.label.to_owned()),
                    detail: Some(format!("expected {}, found {}", kind.words(), misfit.found)),
                });
            }
        }
        let located = report.locate(&mut kept.loaded.buffer.as_slice())?;
        self.problems.extend(located.into_iter().map(Problem::from));
        Ok(())
    }
}

/// An entry and, for regular files, the system's facts about it.
struct Listed {
    entry: Entry,
    facts: std::io::Result<Metadata>,
}

fn list(entry: Entry) -> Listed {
    let facts = std::fs::symlink_metadata(&entry.path);
    Listed { entry, facts }
}

/// Reads one file as far as the catalogue needs it.
fn look(listed: Listed, root: &Path) -> File {
    let Listed { entry, facts } = listed;
    let mut file = File::named(&entry, root);
    match entry.sort {
        Err(error) => file.unreadable(&error),
        Ok(Sort::Link) => {
            file.kind = "link";
            file.problems.push(Problem::of_file(Code::SymbolicLink, None));
        }
        Ok(Sort::Other) => {
            file.kind = "special";
            file.problems.push(Problem::of_file(Code::NotRegular, None));
        }
        Ok(Sort::File) => {
            if let Err(error) = file.read(&entry.path, facts) {
                match error {
                    StarError::Io { error, .. } => file.unreadable(&error),
                    other => file.problems.push(Problem::of_file(Code::Unreadable, Some(&other.to_string()))),
                }
            }
        }
    }
    file
}

impl File {
    fn named(entry: &Entry, root: &Path) -> Self {
        let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_path_buf();
        let path = relative(&entry.path);
        let bytes = path.as_os_str().as_bytes();
        Self {
            path: String::from_utf8_lossy(bytes).into_owned(),
            path_bytes: std::str::from_utf8(bytes).is_err().then(|| bytes.to_vec()),
            project: entry.project.as_deref().map(|project| relative(project).to_string_lossy().into_owned()),
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            size: None,
            mtime_ns: None,
            inode: None,
            kind: "unknown",
            blocks: None,
            rows: None,
            problems: Vec::new(),
            kept: None,
        }
    }

    fn unreadable(&mut self, error: &std::io::Error) {
        self.problems.push(Problem::of_file(Code::Unreadable, Some(&error.to_string())));
    }

    fn read(&mut self, path: &Path, facts: std::io::Result<Metadata>) -> Result<()> {
        let facts = facts?;
        self.size = Some(facts.len());
        self.mtime_ns = facts.mtime().checked_mul(1_000_000_000).and_then(|time| time.checked_add(facts.mtime_nsec()));
        self.inode = i64::try_from(facts.ino()).ok();
        if facts.len() > WHOLE {
            let (mut outline, mut window) = stream::scan_path(path, OnError::Collect, Some(1))?;
            self.take_outline(&mut outline, &mut window, false)?;
            if !holds_rows(&outline) {
                return Ok(());
            }
            self.problems.clear();
        }
        let loaded = source::load_path(path, false, Some(1))?;
        let mut text = loaded.buffer.as_slice();
        let mut outline = match outline(text, OnError::Collect, None) {
            Ok(outline) => outline,
            Err(stop) => return raise(stop, &mut text),
        };
        self.take_outline(&mut outline, &mut text, loaded.cr_only)?;
        if holds_rows(&outline) {
            self.kept = Some(Kept { loaded, outline });
        }
        Ok(())
    }

    fn take_outline<T: Text>(&mut self, outline: &mut Outline, text: &mut T, cr_only: bool) -> Result<()> {
        dialect::examine(outline, text)?;
        if cr_only {
            outline.events.add(Code::CrOnly, 0);
        }
        let mut report = Report::default();
        report.add_outline(outline);
        self.problems = report.locate(text)?.into_iter().map(Problem::from).collect();
        self.kind = match classify(outline) {
            // Nothing could be made of it at all.
            Kind::Empty if !outline.faults.is_empty() => "unknown",
            kind => kind.name(),
        };
        self.blocks = i64::try_from(outline.blocks.len()).ok();
        let loops = outline.blocks.iter().flat_map(|block| &block.parts);
        let rows: u64 = loops.filter(|part| matches!(part, Part::Loop(_))).map(Part::rows).sum();
        self.rows = i64::try_from(rows).ok();
        Ok(())
    }
}

fn holds_rows(outline: &Outline) -> bool {
    outline.blocks.iter().any(|block| block.parts.iter().any(|part| role_of(block, part).is_some()))
}

fn to_batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema, columns)
        .map_err(|error| StarError::Option(format!("the catalogue's columns do not fit its schema: {error}")))
}
