//! Many files with alike tables as one table: what a tilt-series set or a loop over files becomes.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};

use super::shelf::{Shelf, Shelved};
use super::within::Within;
use crate::error::{Fault, Result, StarError};
use crate::near;
use crate::parallel;
use crate::source::Bytes;
use crate::star::diagnostic::Code;
use crate::star::outline::{Label, Memory, OnError, Outline, Part, outline_with, raise};
use crate::star::position::faulty;
use crate::table::decode::{Layout, Member, OnMisfit};
use crate::table::dtype::{Options, Type, field};
use crate::table::infer::Guesses;
use crate::table::read::misfit_fault;
use crate::table::stack::stack;

/// A file of which a table is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub path: PathBuf,
    /// The block whose loop, or list, it is; nothing for all loops of the file.
    pub block: Option<String>,
}

/// The rows of many files, file by file in the order they were asked for.
pub struct Stack {
    /// A column that only some files have is null for the others.
    pub batch: RecordBatch,
    /// How many rows each file has.
    pub rows: Vec<usize>,
    /// For each file which of `headers` has its labels; nothing for one that could not be read.
    pub header: Vec<Option<usize>>,
    pub headers: Vec<Vec<String>>,
    /// Time of the last change in nanoseconds and size of each file, from before it was read.
    pub stamps: Vec<(i64, u64)>,
    /// Files that were not read, since their paths lead out of where they should stay.
    pub outside: Vec<usize>,
    /// Why files could not be read.
    pub faults: Vec<(usize, StarError)>,
}

/// Reads tables of many files into one batch; unknown labels are inferred over all files together.
///
/// Files whose paths lead out of the folder `inside` are not read.
///
/// # Errors
/// The first fault in the order of the files, unless they are collected: then a file that has one has no rows.
pub fn read_stack(files: &[Wanted], inside: Option<&Path>, options: &Options) -> Result<Stack> {
    let threads = options.threads.unwrap_or_else(parallel::available).min(files.len().max(1));
    if let Some(root) = inside {
        Within::new(root).map_err(|error| StarError::from(error).at_path(inside))?;
    }
    let begin = |thread| {
        let within = inside.and_then(|root| Within::new(root).ok());
        (Shelf::new(thread), Memory::default(), within)
    };
    let load = |(shelf, memory, within): &mut (Shelf, Memory, Option<Within>), index: usize| {
        let file = files.get(index)?;
        if within.as_mut().is_some_and(|within| !within.holds(&file.path)) {
            return Some(((0, 0), Ok(None)));
        }
        Some((stamp(&file.path), load(file, shelf, memory, options).map(Some)))
    };
    let (loaded, shelves) = parallel::map_with(files.len(), threads, begin, load);
    let shelves: Vec<Shelf> = shelves.into_iter().map(|(shelf, ..)| shelf).collect();
    let (stamps, texts): (Vec<_>, Vec<_>) = loaded.into_iter().flatten().unzip();
    let mut outside = Vec::new();
    let mut faults = Faults { files, collects: options.on_error == OnError::Collect, found: Vec::new() };
    let mut good = Vec::with_capacity(files.len());
    for (file, text) in texts.into_iter().enumerate() {
        match text {
            Ok(Some(text)) => good.push((file, text)),
            Ok(None) => outside.push(file),
            Err(error) => faults.add(file, error)?,
        }
    }
    let mut loops: Vec<Loop<'_>> = good.iter().flat_map(|(file, text)| text.loops(*file, &shelves)).collect();
    loop {
        let (batch, misfits) = stack_loops(&loops, options, threads)?;
        if misfits.is_empty() {
            let (rows, header, headers) = facts(&loops, files.len());
            return Ok(Stack { batch, rows, header, headers, stamps, outside, faults: faults.found });
        }
        // The others once more, without the rows of files that are at fault.
        let mut odd = HashSet::new();
        for (place, fault) in misfits {
            let Some(Loop { file, text, .. }) = loops.get(place) else { continue };
            if odd.insert(*file) {
                faults.add(*file, faulty(fault, &mut &**text))?;
            }
        }
        loops.retain(|table| !odd.contains(&table.file));
    }
}

