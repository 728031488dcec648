//! Units of an archive, read many files at a time into the catalogue's few large batches.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, LargeStringBuilder, UInt64Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_select::concat::concat_batches;

use super::classify::{Kind, Role};
use super::entries::{Entry, Sort, text_of};
use super::file::{File, Looking};
use super::jobs::{Job, jobs};
use super::particles::Count;
use super::references;
use super::rows;
use super::schema::{self, FromLabel, OPTICS_COLUMNS, TILT_COLUMNS, TOMOGRAM_COLUMNS};
use super::within::Within;
use crate::error::{Result, StarError};
use crate::parallel;
use crate::source::Bytes;
use crate::table::decode::{Layout, Member, OnMisfit};
use crate::table::dtype::{InvalidUtf8, Numbers, Strings, Type};
use crate::table::stack::stack;

/// A project, or a folder of loose files, and what the walk met of it.
#[derive(Clone, Debug)]
pub struct UnitEntries {
    /// Relative to the root.
    pub folder: Vec<u8>,
    pub is_project: bool,
    pub entries: Vec<Entry>,
}

/// What to harvest and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub root: PathBuf,
    pub units: Vec<UnitEntries>,
    /// What the catalogue has of the units' files, by path.
    pub known: HashMap<String, Known>,
    /// The number of this crawl.
    pub crawl: i64,
    /// Whether files are read whose size, time and inode are as they were.
    pub verify: bool,
    /// Paths of files that are read though they seem the same.
    pub doubtful: HashSet<String>,
    pub looking: Looking,
    /// Files in a harvest, and bytes: it ends with the file that goes beyond.
    pub files_at_once: usize,
    pub bytes_at_once: i64,
    pub threads: usize,
}

/// What the catalogue has of a file.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The project that it was of; of a file that is of another unit now all rows are made anew.
    pub project: Option<String>,
    pub size: i64,
    pub mtime_ns: i64,
    pub inode: i64,
    pub hash: Option<i64>,
    pub status: String,
    pub settled: bool,
    pub first_crawl: i64,
    pub changed_crawl: i64,
}

impl Known {
    fn is_like(&self, entry: &Entry, project: Option<&str>) -> bool {
        self.project.as_deref() == project
            && (self.size, self.mtime_ns, self.inode) == (entry.size, entry.mtime_ns, entry.inode)
    }

    /// Whether the file is looked at again though it seems the same.
    fn is_doubtful(&self) -> bool {
        !self.settled || matches!(&*self.status, "unstable" | "unreadable" | "offline")
    }
}

/// Rows for the catalogue, from some files.
#[derive(Debug)]
pub struct Harvested {
    /// The tables' rows by name; of `tomograms` and `tilts` the column `latest` is null yet.
    pub tables: Vec<(&'static str, RecordBatch)>,
    pub num_bytes: i64,
}

/// An ongoing harvest.
pub struct Harvest {
    options: Options,
    root: String,
    within: Within,
    waiting: VecDeque<Waiting>,
    /// Files of the catalogue that are no longer there.
    gone: Vec<String>,
    unchanged: usize,
    new: usize,
    changed: usize,
}

struct Waiting {
    entry: Entry,
    unit: usize,
}

impl Harvest {
    /// Compares the units with what is known of them.
    ///
    /// # Errors
    /// The root is not there.
    pub fn begin(mut options: Options) -> Result<Self> {
        let mut known = std::mem::take(&mut options.known);
        let mut waiting = VecDeque::new();
        let mut closed = Vec::new();
        let mut unchanged = 0;
        for (at, unit) in options.units.iter().enumerate() {
            let project = unit.is_project.then(|| text_of(&unit.folder));
            for entry in unit.entries.iter().filter(|entry| entry.sort != Sort::Marker) {
                let path = entry.text();
                if entry.sort == Sort::Folder {
                    closed.push(path.clone());
                }
                let looks_again = options.verify || options.doubtful.contains(&path);
                // What is on tape and seems the same keeps what is known of it.
                let is_out_of_reach = entry.is_offline() && !options.looking.recall;
                if let Some(own) = known.get(&path)
                    && own.is_like(entry, project.as_deref())
                    && (is_out_of_reach || !looks_again && !own.is_doubtful())
                    && entry.error.is_none()
                {
                    known.remove(&path);
                    unchanged += 1;
                    continue;
                }
                waiting.push_back(Waiting { entry: entry.clone(), unit: at });
            }
        }
        let mut again = HashMap::new();
        for next in &waiting {
            let path = next.entry.text();
            if let Some(own) = known.remove(&path) {
                again.insert(path, own);
            }
        }
        // What lies in a folder that cannot be listed may be there.
        let is_hidden = |path: &str| closed.iter().any(|folder| path.starts_with(folder.as_str()));
        let mut gone: Vec<String> = known.into_keys().filter(|path| !is_hidden(path)).collect();
        gone.sort_unstable();
        options.known = again;
        let root = text_of(std::os::unix::ffi::OsStrExt::as_bytes(options.root.as_os_str()));
        let within = Within::new(&options.root)?;
        Ok(Self { options, root, within, waiting, gone, unchanged, new: 0, changed: 0 })
    }

