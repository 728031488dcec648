//! Line ends and what stands before a text (`docs/format.md`, rules 1 and 3).

use std::ops::Range;

use super::lines::{line_from, tokens};
use super::texts::{Fix, Fixes};
use super::values;
use crate::star::diagnostic::Code;
use crate::star::lex::Form;
use crate::star::outline::{Outline, Part};
use crate::star::rows::Shape;

const MARK: &[u8] = b"\xef\xbb\xbf";

pub fn fix(fixes: &mut Fixes<'_>, found: &Outline) {
    if fixes.wants(Code::ByteOrderMark) {
        let marks = fixes.text.chunks(MARK.len()).take_while(|chunk| *chunk == MARK).count();
        if marks > 0 {
            fixes.push(Fix::new(Code::ByteOrderMark, 0).delete(0..marks * MARK.len()));
        }
    }
    if let Some(code) = fixes.first_wanted(&[Code::CrLf, Code::CrLfHarmless]) {
        fix_ends(fixes, found, code);
    }
    if fixes.wants(Code::LoneCr) {
        for part in found.blocks.iter().flat_map(|block| &block.parts) {
            fix_between(fixes, part);
        }
    }
}

/// Takes the CRs from all line ends that are no part of a value.
fn fix_ends(fixes: &mut Fixes<'_>, found: &Outline, code: Code) {
    let fields = text_fields(fixes.text, found);
    let mut kept = fields.iter().peekable();
    let mut fix = Fix::new(code, 0);
    let mut count = 0;
    for end in memchr::memchr_iter(b'\n', fixes.text).chain(std::iter::once(fixes.text.len())) {
        while kept.next_if(|field| field.end < end).is_some() {}
        let line = fixes.of(0..end);
        let returns = line.iter().rev().take_while(|&&byte| byte == b'\r').count();
        if returns == 0 || kept.peek().is_some_and(|field| field.start < end && end < field.end) {
            continue;
        }
        if count == 0 {
            fix.at = end - returns;
        }
        count += 1;
        fix = fix.delete(end - returns..end);
    }
    fix.count = count;
    fixes.push(fix);
}

/// Where the values of text fields are, in order.
fn text_fields(text: &[u8], found: &Outline) -> Vec<Range<usize>> {
    let mut fields = Vec::new();
    for part in found.blocks.iter().flat_map(|block| &block.parts) {
        let wrapped = match part {
            Part::List(_) => true,
            Part::Loop(table) => table.pieces.iter().any(|piece| piece.shape == Shape::Wrapped),
        };
        if wrapped {
            values::each(text, part, None, &mut |value| {
                if value.form == Form::TextField {
                    fields.push(value.start..value.end);
                }
            });
        }
    }
    fields.sort_by_key(|field| field.start);
    fields
}

/// Makes blanks of the CRs that alone separate two words of a row or list.
fn fix_between(fixes: &mut Fixes<'_>, part: &Part) {
    let whole = values::range(part);
    let text = fixes.of(whole.clone());
    let mut at = whole.start;
    for found in memchr::memchr_iter(b'\r', text) {
        let found = whole.start + found;
        if found < at {
            continue;
        }
        let line = super::lines::line_at(fixes.text, found);
        let (words, comment) = tokens(fixes.text, &line);
        let after = words.iter().skip(1).map(|word| word.start).chain(comment);
        for (word, next) in words.iter().zip(after) {
            let gap = fixes.of(word.end..next);
            if !gap.is_empty() && gap.iter().all(|&byte| byte == b'\r') {
                let blanks = vec![b' '; gap.len()];
                fixes.push(Fix::new(Code::LoneCr, word.end).replace(word.end..next, blanks));
            }
        }
        at = line_from(fixes.text, found).next;
    }
}
