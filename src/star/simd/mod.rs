//! The inner loops over bytes: AVX2 where the processor has it, and a plain twin that is also the test's oracle.
//!
//! Three questions are answered here, all without allocation per value: which bytes of 64 are blanks, line feeds,
//! quotes or control characters ([`classify`]); where words begin and end ([`edges`]); and which number a word of
//! up to sixteen digits is ([`floats`], [`integers`]). The other way, [`slots`] makes words of numbers.
#![allow(unsafe_code)]

pub mod slots;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
mod x86_slots;

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

/// The instructions that this processor is given.
#[must_use]
pub fn instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        return "AVX2";
    }
    "portable"
}

/// Masks for every 64 bytes of `text`, the last one filled up with blanks; tells whether there is a CR.
pub fn classify(text: &[u8], out: &mut Vec<Masks>) -> bool {
    out.clear();
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        // SAFETY: the processor has the instructions, as `available` just found.
        return unsafe { x86::classify_avx2(text, out) };
    }
    for_steps(text, |step| out.push(masks(step)));
    text.contains(&b'\r')
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

/// As [`edges`], of the first `words` words of each line alone; each line must have so many.
pub fn first_edges(text: &[u8], words: usize, out: &mut Vec<u32>) {
    out.clear();
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        // SAFETY: the processor has the instructions, as `available` just found.
        return unsafe { x86::first_edges_avx2(text, words, out) };
    }
    let mut writer = FirstEdgeWriter::new(out, words);
    for_steps(text, |step| {
        let masks = masks(step);
        writer.step(masks.blank, masks.newline);
    });
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

/// As [`integers`], for digits with an optional sign and nothing else.
#[must_use]
pub fn digits(column: Column<'_>, row: usize, out: &mut [i64]) -> usize {
    fill(column, row, out, number::digits)
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

/// Edges written at once, needed or not: few steps have more, and a loop that ends in time is guessed wrong too often.
const AT_ONCE: usize = 12;

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
        let (count, length) = (changes.count_ones() as usize, self.out.len());
        self.out.reserve(STEP + AT_ONCE);
        let free = self.out.as_mut_ptr().wrapping_add(length);
        let mut written = 0;
        loop {
            for index in written..written + AT_ONCE {
                // SAFETY: at most `STEP` bits are set, so `written` stays below `STEP`, and there is room for that and more.
                unsafe { free.add(index).write(self.at + changes.trailing_zeros()) };
                changes &= changes.wrapping_sub(1);
            }
            written += AT_ONCE;
            if written >= count {
                break;
            }
        }
        // SAFETY: so many were written, one for each bit.
        unsafe { self.out.set_len(length + count) };
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

/// Turns masks into edges of the first words of each line.
struct FirstEdgeWriter<'a> {
    out: &'a mut Vec<u32>,
    at: u32,
    carry: u64,
    /// Edges of each line, and how many this line still wants; none left means that its end is waited for.
    each: usize,
    left: usize,
}

impl<'a> FirstEdgeWriter<'a> {
    #[inline(always)]
    fn new(out: &'a mut Vec<u32>, words: usize) -> Self {
        Self { out, at: 0, carry: 1, each: 2 * words, left: 2 * words }
    }

    /// Passes a step by that lies within a line of which nothing more is wanted; false when it does not.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn skip(&mut self, newline: u64) -> bool {
        let skip = self.left == 0 && newline == 0;
        self.at += if skip { STEP_U32 } else { 0 };
        skip
    }

    #[inline(always)]
    fn step(&mut self, blank: u64, mut newline: u64) {
        let mut changes = blank ^ ((blank << 1) | self.carry);
        self.carry = blank >> (STEP - 1);
        loop {
            if self.left == 0 {
                if newline == 0 {
                    break;
                }
                // What lies before the line's end is of the line before; a word may end right there.
                let through = newline ^ newline.wrapping_sub(1);
                newline &= !through;
                changes &= !through;
                self.left = self.each;
            } else if changes == 0 {
                break;
            } else {
                let bit = changes.trailing_zeros();
                changes &= changes - 1;
                self.left -= 1;
                self.out.push(self.at + bit);
                // Line ends before a line's last wanted word are of lines without words.
                newline &= !((1u64 << bit) - 1);
            }
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

    /// Words of any kind, or of the kinds that most columns are of.
    fn words() -> impl Strategy<Value = Vec<String>> {
        let any = "[-+]?[0-9]{0,17}\\.?[0-9]{0,9}(e-?[0-9]{1,2})?|[0-9:/.;-]{1,16}|nan";
        let many = |word: &'static str| proptest::collection::vec(word, 1..40);
        prop_oneof![
            many(any),
            many("-?[0-9]{1,6}\\.[0-9]{6}"),
            many("-?[0-9]{1,9}\\.[0-9]{6}|-|[.]|-[.]|-?[0-9]{0,2}[.]|9007199254740992"),
            many("-?[0-9]{1,4}|-?[0-9]{14,17}"),
        ]
    }

    #[test]
    fn edges_of_first_words() {
        let mut out = Vec::new();
        first_edges(b"  ab c\n\tdef g\nh i", 1, &mut out);
        assert_eq!(out, [2, 4, 8, 11, 14, 15]);
    }

    proptest! {
        #[test]
        fn first_edges_are_the_first_of_all(
            lines in proptest::collection::vec("([ \t]{0,3}[a-z]{1,40}){3}[ \t]{0,90}\r?", 0..20).prop_map(|lines| {
                lines.into_iter().filter(|line| line.split_ascii_whitespace().count() == 3).collect::<Vec<_>>()
            }),
            words in 1..=3usize,
        ) {
            let text = lines.join("\n");
            let (mut all, mut first) = (Vec::new(), Vec::new());
            edges(text.as_bytes(), &mut all);
            first_edges(text.as_bytes(), words, &mut first);
            let wanted: Vec<u32> = all.chunks(6).flat_map(|line| &line[..2 * words]).copied().collect();
            prop_assert_eq!(&first, &wanted);
            let mut plain = Vec::new();
            let mut writer = FirstEdgeWriter::new(&mut plain, words);
            for_steps(text.as_bytes(), |step| {
                let masks = masks(step);
                writer.step(masks.blank, masks.newline);
            });
            writer.finish(text.len());
            prop_assert_eq!(plain, wanted);
        }

        #[test]
        fn masks_equal_the_plain_twin(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let (mut fast, mut plain) = (Vec::new(), Vec::new());
            let cr = classify(&text, &mut fast);
            prop_assert_eq!(cr, text.contains(&b'\r'));
            for_steps(&text, |step| plain.push(masks(step)));
            prop_assert_eq!(fast, plain);
            let mut found = Vec::new();
            edges(&text, &mut found);
            prop_assert_eq!(found, plain_edges(&text));
        }

        #[test]
        fn numbers_equal_the_plain_twin(words in words()) {
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
