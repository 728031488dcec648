//! Numbers as text with AVX2, four at a time.
//!
//! A number's digits are laid out as `.......4 . 500000`, eight before the point and six after it:
//!
//! ```text
//! slot  0....5 6 7......14 15 16....21
//!       blanks ' ' digits   '.' digits
//! ```
//!
//! Then the zeros before the first digit become blanks, the last of them a minus sign if there is one.

use std::arch::x86_64::*;

use super::slots::{Places, Slot};

/// Where the sixteen bytes of digits begin, behind blanks that fill a field of up to `WIDEST` characters.
const FIRST: u8 = 6;
/// Where the point is.
const POINT: u8 = FIRST + 9;

/// What is taken of the digits behind the point.
#[derive(Clone, Copy)]
enum Tail {
    Places(Places),
    /// Nothing, nor the point.
    None,
}

impl Tail {
    /// Where the text ends; `digits` has a bit for each digit behind the point that is not zero.
    #[inline(always)]
    fn end(self, digits: u32) -> u8 {
        match self {
            Self::Places(Places::Shortest) => {
                let [zeros, ..] = ((digits & 0x3f) | 1).leading_zeros().to_le_bytes();
                POINT + 1 + 32 - zeros
            }
            Self::Places(Places::Six) => POINT + 1 + 6,
            Self::None => POINT,
        }
    }
}

/// Which bytes of the sixteen are digits that stay, for each number of zeros before the first digit.
#[allow(clippy::indexing_slicing, reason = "computed by the compiler, which checks it")]
static KEPT: [[u8; 16]; 8] = {
    let mut rows = [[0xff; 16]; 8];
    let mut at = 0;
    while at < 8 * 9 {
        if at % 9 <= at / 9 {
            rows[at / 9][at % 9] = 0;
        }
        at += 1;
    }
    rows
};

/// What is in place of the others, for each such number, first without, then with a minus sign.
#[allow(clippy::indexing_slicing, reason = "computed by the compiler, which checks it")]
static BEFORE: [[u8; 16]; 16] = {
    let mut rows = [[0; 16]; 16];
    let mut at = 0;
    while at < 16 * 9 {
        let (row, byte) = (at / 9, at % 9);
        let zeros = row % 8;
        if byte <= zeros {
            rows[row][byte] = if byte == zeros && row >= 8 { b'-' } else { b' ' };
        }
        at += 1;
    }
    rows
};

/// Four numbers: how many millionths each is, and its sign.
struct Four {
    /// Whole numbers below 10^14.
    millionths: __m256d,
    /// A bit for each that is negative.
    signs: u32,
}

/// `width` is at most `WIDEST`.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub fn decimals_avx2(values: &[f64], places: Places, width: u8, slots: &mut [Slot]) -> usize {
    let mut done = 0;
    for (values, slots) in values.as_chunks::<4>().0.iter().zip(slots.as_chunks_mut::<4>().0) {
        prefetch(values);
        let Some(four) = millionths(values) else { break };
        fill(&four, Tail::Places(places), width, slots);
        done += 4;
    }
    done
}

/// `width` is at most `WIDEST`.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub fn integers_avx2(values: &[i64], width: u8, slots: &mut [Slot]) -> usize {
    const LIMIT: u64 = 100_000_000;
    let mut done = 0;
    for (values, slots) in values.as_chunks::<4>().0.iter().zip(slots.as_chunks_mut::<4>().0) {
        if values.iter().any(|value| value.unsigned_abs() >= LIMIT) {
            break;
        }
        prefetch(values);
        let [a, b, c, d] = *values;
        #[allow(clippy::cast_precision_loss, reason = "below 10^8")]
        let values = _mm256_setr_pd(a as f64, b as f64, c as f64, d as f64);
        let millionths = _mm256_mul_pd(magnitudes(values), _mm256_set1_pd(1e6));
        let signs = _mm256_movemask_pd(values).cast_unsigned();
        fill(&Four { millionths, signs }, Tail::None, width, slots);
        done += 4;
    }
    done
}

/// Has the values that come next fetched: a column is read bit by bit, in turn with many others.
#[inline(always)]
fn prefetch<T>(values: &[T; 4]) {
    const NEXT: usize = 64;
    // SAFETY: a hint alone, which reads nothing and may be about any address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(values.as_ptr().wrapping_add(NEXT).cast()) };
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn magnitudes(values: __m256d) -> __m256d {
    _mm256_andnot_pd(_mm256_set1_pd(-0.0), values)
}

/// Nothing when one of the values is not what a number of millionths is read as, or has an exponent when written.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn millionths(values: &[f64; 4]) -> Option<Four> {
    // SAFETY: `values` is four numbers.
    let values = unsafe { _mm256_loadu_pd(values.as_ptr()) };
    let (million, magnitude) = (_mm256_set1_pd(1e6), magnitudes(values));
    // Below 2^52 the sum has no place for a fraction.
    let whole = _mm256_set1_pd(4_503_599_627_370_496.0);
    let scaled = _mm256_sub_pd(_mm256_add_pd(_mm256_mul_pd(magnitude, million), whole), whole);
    let equal = _mm256_cmp_pd::<_CMP_EQ_OQ>(_mm256_div_pd(scaled, million), magnitude);
    let small = _mm256_cmp_pd::<_CMP_LT_OQ>(magnitude, _mm256_set1_pd(1e8));
    let zero = _mm256_cmp_pd::<_CMP_EQ_OQ>(magnitude, _mm256_setzero_pd());
    let plain = _mm256_or_pd(_mm256_cmp_pd::<_CMP_GE_OQ>(magnitude, _mm256_set1_pd(1e-5)), zero);
    let good = _mm256_and_pd(_mm256_and_pd(equal, small), plain);
    (_mm256_movemask_pd(good) == 0b1111)
        .then_some(Four { millionths: scaled, signs: _mm256_movemask_pd(values).cast_unsigned() })
}