/// What tells whether a file is as it was; nothing that a file has where there is none.
pub(super) fn stamp(path: &Path) -> (i64, u64) {
    std::fs::metadata(path).map_or((0, 0), |facts| {
        (facts.mtime().saturating_mul(1_000_000_000).saturating_add(facts.mtime_nsec()), facts.len())
    })
}

/// Why files could not be read.
struct Faults<'f> {
    files: &'f [Wanted],
    collects: bool,
    found: Vec<(usize, StarError)>,
}

impl Faults<'_> {
    fn add(&mut self, file: usize, error: StarError) -> Result<()> {
        let error = error.at_path(self.files.get(file).map(|wanted| wanted.path.as_path()));
        if !self.collects {
            return Err(error);
        }
        self.found.push((file, error));
        Ok(())
    }
}

/// A file in memory, and which of its blocks' parts are wanted.
struct Text {
    place: Shelved,
    outline: Outline,
    /// The only block that is wanted.
    block: Option<usize>,
}

/// A table of a file.
struct Loop<'a> {
    file: usize,
    block: &'a str,
    part: &'a Part,
    text: &'a [u8],
}

impl Text {
    fn loops<'a>(&'a self, file: usize, shelves: &'a [Shelf]) -> impl Iterator<Item = Loop<'a>> {
        let blocks = self.outline.blocks.iter().enumerate();
        let text = self.place.bytes(shelves);
        blocks.filter(|(index, _)| self.block.is_none_or(|block| block == *index)).flat_map(move |(_, block)| {
            let mut parts: Vec<&Part> = block.parts.iter().filter(|part| matches!(part, Part::Loop(_))).collect();
            if self.block.is_some() {
                // RELION reads a list as a table of one row, and of several tables the first.
                parts.truncate(1);
                if parts.is_empty() {
                    parts.extend(block.parts.first());
                }
            }
            parts.into_iter().map(move |part| Loop { file, block: &block.name, part, text })
        })
    }
}

fn load(file: &Wanted, shelf: &mut Shelf, memory: &mut Memory, options: &Options) -> Result<Text> {
    let place = shelf.load(&file.path, options.memory_map)?;
    let mut text = shelf.bytes(&place);
    let outline = match outline_with(text, OnError::Raise, None, memory) {
        Ok(outline) => outline,
        Err(stop) => return raise(stop, &mut text),
    };
    let block = file.block.as_deref().map(|name| find(&outline, name)).transpose()?;
    Ok(Text { place, outline, block })
}

fn find(outline: &Outline, name: &str) -> Result<usize> {
    outline.blocks.iter().position(|block| &*block.name == name).ok_or_else(|| StarError::MissingBlock {
        name: name.to_owned(),
        hint: near::hint(name, "data_", outline.blocks.iter().map(|block| &*block.name)),
        path: None,
    })
}

/// All loops as one batch, and the first value of each that does not fit its column, by the loop's place.
fn stack_loops(loops: &[Loop<'_>], options: &Options, threads: usize) -> Result<(RecordBatch, Vec<(usize, Fault)>)> {
    let (labels, sources) = union(loops, options);
    let members: Vec<Member<'_>> = loops
        .iter()
        .zip(sources)
        .map(|(Loop { part, text, .. }, sources)| {
            Member::of(part, part.labels().count(), sources, Bytes::Memory { text, base: 0 })
        })
        .collect();
    let kinds = labels.iter().enumerate().map(|(at, label)| kind(at, label, &members, options));
    let types: Vec<Type> = kinds.collect::<Result<_>>()?;
    let Options { strings, invalid_utf8, .. } = *options;
    let layout = Layout { strings, invalid_utf8, numbers: options.numbers(), on_misfit: OnMisfit::Stop, threads };
    let stacked = stack(&types, &members, layout, &[])?;
    let mut faults = Vec::new();
    for (place, (table, met)) in loops.iter().zip(&stacked.met).enumerate() {
        let columns = met.iter().zip(labels.iter().zip(&types));
        let misfits = columns.filter_map(|(met, column)| Some((met.misfit.as_ref()?, column)));
        if let Some((misfit, (label, &kind))) = misfits.min_by_key(|(misfit, _)| misfit.offset) {
            faults.push((place, misfit_fault(misfit, kind, table.block, label, Code::BadValue)));
        }
    }
    let fields: Vec<Field> =
        labels.iter().zip(&stacked.columns).map(|(l, column)| field(l, l, column.data_type().clone())).collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(members.iter().map(|member| member.rows).sum()));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), stacked.columns, &rows)
        .map_err(|error| StarError::Option(format!("columns do not fit together: {error}")))?;
    Ok((batch, faults))
}

