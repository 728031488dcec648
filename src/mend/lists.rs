//! Lists (`docs/format.md`, rule 14).

use super::labels::rename;
use super::lines::line_at;
use super::texts::{Fix, Fixes};
use crate::star::diagnostic::Code;
use crate::star::lex::{Form, is_blank};
use crate::star::outline::{Block, Item, List};

pub fn fix(fixes: &mut Fixes<'_>, list: &List, block: &Block) {
    let Ok(start) = usize::try_from(list.start) else { return };
    if fixes.wants(Code::IndentedList) && block.events.has(Code::IndentedList) {
        indentation(fixes, list, start);
    }
    for item in &list.items {
        let at = start.saturating_add(usize::try_from(item.label.at).unwrap_or(usize::MAX));
        let (Ok(from), Ok(to)) = (usize::try_from(item.value.start), usize::try_from(item.value.end)) else { continue };
        fix_item(fixes, item, at, from, to);
    }
    rename(fixes, list.items.iter().map(|item| &item.label), start);
}

fn indentation(fixes: &mut Fixes<'_>, list: &List, start: usize) {
    for item in &list.items {
        let at = start.saturating_add(usize::try_from(item.label.at).unwrap_or(usize::MAX));
        let line = line_at(fixes.text, at);
        if line.start < at {
            fixes.push(Fix::new(Code::IndentedList, line.start).delete(line.start..at));
        }
    }
}

/// Mends a label at `at`, whose value is from `from` to `to`.
fn fix_item(fixes: &mut Fixes<'_>, item: &Item, at: usize, from: usize, to: usize) {
    if item.value.form == Form::TextField {
        return;
    }
    let quote = usize::from(item.value.form != Form::Bare);
    let (from, to) = (from.saturating_sub(quote), to + quote);
    let word = fixes.of(at..fixes.text.len());
    let word = word.get(..word.iter().position(|&byte| is_blank(byte) || byte == b'\n').unwrap_or(word.len()));
    let word = word.unwrap_or_default();
    let (end, line) = (at + word.len(), line_at(fixes.text, at));
    if from > line.end {
        if fixes.wants(Code::ValueOnNextLine) && from > end {
            fixes.push(Fix::new(Code::ValueOnNextLine, from).replace(end..from, &b" "[..]));
        }
        return;
    }
    // RELION cuts nothing off a list's label, so what is glued to it goes behind the value.
    if let Some(hash) = memchr::memchr(b'#', word).filter(|&hash| hash > 1)
        && fixes.wants(Code::NumberGlued)
    {
        let glued = word.get(hash..).unwrap_or_default();
        let comment = [b" ", glued].concat();
        fixes.push(Fix::new(Code::NumberGlued, at).delete(at + hash..end).insert(to, comment));
    }
}
