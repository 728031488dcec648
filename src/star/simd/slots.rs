//! Numbers as text, several at once, each in a slot of its own.
//!
//! A column is put into slots in one go and its values are then copied to their rows, which is faster than turning one
//! value after another into text where it goes.

use std::mem::MaybeUninit;

/// The text of one number; what is around it means nothing.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub struct Slot {
    pub(super) text: [u8; Self::ROOM],
    pub(super) start: u8,
    pub(super) end: u8,
}

impl Default for Slot {
    fn default() -> Self {
        Self { text: [b' '; Self::ROOM], start: 0, end: 0 }
    }
}

impl Slot {
    /// Characters that fit.
    pub const ROOM: usize = 30;
    /// A copy of so many bytes needs no loop, and most numbers are no longer.
    const COPY: usize = 16;

    /// Puts a text in; false when it does not fit.
    pub fn set(&mut self, text: &[u8]) -> bool {
        let Some(room) = self.text.get_mut(..text.len()) else { return false };
        room.copy_from_slice(text);
        self.start = 0;
        self.end = u8::try_from(text.len()).unwrap_or(0);
        true
    }

    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.text.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }
}

/// Adds the texts of at most `count` slots to `out`, a byte behind each.
#[inline]
pub fn push<'a>(slots: impl Iterator<Item = &'a Slot>, count: usize, behind: u8, out: &mut Vec<u8>) {
    out.reserve(count * (Slot::ROOM + 1) + Slot::COPY);
    let room = out.spare_capacity_mut();
    let mut at = 0;
    for slot in slots.take(count) {
        let (start, end) = (usize::from(slot.start), usize::from(slot.end));
        let length = end.saturating_sub(start);
        let Some(free) = room.get_mut(at..at + length + Slot::COPY) else { break };
        match (slot.text.get(start..).and_then(|text| text.first_chunk::<{ Slot::COPY }>()), free.first_chunk_mut()) {
            (Some(bytes), Some(free)) if length <= Slot::COPY => *free = bytes.map(MaybeUninit::new),
            _ => {
                for (free, &byte) in free.iter_mut().zip(slot.text()) {
                    free.write(byte);
                }
            }
        }
        if let Some(free) = free.get_mut(length) {
            free.write(behind);
        }
        at += length + 1;
    }
    // SAFETY: every byte up to `at` was written above, where the room was found to reach beyond it.
    unsafe { out.set_len(out.len() + at) };
}

/// What stands after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// As many digits as tell the value from all others, one at least.
    Shortest,
    Six,
}

/// The widest field that [`decimals`] and [`integers`] know: RELION's.
pub const WIDEST: u8 = 12;