/// How many rows each file has, which header, and all headers.
fn facts(loops: &[Loop<'_>], files: usize) -> (Vec<usize>, Vec<Option<usize>>, Vec<Vec<String>>) {
    let mut rows = vec![0; files];
    let mut header = vec![None; files];
    let mut known: HashMap<Vec<&str>, usize> = HashMap::new();
    let mut headers = Vec::new();
    for Loop { file, part, .. } in loops {
        let labels: Vec<&str> = part.labels().map(|label| &*label.name).collect();
        let place = *known.entry(labels).or_insert_with_key(|labels| {
            headers.push(labels.iter().map(|&label| label.to_owned()).collect());
            headers.len() - 1
        });
        if let (Some(rows), Some(header)) = (rows.get_mut(*file), header.get_mut(*file)) {
            *rows += usize::try_from(part.rows()).unwrap_or(usize::MAX);
            *header = Some(place);
        }
    }
    (rows, header, headers)
}

/// All labels in order of first appearance, and for each loop the words they come from.
fn union(loops: &[Loop<'_>], options: &Options) -> (Vec<String>, Vec<Vec<Option<usize>>>) {
    let mut union = Union { places: HashMap::new(), labels: Vec::new(), closed: options.columns.is_some() };
    for column in options.columns.iter().flatten() {
        union.add(column);
    }
    // Files written by one program share their headers, which are then looked at once.
    let mut known: HashMap<*const Label, Vec<(usize, usize)>> = HashMap::new();
    let mut found: Vec<Vec<(usize, usize)>> = Vec::with_capacity(loops.len());
    for &Loop { part, .. } in loops {
        found.push(match part {
            Part::List(_) => union.places_of(part),
            Part::Loop(table) => known.entry(table.labels.as_ptr()).or_insert_with(|| union.places_of(part)).clone(),
        });
    }
    let count = union.labels.len();
    let spread = |own: Vec<(usize, usize)>| {
        let mut sources = vec![None; count];
        // The first of a repeated label, as RELION has it.
        for (place, word) in own.into_iter().rev() {
            if let Some(source) = sources.get_mut(place) {
                *source = Some(word);
            }
        }
        sources
    };
    let sources = found.into_iter().map(spread).collect();
    (union.labels.into_iter().map(str::to_owned).collect(), sources)
}

/// Labels of many loops, each once.
struct Union<'l> {
    places: HashMap<&'l str, usize>,
    labels: Vec<&'l str>,
    /// Only labels that were asked for are taken.
    closed: bool,
}

impl<'l> Union<'l> {
    fn add(&mut self, label: &'l str) -> usize {
        *self.places.entry(label).or_insert_with(|| {
            self.labels.push(label);
            self.labels.len() - 1
        })
    }

    /// For each of a loop's labels that is taken, its place among all and its word in the row.
    fn places_of(&mut self, part: &'l Part) -> Vec<(usize, usize)> {
        let mut own = Vec::new();
        for (word, label) in part.labels().enumerate() {
            match self.places.get(&*label.name) {
                Some(&place) => own.push((place, word)),
                None if self.closed => {}
                None => own.push((self.add(&label.name), word)),
            }
        }
        own
    }
}

fn kind(at: usize, label: &str, members: &[Member<'_>], options: &Options) -> Result<Type> {
    if let Some(kind) = options.type_of(label) {
        return Ok(kind);
    }
    let mut all = Guesses::new(vec![0], options.numbers());
    for member in members {
        if let Some(Some(source)) = member.sources.get(at) {
            all.add_as(member, &[*source], 1)?;
        }
    }
    Ok(all.settle().next().unwrap_or(Type::Text))
}
