//! Text as a value: bare, or quoted so that it reads back equal (`docs/writing.md`, rules 5 and 6).

use crate::star::lex::{self, BELL};

/// Why a text cannot be a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwritable {
    /// It has a line feed or a CR; RELION's values end with their line.
    LineBreak,
    /// Whatever quotes are put around it, some within it would end the value.
    Quotes,
}

impl Unwritable {
    /// What a value should be like instead.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            Self::LineBreak => "text on one line",
            Self::Quotes => "text that quotes can be put around",
        }
    }
}

/// How a text has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Bare,
    Quoted(u8),
    /// In double quotes, with BEL before those that do not end the value: RELION reads this in lists alone.
    Escaped,
}

/// Which way a text is to be written.
///
/// # Errors
/// There is none.
#[inline]
pub fn style(text: &[u8], in_list: bool) -> Result<Style, Unwritable> {
    if is_plain(text) {
        return Ok(Style::Bare);
    }
    quoted_style(text, in_list)
}

/// Whether a text can stand bare: most can.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    match text.first() {
        None | Some(b'"' | b'\'' | b'#' | b';' | b'_') => false,
        Some(_) => !has_control(text) && lex::keyword(text).is_none(),
    }
}

/// Whether there is a blank or a control character. Bytes are looked at sixteen by sixteen, without a branch on each.
#[inline]
fn has_control(text: &[u8]) -> bool {
    let any = |bytes: &[u8]| bytes.iter().fold(false, |found, &byte| found | (byte <= b' ') | (byte == 0x7f));
    match (text.as_chunks::<16>().0, text.last_chunk::<16>()) {
        (chunks, Some(last)) => chunks.iter().fold(any(last), |found, chunk| found | any(chunk)),
        (_, None) => any(text),
    }
}

#[cold]
fn quoted_style(text: &[u8], in_list: bool) -> Result<Style, Unwritable> {
    if memchr::memchr2(b'\n', b'\r', text).is_some() {
        return Err(Unwritable::LineBreak);
    }
    for quote in [b'"', b'\''] {
        if !ends_early(text, quote, in_list) {
            return Ok(Style::Quoted(quote));
        }
    }
    match in_list && memchr::memchr(BELL, text).is_none() {
        true => Ok(Style::Escaped),
        false => Err(Unwritable::Quotes),
    }
}

/// What RELION deletes from the rows of loops before it looks for words.
const DELETED: &[u8] = b"\x07\x08\x0b\x0c";

/// Whether a value in these quotes would end, or lose a BEL, before its end.
fn ends_early(text: &[u8], quote: u8, in_list: bool) -> bool {
    let pairs = text.iter().zip(text.iter().skip(1).chain(std::iter::once(&quote)));
    let ends = |(&byte, &next): (&u8, &u8)| (byte == quote && lex::is_blank(next)) || (byte == BELL && next == quote);
    pairs.into_iter().any(ends) || (!in_list && ends_once_deleted(text, quote))
}

#[cold]
fn ends_once_deleted(text: &[u8], quote: u8) -> bool {
    let rest: Vec<u8> = text.iter().copied().filter(|byte| !DELETED.contains(byte)).collect();
    rest.len() < text.len() && ends_early(&rest, quote, true)
}

/// Adds a text as a value, at the right of a field of at least `width` characters.
///
/// # Errors
/// As [`style`].
#[inline]
pub fn push_text(out: &mut Vec<u8>, text: &[u8], in_list: bool, width: usize) -> Result<(), Unwritable> {
    let style = style(text, in_list)?;
    let quotes = if style == Style::Bare { 0 } else { 2 };
    super::float::pad(out, width.saturating_sub(text.len() + quotes));
    match style {
        Style::Bare => out.extend_from_slice(text),
        Style::Quoted(quote) => {
            out.push(quote);
            out.extend_from_slice(text);
            out.push(quote);
        }
        Style::Escaped => {
            out.push(b'"');
            for (index, &byte) in text.iter().enumerate() {
                if byte == b'"' && text.get(index + 1).is_some_and(|&next| lex::is_blank(next)) {
                    out.push(BELL);
                }
                out.push(byte);
            }
            out.push(b'"');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::star::lex::{Form, Words};

    fn written(text: &str, in_list: bool) -> Result<String, Unwritable> {
        let mut out = Vec::new();
        push_text(&mut out, text.as_bytes(), in_list, 0)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn quotes_where_they_are_needed() {
        for (text, expected) in [
            ("a", "a"),
            ("it's", "it's"),
            ("a\"b", "a\"b"),
            ("", "\"\""),
            ("#hash", "\"#hash\""),
            ("a#b", "a#b"),
            ("_x", "\"_x\""),
            (";x", "\";x\""),
            ("data_x", "\"data_x\""),
            ("Loop_", "\"Loop_\""),
            ("loop_x", "loop_x"),
            ("a b", "\"a b\""),
            ("a\" b", "'a\" b'"),
            ("'q'", "\"'q'\""),
            ("\"", "\"\"\""),
            ("say \"hi\"", "\"say \"hi\"\""),
            ("a\"\x0b b", "'a\"\x0b b'"),
        ] {
            assert_eq!(written(text, false).as_deref(), Ok(expected));
        }
        assert_eq!(written("a\nb", true), Err(Unwritable::LineBreak));
        assert_eq!(written("a\" b' c", false), Err(Unwritable::Quotes));
        assert_eq!(written("a\" b' c", true).as_deref(), Ok("\"a\x07\" b' c\""));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn what_is_written_reads_back(text in "[ab \t\"'#_;\x07\x00\u{e9}]{0,8}|data_|loop_|[ -~]{0,12}", in_list: bool) {
            let mut line = Vec::new();
            if push_text(&mut line, text.as_bytes(), in_list, 3).is_ok() {
                line.extend_from_slice(b" x");
                let words: Vec<_> = Words::new(&line).map_while(Result::ok).collect();
                prop_assert_eq!(words.len(), 2);
                let value = words.first().map(|word| match word.form {
                    Form::Escaped => lex::unescape(word.of(&line)),
                    _ => word.of(&line).to_vec(),
                });
                prop_assert_eq!(value, Some(text.into_bytes()));
            }
        }
    }
}
