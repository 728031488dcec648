//! Numbers as text: shortest that reads back equal, RELION's field, or a printf format.

use super::printf::Printf;

/// How floating-point values are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FloatFormat {
    /// The fewest digits that read back bit-equal.
    #[default]
    Shortest,
    /// RELION's own field of twelve characters.
    Relion,
    Printf(Printf),
}

/// Characters of RELION's field for a number.
pub const FIELD: usize = 12;

/// A number's text, put together from its last digit on, with blanks before and after it.
#[derive(Debug)]
struct Digits {
    bytes: [u8; Self::ROOM],
    from: usize,
}

impl Digits {
    /// Where the text ends; a point, a sign, and 64 bits with up to nine zeros fit in before.
    const END: usize = 40;
    /// A copy of so many bytes needs no loop.
    const COPY: usize = 32;
    const ROOM: usize = Self::END + Self::COPY;

    #[inline]
    fn new() -> Self {
        Self { bytes: [b' '; Self::ROOM], from: Self::END }
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        self.from = self.from.saturating_sub(1);
        if let Some(slot) = self.bytes.get_mut(self.from) {
            *slot = byte;
        }
    }

    /// Puts two digits before what is there.
    #[inline]
    fn push_pair(&mut self, pair: u64) {
        self.from = self.from.saturating_sub(2);
        let pair = usize::try_from(pair).ok().and_then(|pair| PAIRS.get(pair));
        if let (Some(slot), Some(pair)) = (self.bytes.get_mut(self.from..self.from + 2), pair) {
            slot.copy_from_slice(pair);
        }
    }

    /// Puts a number before what is there, with at least so many digits.
    #[inline]
    fn push_number(&mut self, mut value: u64, digits: usize) {
        let before = self.from;
        while value >= 100 {
            self.push_pair(value % 100);
            value /= 100;
        }
        if value >= 10 {
            self.push_pair(value);
        } else {
            self.push(ascii(value));
        }
        while before - self.from < digits {
            self.push(b'0');
        }
    }

    /// Adds the text, at the right of a field of at least `width` characters.
    #[inline(always)]
    fn put(&self, out: &mut Vec<u8>, width: usize) {
        let start = self.from.min(Self::END.saturating_sub(width));
        let length = Self::END - start;
        match self.bytes.get(start..start + Self::COPY) {
            Some(bytes) if length <= Self::COPY && width <= Self::END => {
                out.extend_from_slice(bytes);
                out.truncate(out.len() - (Self::COPY - length));
            }
            _ => push_right(out, self.bytes.get(self.from..Self::END).unwrap_or_default(), width),
        }
    }
}

/// Two digits each.
#[allow(clippy::indexing_slicing, reason = "in a constant, where the compiler checks it")]
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut pair = 0u8;
    while pair < 100 {
        pairs[pair as usize] = [b'0' + pair / 10, b'0' + pair % 10];
        pair += 1;
    }
    pairs
};

/// The last decimal digit of a number.
#[inline]
fn ascii(digit: u64) -> u8 {
    b'0' + (digit % 10).to_le_bytes().first().copied().unwrap_or_default()
}

/// Adds text at the right of a field of at least so many characters.
#[inline]
pub fn push_right(out: &mut Vec<u8>, text: &[u8], width: usize) {
    pad(out, width.saturating_sub(text.len()));
    out.extend_from_slice(text);
}

/// Adds so many blanks.
#[inline]
pub fn pad(out: &mut Vec<u8>, count: usize) {
    const BLANKS: &[u8; 64] = &[b' '; 64];
    match BLANKS.get(..count) {
        Some(blanks) => out.extend_from_slice(blanks),
        None => out.resize(out.len() + count, b' '),
    }
}

/// Adds a floating-point value, at the right of a field of at least `width` characters.
#[inline]
pub fn push_float(out: &mut Vec<u8>, value: f64, format: FloatFormat, width: usize) {
    match format {
        _ if !value.is_finite() => push_right(out, special(value), width.max(format.width())),
        FloatFormat::Shortest => push_shortest(out, value, width),
        FloatFormat::Relion => push_relion(out, value, width),
        FloatFormat::Printf(printf) => printf.push(out, value, width),
    }
}

