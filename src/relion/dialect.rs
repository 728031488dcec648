//! Where RELION would read something else than we do: what only labels, names and whole blocks can tell.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use super::labels::{self, RelionType};
use crate::star::diagnostic::{Code, Events};
use crate::star::lex::{BELL, Form};
use crate::star::outline::{Item, Label, LabelEvent, Outline, Part, Span};
use crate::star::text::Text;

/// Adds to an outline what RELION makes of its labels and block names.
///
/// # Errors
/// As [`Text::view`].
pub fn examine<T: Text>(outline: &mut Outline, text: &mut T) -> io::Result<()> {
    let mut last: Option<(Arc<[Label]>, Vec<LabelEvent>, u64)> = None;
    for block in &mut outline.blocks {
        for part in &block.parts {
            match part {
                Part::List(list) => {
                    if block.events.has(Code::CrLfHarmless) && keeps_cr(&list.items, text)? {
                        block.events.turn(Code::CrLfHarmless, Code::CrLf);
                    }
                    block.labels.extend(examine_labels(list.items.iter().map(|item| &item.label), list.start));
                    for item in &list.items {
                        rewritten_unquoted(item, text, &mut block.events)?;
                    }
                }
                Part::Loop(table) => {
                    // A thousand blocks with one header are looked up once.
                    if let Some((labels, events, start)) = &last
                        && Arc::ptr_eq(labels, &table.labels)
                    {
                        let moved = |event: &LabelEvent| LabelEvent {
                            offset: event.offset - start + table.start,
                            ..event.clone()
                        };
                        block.labels.extend(events.iter().map(moved));
                        continue;
                    }
                    let events = examine_labels(table.labels.iter(), table.start);
                    block.labels.extend(events.iter().cloned());
                    last = Some((Arc::clone(&table.labels), events, table.start));
                }
            }
        }
    }
    compare_names(outline, text)
}

/// What the names of blocks do to one another: the same name twice, and lines that end in `data_` and the name of a
/// later block, at which RELION stops when it looks for that block.
fn compare_names<T: Text>(outline: &mut Outline, text: &mut T) -> io::Result<()> {
    let mut noted: Vec<(usize, Code, u64)> = Vec::new();
    // The first and the last block of each name.
    let mut places: HashMap<&str, (usize, usize)> = HashMap::with_capacity(outline.blocks.len());
    for (index, block) in outline.blocks.iter().enumerate() {
        let (first, last) = places.entry(&block.name).or_insert((index, index));
        if *last < index {
            *last = index;
            noted.push((*first, Code::DuplicateBlock, block.start));
        }
    }
    let keyword = memchr::memmem::Finder::new(KEYWORD);
    let but_last = outline.blocks.len().saturating_sub(1);
    for (index, block) in outline.blocks.iter().take(but_last).enumerate() {
        let is_later = |name: &str| places.get(name).is_some_and(|&(_, last)| last > index);
        let mut note = |offset| noted.push((index, Code::KeywordInValue, offset));
        for part in &block.parts {
            search(text, part.start(), part.end(), &keyword, &is_later, &mut note)?;
        }
    }
    for (index, code, offset) in noted {
        if let Some(block) = outline.blocks.get_mut(index) {
            block.events.add(code, offset);
        }
    }
    Ok(())
}

/// What is odd about the labels of a table that begins at `start`.
fn examine_labels<'a>(labels: impl Iterator<Item = &'a Label>, start: u64) -> Vec<LabelEvent> {
    let mut seen = HashSet::new();
    let mut events: Vec<LabelEvent> = Vec::new();
    for label in labels {
        let name = &*label.name;
        let known = labels::known(name);
        let mut add = |code| match events.iter_mut().find(|event| event.code == code && *event.label == *name) {
            Some(event) => event.count += 1,
            None => events.push(LabelEvent { code, offset: start + label.at, count: 1, label: name.into() }),
        };
        if !seen.insert(known.map_or(name, |known| known.canonical)) {
            add(if known.is_some() { Code::DuplicateLabel } else { Code::RepeatedUnknown });
        }
        match (known, name) {
            (_, "rlnComment") => add(Code::CommentColumn),
            (_, "rlnSortedIndex") => add(Code::SortedIndex),
            (Some(_), _) => {}
            (None, _) if labels::known_in_other_case(name).is_some() => add(Code::LabelCase),
            (None, _) if name.starts_with("rln") => add(Code::UnknownLabel),
            (None, _) => {}
        }
    }
    events
}

