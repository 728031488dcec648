//! The labels of loops (`docs/format.md`, rule 8), and labels that are meant to be RELION's.

use std::collections::HashSet;

use super::lines::{Line, Token, holds_keyword, lines, tokens};
use super::texts::{Fix, Fixes};
use crate::near;
use crate::relion::labels;
use crate::star::diagnostic::Code;
use crate::star::lex::is_blank;
use crate::star::outline::{Label, Loop};

pub fn fix(fixes: &mut Fixes<'_>, table: &Loop) {
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let start = place(table.start);
    let end = table.pieces.first().map_or(table.end, |piece| piece.start);
    let mut last = None;
    for (index, line) in lines(fixes.text, start..place(end)).enumerate() {
        let (words, _) = tokens(fixes.text, &line);
        let is_label = words.first().is_some_and(|word| is_label(word, fixes.text));
        if index == 0 || is_label {
            label_line(fixes, &words, index == 0);
            last = Some(line).filter(|_| is_label);
        }
    }
    if let Some(Line { start, end, next }) = last
        && end == next
        && fixes.wants(Code::LabelAtEnd)
    {
        fixes.push(Fix::new(Code::LabelAtEnd, start).insert(end, &b"\n"[..]));
    }
    rename(fixes, table.labels.iter(), start);
}

fn is_label(word: &Token, text: &[u8]) -> bool {
    word.of(text).first() == Some(&b'_')
}

/// Mends a line of labels, or the one with `loop_`.
fn label_line(fixes: &mut Fixes<'_>, words: &[Token], is_loop: bool) {
    let text = fixes.text;
    let breaks = if is_loop { Code::LabelsOnLoopLine } else { Code::ManyLabelsOnLine };
    if is_loop
        && let Some(word) = words.first()
        && word.of(text) != b"loop_"
        && fixes.wants(Code::KeywordCase)
    {
        fixes.push(Fix::new(Code::KeywordCase, word.start).replace(word.start..word.end, &b"loop_"[..]));
    }
    let last = words.iter().rposition(|word| is_label(word, text)).unwrap_or(0);
    let mut extra = false;
    for (index, word) in words.iter().enumerate() {
        // What becomes a comment must not hide a label.
        let may_comment = index >= last || fixes.wants(breaks);
        if index == 0 && is_loop {
            continue;
        }
        if !is_label(word, text) {
            let rest = text.get(word.start..words.last().map_or(word.end, |word| word.end)).unwrap_or_default();
            if !extra && may_comment && fixes.wants(Code::LabelExtraText) && is_comment(rest) {
                fixes.push(Fix::new(Code::LabelExtraText, word.start).insert(word.start, &b"# "[..]));
            }
            extra = true;
            continue;
        }
        extra = false;
        if index > 0 && fixes.wants(breaks) {
            let before = text.get(..word.start).unwrap_or_default();
            let blanks = before.iter().rev().take_while(|&&byte| is_blank(byte)).count();
            fixes.push(Fix::new(breaks, word.start).replace(word.start - blanks..word.start, &b"\n"[..]));
        }
        let hash = memchr::memchr(b'#', word.of(text)).filter(|&hash| hash > 1);
        if let Some(hash) = hash
            && may_comment
            && fixes.wants(Code::NumberGlued)
        {
            fixes.push(Fix::new(Code::NumberGlued, word.start).insert(word.start + hash, &b" "[..]));
        }
    }
}

/// Whether a text may become a comment: some comments mean something.
fn is_comment(text: &[u8]) -> bool {
    !holds_keyword(text) && !text.starts_with(b"version ")
}

/// Gives labels the names of RELION's that they are meant to be; `start` is where their table begins.
pub fn rename<'a>(fixes: &mut Fixes<'_>, all: impl IntoIterator<Item = &'a Label> + Clone, start: usize) {
    let codes = [Code::LabelCase, Code::UnknownLabel];
    if fixes.first_wanted(&codes).is_none() {
        return;
    }
    let mut names: HashSet<&str> = all.clone().into_iter().map(|label| &*label.name).collect();
    for label in all {
        let name = &*label.name;
        let Some((code, meant)) = meant(name).filter(|(code, _)| fixes.wants(*code)) else { continue };
        let begin = start.saturating_add(usize::try_from(label.at).unwrap_or(usize::MAX)).saturating_add(1);
        let range = begin..begin.saturating_add(name.len());
        if fixes.of(range.clone()) == name.as_bytes() && names.insert(meant) {
            let fix = Fix::new(code, begin).replace(range, meant.as_bytes());
            fixes.push(fix.telling(format!("{name} becomes {meant}")));
        }
    }
}

/// The label that is meant by one that RELION does not know, if there is only one.
fn meant(name: &str) -> Option<(Code, &'static str)> {
    if labels::known(name).is_some() {
        return None;
    }
    if let Some(known) = labels::known_in_other_case(name) {
        return Some((Code::LabelCase, known.name));
    }
    if !name.starts_with("rln") {
        return None;
    }
    let mut near = labels::all().map(|known| known.name).filter(|known| near::differ_by_one(name, known));
    let first = near.next()?;
    near.next().is_none().then_some((Code::UnknownLabel, first))
}
