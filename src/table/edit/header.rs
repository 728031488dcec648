//! A loop's header written again: label lines kept, renamed, numbered anew, left out or added.

use std::ops::Range;

use super::row::Out;
use crate::star::lex::is_blank;

/// Labels of a header: where each one's token is, from its underscore on.
pub struct Header<'a> {
    /// From `loop_` up to the first row.
    pub text: &'a [u8],
    pub labels: Vec<Range<usize>>,
}

/// One label's line, and the comments and blank lines above it.
struct Unit {
    lead: Range<usize>,
    line: Range<usize>,
    label: Range<usize>,
}

impl<'a> Header<'a> {
    /// `starts` are the places of the labels within the text.
    #[must_use]
    pub fn new(text: &'a [u8], starts: impl Iterator<Item = usize>) -> Self {
        let label = |start: usize| {
            let rest = text.get(start..).unwrap_or_default();
            let end = rest.iter().position(|&byte| is_blank(byte) || byte == b'\n' || byte == b'#');
            start..start + end.unwrap_or(rest.len())
        };
        Self { text, labels: starts.map(label).collect() }
    }

    /// The header of what is written; `names` are the labels as they were read.
    #[must_use]
    pub fn rewritten(&self, names: &[&str], outs: &[Out], line_end: &[u8]) -> Vec<u8> {
        let stays =
            |(index, out): (usize, &Out)| out.word == Some(index) && names.get(index) == Some(&out.label.as_str());
        if outs.len() == names.len() && outs.iter().enumerate().all(stays) {
            return self.text.to_vec();
        }
        match self.units() {
            Some((units, tail)) => self.by_lines(&units, tail, names, outs, line_end),
            None => self.anew(outs, line_end),
        }
    }

    /// The label lines, if each label has one of its own below `loop_`, and where what follows begins.
    fn units(&self) -> Option<(Vec<Unit>, usize)> {
        let first_line = line_after(self.text, 0);
        let mut at = first_line;
        let mut units = Vec::new();
        for label in &self.labels {
            let start = memchr::memrchr(b'\n', self.text.get(..label.start)?).map_or(0, |end| end + 1);
            let before = self.text.get(start..label.start)?;
            if start < at || !before.iter().all(|&byte| is_blank(byte)) {
                return None;
            }
            let end = line_after(self.text, label.end);
            units.push(Unit { lead: at..start, line: start..end, label: label.clone() });
            at = end;
        }
        Some((units, at))
    }

    fn by_lines(&self, units: &[Unit], tail: usize, names: &[&str], outs: &[Out], line_end: &[u8]) -> Vec<u8> {
        let slice = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        let first = units.first().map_or(0, |unit| unit.lead.start);
        let mut text = slice(0..first).to_vec();
        let mut led = vec![false; units.len()];
        for (index, out) in outs.iter().enumerate() {
            let unit = out.word.and_then(|word| units.get(word));
            let Some(unit) = unit else {
                end_line(&mut text, line_end);
                self.push_like(&mut text, units.last(), &out.label, index + 1, line_end);
                continue;
            };
            // What stood above labels that are left out is not lost.
            for (unit, led) in units.iter().zip(&mut led).take(out.word.map_or(0, |word| word + 1)) {
                if !std::mem::replace(led, true) {
                    text.extend_from_slice(slice(unit.lead.clone()));
                }
            }
            end_line(&mut text, line_end);
            text.extend_from_slice(slice(unit.line.start..unit.label.start));
            let old = out.word.and_then(|word| names.get(word)).copied();
            if old == Some(out.label.as_str()) {
                text.extend_from_slice(slice(unit.label.clone()));
            } else {
                text.push(b'_');
                text.extend_from_slice(out.label.as_bytes());
            }
            let rest = slice(unit.label.end..unit.line.end);
            text.extend_from_slice(&renumbered(rest, out.word.map(|word| word + 1), index + 1));
        }
        for (unit, _) in units.iter().zip(&led).filter(|(_, led)| !**led) {
            text.extend_from_slice(slice(unit.lead.clone()));
        }
        end_line(&mut text, line_end);
        text.extend_from_slice(slice(tail..self.text.len()));
        text
    }

    /// A line for a label, as the line of another looks.
    fn push_like(&self, text: &mut Vec<u8>, model: Option<&Unit>, label: &str, number: usize, line_end: &[u8]) {
        let Some(model) = model else { return };
        let slice = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        text.extend_from_slice(slice(model.line.start..model.label.start));
        text.push(b'_');
        text.extend_from_slice(label.as_bytes());
        let rest = slice(model.label.end..model.line.end);
        match number_in(rest) {
            Some(digits) => {
                text.extend_from_slice(rest.get(..digits.start).unwrap_or_default());
                text.extend_from_slice(number.to_string().as_bytes());
                let after = rest.get(digits.end..).unwrap_or_default();
                text.extend(after.iter().take_while(|&&byte| byte == b' '));
            }
            None if rest.trim_ascii().is_empty() => text.extend(rest.iter().take_while(|&&byte| byte == b' ')),
            None => {}
        }
        text.extend_from_slice(line_end);
    }

    /// All labels on lines of their own, below the comments there were.
    fn anew(&self, outs: &[Out], line_end: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        for line in self.text.split_inclusive(|&byte| byte == b'\n') {
            if line.trim_ascii_start().starts_with(b"#") {
                text.extend_from_slice(line);
                end_line(&mut text, line_end);
            }
        }
        text.extend_from_slice(b"loop_");
        text.extend_from_slice(line_end);
        for (index, out) in outs.iter().enumerate() {
            text.extend_from_slice(format!("_{} #{}", out.label, index + 1).as_bytes());
            text.extend_from_slice(line_end);
        }
        text
    }
}

/// Ends a line that is open.
pub fn end_line(text: &mut Vec<u8>, line_end: &[u8]) {
    if text.last().is_some_and(|&byte| byte != b'\n') {
        text.extend_from_slice(line_end);
    }
}

/// Where the line after the one that `at` is in begins.
pub fn line_after(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(text.len(), |end| at + end + 1)
}

/// The digits of a column's number, ` #3`, if that is how a label goes on.
fn number_in(rest: &[u8]) -> Option<Range<usize>> {
    let hash = rest.iter().position(|&byte| byte == b'#')?;
    if !rest.get(..hash)?.iter().all(|&byte| is_blank(byte)) {
        return None;
    }
    let blanks = rest.get(hash + 1..)?.iter().take_while(|&&byte| byte == b' ').count();
    let start = hash + 1 + blanks;
    let digits = rest.get(start..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let ends = rest.get(start + digits).is_none_or(|&byte| is_blank(byte) || byte == b'\n');
    (digits > 0 && ends).then_some(start..start + digits)
}

/// The rest of a label's line, its number changed if it was the label's place.
fn renumbered(rest: &[u8], was: Option<usize>, number: usize) -> Vec<u8> {
    let digits = number_in(rest).filter(|digits| {
        let text = rest.get(digits.clone()).and_then(|digits| std::str::from_utf8(digits).ok());
        text.and_then(|digits| digits.parse().ok()) == was
    });
    match digits {
        Some(digits) => {
            let (before, after) = (rest.get(..digits.start), rest.get(digits.end..));
            [before.unwrap_or_default(), number.to_string().as_bytes(), after.unwrap_or_default()].concat()
        }
        None => rest.to_vec(),
    }
}