/// Adds the fewest digits that read back bit-equal.
///
/// Most values have six digits after the point at most. Such a value times 10^6 is near a whole number of at most 15
/// digits, and that number divided by 10^6 is the value: one correctly rounded step, as reading it is. No other
/// decimal of at most 15 digits reads as the same value, so without its last zeros it is the shortest.
#[inline]
fn push_shortest(out: &mut Vec<u8>, value: f64, width: usize) {
    const SCALE: f64 = 1e6;
    const LIMIT: f64 = 1e9;
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    let magnitude = value.abs();
    // From 10^-5 on there is no exponent.
    if magnitude < LIMIT && (magnitude >= 1e-5 || value == 0.0) {
        // Rounds to a whole number: below 2^52 the sum has no place for a fraction. Without a fitting instruction the
        // standard library's function is a call.
        let scaled = (magnitude * SCALE + WHOLE) - WHOLE;
        if scaled / SCALE == magnitude {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and below 10^15")]
            return push_millionths(out, scaled as u64, value.is_sign_negative(), width);
        }
    }
    push_right(out, zmij::Buffer::new().format_finite(value).as_bytes(), width);
}

/// Adds a number of millionths, without zeros at its end save one after the point.
#[inline]
fn push_millionths(out: &mut Vec<u8>, millionths: u64, negative: bool, width: usize) {
    let (whole, mut rest) = (millionths / 1_000_000, millionths % 1_000_000);
    let mut digits = 6;
    if rest == 0 {
        digits = 1;
    } else {
        if rest % 1000 == 0 {
            rest /= 1000;
            digits = 3;
        }
        while rest % 10 == 0 {
            rest /= 10;
            digits -= 1;
        }
    }
    let mut text = Digits::new();
    text.push_number(rest, digits);
    text.push(b'.');
    text.push_number(whole, 1);
    if negative {
        text.push(b'-');
    }
    text.put(out, width);
}

/// Adds a value of single precision: the fewest digits that tell it from other such values.
#[inline]
pub fn push_single(out: &mut Vec<u8>, value: f32, format: FloatFormat, width: usize) {
    match format {
        FloatFormat::Shortest if value.is_finite() => {
            push_right(out, zmij::Buffer::new().format_finite(value).as_bytes(), width);
        }
        _ => push_float(out, f64::from(value), format, width),
    }
}

/// Adds a whole number, at the right of a field of at least `width` characters.
#[inline]
pub fn push_integer(out: &mut Vec<u8>, negative: bool, magnitude: u64, width: usize) {
    let mut digits = Digits::new();
    digits.push_number(magnitude, 1);
    if negative {
        digits.push(b'-');
    }
    digits.put(out, width);
}

/// What stands for a value that is no number.
#[must_use]
pub fn special(value: f64) -> &'static [u8] {
    match (value.is_nan(), value.is_sign_negative()) {
        (true, false) => b"nan",
        (true, true) => b"-nan",
        (false, false) => b"inf",
        (false, true) => b"-inf",
    }
}

impl FloatFormat {
    /// The least width the format itself asks for.
    fn width(self) -> usize {
        match self {
            Self::Shortest => 0,
            Self::Relion => FIELD,
            Self::Printf(printf) => printf.width(),
        }
    }
}

/// RELION's field: fixed point from 0.001 to 100000, else an exponent, one digit less after a minus sign, and whatever
/// is longer than the field cut off.
///
/// Fact (MetaDataTable, `getValueToString`): `1e-100` becomes `1.000000e-10`.
fn push_relion(out: &mut Vec<u8>, value: f64, width: usize) {
    let magnitude = value.abs();
    // -0.0 is not less than zero, and keeps its sign and its six digits.
    let digits = if value < 0.0 { 5 } else { 6 };
    let before = out.len();
    if (magnitude > 0.0 && magnitude < 0.001) || magnitude > 100_000.0 {
        Printf::exponent(digits).push(out, value, FIELD);
    } else {
        push_fixed(out, value, digits, FIELD);
    }
    out.truncate(before + FIELD);
    let short = width.saturating_sub(FIELD);
    if short > 0 {
        let text = out.split_off(before);
        push_right(out, &text, width);
    }
}

