//! Columns of numbers made text ahead, several values at once.

use std::ops::Range;

use super::cell::Cells;
use super::values::Values;
use crate::star::simd::slots::{self, Places, Slot};
use crate::star::write::float::{FloatFormat, push_float, push_integer};
use crate::star::write::printf::Printf;

/// So many values are put in one by one before several at once are tried again.
const SINGLE: usize = 4;

impl Cells {
    /// Puts the text of some rows' numbers into slots, the same as [`Cells::push`] adds; false when not all of it can
    /// be there.
    pub fn fill(&self, rows: Range<usize>, slots: &mut [Slot], memory: &mut Vec<u8>) -> bool {
        if self.column().nulls.is_some() {
            return false;
        }
        let width = self.style().number_width();
        match &self.column().values {
            Values::Double(array) if self.style().takes_fractions() => {
                let format = self.style().floats();
                let places = match format {
                    FloatFormat::Shortest => Places::Shortest,
                    FloatFormat::Printf(printf) if printf == Printf::fixed(6) => Places::Six,
                    FloatFormat::Printf(_) | FloatFormat::Relion => return false,
                };
                let several = |values: &[f64], slots: &mut [Slot]| slots::decimals(values, places, width, slots);
                let single = |out: &mut Vec<u8>, value: f64| {
                    push_float(out, value, format, width);
                    value.is_finite()
                };
                fill(array.values().get(rows).unwrap_or_default(), slots, memory, several, single)
            }
            Values::Signed(array) if self.style().takes_whole_numbers() => {
                let several = |values: &[i64], slots: &mut [Slot]| slots::integers(values, width, slots);
                let single = |out: &mut Vec<u8>, value: i64| {
                    push_integer(out, value < 0, value.unsigned_abs(), width);
                    true
                };
                fill(array.values().get(rows).unwrap_or_default(), slots, memory, several, single)
            }
            _ => false,
        }
    }
}

fn fill<T: Copy>(
    values: &[T],
    slots: &mut [Slot],
    memory: &mut Vec<u8>,
    several: impl Fn(&[T], &mut [Slot]) -> usize,
    single: impl Fn(&mut Vec<u8>, T) -> bool,
) -> bool {
    let mut at = 0;
    while at < values.len() {
        let (Some(values), Some(slots)) = (values.get(at..), slots.get_mut(at..)) else { return false };
        let done = several(values, slots);
        for (&value, slot) in values.iter().zip(slots).skip(done).take(SINGLE) {
            memory.clear();
            if !single(memory, value) || !slot.set(memory) {
                return false;
            }
        }
        at += done + SINGLE;
    }
    true
}