    /// Files of the catalogue that are no longer there.
    #[must_use]
    pub fn gone(&self) -> &[String] {
        &self.gone
    }

    /// How many files were not read or found the same, how many are new, and how many have other content, so far.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.unchanged, self.new, self.changed)
    }

    /// The jobs of the units that are projects.
    ///
    /// # Errors
    /// Only for defects of ours.
    pub fn jobs(&self) -> Result<RecordBatch> {
        let projects: Vec<_> = self.options.units.iter().filter(|unit| unit.is_project).collect();
        let read = |at: usize| {
            let unit = projects.get(at)?;
            let recall = self.options.looking.recall;
            Some((text_of(&unit.folder), jobs(&self.options.root, &unit.folder, &unit.entries, recall)))
        };
        let found = parallel::map(projects.len(), self.options.threads, read);
        let rows: Vec<(&str, &Job)> =
            found.iter().flatten().flat_map(|(project, jobs)| jobs.iter().map(move |job| (&**project, job))).collect();
        rows::of_jobs(&self.root, &rows)
    }

    /// Reads the next files; nothing when there are no more.
    ///
    /// # Errors
    /// Only for defects of ours: whatever is wrong with a file becomes a row.
    pub fn next_rows(&mut self) -> Result<Option<Harvested>> {
        while !self.waiting.is_empty() {
            let (mut taken, mut bytes) = (Vec::new(), 0);
            while taken.len() < self.options.files_at_once.max(1)
                && bytes < self.options.bytes_at_once.max(1)
                && let Some(next) = self.waiting.pop_front()
            {
                bytes += next.entry.size;
                taken.push(next);
            }
            let units: Vec<Option<Arc<[u8]>>> =
                self.options.units.iter().map(|unit| unit.is_project.then(|| Arc::from(&*unit.folder))).collect();
            let look = |next: Waiting| {
                let project = units.get(next.unit).cloned().flatten();
                File::look(next.entry, project, &self.options.root, self.options.looking)
            };
            let mut files = parallel::consume(taken, self.options.threads, look);
            files.retain(|file| self.is_news(file));
            if !files.is_empty() {
                return self.rows(files).map(Some);
            }
        }
        Ok(None)
    }

    /// Whether the catalogue does not know it all yet; counts the file.
    fn is_news(&mut self, file: &File) -> bool {
        let Some(known) = self.options.known.get(&file.path) else {
            self.new += 1;
            return true;
        };
        // The status is not yet that of its row: names that lead nowhere are found with the rows.
        let same_content = known.hash == file.hash;
        if same_content {
            self.unchanged += 1;
        } else {
            self.changed += 1;
        }
        // What a set names may have come or gone, and particles may be wanted one by one now.
        let looked_again = self.options.verify || self.options.doubtful.contains(&file.path);
        let is_set = file.kind == Kind::TomogramSet.name() || file.kind == Kind::Particles.name();
        let same_facts = known.is_like(&file.entry, file.project.as_deref())
            && known.status == file.status()
            && known.settled == file.is_settled();
        !same_content || looked_again && is_set || !same_facts
    }

    fn rows(&mut self, mut files: Vec<File>) -> Result<Harvested> {
        let tomograms = self.tomograms(&mut files)?;
        let (owners, mut own, stacked) = self.stacked(&mut files, Role::Tilts, TILT_COLUMNS)?;
        let count = owners.len();
        own.extend(stacked);
        own.push(rows::nulls(count));
        let tilts = rows::to_batch(schema::tilts(), own)?;
        let particle_sets = self.particle_sets(&mut files)?;
        let particles = self.particles(&mut files)?;
        Ok(Harvested {
            num_bytes: files.iter().map(|file| file.entry.size).sum(),
            tables: vec![
                ("files", rows::of_files(&self.root, self.options.crawl, &self.options.known, &files)?),
                ("tomograms", tomograms),
                ("tilts", tilts),
                ("particle_sets", particle_sets),
                ("particles", particles),
                ("labels", rows::of_labels(&files)?),
                ("problems", rows::of_problems(&self.root, &files)?),
            ],
        })
    }

