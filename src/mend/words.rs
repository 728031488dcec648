//! Values that RELION reads otherwise: words, markers and exponents (`docs/format.md`, rules 20 to 24).

use super::texts::{Fix, Fixes};
use super::values::{self, Value};
use crate::relion::labels::{self, RelionType};
use crate::star::diagnostic::Code;
use crate::star::lex::Form;
use crate::star::outline::Part;
use crate::table::value::{self, Read};

const CODES: [Code; 4] = [Code::NotFinite, Code::NullMarker, Code::IntegerExponent, Code::BoolWord];

pub fn fix(fixes: &mut Fixes<'_>, part: &Part) {
    if fixes.first_wanted(&CODES).is_none() {
        return;
    }
    let named: Vec<(usize, &str, RelionType)> = part
        .labels()
        .enumerate()
        .filter_map(|(index, label)| Some((index, &*label.name, labels::known(&label.name)?.kind)))
        .filter(|(_, _, kind)| *kind != RelionType::String)
        .collect();
    let columns: Vec<usize> = named.iter().map(|(index, _, _)| *index).collect();
    let mut found = Vec::new();
    let text = fixes.text;
    values::each(text, part, Some(&columns), &mut |value| {
        let of = named.iter().find(|(index, _, _)| *index == value.column);
        if value.form != Form::TextField
            && let Some((_, label, kind)) = of
        {
            mend(&value, label, *kind, &|code| fixes.wants(code), &mut found);
        }
    });
    found.sort_by_key(|fix: &Fix| fix.at);
    for fix in found {
        fixes.push(fix);
    }
}

/// What is to stand for a value, and by which code.
fn instead(word: &[u8], kind: RelionType) -> Option<(Code, String)> {
    match kind {
        RelionType::Double | RelionType::DoubleVector => match value::float(word) {
            Read::Noted(_, Code::NotFinite) => Some((Code::NotFinite, "0".to_owned())),
            Read::Null => Some((Code::NullMarker, "0".to_owned())),
            _ => None,
        },
        RelionType::Int | RelionType::IntVector => match value::integer(word) {
            Read::Noted(number, Code::IntegerExponent) => Some((Code::IntegerExponent, number.to_string())),
            Read::Null => Some((Code::NullMarker, "0".to_owned())),
            _ => None,
        },
        RelionType::Bool => match value::boolean(word) {
            Read::Noted(truth, code @ (Code::BoolWord | Code::IntegerExponent)) => {
                Some((code, u8::from(truth).to_string()))
            }
            Read::Null => Some((Code::NullMarker, "0".to_owned())),
            _ => None,
        },
        RelionType::String => None,
    }
}

fn mend(value: &Value<'_>, label: &str, kind: RelionType, wants: &dyn Fn(Code) -> bool, found: &mut Vec<Fix>) {
    let is_vector = matches!(kind, RelionType::DoubleVector | RelionType::IntVector);
    let shown = |word: &[u8], with: &str| {
        let word = if word.is_empty() { "\"\"".into() } else { String::from_utf8_lossy(word) };
        format!("{word} becomes {with} in {label}")
    };
    if is_vector && value::is_null(crate::star::lex::trim(value.word)) {
        if wants(Code::NullMarker) {
            let fix = Fix::new(Code::NullMarker, value.start).replace(value.whole(), &b"[]"[..]);
            found.push(fix.telling(shown(value.word, "[]")));
        }
        return;
    }
    if !is_vector {
        if let Some((code, with)) = instead(value.word, kind).filter(|(code, _)| wants(*code)) {
            let range = if value.word.is_empty() { value.whole() } else { value.start..value.end };
            let words = shown(value.word, &with);
            let fix = Fix::new(code, value.start).replace(range, with.into_bytes());
            // What becomes of a word is told by its code where nothing is lost.
            found.push(if code == Code::BoolWord { fix } else { fix.telling(words) });
        }
        return;
    }
    for item in value::items(value.word).into_iter().flatten() {
        let Some((code, with)) = instead(item, kind).filter(|(code, _)| wants(*code)) else { continue };
        let at = value.start + (item.as_ptr().addr() - value.word.as_ptr().addr());
        let words = shown(item, &with);
        found.push(Fix::new(code, at).replace(at..at + item.len(), with.into_bytes()).telling(words));
    }
}
