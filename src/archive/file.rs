//! One file of an archive: read as far as the catalogue needs it, and what is told of it.

use std::fs::{self, File as Handle};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use arrow_buffer::Buffer;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::classify::{Kind, Role, classify, role_of};
use super::entries::{Entry, Sort, text_of};
use super::particles::{self, Particles};
use super::problems::{Problem, status};
use super::schema::{FromLabel, PARTICLE_COLUMNS};
use crate::error::{Result, StarError};
use crate::relion::dialect;
use crate::source::{self, Bytes};
use crate::star::diagnostic::{Code, Diagnostic};
use crate::star::outline::{Block, OnError, Outline, Part, outline, raise};
use crate::star::text::Text;
use crate::table::decode::Met;
use crate::table::report::Report;
use crate::table::stream;

/// Files up to this size are read at once; of larger ones only the outline, unless they hold a set.
const WHOLE: i64 = 8 << 20;
/// Tables that are stacked with those of other files.
const KEPT: &[Role] = &[Role::Tomograms, Role::Tilts, Role::Optics];
/// A file that was changed so shortly before it was read may be changed again without another time.
const SETTLING_NS: i64 = 2_000_000_000;

/// How files are looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Looking {
    /// The time now, in nanoseconds since 1970.
    pub now_ns: i64,
    /// Whether files that are on tape are brought back.
    pub recall: bool,
    /// Whether each particle is wanted, and not only how many there are.
    pub particles: bool,
}

/// What is known of one file.
pub struct File {
    pub path: String,
    /// Where its text is other than these.
    pub path_bytes: Option<Vec<u8>>,
    pub project: Option<String>,
    pub project_bytes: Option<Arc<[u8]>>,
    pub entry: Entry,
    pub kind: &'static str,
    pub blocks: Option<i64>,
    pub rows: Option<i64>,
    pub hash: Option<i64>,
    /// Which labels it has, as a number; [`Self::labels`] has them.
    pub header: Option<i64>,
    pub labels: Vec<Box<str>>,
    pub problems: Vec<Problem>,
    pub particles: Particles,
    pub kept: Option<Kept>,
    /// It is on tape, and was not read.
    offline: bool,
    looking: Looking,
}

/// A text with tables that the catalogue wants, or the beginning of one.
pub struct Kept {
    pub text: Buffer,
    pub outline: Outline,
}

impl Kept {
    /// The tables of a role, and the blocks they stand in.
    pub fn tables(&self, role: Role) -> impl Iterator<Item = (&Block, &Part)> {
        let of_block = move |block| {
            let wanted = move |part: &&Part| role_of(block, part) == Some(role);
            block.parts.iter().filter(wanted).map(move |part| (block, part))
        };
        self.outline.blocks.iter().flat_map(of_block)
    }
}

impl File {
    /// Reads a file as far as the catalogue needs it.
    #[must_use]
    pub fn look(entry: Entry, project: Option<Arc<[u8]>>, root: &Path, looking: Looking) -> Self {
        let place = root.join(as_os(&entry.path));
        let mut file = Self::of(entry, project, looking);
        match (&file.entry.error, file.entry.sort) {
            (Some(error), _) => {
                let problem = Problem::of_file(Code::Unreadable, Some(error));
                file.problems.push(problem);
            }
            (None, Sort::Link) => {
                file.kind = "link";
                file.problems.push(Problem::of_file(Code::SymbolicLink, None));
            }
            (None, Sort::Other) => {
                file.kind = "special";
                file.problems.push(Problem::of_file(Code::NotRegular, None));
            }
            (None, _) if file.offline => {}
            (None, _) => file.read_at_rest(&place),
        }
        file
    }