/// Fills slots with values that are, but for the rounding of their last bit, whole numbers of millionths below 10^14,
/// at the right of a field of at least `width` characters; returns how many, up to where other values are.
///
/// The text reads back as the value. There may be none even so: not every processor can, nor is there every width.
#[must_use]
pub fn decimals(values: &[f64], places: Places, width: usize, slots: &mut [Slot]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if let Some(width) = narrow(width) {
        // SAFETY: the processor has the instructions, as `narrow` just found.
        return unsafe { super::x86_slots::decimals_avx2(values, places, width, slots) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, places, width, slots);
    0
}

/// As [`decimals`], for whole numbers below 10^8.
#[must_use]
pub fn integers(values: &[i64], width: usize, slots: &mut [Slot]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if let Some(width) = narrow(width) {
        // SAFETY: the processor has the instructions, as `narrow` just found.
        return unsafe { super::x86_slots::integers_avx2(values, width, slots) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, width, slots);
    0
}

/// The width, if there are instructions for it.
#[cfg(target_arch = "x86_64")]
#[inline]
fn narrow(width: usize) -> Option<u8> {
    u8::try_from(width).ok().filter(|&width| width <= WIDEST && super::x86::available())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::star::write::float::{FloatFormat, push_float, push_integer};
    use crate::star::write::printf::Printf;

    /// Texts of the slots, put in as far as may be, and those one by one.
    fn both<T: Copy>(
        values: &[T],
        fill: impl Fn(&[T], &mut [Slot]) -> usize,
        push: impl Fn(&mut Vec<u8>, T),
    ) -> (Vec<String>, Vec<String>) {
        let mut slots = vec![Slot::default(); values.len()];
        let done = fill(values, &mut slots);
        let pushed = |slot: &Slot| {
            let mut out = b"before".to_vec();
            super::push([slot, slot].into_iter(), 2, b' ', &mut out);
            assert_eq!(out, [b"before", slot.text(), b" ", slot.text(), b" "].concat());
            String::from_utf8_lossy(slot.text()).into_owned()
        };
        let plain = values.iter().take(done).map(|&value| {
            let mut out = Vec::new();
            push(&mut out, value);
            String::from_utf8(out).unwrap()
        });
        (slots.iter().take(done).map(pushed).collect(), plain.collect())
    }

    #[test]
    fn texts_go_where_they_fit() {
        let mut slot = Slot::default();
        for text in [&b""[..], b"-1.5", b"0123456789012345", b"01234567890123456", b"-1.2345678901234567e-308"] {
            assert!(slot.set(text));
            let mut out = Vec::new();
            push(std::iter::repeat(&slot), 3, b'|', &mut out);
            assert_eq!(out, [text, text, text, b""].join(&b'|'));
        }
        assert!(!slot.set(&[b'1'; Slot::ROOM + 1]));
    }

    #[test]
    fn decimals_are_done_where_they_can_be() {
        let values = [0.0, -0.0, 99_999_999.999_999, -1e-5, 1e8, 0.1, 0.1, 0.1];
        let mut slots = [Slot::default(); 8];
        let done = decimals(&values, Places::Shortest, 0, &mut slots);
        if done > 0 {
            assert_eq!(done, 4);
            let texts = slots.each_ref().map(|slot| String::from_utf8_lossy(slot.text()).into_owned());
            assert_eq!(texts[..4], ["0.0", "-0.0", "99999999.999999", "-0.00001"]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn decimals_equal_the_plain_twin(
            numbers in proptest::collection::vec((-99_999_999_999_999i64..=99_999_999_999_999, 0u32..14), 4..9),
            digits in 0u32..8, width in prop_oneof![Just(0usize), Just(12)],
        ) {
            #[allow(clippy::cast_precision_loss)]
            let values: Vec<f64> = numbers
                .iter()
                .map(|&(number, cut)| (number / 10i64.pow(cut) * 10i64.pow(digits.min(cut))) as f64 / 1e6)
                .collect();
            for (places, format) in [
                (Places::Shortest, FloatFormat::Shortest),
                (Places::Six, FloatFormat::Printf(Printf::fixed(6))),
            ] {
                let fill = |values: &[f64], slots: &mut [Slot]| decimals(values, places, width, slots);
                let (slots, plain) = both(&values, fill, |out, value| push_float(out, value, format, width));
                prop_assert_eq!(slots, plain);
            }
        }

        #[test]
        fn any_bits_equal_the_plain_twin(bits in proptest::collection::vec(any::<u64>(), 4..9)) {
            let values: Vec<f64> = bits.iter().map(|&bits| f64::from_bits(bits)).collect();
            let fill = |values: &[f64], slots: &mut [Slot]| decimals(values, Places::Shortest, 12, slots);
            let (slots, plain) = both(&values, fill, |out, value| push_float(out, value, FloatFormat::Shortest, 12));
            prop_assert_eq!(slots, plain);
        }

        #[test]
        fn integers_equal_the_plain_twin(
            numbers in proptest::collection::vec((-99_999_999i64..=100_000_000, 0u32..9), 4..9),
            width in 0usize..=12,
        ) {
            let values: Vec<i64> = numbers.iter().map(|&(number, cut)| number / 10i64.pow(cut)).collect();
            let fill = |values: &[i64], slots: &mut [Slot]| integers(values, width, slots);
            let (slots, plain) = both(&values, fill, |out, value: i64| {
                push_integer(out, value < 0, value.unsigned_abs(), width);
            });
            prop_assert_eq!(slots, plain);
        }
    }
}
