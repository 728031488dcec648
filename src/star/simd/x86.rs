//! The inner loops with AVX2.

use std::arch::x86_64::*;

use super::{Column, EdgeWriter, FirstEdgeWriter, Masks, STEP, finite, padded, plain_integer};
use crate::star::number::POWERS;

#[inline]
pub fn available() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub fn classify_avx2(text: &[u8], out: &mut Vec<Masks>) -> bool {
    let (steps, rest) = text.as_chunks::<STEP>();
    let mut returns = _mm256_setzero_si256();
    out.reserve(steps.len() + 1);
    let mut take = |step: &[u8; STEP]| {
        let (low, high) = halves(step);
        let cr = _mm256_set1_epi8(13);
        let here = _mm256_or_si256(_mm256_cmpeq_epi8(low, cr), _mm256_cmpeq_epi8(high, cr));
        returns = _mm256_or_si256(returns, here);
        out.push(masks(low, high));
    };
    for step in steps {
        take(step);
    }
    if !rest.is_empty() {
        take(&padded(rest));
    }
    _mm256_testz_si256(returns, returns) == 0
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub fn edges_avx2(text: &[u8], out: &mut Vec<u32>) {
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

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub fn first_edges_avx2(text: &[u8], words: usize, out: &mut Vec<u32>) {
    let mut writer = FirstEdgeWriter::new(out, words);
    let (steps, rest) = text.as_chunks::<STEP>();
    for step in steps {
        let newline = newlines(step);
        if !writer.skip(newline) {
            writer.step(blanks(step), newline);
        }
    }
    if !rest.is_empty() {
        let step = padded(rest);
        writer.step(blanks(&step), newlines(&step));
    }
    writer.finish(text.len());
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn newlines(step: &[u8; STEP]) -> u64 {
    let (low, high) = halves(step);
    let newline = _mm256_set1_epi8(10);
    join(_mm256_cmpeq_epi8(low, newline), _mm256_cmpeq_epi8(high, newline))
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
fn masks(low: __m256i, high: __m256i) -> Masks {
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

/// Divisors for each row of [`CLOSE_GAP`]: ten to the number of digits behind the point.
#[allow(clippy::indexing_slicing, reason = "computed by the compiler, which checks it")]
static DIVISORS: [f64; 17] = {
    let mut divisors = [1.0; 17];
    let mut point = 0;
    while point < 16 {
        divisors[point] = POWERS[15 - point];
        point += 1;
    }
    divisors
};

/// Row `s` has the sign bits of four numbers, of which those with a bit in `s` are negative.
#[allow(clippy::indexing_slicing, reason = "computed by the compiler, which checks it")]
static SIGNS: [[u64; 4]; 16] = {
    let mut rows = [[0; 4]; 16];
    let mut at = 0;
    while at < 64 {
        rows[at / 4][at % 4] = (((at as u64 / 4) >> (at % 4)) & 1) << 63;
        at += 1;
    }
    rows
};

/// Four numbers of up to sixteen digits each.
struct Four {
    /// The digits above the eighth from the right, and the others, as whole numbers.
    high: __m128i,
    low: __m128i,
    /// Ten to the number of digits behind each one's point.
    divisors: __m256d,
    /// A bit for each that is negative.
    signs: usize,
}

/// Where the points of four words are, and how to read the digits around them.
#[derive(Clone, Copy)]
struct Points {
    /// For each two words, a bit for each of their 2 * 16 bytes that is a point.
    marks: [u32; 2],
    /// Move the digits before the points over them.
    gaps: [__m256i; 2],
    divisors: __m256d,
}

impl Points {
    /// Nothing when a word has several points, or none but a point at its very end, which may be all of it.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn at(marks: [u32; 2]) -> Option<Self> {
        let [first, second] = marks;
        let [a, b, c, d] = [point(first & 0xffff)?, point(first >> 16)?, point(second & 0xffff)?, point(second >> 16)?];
        // SAFETY: each is 0..=16, a row of `CLOSE_GAP` and an entry of `DIVISORS`.
        unsafe {
            let row = |point: usize| CLOSE_GAP.get_unchecked(point).as_ptr().cast();
            let divisor = |point: usize| *DIVISORS.get_unchecked(point);
            let gaps = [_mm256_loadu2_m128i(row(b), row(a)), _mm256_loadu2_m128i(row(d), row(c))];
            let divisors = _mm256_setr_pd(divisor(a), divisor(b), divisor(c), divisor(d));
            Some(Self { marks, gaps, divisors })
        }
    }
}

/// The place of the only mark among 16 bytes, 16 when there is none.
#[inline(always)]
fn point(marks: u32) -> Option<usize> {
    let good = marks & marks.wrapping_sub(1) == 0 && marks != 0x8000;
    good.then_some((marks | (1 << 16)).trailing_zeros() as usize)
}

/// Reads four words at once; nothing when one of them is no such number. `points` are those of the words before,
/// which are looked at anew only where these words' points are in other places.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn four(text: &[u8], spans: [[u32; 2]; 4], points: &mut Option<Points>) -> Option<Four> {
    let [[start_a, a], [start_b, b], [start_c, c], [start_d, d]] = spans;
    let starts = [start_a as usize, start_b as usize, start_c as usize, start_d as usize];
    let ends = [a as usize, b as usize, c as usize, d as usize];
    let mut lengths = [0; 4];
    let (mut long, mut outside) = (0, 0);
    for ((length, &start), &end) in lengths.iter_mut().zip(&starts).zip(&ends) {
        *length = end.wrapping_sub(start);
        long |= length.wrapping_sub(1);
        // The highest bit of a difference tells that it would be negative.
        outside |= end.wrapping_sub(16) | text.len().wrapping_sub(end);
    }
    if (long > 15) | (outside > usize::MAX / 2) {
        return None;
    }
    let (mut signs, mut empty) = (0, false);
    for (index, (&start, length)) in starts.iter().zip(&mut lengths).enumerate() {
        // SAFETY: 16 <= end <= text.len() and 1 <= end - start <= 16.
        let negative = usize::from(unsafe { *text.get_unchecked(start) } == b'-');
        signs |= negative << index;
        *length -= negative;
        empty |= *length == 0;
    }
    let at = text.as_ptr();
    let [a, b, c, d] = ends;
    let [length_a, length_b, length_c, length_d] = lengths;
    // SAFETY: as above, and each length is 0..=16: 16 bytes from there are within the 32 of `LAST`.
    let (first, first_last, second, second_last) = unsafe {
        (
            _mm256_loadu2_m128i(at.add(b - 16).cast(), at.add(a - 16).cast()),
            _mm256_loadu2_m128i(LAST.as_ptr().add(length_b).cast(), LAST.as_ptr().add(length_a).cast()),
            _mm256_loadu2_m128i(at.add(d - 16).cast(), at.add(c - 16).cast()),
            _mm256_loadu2_m128i(LAST.as_ptr().add(length_d).cast(), LAST.as_ptr().add(length_c).cast()),
        )
    };
    let (zero, dot, nine) = (_mm256_set1_epi8(48), _mm256_set1_epi8(46), _mm256_set1_epi8(9));
    let (first, second) = (_mm256_blendv_epi8(zero, first, first_last), _mm256_blendv_epi8(zero, second, second_last));
    let marks = [
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(first, dot)).cast_unsigned(),
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(second, dot)).cast_unsigned(),
    ];
    // A sign alone is no number.
    if empty {
        return None;
    }
    let Points { gaps, divisors, .. } = match *points {
        Some(known) if known.marks == marks => known,
        _ => {
            let found = Points::at(marks)?;
            *points = Some(found);
            found
        }
    };
    let [first_gaps, second_gaps] = gaps;
    let first = _mm256_shuffle_epi8(_mm256_sub_epi8(first, zero), first_gaps);
    let second = _mm256_shuffle_epi8(_mm256_sub_epi8(second, zero), second_gaps);
    let above = _mm256_max_epu8(_mm256_max_epu8(first, second), nine);
    if _mm256_movemask_epi8(_mm256_cmpeq_epi8(above, nine)) != -1 {
        return None;
    }
    let packed = _mm256_packus_epi32(fours(first), fours(second));
    // High and low of the words 0 and 2, then of 1 and 3.
    let eights = _mm256_madd_epi16(packed, _mm256_set1_epi32(0x0001_2710));
    let sorted = _mm256_permutevar8x32_epi32(eights, _mm256_setr_epi32(0, 4, 2, 6, 1, 5, 3, 7));
    let (high, low) = (_mm256_castsi256_si128(sorted), _mm256_extracti128_si256::<1>(sorted));
    Some(Four { high, low, divisors, signs })
}

/// Each four digits as one number.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn fours(digits: __m256i) -> __m256i {
    _mm256_madd_epi16(_mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010a)), _mm256_set1_epi32(0x0001_0064))
}

