//! Single values that are no plain numbers: markers, words, vectors (`docs/format.md`, rules 20 to 24).

use crate::star::diagnostic::Code;
use crate::star::lex::trim;
use crate::star::number::{self, Integer};

/// A value that was read, with what is worth telling about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Read<T> {
    Value(T),
    Noted(T, Code),
    Null,
    Bad,
}

/// What stands for a missing value in a column that is not text (rule 22).
#[must_use]
pub fn is_null(word: &[u8]) -> bool {
    matches!(word, b"" | b"<NA>" | b"NA" | b"N/A" | b"None" | b"null" | b"?" | b".")
}

#[must_use]
pub fn float(word: &[u8]) -> Read<f64> {
    let word = trim(word);
    match number::float(word) {
        Some(value) if value.is_finite() => Read::Value(value),
        Some(value) => Read::Noted(value, Code::FloatOverflow),
        None => match number::special(word) {
            Some(value) => Read::Noted(value, Code::NotFinite),
            None if is_null(word) => Read::Null,
            None => Read::Bad,
        },
    }
}

/// Of longer numbers pandas may make something else.
const LONGEST_PLAIN: usize = 40;

/// A finite number beyond doubt.
#[must_use]
pub fn plain_number(word: &[u8]) -> Option<f64> {
    number::float(word).filter(|value| value.is_finite() && word.len() <= LONGEST_PLAIN)
}

/// What pandas takes for a float, or for no number.
#[must_use]
pub fn plain_float(word: &[u8]) -> Read<f64> {
    match plain_number(word) {
        Some(value) => Read::Value(value),
        None if is_nan_marker(word) => Read::Value(f64::NAN),
        None => Read::Bad,
    }
}

/// What pandas takes for an integer.
#[must_use]
pub fn plain_integer(word: &[u8]) -> Read<i64> {
    number::digits(word).map_or(Read::Bad, Read::Value)
}

/// What is no number where numbers are as pandas has them.
#[must_use]
pub fn is_nan_marker(word: &[u8]) -> bool {
    matches!(word, b"nan" | b"NaN" | b"<NA>")
}

#[must_use]
pub fn integer(word: &[u8]) -> Read<i64> {
    let word = trim(word);
    match number::integer(word) {
        Some(Integer::Plain(value)) => Read::Value(value),
        Some(Integer::Exponent(value)) => Read::Noted(value, Code::IntegerExponent),
        // An integer column has no other way to say "not a number".
        None if is_null(word) || number::special(word).is_some_and(f64::is_nan) => Read::Null,
        None => Read::Bad,
    }
}

/// An item of a vector of integers, of which RELION keeps 32 bits.
#[must_use]
pub fn integer_item(word: &[u8]) -> Read<i64> {
    match integer(word) {
        Read::Value(value) if i32::try_from(value).is_err() => Read::Noted(value, Code::ItemTooLong),
        read => read,
    }
}

#[must_use]
pub fn boolean(word: &[u8]) -> Read<bool> {
    let word = trim(word);
    let is = |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
    match number::integer(word) {
        Some(Integer::Plain(0)) => Read::Value(false),
        Some(Integer::Plain(1)) => Read::Value(true),
        Some(Integer::Plain(_)) => Read::Noted(true, Code::BoolNumber),
        Some(Integer::Exponent(value)) => exponent_boolean(word, value),
        _ if is(&["true", "yes"]) => Read::Noted(true, Code::BoolWord),
        _ if is(&["false", "no"]) => Read::Noted(false, Code::BoolWord),
        _ if is_null(word) => Read::Null,
        _ => Read::Bad,
    }
}

/// A whole number with an exponent as a boolean: RELION reads the digits before the point or exponent alone.
fn exponent_boolean(word: &[u8], value: i64) -> Read<bool> {
    let digits = word.iter().skip_while(|byte| matches!(byte, b'-' | b'+')).take_while(|byte| byte.is_ascii_digit());
    let relion = digits.clone().any(|&digit| digit != b'0');
    match value {
        _ if relion != (value != 0) => Read::Noted(value != 0, Code::IntegerExponent),
        0 | 1 => Read::Value(value != 0),
        _ => Read::Noted(true, Code::BoolNumber),
    }
}

/// The items of a vector `[a,b]`, written with or without brackets; nothing when the brackets do not match.
pub fn items(word: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let word = trim(word);
    let inner = match word {
        [b'[', inner @ .., b']'] => inner,
        [b'[', ..] | [.., b']'] => return None,
        _ => word,
    };
    let inner = trim(inner);
    let take = usize::from(!inner.is_empty()) * usize::MAX;
    Some(inner.split(|&byte| byte == b',').map(trim).take(take))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors() {
        let read = |text: &'static str| items(text.as_bytes()).map(|items| items.collect::<Vec<_>>());
        assert_eq!(read("[1, 2]"), Some(vec![b"1".as_slice(), b"2"]));
        assert_eq!(read("[]"), Some(vec![]));
        assert_eq!(read("5"), Some(vec![b"5".as_slice()]));
        assert_eq!(read("[1"), None);
        assert_eq!(read("[1,]"), Some(vec![b"1".as_slice(), b""]));
    }

    #[test]
    fn odd_values() {
        assert_eq!(boolean(b"True"), Read::Noted(true, Code::BoolWord));
        assert_eq!(boolean(b"2"), Read::Noted(true, Code::BoolNumber));
        assert_eq!(boolean(b"1e0"), Read::Value(true));
        assert_eq!(boolean(b"10e-1"), Read::Value(true));
        assert_eq!(boolean(b"0.1e1"), Read::Noted(true, Code::IntegerExponent));
        assert_eq!(boolean(b"2e0"), Read::Noted(true, Code::BoolNumber));
        assert_eq!(boolean(b"5e-1"), Read::Bad);
        assert_eq!(boolean(b"maybe"), Read::Bad);
        assert_eq!(integer(b"nan"), Read::Null);
        assert_eq!(integer_item(b"2147483647"), Read::Value(2_147_483_647));
        assert_eq!(integer_item(b"-2147483649"), Read::Noted(-2_147_483_649, Code::ItemTooLong));
        assert_eq!(integer(b"inf"), Read::Bad);
        assert_eq!(float(b" 5 "), Read::Value(5.0));
        assert_eq!(float(b"1e400"), Read::Noted(f64::INFINITY, Code::FloatOverflow));
    }
}
