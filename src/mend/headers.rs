//! Headers of blocks (`docs/format.md`, rules 2, 6 and 7).

use super::lines::{holds_keyword, line_from};
use super::texts::{Fix, Fixes};
use crate::star::diagnostic::Code;
use crate::star::lex::{is_blank, trim};
use crate::star::outline::Block;

const KEYWORD: &[u8] = b"data_";

pub fn fix(fixes: &mut Fixes<'_>, block: &Block, index: usize) {
    let Ok(start) = usize::try_from(block.start) else { return };
    if block.events.has(Code::MissingDataHeader) {
        if index == 0 && fixes.wants(Code::MissingDataHeader) {
            fixes.push(Fix::new(Code::MissingDataHeader, start).insert(start, &b"data_\n\n"[..]));
        }
        return;
    }
    let line = line_from(fixes.text, start);
    let text = line.of(fixes.text);
    // As the outline has it: a header may be within a word.
    let at = match text.iter().position(|&byte| !is_blank(byte)) {
        Some(first) if is_keyword(text.get(first..).unwrap_or_default()) => first,
        _ => memchr::memmem::find(text, KEYWORD).unwrap_or(text.len()),
    };
    let Some((keyword, rest)) = text.get(at..).and_then(|text| text.split_at_checked(KEYWORD.len())) else { return };
    let at = start + at;
    if keyword != KEYWORD && fixes.wants(Code::KeywordCase) {
        fixes.push(Fix::new(Code::KeywordCase, at).replace(at..at + KEYWORD.len(), KEYWORD));
    }
    let begin = at + KEYWORD.len();
    let comment = rest.windows(2).position(|pair| matches!(pair, [blank, b'#'] if is_blank(*blank)));
    let named = comment.map_or(rest, |at| rest.get(..at).unwrap_or_default());
    let led = named.iter().take_while(|&&byte| is_blank(byte)).count();
    if fixes.wants(Code::BlockNameBlanks) && !trim(named).is_empty() && led > 0 {
        fixes.push(Fix::new(Code::BlockNameBlanks, begin).delete(begin..begin + led));
    }
    match comment {
        Some(gap) if fixes.wants(Code::BlockNameComment) => {
            let hash = gap + 1;
            let blanks = rest.get(..hash).unwrap_or_default().iter().rev().take_while(|&&byte| is_blank(byte)).count();
            if !holds_keyword(rest.get(hash..).unwrap_or_default()) {
                let gap = begin + hash - blanks..begin + hash;
                fixes.push(Fix::new(Code::BlockNameComment, begin + hash).replace(gap, &b"\n"[..]));
            }
        }
        None if fixes.wants(Code::BlockNameBlanks) => {
            let tail = rest.strip_suffix(b"\r").unwrap_or(rest);
            let blanks = tail.iter().rev().take_while(|&&byte| is_blank(byte)).count();
            let end = begin + tail.len();
            if tail.last() == Some(&b'\t') {
                fixes.push(Fix::new(Code::BlockNameBlanks, end - blanks).delete(end - blanks..end));
            }
        }
        _ => {}
    }
}

fn is_keyword(text: &[u8]) -> bool {
    text.get(..KEYWORD.len()).is_some_and(|head| head.eq_ignore_ascii_case(KEYWORD))
}
