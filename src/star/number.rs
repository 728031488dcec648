//! Numbers from bytes, correctly rounded; `docs/format.md` rules 20 and 21 say what a number is.

/// Powers of ten that a double holds exactly.
pub(crate) const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Integers up to here are doubles without rounding, so one multiplication or division rounds once (Clinger).
const EXACT: u64 = 1 << 53;

/// A number split into sign, digits and decimal exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: u64,
    exponent: i64,
    /// More significant digits than `digits` holds.
    truncated: bool,
}

/// Whether a minus sign leads, and what follows the sign.
fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// `[+-] digits [. digits] [e [+-] digits]` or nothing.
fn decimal(text: &[u8]) -> Option<Decimal> {
    let (negative, mut rest) = signed(text);
    let mut number = Decimal { negative, digits: 0, exponent: 0, truncated: false };
    let (mut any, mut point) = (false, false);
    while let [byte, tail @ ..] = rest {
        match byte {
            b'0'..=b'9' => {
                any = true;
                if number.digits < 1_000_000_000_000_000_000 {
                    number.digits = number.digits * 10 + u64::from(byte - b'0');
                    number.exponent -= i64::from(point);
                } else {
                    number.truncated |= *byte != b'0';
                    number.exponent += i64::from(!point);
                }
            }
            b'.' if !point => point = true,
            _ => break,
        }
        rest = tail;
    }
    if !any {
        return None;
    }
    if let [b'e' | b'E', tail @ ..] = rest {
        number.exponent = number.exponent.saturating_add(exponent(tail)?);
        rest = &[];
    }
    rest.is_empty().then_some(number)
}

/// A decimal exponent; absurdly large ones saturate, which leaves the value infinite or zero.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = signed(text);
    if digits.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
    }
    Some(if negative { -value } else { value })
}

/// A finite decimal number as the nearest double (ties to even); out of range gives an infinity.
///
/// `nan` and `inf` are not numbers here: see [`special`].
#[must_use]
pub fn float(text: &[u8]) -> Option<f64> {
    let number = decimal(text)?;
    let magnitude = if number.digits <= EXACT && !number.truncated && (-22..=22).contains(&number.exponent) {
        let power = usize::try_from(number.exponent.unsigned_abs()).ok().and_then(|e| POWERS.get(e))?;
        #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53")]
        let digits = number.digits as f64;
        if number.exponent < 0 { digits / power } else { digits * power }
    } else {
        // The exact path: the standard library rounds correctly for any number of digits.
        return std::str::from_utf8(text).ok()?.parse().ok();
    };
    Some(if number.negative { -magnitude } else { magnitude })
}

/// `nan`, `inf` and `infinity` with an optional sign, in any case.
#[must_use]
pub fn special(text: &[u8]) -> Option<f64> {
    let (negative, word) = signed(text);
    let sign = if negative { -1.0 } else { 1.0 };
    if word.eq_ignore_ascii_case(b"nan") {
        Some(f64::NAN)
    } else if word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity") {
        Some(sign * f64::INFINITY)
    } else {
        None
    }
}

/// How an integer was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integer {
    /// Digits, with zeros after a decimal point at most.
    Plain(i64),
    /// With an exponent, though whole: `1e3`.
    Exponent(i64),
}

/// A whole number that fits 64 bits: `12`, `+12`, `12.000`, `1.2e1`.
#[must_use]
pub fn integer(text: &[u8]) -> Option<Integer> {
    if let Some(value) = digits(text) {
        return Some(Integer::Plain(value));
    }
    let number = decimal(text)?;
    if number.truncated {
        return None;
    }
    let mut value = i128::from(number.digits);
    let mut exponent = number.exponent;
    while exponent < 0 && value != 0 {
        if value % 10 != 0 {
            return None;
        }
        value /= 10;
        exponent += 1;
    }
    if value != 0 {
        let scale = 10i128.checked_pow(u32::try_from(exponent).ok().filter(|&e| e < 20)?)?;
        value *= scale;
    }
    let value = i64::try_from(if number.negative { -value } else { value }).ok()?;
    let plain = !text.iter().any(|byte| matches!(byte, b'e' | b'E'));
    Some(if plain { Integer::Plain(value) } else { Integer::Exponent(value) })
}

/// Digits with an optional sign, of a number that fits 64 bits.
#[must_use]
pub fn digits(text: &[u8]) -> Option<i64> {
    let (negative, digits) = signed(text);
    if digits.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = i64::from(byte.wrapping_sub(b'0'));
        if digit > 9 {
            return None;
        }
        // Downwards, since the smallest integer has no positive twin.
        value = value.checked_mul(10)?.checked_sub(digit)?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_a_float() {
        for (text, value) in [
            ("1", 1.0),
            ("+.5", 0.5),
            ("1.", 1.0),
            ("1e5", 1e5),
            ("-1.5e-3", -1.5e-3),
            ("00012", 12.0),
            ("1e-400", 0.0),
            ("1e400", f64::INFINITY),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("5e-324", 5e-324),
            ("123456789012345678901234567890", 123_456_789_012_345_678_901_234_567_890.0),
        ] {
            assert_eq!(float(text.as_bytes()), Some(value), "{text}");
        }
        for text in ["", "-", ".", "1e", "1e+", "e5", "1,5", "0x10", "1d5", "nan", "1_000", "1.2.3", "--1", "1 "] {
            assert_eq!(float(text.as_bytes()), None, "{text}");
        }
        assert!(float(b"-0").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
    }

    #[test]
    fn what_is_an_integer() {
        for (text, value) in [
            ("12", 12),
            ("12.000000", 12),
            ("-007", -7),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
            ("0.0", 0),
        ] {
            assert_eq!(integer(text.as_bytes()), Some(Integer::Plain(value)), "{text}");
        }
        assert_eq!(integer(b"1e3"), Some(Integer::Exponent(1000)));
        assert_eq!(integer(b"1.5e1"), Some(Integer::Exponent(15)));
        for text in ["2.9", "9223372036854775808", "1e30", "1e-1", "abc", "", "+", "1,000"] {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn floats_equal_the_standard_library(value in any::<f64>().prop_filter("finite", |v| v.is_finite()), digits in 0usize..20) {
            for text in [format!("{value:e}"), format!("{value}"), format!("{value:.digits$}"), format!("{value:.digits$e}")] {
                let expected: f64 = text.parse().expect("a float");
                prop_assert_eq!(float(text.as_bytes()).map(f64::to_bits), Some(expected.to_bits()), "{}", text);
            }
        }

        #[test]
        fn short_decimals_equal_the_standard_library(text in "[+-]?[0-9]{0,18}\\.?[0-9]{0,8}(e[+-]?[0-9]{1,2})?") {
            prop_assert_eq!(float(text.as_bytes()).map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits));
        }

        #[test]
        fn integers_equal_the_standard_library(value in any::<i64>()) {
            prop_assert_eq!(integer(value.to_string().as_bytes()), Some(Integer::Plain(value)));
        }
    }
}