    fn tomograms(&mut self, files: &mut [File]) -> Result<RecordBatch> {
        let (owners, mut own, stacked) = self.stacked(files, Role::Tomograms, TOMOGRAM_COLUMNS)?;
        let mut found = Vec::new();
        for wanted in references::LABELS {
            let column = |label: &&'static str| {
                let place = TOMOGRAM_COLUMNS.iter().position(|column| column.label == *label)?;
                Some((*label, stacked.get(place)?))
            };
            let columns: Vec<_> = wanted.iter().filter_map(column).collect();
            found.push(references::find(&columns, &owners, files, &self.options.root, &mut self.within));
        }
        own.extend(stacked);
        own.extend(found);
        own.push(rows::nulls(owners.len()));
        rows::to_batch(schema::tomograms(), own)
    }

    /// All rows of one role, from all files: the file of each, the columns that say where it is, and those of labels.
    fn stacked(
        &self,
        files: &mut [File],
        role: Role,
        columns: &[FromLabel],
    ) -> Result<(Vec<usize>, Vec<ArrayRef>, Vec<ArrayRef>)> {
        let types: Vec<Type> = columns.iter().map(FromLabel::kind).collect();
        let (places, stacked) = {
            let mut places: Vec<Place> = Vec::new();
            let mut members: Vec<Member<'_>> = Vec::new();
            for (index, file) in files.iter().enumerate() {
                let Some(kept) = file.kept.as_ref().filter(|_| file.gives(role)) else { continue };
                for (block, part) in kept.tables(role) {
                    let labels: Vec<&str> = part.labels().map(|label| &*label.name).collect();
                    let source = |column: &FromLabel| labels.iter().position(|label| *label == column.label);
                    let sources = columns.iter().map(source).collect();
                    let text = Bytes::Memory { text: &kept.text, base: 0 };
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
                threads: self.options.threads,
            };
            let stacked = stack(&types, &members, layout, &[])?;
            (places, stacked)
        };
        for (place, met) in places.iter().zip(&stacked.met) {
            if let Some(file) = files.get_mut(place.file)
                && let Some(text) = file.kept.as_ref().map(|kept| kept.text.clone())
            {
                file.add_met(&mut text.as_slice(), &place.block, met, columns)?;
            }
        }
        let owners = places.iter().flat_map(|place| std::iter::repeat_n(place.file, place.rows)).collect();
        let mut own =
            rows::origin(&self.root, places.iter().filter_map(|place| Some((files.get(place.file)?, place.rows))));
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
        Ok((owners, own, stacked.columns))
    }

    /// A row for each particle, where they are wanted.
    fn particles(&self, files: &mut [File]) -> Result<RecordBatch> {
        let mut parts = vec![RecordBatch::new_empty(schema::particles())];
        for file in files {
            for columns in std::mem::take(&mut file.particles.rows) {
                let count = columns.first().map_or(0, |numbers| numbers.len());
                let mut own = rows::origin(&self.root, std::iter::once((&*file, count)));
                own.extend(columns);
                parts.push(rows::to_batch(schema::particles(), own)?);
            }
        }
        concat_batches(&schema::particles(), &parts).map_err(|error| StarError::Option(error.to_string()))
    }

    /// A row for each particle set, tomogram and optics group.
    fn particle_sets(&self, files: &mut [File]) -> Result<RecordBatch> {
        let (owners, _, optics) = self.stacked(files, Role::Optics, OPTICS_COLUMNS)?;
        let numbers = optics.first().and_then(|numbers| numbers.as_primitive_opt::<Int64Type>());
        let mut places: HashMap<(usize, i64), usize> = HashMap::new();
        for (row, &owner) in owners.iter().enumerate() {
            if let Some(numbers) = numbers.filter(|numbers| numbers.is_valid(row)) {
                places.entry((owner, numbers.value(row))).or_insert(row);
            }
        }
        let all: Vec<(usize, &Count)> = files
            .iter()
            .enumerate()
            .flat_map(|(at, file)| file.particles.counts.iter().map(move |count| (at, count)))
            .collect();
        let mut own = rows::origin(&self.root, all.iter().filter_map(|(at, _)| Some((files.get(*at)?, 1))));
        let mut tomograms = LargeStringBuilder::new();
        let (mut counts, mut numbers) = (Int64Builder::new(), Int64Builder::new());
        let mut rows = UInt64Builder::new();
        for (at, count) in &all {
            tomograms.append_option(count.tomogram.as_deref());
            counts.append_value(count.particles);
            numbers.append_option(count.group);
            let row = count.group.and_then(|group| places.get(&(*at, group)));
            rows.append_option(row.map(|&row| row as u64));
        }
        let rows = rows.finish();
        own.extend([Arc::new(tomograms.finish()) as ArrayRef, Arc::new(counts.finish()), Arc::new(numbers.finish())]);
        for column in optics.iter().skip(1) {
            let taken = arrow_select::take::take(column, &rows, None);
            own.push(taken.map_err(|error| StarError::Option(error.to_string()))?);
        }
        rows::to_batch(schema::particle_sets(), own)
    }
}

impl File {
    /// Whether its rows of a role are wanted.
    fn gives(&self, role: Role) -> bool {
        role != Role::Optics || self.kind == Kind::Particles.name()
    }
}

/// Where the rows of a stack come from.
struct Place {
    file: usize,
    block: Box<str>,
    rows: usize,
}
