//! Many files with alike tables as one table: what a tilt-series set or a loop over files becomes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};

use super::shelf::{Shelf, Shelved};
use crate::error::{Result, StarError};
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

/// Name of the column that tells which file a row comes from.
const SOURCE: &str = "source";

/// Reads all loops of all files into one batch, file by file in the order given.
///
/// The first column, `source`, is the index of the row's file among `paths`. A column that only some files have is
/// null for the others; unknown labels are inferred over all files together.
///
/// # Errors
/// The first fault in the order of the files; faults cannot be collected.
pub fn read_stack(paths: &[PathBuf], options: &Options) -> Result<RecordBatch> {
    if options.on_error == OnError::Collect {
        return Err(StarError::Option("many files as one table are read with on_error=\"raise\"".into()));
    }
    let threads = options.threads.unwrap_or_else(parallel::available).min(paths.len().max(1));
    let begin = |thread| (Shelf::new(thread), Memory::default());
    let load = |(shelf, memory): &mut (Shelf, Memory), index: usize| {
        let path = paths.get(index)?;
        Some(load(path, shelf, memory, options).map_err(|error| error.at_path(Some(path))))
    };
    let (texts, shelves) = parallel::map_with(paths.len(), threads, begin, load);
    let texts = texts.into_iter().flatten().collect::<Result<Vec<Text>>>()?;
    let shelves: Vec<Shelf> = shelves.into_iter().map(|(shelf, _)| shelf).collect();
    let loops: Vec<(usize, &str, &Part)> = texts.iter().enumerate().flat_map(|(i, text)| text.loops(i)).collect();
    let (labels, sources) = union(&loops, options);
    let text = |index: usize| texts.get(index).map(|text| text.place.bytes(&shelves)).unwrap_or_default();
    let members: Vec<Member<'_>> = loops
        .iter()
        .zip(sources)
        .map(|(&(index, _, part), sources)| {
            Member::of(part, part.labels().count(), sources, Bytes::Memory { text: text(index), base: 0 })
        })
        .collect();
    let kinds = labels.iter().enumerate().map(|(at, label)| kind(at, label, &members, options));
    let types: Vec<Type> = kinds.collect::<Result<_>>()?;
    let Options { strings, invalid_utf8, .. } = *options;
    let layout = Layout { strings, invalid_utf8, numbers: options.numbers(), on_misfit: OnMisfit::Stop, threads };
    let stacked = stack(&types, &members, layout, &[])?;
    for ((index, block, _), met) in loops.iter().zip(&stacked.met) {
        let columns = met.iter().zip(labels.iter().zip(&types));
        let misfits = columns.filter_map(|(met, column)| Some((met.misfit.as_ref()?, column)));
        if let Some((misfit, (label, &kind))) = misfits.min_by_key(|(misfit, _)| misfit.offset) {
            let fault = misfit_fault(misfit, kind, block, label, Code::BadValue);
            return Err(faulty(fault, &mut text(*index)).at_path(paths.get(*index).map(PathBuf::as_path)));
        }
    }
    let mut fields = vec![Field::new(SOURCE, DataType::Int64, false)];
    fields.extend(labels.iter().zip(&stacked.columns).map(|(l, column)| field(l, l, column.data_type().clone())));
    let from = loops
        .iter()
        .zip(&members)
        .flat_map(|((index, ..), m)| std::iter::repeat_n(i64::try_from(*index).unwrap_or(i64::MAX), m.rows));
    let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from_iter_values(from))];
    columns.extend(stacked.columns);
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| StarError::Option(format!("columns do not fit together: {error}")))
}

struct Text {
    place: Shelved,
    outline: Outline,
}

impl Text {
    fn loops(&self, index: usize) -> impl Iterator<Item = (usize, &str, &Part)> {
        self.outline.blocks.iter().flat_map(move |block| {
            let loops = block.parts.iter().filter(|part| matches!(part, Part::Loop(_)));
            loops.map(move |part| (index, &*block.name, part))
        })
    }
}

fn load(path: &Path, shelf: &mut Shelf, memory: &mut Memory, options: &Options) -> Result<Text> {
    let place = shelf.load(path, options.memory_map)?;
    let mut text = shelf.bytes(&place);
    match outline_with(text, options.on_error, None, memory) {
        Ok(outline) => Ok(Text { place, outline }),
        Err(stop) => raise(stop, &mut text),
    }
}

/// All labels in order of first appearance, and for each loop the words they come from.
fn union(loops: &[(usize, &str, &Part)], options: &Options) -> (Vec<String>, Vec<Vec<Option<usize>>>) {
    let mut union = Union { places: HashMap::new(), labels: Vec::new(), closed: options.columns.is_some() };
    for column in options.columns.iter().flatten() {
        union.add(column);
    }
    // Files written by one program share their headers, which are then looked at once.
    let mut known: HashMap<*const Label, Vec<(usize, usize)>> = HashMap::new();
    let mut found: Vec<Vec<(usize, usize)>> = Vec::with_capacity(loops.len());
    for (_, _, part) in loops {
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
