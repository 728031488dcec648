//! C's formats for one floating-point value, such as `%.6f`, `%12.5e` or `%g`; no locale has a say.

use super::float::{push_fixed, push_right};

/// A format as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printf {
    kind: Kind,
    upper: bool,
    precision: usize,
    width: usize,
    flags: Flags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Fixed,
    Exponent,
    General,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    plus: bool,
    zero: bool,
    point: bool,
}

/// Digits and characters that a format may ask for at most.
const MOST: usize = 400;

impl Printf {
    /// Reads a format.
    ///
    /// # Errors
    /// What is wrong with it, in words. Flags for a blank before the value or after it are not taken: blanks separate
    /// values, and the layout has them.
    pub fn parse(format: &str) -> Result<Self, String> {
        let wrong = || format!("{format:?} is no format for one number, such as %.6f, %12.5e or %g");
        let mut rest = format.strip_prefix('%').ok_or_else(wrong)?;
        let mut flags = Flags::default();
        while let Some(flag) = rest.chars().next().filter(|flag| "+0# -".contains(*flag)) {
            match flag {
                '+' => flags.plus = true,
                '0' => flags.zero = true,
                '#' => flags.point = true,
                _ => return Err(format!("{format:?}: the flag {flag:?} would put blanks where STAR ends a value")),
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        let (width, after) = leading_number(rest);
        let (precision, after) = match after.strip_prefix('.') {
            Some(digits) => {
                let (precision, after) = leading_number(digits);
                (precision.unwrap_or(0), after)
            }
            None => (6, after),
        };
        let (kind, upper) = match after {
            "f" | "lf" => (Kind::Fixed, false),
            "F" => (Kind::Fixed, true),
            "e" | "le" => (Kind::Exponent, false),
            "E" => (Kind::Exponent, true),
            "g" | "lg" => (Kind::General, false),
            "G" => (Kind::General, true),
            _ => return Err(wrong()),
        };
        let width = width.unwrap_or(0);
        if precision > MOST || width > MOST {
            return Err(format!("{format:?} asks for more than {MOST} characters"));
        }
        Ok(Self { kind, upper, precision, width, flags })
    }

    /// `%.Nf`
    #[must_use]
    pub fn fixed(precision: usize) -> Self {
        Self { kind: Kind::Fixed, ..Self::exponent(precision) }
    }

    /// `%.Ne`
    #[must_use]
    pub fn exponent(precision: usize) -> Self {
        Self { kind: Kind::Exponent, upper: false, precision, width: 0, flags: Flags::default() }
    }

    /// `%.Ng`
    #[must_use]
    pub fn general(precision: usize) -> Self {
        Self { kind: Kind::General, ..Self::exponent(precision) }
    }

    /// The least width it asks for.
    #[must_use]
    pub fn width(self) -> usize {
        self.width
    }

    /// Adds a finite value, at the right of a field of at least `width` characters.
    #[inline]
    pub fn push(self, out: &mut Vec<u8>, value: f64, width: usize) {
        let width = width.max(self.width);
        if self.kind == Kind::Fixed && self.flags == Flags::default() {
            return push_fixed(out, value, self.precision, width);
        }
        self.push_any(out, value, width);
    }

    fn push_any(self, out: &mut Vec<u8>, value: f64, width: usize) {
        let mut text = self.digits(value.abs());
        if self.upper {
            text.make_ascii_uppercase();
        }
        let sign = match (value.is_sign_negative(), self.flags.plus) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        let zeros = if self.flags.zero { self.width.saturating_sub(sign.len() + text.len()) } else { 0 };
        push_right(out, format!("{sign}{}{text}", "0".repeat(zeros)).as_bytes(), width);
    }

    fn digits(self, value: f64) -> String {
        let Self { precision, flags, .. } = self;
        match self.kind {
            Kind::Fixed => with_point(format!("{value:.precision$}"), flags.point),
            Kind::Exponent => exponent_form(value, precision, flags.point).0,
            Kind::General => {
                let significant = precision.max(1);
                let (text, exponent) = exponent_form(value, significant - 1, flags.point);
                let fixed = match usize::try_from(i64::from(exponent)) {
                    Ok(exponent) if exponent < significant => Some(significant - 1 - exponent),
                    Err(_) if exponent >= -4 => {
                        usize::try_from(-i64::from(exponent)).ok().map(|more| significant - 1 + more)
                    }
                    _ => None,
                };
                let text = match fixed {
                    Some(digits) => with_point(format!("{value:.digits$}"), flags.point),
                    None => text,
                };
                if flags.point { text } else { without_zeros(&text) }
            }
        }
    }
}

fn leading_number(text: &str) -> (Option<usize>, &str) {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let number = if digits.is_empty() { None } else { Some(digits.parse().unwrap_or(usize::MAX)) };
    (number, rest)
}

/// A value as `d.ddde+xx`, and its exponent.
fn exponent_form(value: f64, digits: usize, point: bool) -> (String, i32) {
    let text = format!("{value:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    (format!("{}e{sign}{:02}", with_point(mantissa.to_owned(), point), exponent.unsigned_abs()), exponent)
}

fn with_point(mut text: String, point: bool) -> String {
    if point && !text.contains('.') {
        text.push('.');
    }
    text
}

/// Without zeros at the end of the digits after the point, and without a point that nothing follows.
fn without_zeros(text: &str) -> String {
    let (digits, exponent) = text.split_at(text.find('e').unwrap_or(text.len()));
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    format!("{digits}{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: &str, value: f64) -> String {
        let mut out = Vec::new();
        match Printf::parse(format) {
            Ok(printf) => printf.push(&mut out, value, 0),
            Err(words) => out.extend_from_slice(words.as_bytes()),
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn as_c_has_them() {
        for (format, value, expected) in [
            ("%.6f", 1.23e-9, "0.000000"),
            ("%f", 2.5, "2.500000"),
            ("%12.5e", -1234.5, "-1.23450e+03"),
            ("%+.2E", 1e-100, "+1.00E-100"),
            ("%g", 100_000.0, "100000"),
            ("%g", 1_000_000.0, "1e+06"),
            ("%g", 0.0001, "0.0001"),
            ("%g", 0.000_01, "1e-05"),
            ("%.3g", 999.95, "1e+03"),
            ("%#.3g", 1.0, "1.00"),
            ("%08.2f", -1.5, "-0001.50"),
            ("%.0f", 2.5, "2"),
            ("%#.0f", 3.0, "3."),
            ("%.12g", 1.0 / 3.0, "0.333333333333"),
            ("%g", 0.0, "0"),
        ] {
            assert_eq!(text(format, value), expected, "{format}");
        }
    }

    #[test]
    fn what_is_no_format() {
        for format in ["", "%", "%d", "6f", "%.6f ", "%.6f%.6f", "%-12f", "% f", "%.500f", "%s", "%.f.f"] {
            assert!(Printf::parse(format).is_err(), "{format}");
        }
    }
}