/// Whether RELION takes a CR at a line's end into a value: numbers end before it, text does not, and no quote closes.
fn keeps_cr<T: Text>(items: &[Item], text: &mut T) -> io::Result<bool> {
    for Item { label, value } in items {
        let quoted = value.form != Form::Bare;
        let number = labels::known(&label.name)
            .is_some_and(|known| matches!(known.kind, RelionType::Double | RelionType::Int | RelionType::Bool));
        let view = text.view(value.end + u64::from(quoted), 2)?;
        if matches!(view, [b'\r'] | [b'\r', b'\n', ..]) && (quoted || !number) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// RELION writes the values of unknown labels in lists as they are, whether they need quotes or not.
fn rewritten_unquoted<T: Text>(item: &Item, text: &mut T, events: &mut Events) -> io::Result<()> {
    let Span { start, end, form } = item.value;
    if form == Form::Bare || labels::known(&item.label.name).is_some() {
        return Ok(());
    }
    let length = usize::try_from(end - start).unwrap_or(usize::MAX);
    let value = text.view(start, length)?;
    let value = value.get(..length).unwrap_or_default();
    let is_opener = matches!(value.first().copied(), None | Some(b'"' | b'\'' | b'#' | BELL));
    if is_opener || value.iter().any(|byte| matches!(byte, b' ' | b'\t' | b'\n')) {
        events.add(Code::RewrittenUnquoted, start);
    }
    Ok(())
}

const KEYWORD: &[u8] = b"data_";
const STRIDE: usize = 1 << 20;

fn search<T: Text>(
    text: &mut T,
    mut at: u64,
    end: u64,
    keyword: &memchr::memmem::Finder<'_>,
    is_later: &dyn Fn(&str) -> bool,
    note: &mut dyn FnMut(u64),
) -> io::Result<()> {
    while at < end {
        let want = usize::try_from(end - at).unwrap_or(STRIDE).min(STRIDE);
        let view = text.view(at, want)?;
        let length = view.len().min(want);
        let part = view.get(..length).unwrap_or_default();
        // Only whole lines are looked at; the last, cut one comes again with the next view.
        let lines = match memchr::memrchr(b'\n', part) {
            Some(last) if at + (length as u64) < end => last + 1,
            _ => length,
        };
        let part = part.get(..lines).unwrap_or_default();
        for found in keyword.find_iter(part) {
            let rest = part.get(found + KEYWORD.len()..).unwrap_or_default();
            let name = rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len())).unwrap_or_default();
            let name = name.trim_ascii_end();
            if std::str::from_utf8(name).is_ok_and(is_later) {
                note(at + found as u64);
            }
        }
        at += lines.max(1) as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::star::outline::{Block, OnError, outline};

    fn codes(text: &str) -> Vec<&'static str> {
        let mut found = outline(text.as_bytes(), OnError::Collect, None).expect("collected");
        examine(&mut found, &mut text.as_bytes()).expect("memory");
        let of = |block: &Block| {
            let labels = block.labels.iter().map(|event| event.code.id());
            labels.chain(block.events.iter().map(|event| event.code.id())).collect::<Vec<_>>()
        };
        found.blocks.iter().flat_map(of).collect()
    }

    #[test]
    fn labels_that_relion_reads_otherwise() {
        assert_eq!(codes("data_x\nloop_\n_rlnVoltage\n_rlnVoltage\n1 2\n"), ["H103"]);
        assert_eq!(codes("data_x\nloop_\n_rlnvoltage\n_rlnNew\n_foo\n1 2 3\n"), ["H105", "H106"]);
        assert_eq!(codes("data_x\n_rlnComment hi\n_foo 'a b'\n"), ["H108", "V108"]);
    }

    #[test]
    fn values_that_look_like_a_later_blocks_header() {
        assert_eq!(codes("data_a\n_rlnTomoName raw/mydata_b\n\ndata_b\n_foo 1\n"), ["B108"]);
        assert_eq!(codes("data_a\n_rlnTomoName raw/mydata_a\n\ndata_b\n_foo 1\n"), Vec::<&str>::new());
        assert_eq!(codes("data_a\n_foo 1\n\ndata_a\n_foo 1\n"), ["B105"]);
    }
}