/// `value / divisor` of whole numbers up to 10^14, without what is after the point.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn quotient(value: __m256d, reciprocal: f64) -> __m256d {
    // Half a unit keeps multiples of the divisor from falling short of their quotient.
    _mm256_floor_pd(_mm256_mul_pd(_mm256_add_pd(value, _mm256_set1_pd(0.5)), _mm256_set1_pd(reciprocal)))
}

/// `value - quotient * divisor`, exact for such numbers.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn remainder(value: __m256d, quotient: __m256d, divisor: f64) -> __m256d {
    _mm256_sub_pd(value, _mm256_mul_pd(quotient, _mm256_set1_pd(divisor)))
}

/// Puts four numbers into slots.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn fill(four: &Four, tail: Tail, width: u8, slots: &mut [Slot; 4]) {
    let (even, odd) = digits(four.millionths);
    let [a, b, c, d] = slots;
    let sign = |index: u32| (four.signs >> index) & 1;
    place(even, [(a, sign(0)), (c, sign(2))], tail, width);
    place(odd, [(b, sign(1)), (d, sign(3))], tail, width);
}

/// Sixteen digits of each number, as numbers from 0 to 9: of the first and the third one, and of the others.
///
/// Eight are before the point, six after it, and two are zeros.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn digits(millionths: __m256d) -> (__m256i, __m256i) {
    let whole = quotient(millionths, 1e-6);
    let rest = remainder(millionths, whole, 1e6);
    // Four digits each.
    let first = quotient(whole, 1e-4);
    let second = remainder(whole, first, 1e4);
    let third = quotient(rest, 1e-2);
    let fourth = _mm256_mul_pd(remainder(rest, third, 1e2), _mm256_set1_pd(1e2));
    let pair = |low: __m256d, high: __m256d| {
        _mm_or_si128(_mm256_cvtpd_epi32(low), _mm_slli_epi32::<16>(_mm256_cvtpd_epi32(high)))
    };
    let (before, after) = (pair(first, second), pair(third, fourth));
    let fours = _mm256_set_m128i(_mm_unpackhi_epi32(before, after), _mm_unpacklo_epi32(before, after));
    // Exact below 10^4.
    let hundreds = _mm256_srli_epi16::<3>(_mm256_mulhi_epu16(fours, _mm256_set1_epi16(5243)));
    let ones = _mm256_sub_epi16(fours, _mm256_mullo_epi16(hundreds, _mm256_set1_epi16(100)));
    (single(_mm256_unpacklo_epi16(hundreds, ones)), single(_mm256_unpackhi_epi16(hundreds, ones)))
}

/// Two digits each as two bytes.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn single(pairs: __m256i) -> __m256i {
    // Exact below 100.
    let tens = _mm256_mulhi_epu16(pairs, _mm256_set1_epi16(6554));
    let ones = _mm256_sub_epi16(pairs, _mm256_mullo_epi16(tens, _mm256_set1_epi16(10)));
    _mm256_or_si256(tens, _mm256_slli_epi16::<8>(ones))
}

/// Puts the digits of two numbers into their slots, each with 1 if it is negative.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn place(digits: __m256i, slots: [(&mut Slot, u32); 2], tail: Tail, width: u8) {
    const GAP: i8 = -1;
    let spread = _mm_setr_epi8(GAP, 0, 1, 2, 3, 4, 5, 6, 7, GAP, 8, 9, 10, 11, 12, 13);
    let characters = _mm_setr_epi8(0, 48, 48, 48, 48, 48, 48, 48, 48, 46, 48, 48, 48, 48, 48, 48);
    let zeros = _mm256_movemask_epi8(_mm256_cmpeq_epi8(digits, _mm256_setzero_si256())).cast_unsigned();
    let text = _mm256_shuffle_epi8(digits, _mm256_broadcastsi128_si256(spread));
    let text = _mm256_or_si256(text, _mm256_broadcastsi128_si256(characters));
    let halves = [(_mm256_castsi256_si128(text), !zeros), (_mm256_extracti128_si256::<1>(text), !zeros >> 16)];
    for ((half, digits), (slot, sign)) in halves.into_iter().zip(slots) {
        // The last digit before the point stays, zero or not.
        let before = ((digits & 0xff) | 0x80).trailing_zeros();
        // SAFETY: `before` is 0..=7 and `sign` 0 or 1, and sixteen bytes from `FIRST` are within a slot.
        unsafe {
            let kept = _mm_loadu_si128(KEPT.get_unchecked(before as usize).as_ptr().cast());
            let put = _mm_loadu_si128(BEFORE.get_unchecked((before + 8 * sign) as usize).as_ptr().cast());
            let at = slot.text.as_mut_ptr();
            at.cast::<u64>().write_unaligned(0x2020_2020_2020_2020);
            _mm_storeu_si128(at.add(FIRST.into()).cast(), _mm_or_si128(_mm_and_si128(half, kept), put));
        }
        let [text, ..] = (before + 1 - sign).to_le_bytes();
        slot.end = tail.end(digits >> 8);
        slot.start = (FIRST + text).min(slot.end - width);
    }
}
