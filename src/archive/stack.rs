//! Many files with alike tables as one table: what a tilt-series set or a loop over files becomes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};

use crate::error::{Result, StarError};
use crate::parallel;
use crate::source::{self, Bytes, Loaded};
use crate::star::diagnostic::Code;
use crate::star::outline::{Outline, Part, outline, raise};
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
/// The first fault in the order of the files.
pub fn read_stack(paths: &[PathBuf], options: &Options) -> Result<RecordBatch> {
    let threads = options.threads.unwrap_or_else(parallel::available).min(paths.len().max(1));
    let load = |index: usize| paths.get(index).map(|path| load(path, options).map_err(|e| e.at_path(Some(path))));
    let texts = parallel::map(paths.len(), threads, load).into_iter().flatten().collect::<Result<Vec<_>>>()?;
    let loops: Vec<(usize, &str, &Part)> = texts.iter().enumerate().flat_map(|(i, text)| text.loops(i)).collect();
    let (labels, sources) = union(&loops, options);
    let text = |index: usize| texts.get(index).map(|text| text.loaded.buffer.as_slice()).unwrap_or_default();
    let members: Vec<Member<'_>> = loops
        .iter()
        .zip(sources)
        .map(|(&(index, _, part), sources)| {
            Member::of(part, part.labels().count(), sources, Bytes::Memory { text: text(index), base: 0 })
        })
        .collect();
    let kinds = labels.iter().enumerate().map(|(at, label)| kind(at, label, &members, options));
    let types: Vec<Type> = kinds.collect::<Result<_>>()?;
    let layout =
        Layout { strings: options.strings, invalid_utf8: options.invalid_utf8, on_misfit: OnMisfit::Stop, threads };
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
    loaded: Loaded,
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

fn load(path: &std::path::Path, options: &Options) -> Result<Text> {
    let loaded = source::load_path(path, options.memory_map, Some(1))?;
    let mut text = loaded.buffer.as_slice();
    match outline(text, options.on_error, None) {
        Ok(outline) => Ok(Text { outline, loaded }),
        Err(stop) => raise(stop, &mut text),
    }
}

/// All labels in order of first appearance, and for each loop the words they come from.
fn union(loops: &[(usize, &str, &Part)], options: &Options) -> (Vec<String>, Vec<Vec<Option<usize>>>) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut labels: Vec<&str> = Vec::new();
    if let Some(columns) = &options.columns {
        for column in columns {
            places.entry(column).or_insert_with(|| {
                labels.push(column);
                labels.len() - 1
            });
        }
    }
    let mut found: Vec<Vec<(usize, usize)>> = Vec::with_capacity(loops.len());
    for (_, _, part) in loops {
        let mut own = Vec::new();
        for (word, label) in part.labels().enumerate() {
            let name = &*label.name;
            let known = places.get(name).copied();
            let place = match (known, &options.columns) {
                (Some(place), _) => place,
                (None, Some(_)) => continue,
                (None, None) => {
                    places.insert(name, labels.len());
                    labels.push(name);
                    labels.len() - 1
                }
            };
            own.push((place, word));
        }
        found.push(own);
    }
    let spread = |own: Vec<(usize, usize)>| {
        let mut sources = vec![None; labels.len()];
        // The first of a repeated label, as RELION has it.
        for (place, word) in own.into_iter().rev() {
            if let Some(source) = sources.get_mut(place) {
                *source = Some(word);
            }
        }
        sources
    };
    let sources = found.into_iter().map(spread).collect();
    (labels.into_iter().map(str::to_owned).collect(), sources)
}

fn kind(at: usize, label: &str, members: &[Member<'_>], options: &Options) -> Result<Type> {
    if let Some(kind) = options.type_of(label) {
        return Ok(kind);
    }
    let mut all = Guesses::new(vec![0]);
    for member in members {
        if let Some(Some(source)) = member.sources.get(at) {
            all.add_as(member, &[*source], 1)?;
        }
    }
    Ok(all.settle().next().unwrap_or(Type::Text))
}
