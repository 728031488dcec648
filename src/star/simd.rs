//! The inner loops over bytes: AVX2 where the processor has it, and a plain twin that is also the test's oracle.
//!
//! Three questions are answered here, all without allocation per value: which bytes of 64 are blanks, line feeds,
//! quotes or control characters ([`classify`]); where words begin and end ([`edges`]); and which number a word of
//! up to sixteen digits is ([`floats`], [`integers`]).
#![allow(unsafe_code)]

use super::lex;
use super::number::{self, Integer};

/// One bit for each of 64 bytes, the lowest for the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    /// Space, tab, CR or LF.
    pub blank: u64,
    pub newline: u64,
    /// `"`, `'` or `#`, which matter where a word begins.
    pub opener: u64,
    /// Control characters that are no separators.
    pub control: u64,
}

/// How many bytes one [`Masks`] speaks of.
pub const STEP: usize = 64;
const STEP_U32: u32 = 64;

/// Masks for every 64 bytes of `text`; the last one is filled up with blanks.
pub fn classify(text: &[u8], out: &mut Vec<Masks>) {
    out.clear();
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        // SAFETY: the processor has the instructions, as `available` just found.
        return unsafe { x86::classify_avx2(text, out) };
    }
    for_steps(text, |step| out.push(masks(step)));
}

/// Offsets where words begin and end, alternately; `text` is taken to follow a blank.
///
/// Quotes and comments are not looked at: the caller knows that there are none.
pub fn edges(text: &[u8], out: &mut Vec<u32>) {
    out.clear();
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        // SAFETY: the processor has the instructions, as `available` just found.
        return unsafe { x86::edges_avx2(text, out) };
    }
    let mut writer = EdgeWriter::new(out, text.len());
    for_steps(text, |step| writer.step(masks(step).blank));
    writer.finish(text.len());
}

/// Spans of one column: the words of `edges` at `first`, `first + stride`, ...
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    pub text: &'a [u8],
    pub edges: &'a [u32],
    pub first: usize,
    pub stride: usize,
}

impl<'a> Column<'a> {
    /// The column's spans from a row on.
    #[inline]
    pub fn spans(self, row: usize) -> impl Iterator<Item = (usize, usize)> + 'a {
        let from = 2 * (self.first + row * self.stride);
        let edges = self.edges.get(from..).unwrap_or_default();
        edges.chunks(2 * self.stride.max(1)).filter_map(|span| match span {
            [start, end, ..] => Some((*start as usize, *end as usize)),
            _ => None,
        })
    }
}

/// Fills `out` from row `row` on with plain decimal numbers; returns the first row that is none, or `out.len()`.
#[must_use]
pub fn floats(column: Column<'_>, row: usize, out: &mut [f64]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        // SAFETY: the processor has the instructions, as `available` just found.
        return unsafe { x86::floats_avx2(column, row, out) };
    }
    fill(column, row, out, finite)
}

/// As [`floats`], for whole numbers written without an exponent.
#[must_use]
pub fn integers(column: Column<'_>, row: usize, out: &mut [i64]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        // SAFETY: the processor has the instructions, as `available` just found.
        return unsafe { x86::integers_avx2(column, row, out) };
    }
    fill(column, row, out, plain_integer)
}

/// A number beyond the range of a double is left to the caller, who reports it.
fn finite(word: &[u8]) -> Option<f64> {
    number::float(word).filter(|value| value.is_finite())
}

fn plain_integer(word: &[u8]) -> Option<i64> {
    match number::integer(word)? {
        Integer::Plain(value) => Some(value),
        Integer::Exponent(_) => None,
    }
}

#[inline(always)]
fn fill<T>(column: Column<'_>, row: usize, out: &mut [T], read: impl Fn(&[u8]) -> Option<T>) -> usize {
    let mut done = row;
    for ((start, end), slot) in column.spans(row).zip(out.iter_mut().skip(row)) {
        match column.text.get(start..end).and_then(&read) {
            Some(value) => *slot = value,
            None => return done,
        }
        done += 1;
    }
    done
}