/// Ten to the power of each index.
#[allow(clippy::indexing_slicing, reason = "in a constant, where the compiler checks it")]
const POWERS: [u64; 20] = {
    let mut powers = [1u64; 20];
    let mut index = 1;
    while index < 20 {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// Adds a finite value with so many digits after the point, correctly rounded, ties to even as in C.
#[inline]
pub fn push_fixed(out: &mut Vec<u8>, value: f64, digits: usize, width: usize) {
    let Some(scaled) = scaled(value.abs(), digits) else { return push_fixed_any(out, value, digits, width) };
    let mut text = Digits::new();
    if let (Some(&power), 1..) = (POWERS.get(digits), digits) {
        text.push_number(scaled % power, digits);
        text.push(b'.');
        text.push_number(scaled / power, 1);
    } else {
        text.push_number(scaled, 1);
    }
    if value.is_sign_negative() {
        text.push(b'-');
    }
    text.put(out, width);
}

/// `value * 10^digits`, rounded to a whole number; nothing when that takes more than 64 bits or many digits.
///
/// A double is `mantissa * 2^exponent`, so the product is exact in 128 bits, and rounding is a shift.
#[inline]
fn scaled(value: f64, digits: usize) -> Option<u64> {
    const LARGEST: f64 = 9e18;
    let power = *POWERS.get(..10)?.get(digits)?;
    // A cast is exact for what is at most 10^9.
    #[allow(clippy::cast_precision_loss, reason = "powers of ten up to 10^9 are exact")]
    let limit = LARGEST / power as f64;
    if value >= limit {
        return None;
    }
    let bits = value.to_bits();
    let (mantissa, exponent) = match (bits >> 52, bits & ((1 << 52) - 1)) {
        (0, fraction) => (fraction, -1074),
        (biased, fraction) => (fraction | (1 << 52), i64::try_from(biased).ok()? - 1075),
    };
    let product = u128::from(mantissa) * u128::from(power);
    if exponent >= 0 {
        return u64::try_from(product << exponent).ok();
    }
    // The product has at most 83 bits.
    let shift = u32::try_from(-exponent).ok().filter(|&shift| shift < 100).unwrap_or(100);
    let (whole, rest, half) = (product >> shift, product & ((1 << shift) - 1), 1u128 << (shift - 1));
    let up = rest > half || (rest == half && whole & 1 == 1);
    u64::try_from(whole + u128::from(up)).ok()
}

/// As [`push_fixed`], for any value and any number of digits.
#[cold]
fn push_fixed_any(out: &mut Vec<u8>, value: f64, digits: usize, width: usize) {
    push_right(out, format!("{value:.digits$}").as_bytes(), width);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn fixed_points_as_the_standard_library_has_them() {
        for value in [0.0, -0.0, 0.5, 1.5, 2.5, 0.125, 1e-7, 5e-8, 5e-324, 9.999_999_5, 1e18, 9e18, 1e19, 123.456] {
            for digits in 0..12 {
                let expected = format!("{value:.digits$}");
                assert_eq!(text(|out| push_fixed(out, value, digits, 0)), expected, "{value} {digits}");
            }
        }
    }

    #[test]
    fn shortest() {
        let shortest = |value| text(|out| push_float(out, value, FloatFormat::Shortest, 0));
        assert_eq!(shortest(300.0), "300.0");
        assert_eq!(shortest(1.23e-9), "1.23e-9");
        assert_eq!(shortest(f64::NEG_INFINITY), "-inf");
        assert_eq!(text(|out| push_single(out, 0.1, FloatFormat::Shortest, 6)), "   0.1");
    }

    #[test]
    fn whole_numbers() {
        for value in [0u64, 7, 10, 99, 100, 12_345, u64::MAX] {
            assert_eq!(text(|out| push_integer(out, false, value, 0)), value.to_string());
            assert_eq!(text(|out| push_integer(out, true, value, 12)), format!("{:>12}", format!("-{value}")));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_bits_shortest_read_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let written = text(|out| push_float(out, value, FloatFormat::Shortest, 0));
            let read = crate::star::number::float(written.as_bytes()).map(f64::to_bits);
            prop_assert_eq!(read, Some(bits));
        }

        #[test]
        fn decimals_as_the_general_way_has_them(number in -999_999_999_999_999i64..=999_999_999_999_999, cut in 0u32..15, places in 0i32..9) {
            #[allow(clippy::cast_precision_loss)]
            let value = (number / 10i64.pow(cut)) as f64 / 10f64.powi(places);
            let expected = zmij::Buffer::new().format_finite(value).to_owned();
            for width in [0, 12, 35, 50] {
                let written = text(|out| push_float(out, value, FloatFormat::Shortest, width));
                prop_assert_eq!(written, format!("{expected:>width$}"));
            }
        }

        #[test]
        fn any_bits_fixed(bits: u64, exponent in 1000u64..1090, digits in 0usize..12) {
            for bits in [bits, (bits & !(0x7ff << 52)) | (exponent << 52)] {
                let value = f64::from_bits(bits);
                prop_assume!(value.is_finite());
                prop_assert_eq!(text(|out| push_fixed(out, value, digits, 0)), format!("{value:.digits$}"));
            }
        }
    }
}
