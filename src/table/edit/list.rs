//! A list written again: values and labels in their places, items left out or added.

use std::ops::Range;

use super::header::{end_line, line_after};
use super::kept::Kept;
use super::row::{Out, push_aligned};
use super::same::same;
use crate::error::Result;
use crate::star::lex::Form;
use crate::star::outline::List;
use crate::star::write::float::pad;
use crate::table::encode::block::refused;

/// One item's lines, and the comments and blank lines above them.
struct Unit {
    lead: Range<usize>,
    label: Range<usize>,
    /// The value with its quotes.
    value: Range<usize>,
    end: usize,
    /// The value is below its label.
    below: bool,
}

/// The text of a list with its changes.
///
/// # Errors
/// A value that cannot be written; what the operating system says.
pub fn rewritten(kept: &Kept, block: &str, list: &List, outs: &[Out]) -> Result<Vec<u8>> {
    let line_end = kept.line_end()?;
    let mut memory = Vec::new();
    let text = kept.bytes(list.start..list.end, &mut memory)?;
    let slice = |range: Range<usize>| text.get(range).unwrap_or_default();
    let units = units(text, list);
    let mut written = Vec::new();
    for (index, unit) in units.iter().enumerate() {
        written.extend_from_slice(slice(unit.lead.clone()));
        let Some(out) = outs.iter().find(|out| out.word == Some(index)) else { continue };
        let line = written.len();
        written.extend_from_slice(slice(unit.lead.end..unit.label.start));
        if list.items.get(index).is_some_and(|item| *item.label.name == *out.label) {
            written.extend_from_slice(slice(unit.label.clone()));
        } else {
            written.push(b'_');
            written.extend_from_slice(out.label.as_bytes());
        }
        match value(block, out)? {
            Some(token) if unit.below => {
                written.push(b' ');
                written.extend_from_slice(&token);
            }
            Some(token) => {
                written.extend_from_slice(slice(unit.label.end..unit.value.start));
                if out.width > 0 {
                    push_aligned(&mut written, line, &token, unit.value.len());
                } else {
                    written.extend_from_slice(&token);
                }
            }
            None => written.extend_from_slice(slice(unit.label.end..unit.value.end)),
        }
        written.extend_from_slice(slice(unit.value.end..unit.end));
    }
    for out in outs.iter().filter(|out| out.word.is_none()) {
        end_line(&mut written, line_end);
        let label_end = written.len() + 1 + out.label.len();
        written.push(b'_');
        written.extend_from_slice(out.label.as_bytes());
        push_gap(&mut written, label_end, text, units.last());
        written.extend_from_slice(&value(block, out)?.unwrap_or_default());
        written.extend_from_slice(line_end);
    }
    written.extend_from_slice(slice(units.last().map_or(0, |unit| unit.end)..text.len()));
    Ok(written)
}

/// What stands between a label and its value: as in the line above, as far as that fits.
fn push_gap(written: &mut Vec<u8>, label_end: usize, text: &[u8], model: Option<&Unit>) {
    let model = model.filter(|unit| !unit.below);
    let gap = model.and_then(|unit| text.get(unit.label.end..unit.value.start)).unwrap_or(b" ");
    if gap.contains(&b'\t') {
        return written.extend_from_slice(gap);
    }
    let line = written.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let column = model.map_or(0, |unit| unit.value.start - unit.lead.end);
    pad(written, (column + line).saturating_sub(label_end).max(1));
}

/// The token of a value that is new or was changed.
fn value(block: &str, out: &Out) -> Result<Option<Vec<u8>>> {
    let Some(cells) = &out.cells else { return Ok(None) };
    if out.old.as_ref().is_some_and(|old| same(old, 0, cells.column(), 0)) {
        return Ok(None);
    }
    let mut token = Vec::new();
    cells.push(&mut token, 0).map_err(|refusal| refused(block, &out.label, None, refusal))?;
    Ok(Some(token))
}

fn units(text: &[u8], list: &List) -> Vec<Unit> {
    let within = |offset: u64| usize::try_from(offset - list.start).unwrap_or(usize::MAX);
    let mut at = 0;
    let unit = |item: &crate::star::outline::Item| {
        let label = usize::try_from(item.label.at).unwrap_or(usize::MAX);
        let rest = text.get(label..).unwrap_or_default();
        let blank = rest.iter().position(|byte| byte.is_ascii_whitespace()).unwrap_or(rest.len());
        let start = memchr::memrchr(b'\n', text.get(..label).unwrap_or_default()).map_or(0, |end| end + 1);
        let (from, to) = (within(item.value.start), within(item.value.end));
        let value = match item.value.form {
            Form::Bare => from..to,
            Form::Quoted | Form::Escaped => from.saturating_sub(1)..to + 1,
            // From the semicolon up to the one that closes it, on the line below the text.
            Form::TextField => from.saturating_sub(1)..line_after(text, to).saturating_add(1).min(text.len()),
        };
        let below = memchr::memchr(b'\n', text.get(label..value.start).unwrap_or_default()).is_some();
        let end = line_after(text, value.end);
        let unit = Unit { lead: at..start, label: label..label + blank, value, end, below };
        at = end;
        unit
    };
    list.items.iter().map(unit).collect()
}