fn for_steps(text: &[u8], mut take: impl FnMut(&[u8; STEP])) {
    let (steps, rest) = text.as_chunks::<STEP>();
    for step in steps {
        take(step);
    }
    if !rest.is_empty() {
        take(&padded(rest));
    }
}

/// The last, short step, filled up with blanks.
#[inline]
fn padded(rest: &[u8]) -> [u8; STEP] {
    let mut step = [b' '; STEP];
    for (to, from) in step.iter_mut().zip(rest) {
        *to = *from;
    }
    step
}

fn masks(step: &[u8; STEP]) -> Masks {
    let mut masks = Masks::default();
    for (index, &byte) in step.iter().enumerate() {
        let bit = 1u64 << index;
        if byte == b'\n' {
            masks.newline |= bit;
            masks.blank |= bit;
        } else if lex::is_blank(byte) {
            masks.blank |= bit;
        } else if matches!(byte, b'"' | b'\'' | b'#') {
            masks.opener |= bit;
        } else if lex::is_control(byte) {
            masks.control |= bit;
        }
    }
    masks
}

/// Turns blank masks into edges.
struct EdgeWriter<'a> {
    out: &'a mut Vec<u32>,
    at: u32,
    /// One bit: whether the byte before the step was a blank.
    carry: u64,
}

impl<'a> EdgeWriter<'a> {
    #[inline(always)]
    fn new(out: &'a mut Vec<u32>, length: usize) -> Self {
        out.reserve(length / 2 + STEP);
        Self { out, at: 0, carry: 1 }
    }

    #[inline(always)]
    fn step(&mut self, blank: u64) {
        let mut changes = blank ^ ((blank << 1) | self.carry);
        self.carry = blank >> (STEP - 1);
        self.out.reserve(STEP);
        while changes != 0 {
            let here = self.at + changes.trailing_zeros();
            changes &= changes - 1;
            self.out.push(here);
        }
        self.at += STEP_U32;
    }