    fn of(entry: Entry, project: Option<Arc<[u8]>>, looking: Looking) -> Self {
        let offline = !looking.recall && entry.is_offline();
        Self {
            path_bytes: (entry.text().as_bytes() != entry.path).then(|| entry.path.clone()),
            path: entry.text(),
            project: project.as_deref().map(text_of),
            project_bytes: project,
            entry,
            kind: "unknown",
            blocks: None,
            rows: None,
            hash: None,
            header: None,
            labels: Vec::new(),
            problems: Vec::new(),
            particles: Particles::default(),
            kept: None,
            offline,
            looking,
        }
    }

    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    /// How the file fared.
    #[must_use]
    pub fn status(&self) -> &'static str {
        if self.offline { "offline" } else { status(&self.problems) }
    }

    /// Whether it was changed long enough ago for another change to show in its time.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.entry.mtime_ns < self.looking.now_ns.saturating_sub(SETTLING_NS)
    }

    /// Reads the file, and once more if it changes meanwhile.
    fn read_at_rest(&mut self, place: &Path) {
        for try_again in [true, false] {
            self.forget();
            if let Err(error) = self.read(place) {
                let detail = match error {
                    StarError::Io { error, .. } => error.to_string(),
                    other => other.to_string(),
                };
                self.problems.push(Problem::of_file(Code::Unreadable, Some(&detail)));
            }
            let Ok(facts) = fs::symlink_metadata(place) else { return };
            if self.entry.is_like(&facts) {
                return;
            }
            self.entry.take(&facts);
            if !facts.is_file() {
                // Something else has come in its place, and what was read may be of elsewhere.
                self.forget();
            }
            if !try_again || !facts.is_file() {
                self.problems.push(Problem::of_file(Code::Unstable, None));
                return;
            }
        }
    }

    /// Lets go of all that was read.
    fn forget(&mut self) {
        self.problems.clear();
        self.particles = Particles::default();
        self.labels.clear();
        self.kept = None;
        self.kind = "unknown";
        (self.blocks, self.rows, self.hash, self.header) = (None, None, None, None);
    }

    fn read(&mut self, place: &Path) -> Result<()> {
        if self.entry.size > WHOLE {
            self.hash = Some(hash_of(place)?);
            let (mut outline, mut window) = stream::scan_path(place, OnError::Collect, Some(1))?;
            self.take_outline(&mut outline, &mut window, false)?;
            if !holds_rows(&outline, &[Role::Tomograms, Role::Tilts]) {
                let file = window.file()?;
                self.take_particles(Bytes::File(&file), &outline, &mut window)?;
                self.kept = beginning(&file, outline)?;
                return Ok(());
            }
            self.problems.clear();
        }
        let loaded = source::load_path(place, false, Some(1))?;
        self.hash = Some(i64::from_ne_bytes(xxh3_64(&loaded.buffer).to_ne_bytes()));
        let mut text = loaded.buffer.as_slice();
        let mut outline = match outline(text, OnError::Collect, None) {
            Ok(outline) => outline,
            Err(stop) => return raise(stop, &mut text),
        };
        self.take_outline(&mut outline, &mut text, loaded.cr_only)?;
        self.take_particles(Bytes::Memory { text, base: 0 }, &outline, &mut &*text)?;
        if holds_rows(&outline, KEPT) {
            self.kept = Some(Kept { text: loaded.buffer, outline });
        }
        Ok(())
    }

    /// Reads the particles, if it is a set of particles.
    fn take_particles<T: Text>(&mut self, bytes: Bytes<'_>, outline: &Outline, text: &mut T) -> Result<()> {
        if self.kind == Kind::Particles.name() {
            self.particles = particles::read(bytes, outline, self.looking.particles)?;
            for (block, met) in std::mem::take(&mut self.particles.met) {
                self.add_met(text, &block, &met, PARTICLE_COLUMNS)?;
            }
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
        self.take_labels(outline);
        Ok(())
    }

    fn take_labels(&mut self, outline: &Outline) {
        let mut last: Option<*const [crate::star::outline::Label]> = None;
        let mut labels: Vec<&str> = Vec::new();
        for part in outline.blocks.iter().flat_map(|block| &block.parts) {
            if let Part::Loop(table) = part {
                // Thousands of blocks may share one header.
                let own = Arc::as_ptr(&table.labels);
                if last.is_some_and(|last| std::ptr::addr_eq(last, own)) {
                    continue;
                }
                last = Some(own);
            }
            labels.extend(part.labels().map(|label| &*label.name));
        }
        labels.sort_unstable();
        labels.dedup();
        let mut key = self.kind.to_owned();
        labels.iter().for_each(|label| {
            key.push(' ');
            key.push_str(label);
        });
        self.header = Some(i64::from_ne_bytes(xxh3_64(key.as_bytes()).to_ne_bytes()));
        self.labels = labels.into_iter().map(Box::from).collect();
    }

    /// Adds what was met in the values of a table's columns.
    ///
    /// # Errors
    /// As [`Report::locate`].
    pub fn add_met<T: Text>(&mut self, text: &mut T, block: &str, met: &[Met], columns: &[FromLabel]) -> Result<()> {
        let mut report = Report::default();
        for (met, column) in met.iter().zip(columns) {
            report.add_met(met, block, column.label);
            if let Some(misfit) = &met.misfit {
                report.push(Diagnostic {
                    code: Code::BadValue,
                    offset: misfit.offset,
                    count: misfit.count,
                    block: Some(block.to_owned()),
                    label: Some(column.label.to_owned()),
                    detail: Some(format!("expected {}, found {}", column.kind().words(), misfit.found)),
                });
            }
        }
        self.problems.extend(report.locate(text)?.into_iter().map(Problem::from));
        Ok(())
    }
}

/// A path's bytes as the system takes them.
#[must_use]
pub fn as_os(path: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(path)
}

fn holds_rows(outline: &Outline, roles: &[Role]) -> bool {
    let wanted = |block: &Block, part: &Part| role_of(block, part).is_some_and(|role| roles.contains(&role));
    outline.blocks.iter().any(|block| block.parts.iter().any(|part| wanted(block, part)))
}

/// The optics of a large file, where they stand above its particles.
fn beginning(file: &Handle, mut outline: Outline) -> Result<Option<Kept>> {
    outline.blocks.retain(|block| {
        let is_optics = block.parts.iter().any(|part| role_of(block, part) == Some(Role::Optics));
        is_optics && i64::try_from(block.end).is_ok_and(|end| end <= WHOLE)
    });
    let Some(end) = outline.blocks.last().map(|block| block.end) else { return Ok(None) };
    let mut bytes = Vec::new();
    Bytes::File(file).range(0, end, &mut bytes)?;
    Ok(Some(Kept { text: bytes.into(), outline }))
}

/// The hash of a file that is not held as a whole.
fn hash_of(place: &Path) -> io::Result<i64> {
    let (mut file, _): (Handle, u64) = source::open(place)?;
    let mut hash = Xxh3Default::new();
    let mut bytes = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut bytes)?;
        if count == 0 {
            return Ok(i64::from_ne_bytes(hash.digest().to_ne_bytes()));
        }
        hash.update(bytes.get(..count).unwrap_or_default());
    }
}
