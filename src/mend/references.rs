//! Paths that STAR files hold: each once for the column it stands in, with how often.

use std::collections::HashMap;
use std::path::Path;

use super::moving::{option_names, path_columns};
use super::values;
use crate::error::Result;
use crate::parallel;
use crate::relion::paths::{self, Kind};
use crate::source;
use crate::star::lex::{self, Form};
use crate::star::outline::{OnError, Outline, Part, outline, raise};
use crate::star::position;

/// A path in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub block: usize,
    pub label: String,
    pub kind: Kind,
    pub path: Vec<u8>,
    /// How many values have it.
    pub count: u64,
}

/// The paths of one file.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub blocks: Vec<String>,
    pub references: Vec<Reference>,
    /// What is wrong with the file, and hides some.
    pub fault: Option<String>,
}

/// Finds the paths in files, which threads share.
pub fn find<P: AsRef<Path> + Sync>(files: &[P], threads: Option<usize>) -> Vec<Result<Found>> {
    let threads = threads.unwrap_or_else(parallel::available).min(files.len().max(1));
    let find = |index: usize| match files.get(index) {
        Some(path) => of_file(path.as_ref()).map_err(|error| error.at_path(Some(path.as_ref()))),
        None => Ok(Found::default()),
    };
    parallel::map(files.len(), threads, find)
}

fn of_file(path: &Path) -> Result<Found> {
    let loaded = source::load_path(path, false, Some(1))?;
    of_text(&loaded.buffer)
}

/// Finds the paths in a text.
///
/// # Errors
/// The text cannot be looked at.
pub fn of_text(text: &[u8]) -> Result<Found> {
    let mut seen = text;
    let found: Outline = outline(text, OnError::Collect, None).or_else(|stop| raise(stop, &mut seen))?;
    let fault = found.faults.first().map(|first| {
        let fault = first.fault.clone();
        position::faulty(fault, &mut seen).to_string().trim_start_matches("<memory>:").to_owned()
    });
    let mut references = Vec::new();
    for (index, block) in found.blocks.iter().enumerate() {
        for part in &block.parts {
            of_part(text, part, index, &mut references);
        }
    }
    let blocks = found.blocks.iter().map(|block| block.name.to_string()).collect();
    Ok(Found { blocks, references, fault })
}

fn of_part(text: &[u8], part: &Part, block: usize, references: &mut Vec<Reference>) {
    let columns = path_columns(part, &[]);
    if columns.is_empty() {
        return;
    }
    let options = option_names(text, part);
    for (column, label, kind) in columns {
        let begin = references.len();
        let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut last = 0;
        values::each(text, part, Some(&[column]), &mut |value| {
            let unescaped = if value.form == Form::Escaped { lex::unescape(value.word) } else { Vec::new() };
            let word = if value.form == Form::Escaped { &unescaped } else { value.word };
            if paths::is_none(word) || (kind == Kind::Option && !options.holds(&value)) {
                return;
            }
            let path = paths::path_of(word);
            // The images of a stack follow one another.
            if let Some(same) = references.get_mut(last).filter(|same| last >= begin && same.path == path) {
                same.count += 1;
                return;
            }
            last = match known.get(path) {
                Some(&at) => at,
                None => {
                    references.push(Reference { block, label: label.clone(), kind, path: path.to_vec(), count: 0 });
                    known.insert(path.to_vec(), references.len() - 1);
                    references.len() - 1
                }
            };
            if let Some(reference) = references.get_mut(last) {
                reference.count += 1;
            }
        });
    }
}