    /// A word that reaches the end of the text ends there.
    #[inline(always)]
    fn finish(self, length: usize) {
        if self.out.len() % 2 == 1 {
            self.out.push(u32::try_from(length).unwrap_or(u32::MAX));
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::number::POWERS;
    use super::{Column, EdgeWriter, Masks, STEP, finite, padded, plain_integer};
    use std::arch::x86_64::*;

    #[inline]
    pub(super) fn available() -> bool {
        is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt")
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    pub(super) fn classify_avx2(text: &[u8], out: &mut Vec<Masks>) {
        let (steps, rest) = text.as_chunks::<STEP>();
        out.extend(steps.iter().map(|step| masks(step)));
        if !rest.is_empty() {
            out.push(masks(&padded(rest)));
        }
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    pub(super) fn edges_avx2(text: &[u8], out: &mut Vec<u32>) {
        let mut writer = EdgeWriter::new(out, text.len());
        let (steps, rest) = text.as_chunks::<STEP>();
        for step in steps {
            writer.step(blanks(step));
        }
        if !rest.is_empty() {
            writer.step(blanks(&padded(rest)));
        }
        writer.finish(text.len());
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn halves(step: &[u8; STEP]) -> (__m256i, __m256i) {
        let at = step.as_ptr().cast::<__m256i>();
        // SAFETY: `step` is 64 readable bytes, two unaligned loads of 32.
        unsafe { (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1))) }
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn join(low: __m256i, high: __m256i) -> u64 {
        let low = _mm256_movemask_epi8(low).cast_unsigned();
        let high = _mm256_movemask_epi8(high).cast_unsigned();
        u64::from(low) | (u64::from(high) << 32)
    }

    /// Bytes that equal the table's entry for their low four bits: space, tab, LF and CR, and no other byte.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn is_blank(bytes: __m256i) -> __m256i {
        let table = _mm256_setr_epi8(
            32, -1, -1, -1, -1, -1, -1, -1, -1, 9, 10, -1, -1, 13, -1, -1, //
            32, -1, -1, -1, -1, -1, -1, -1, -1, 9, 10, -1, -1, 13, -1, -1,
        );
        // A byte from 0x80 up is looked up as 0, which it never equals.
        _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, bytes), bytes)
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn is_opener(bytes: __m256i) -> __m256i {
        let table = _mm256_setr_epi8(
            -1, -1, 34, 35, -1, -1, -1, 39, -1, -1, -1, -1, -1, -1, -1, -1, //
            -1, -1, 34, 35, -1, -1, -1, 39, -1, -1, -1, -1, -1, -1, -1, -1,
        );
        _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, bytes), bytes)
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn blanks(step: &[u8; STEP]) -> u64 {
        let (low, high) = halves(step);
        join(is_blank(low), is_blank(high))
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn masks(step: &[u8; STEP]) -> Masks {
        let (low, high) = halves(step);
        let newline = _mm256_set1_epi8(10);
        let last_control = _mm256_set1_epi8(31);
        let blank = join(is_blank(low), is_blank(high));
        let below = join(
            _mm256_cmpeq_epi8(_mm256_min_epu8(low, last_control), low),
            _mm256_cmpeq_epi8(_mm256_min_epu8(high, last_control), high),
        );
        Masks {
            blank,
            newline: join(_mm256_cmpeq_epi8(low, newline), _mm256_cmpeq_epi8(high, newline)),
            opener: join(is_opener(low), is_opener(high)),
            control: below & !blank,
        }
    }

    /// Loading 16 bytes at `length` gives a mask over the last `length` bytes of 16.
    #[allow(clippy::indexing_slicing, reason = "computed by the compiler, which checks it")]
    static LAST: [u8; 32] = {
        let mut bytes = [0u8; 32];
        let mut at = 16;
        while at < 32 {
            bytes[at] = 0xff;
            at += 1;
        }
        bytes
    };

    /// Row `p` moves the bytes before `p` one up, over the decimal point at `p`; row 16 moves nothing.
    #[allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "computed by the compiler")]
    static CLOSE_GAP: [[u8; 16]; 17] = {
        let mut rows = [[0u8; 16]; 17];
        let mut point = 0;
        while point < 17 {
            let mut at = 0;
            while at < 16 {
                let shift = point < 16 && at <= point;
                rows[point][at] = match (shift, at) {
                    (true, 0) => 0x80,
                    (true, _) => at as u8 - 1,
                    (false, _) => at as u8,
                };
                at += 1;
            }
            point += 1;
        }
        rows
    };

    /// Sixteen or fewer digits with at most one decimal point.
    struct Digits {
        value: u64,
        /// Where the decimal point stands among 16 bytes that end with the word; 16 when there is none.
        point: usize,
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn digits(text: &[u8], start: usize, end: usize) -> Option<Digits> {
        let length = end.checked_sub(start)?;
        if length > 16 || length == 0 || end < 16 || end > text.len() {
            return None;
        }
        // SAFETY: 16 <= end <= text.len(), so the 16 bytes before `end` are within `text`;
        // `length` is 1..=16, so 16 bytes at `length` are within the 32 of `LAST`.
        let (bytes, last) = unsafe {
            (_mm_loadu_si128(text.as_ptr().add(end - 16).cast()), _mm_loadu_si128(LAST.as_ptr().add(length).cast()))
        };
        let zero = _mm_set1_epi8(48);
        let word = _mm_blendv_epi8(zero, bytes, last);
        let points = _mm_movemask_epi8(_mm_cmpeq_epi8(word, _mm_set1_epi8(46))).cast_unsigned();
        if points & points.wrapping_sub(1) != 0 || (points != 0 && length == 1) {
            return None;
        }
        let point = (points | (1 << 16)).trailing_zeros() as usize;
        // SAFETY: `point` is 0..=16, a row of `CLOSE_GAP`.
        let close = unsafe { _mm_loadu_si128(CLOSE_GAP.get_unchecked(point).as_ptr().cast()) };
        let digits = _mm_shuffle_epi8(_mm_sub_epi8(word, zero), close);
        let nine = _mm_set1_epi8(9);
        if _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(digits, nine), nine)) != 0xffff {
            return None;
        }
        let pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
        let fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x0001_0064));
        let packed = _mm_packus_epi32(fours, fours);
        let eights = _mm_madd_epi16(packed, _mm_set1_epi32(0x0001_2710));
        let both = _mm_cvtsi128_si64(eights).cast_unsigned();
        Some(Digits { value: (both & 0xffff_ffff) * 100_000_000 + (both >> 32), point })
    }

    /// The word without its minus sign, and whether it had one.
    #[inline(always)]
    fn signed(text: &[u8], start: usize) -> (usize, bool) {
        let negative = text.get(start) == Some(&b'-');
        (start + usize::from(negative), negative)
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    pub(super) fn floats_avx2(column: Column<'_>, row: usize, out: &mut [f64]) -> usize {
        let mut done = row;
        for ((start, end), slot) in column.spans(row).zip(out.iter_mut().skip(row)) {
            let (from, negative) = signed(column.text, start);
            let value = match digits(column.text, from, end) {
                // Both operands are exact, so the division rounds once.
                Some(Digits { value, point }) if value <= 1 << 53 => {
                    let power = if point < 16 { POWERS.get(15 - point).copied().unwrap_or(1.0) } else { 1.0 };
                    #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53")]
                    let magnitude = value as f64 / power;
                    f64::from_bits(magnitude.to_bits() | (u64::from(negative) << 63))
                }
                _ => match column.text.get(start..end).and_then(finite) {
                    Some(value) => value,
                    None => return done,
                },
            };
            *slot = value;
            done += 1;
        }
        done
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    pub(super) fn integers_avx2(column: Column<'_>, row: usize, out: &mut [i64]) -> usize {
        let mut done = row;
        for ((start, end), slot) in column.spans(row).zip(out.iter_mut().skip(row)) {
            let (from, negative) = signed(column.text, start);
            let value = match digits(column.text, from, end) {
                Some(Digits { value, point: 16 }) => {
                    let value = value.cast_signed();
                    if negative { -value } else { value }
                }
                _ => match column.text.get(start..end).and_then(plain_integer) {
                    Some(value) => value,
                    None => return done,
                },
            };
            *slot = value;
            done += 1;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain_edges(text: &[u8]) -> Vec<u32> {
        let mut out = Vec::new();
        let mut writer = EdgeWriter::new(&mut out, text.len());
        for_steps(text, |step| writer.step(masks(step).blank));
        writer.finish(text.len());
        out
    }

    #[test]
    fn edges_of_words() {
        let mut out = Vec::new();
        edges(b"  ab c\n\tdef", &mut out);
        assert_eq!(out, [2, 4, 5, 6, 8, 11]);
    }

    proptest! {
        #[test]
        fn masks_equal_the_plain_twin(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let (mut fast, mut plain) = (Vec::new(), Vec::new());
            classify(&text, &mut fast);
            for_steps(&text, |step| plain.push(masks(step)));
            prop_assert_eq!(fast, plain);
            let mut found = Vec::new();
            edges(&text, &mut found);
            prop_assert_eq!(found, plain_edges(&text));
        }

        #[test]
        fn numbers_equal_the_plain_twin(words in proptest::collection::vec("[-+]?[0-9]{0,17}\\.?[0-9]{0,9}(e-?[0-9]{1,2})?|[0-9:/.;-]{1,16}|nan", 1..40)) {
            let text = format!("                {}", words.join(" "));
            let mut edges_found = Vec::new();
            edges(text.as_bytes(), &mut edges_found);
            let column = Column { text: text.as_bytes(), edges: &edges_found, first: 0, stride: 1 };
            let rows = edges_found.len() / 2;
            let (mut fast, mut plain) = (vec![0.0; rows], vec![0.0; rows]);
            let (mut whole, mut plain_whole) = (vec![0; rows], vec![0; rows]);
            let mut row = 0;
            while row < rows {
                let done = floats(column, row, &mut fast);
                prop_assert_eq!(done, fill(column, row, &mut plain, finite));
                row = done + 1;
            }
            row = 0;
            while row < rows {
                let done = integers(column, row, &mut whole);
                prop_assert_eq!(done, fill(column, row, &mut plain_whole, plain_integer));
                row = done + 1;
            }
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&fast), bits(&plain));
            prop_assert_eq!(whole, plain_whole);
        }
    }
}