/// The spans of a column's rows.
#[derive(Clone, Copy)]
struct Spans<'a> {
    all: &'a [[u32; 2]],
    first: usize,
    stride: usize,
}

impl<'a> Spans<'a> {
    #[inline(always)]
    fn of(column: Column<'a>) -> Self {
        Self { all: column.edges.as_chunks().0, first: column.first, stride: column.stride.max(1) }
    }

    #[inline(always)]
    fn row(self, row: usize) -> Option<[u32; 2]> {
        self.all.get(self.first + row * self.stride).copied()
    }

    #[inline(always)]
    fn four(self, row: usize) -> Option<[[u32; 2]; 4]> {
        let at = self.first + row * self.stride;
        let last = self.stride.checked_mul(3)?.checked_add(at)?;
        let rows = self.all.get(at..=last)?;
        // SAFETY: these are at most 3 * stride, the last of `rows`.
        let span = |index: usize| unsafe { *rows.get_unchecked(index * self.stride) };
        Some([span(0), span(1), span(2), span(3)])
    }
}

/// Fills a column, four words at a time and, where that fails, one. A macro, since closures are not inlined into
/// generic functions that lack their processor features.
macro_rules! fill_by_fours {
    ($name:ident, $number:ty, $four:ident, $one:ident) => {
        #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
        pub fn $name(column: Column<'_>, row: usize, out: &mut [$number]) -> usize {
            let (text, spans) = (column.text, Spans::of(column));
            let mut points = None;
            let mut done = row;
            loop {
                let slots = out.get_mut(done..).unwrap_or_default();
                if let Some((slots, _)) = slots.split_first_chunk_mut::<4>()
                    && let Some(words) = spans.four(done)
                    && $four(text, words, slots, &mut points)
                {
                    done += 4;
                    continue;
                }
                if slots.is_empty() {
                    return done;
                }
                for slot in slots.iter_mut().take(4) {
                    match spans.row(done).and_then(|span| $one(text, span)) {
                        Some(value) => *slot = value,
                        None => return done,
                    }
                    done += 1;
                }
            }
        }
    };
}

