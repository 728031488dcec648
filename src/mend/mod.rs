//! Texts mended: what RELION would read otherwise is written so that it reads what we read, and paths are moved.
//!
//! Each fix replaces a few bytes; all others stay. Fixes that would overlap are made one after the other, by mending
//! again. `fixes` makes those of a diagnostic's code; [`moving`] those of paths; [`references`] finds paths in files.

mod headers;
mod labels;
mod line_ends;
mod lines;
mod lists;
pub mod moving;
pub mod references;
mod rows;
mod texts;
mod values;
mod words;

use std::collections::HashSet;

use crate::error::Result;
use crate::star::diagnostic::Code;
use crate::star::outline::{OnError, Outline, Part, outline, raise};
use crate::star::position;

pub use texts::{Fix, Fixes};

/// Codes for which there is a fix.
pub const CODES: &[Code] = &[
    Code::CrLf,
    Code::CrLfHarmless,
    Code::ByteOrderMark,
    Code::LoneCr,
    Code::BlockNameComment,
    Code::BlockNameBlanks,
    Code::KeywordCase,
    Code::MissingDataHeader,
    Code::IndentedList,
    Code::BlockAfterRows,
    Code::LabelExtraText,
    Code::NumberGlued,
    Code::LabelsOnLoopLine,
    Code::LabelCase,
    Code::UnknownLabel,
    Code::LabelAtEnd,
    Code::ManyLabelsOnLine,
    Code::RowsAfterBlank,
    Code::CommentAmongRows,
    Code::WrappedRow,
    Code::ValueOnNextLine,
    Code::SemicolonRow,
    Code::BellEscape,
    Code::NotFinite,
    Code::NullMarker,
    Code::IntegerExponent,
    Code::BoolWord,
];

/// Fixes of one kind that were made in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub code: Code,
    /// What became of what, where the code does not say it.
    pub detail: Option<String>,
    /// The line of the first, from 1.
    pub line: u64,
    pub count: u64,
}

/// A text with fixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    pub text: Vec<u8>,
    pub made: Vec<Made>,
}

/// Makes the fixes of some codes, one pass of them: some may be left for the next, since they would overlap.
///
/// # Errors
/// The text cannot be looked at.
pub fn mend(text: &[u8], codes: &HashSet<Code>) -> Result<Mended> {
    let found = outlined(text)?;
    let mut fixes = Fixes::new(text, codes);
    line_ends::fix(&mut fixes, &found);
    for (index, block) in found.blocks.iter().enumerate() {
        headers::fix(&mut fixes, block, index);
        for part in &block.parts {
            match part {
                Part::List(list) => lists::fix(&mut fixes, list, block),
                Part::Loop(table) => {
                    labels::fix(&mut fixes, table);
                    rows::fix(&mut fixes, table);
                }
            }
            words::fix(&mut fixes, part);
        }
    }
    let (mended, fixes) = fixes.apply();
    Ok(Mended { text: mended, made: told(text, &fixes)? })
}

/// The outline of a text, with all that is good in it.
pub(crate) fn outlined(text: &[u8]) -> Result<Outline> {
    let mut seen = text;
    outline(text, OnError::Collect, None).or_else(|stop| raise(stop, &mut seen))
}

/// Fixes by what they are, each kind at its first line.
fn told(text: &[u8], fixes: &[Fix]) -> Result<Vec<Made>> {
    let mut kinds: Vec<(Code, Option<&str>, u64, u64)> = Vec::new();
    for fix in fixes {
        let (at, count) = (fix.at as u64, fix.count);
        match kinds.iter_mut().find(|known| known.0 == fix.code && known.1 == fix.detail.as_deref()) {
            Some(known) => {
                known.2 = known.2.min(at);
                known.3 += count;
            }
            None => kinds.push((fix.code, fix.detail.as_deref(), at, count)),
        }
    }
    kinds.sort_by_key(|known| known.2);
    let offsets: Vec<u64> = kinds.iter().map(|known| known.2).collect();
    let mut seen = text;
    let lines = position::locate(&mut seen, &offsets)?;
    let made = kinds.into_iter().zip(lines).map(|((code, detail, _, count), position)| Made {
        code,
        detail: detail.map(str::to_owned),
        line: position.line,
        count,
    });
    Ok(made.collect())
}

#[cfg(test)]
mod tests;