fill_by_fours!(floats_avx2, f64, four_floats, one_float);
fill_by_fours!(integers_avx2, i64, four_integers, one_integer);

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn four_floats(text: &[u8], spans: [[u32; 2]; 4], slots: &mut [f64; 4], points: &mut Option<Points>) -> bool {
    /// Up to here the sum below is exact.
    const EXACT: i32 = 90_071_991;
    let Some(Four { high, low, divisors, signs }) = four(text, spans, points) else { return false };
    if _mm_movemask_epi8(_mm_cmpgt_epi32(high, _mm_set1_epi32(EXACT))) != 0 {
        return false;
    }
    let eight = _mm256_set1_pd(1e8);
    let digits = _mm256_add_pd(_mm256_mul_pd(_mm256_cvtepi32_pd(high), eight), _mm256_cvtepi32_pd(low));
    // SAFETY: `signs` has four bits, a row of `SIGNS`.
    let signs = unsafe { _mm256_loadu_pd(SIGNS.get_unchecked(signs).as_ptr().cast()) };
    // Both operands are exact, so the division rounds once.
    let values = _mm256_or_pd(_mm256_div_pd(digits, divisors), signs);
    // SAFETY: `slots` is four numbers.
    unsafe { _mm256_storeu_pd(slots.as_mut_ptr(), values) };
    true
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn one_float(text: &[u8], [start, end]: [u32; 2]) -> Option<f64> {
    let (start, end) = (start as usize, end as usize);
    let (from, negative) = signed(text, start);
    match digits(text, from, end) {
        Some(Digits { value, point }) if value <= 1 << 53 => {
            let divisor = DIVISORS.get(point).copied().unwrap_or(1.0);
            #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53")]
            let magnitude = value as f64 / divisor;
            Some(f64::from_bits(magnitude.to_bits() | (u64::from(negative) << 63)))
        }
        _ => text.get(start..end).and_then(finite),
    }
}

/// Whole numbers by way of doubles, which hold them exactly as far as [`four_floats`] goes.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn four_integers(text: &[u8], spans: [[u32; 2]; 4], slots: &mut [i64; 4], points: &mut Option<Points>) -> bool {
    let mut found = [0.0; 4];
    if !four_floats(text, spans, &mut found, points) || points.is_none_or(|points| points.marks != [0, 0]) {
        return false;
    }
    #[allow(clippy::cast_possible_truncation, reason = "whole numbers below 2^53")]
    for (slot, value) in slots.iter_mut().zip(found) {
        *slot = value as i64;
    }
    true
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn one_integer(text: &[u8], [start, end]: [u32; 2]) -> Option<i64> {
    let (start, end) = (start as usize, end as usize);
    let (from, negative) = signed(text, start);
    match digits(text, from, end) {
        Some(Digits { value, point: 16 }) => {
            let value = value.cast_signed();
            Some(if negative { -value } else { value })
        }
        _ => text.get(start..end).and_then(plain_integer),
    }
}
