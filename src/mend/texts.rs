//! Changes of a text's bytes: what is replaced where, and by which fix.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use crate::star::diagnostic::Code;

/// One fix: all of its edits are made, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    pub code: Code,
    /// Where what is mended stands.
    pub at: usize,
    /// How many places are mended.
    pub count: u64,
    pub detail: Option<String>,
    edits: Vec<(Range<usize>, Cow<'static, [u8]>)>,
}

impl Fix {
    #[must_use]
    pub fn new(code: Code, at: usize) -> Self {
        Self { code, at, count: 1, detail: None, edits: Vec::new() }
    }

    #[must_use]
    pub fn replace(mut self, range: Range<usize>, with: impl Into<Cow<'static, [u8]>>) -> Self {
        self.edits.push((range, with.into()));
        self
    }

    #[must_use]
    pub fn delete(self, range: Range<usize>) -> Self {
        self.replace(range, &b""[..])
    }

    #[must_use]
    pub fn insert(self, at: usize, text: impl Into<Cow<'static, [u8]>>) -> Self {
        self.replace(at..at, text)
    }

    #[must_use]
    pub fn telling(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// Fixes of a text, of the codes that are wanted.
pub struct Fixes<'a> {
    pub text: &'a [u8],
    codes: &'a HashSet<Code>,
    found: Vec<Fix>,
}

impl<'a> Fixes<'a> {
    #[must_use]
    pub fn new(text: &'a [u8], codes: &'a HashSet<Code>) -> Self {
        Self { text, codes, found: Vec::new() }
    }

    #[must_use]
    pub fn wants(&self, code: Code) -> bool {
        self.codes.contains(&code)
    }

    /// The first of some codes that is wanted.
    #[must_use]
    pub fn first_wanted(&self, codes: &[Code]) -> Option<Code> {
        codes.iter().copied().find(|&code| self.wants(code))
    }

    pub fn push(&mut self, fix: Fix) {
        if !fix.edits.is_empty() {
            self.found.push(fix);
        }
    }

    /// The text of a range.
    #[must_use]
    pub fn of(&self, range: Range<usize>) -> &'a [u8] {
        self.text.get(range).unwrap_or_default()
    }

    /// The text with all fixes that do not overlap, and these.
    #[must_use]
    pub fn apply(self) -> (Vec<u8>, Vec<Fix>) {
        let mut taken = Taken::default();
        let mut made = Vec::with_capacity(self.found.len());
        let mut edits = Vec::new();
        for fix in self.found {
            if fix.edits.iter().any(|(range, _)| taken.overlaps(range)) {
                continue;
            }
            for edit in &fix.edits {
                taken.take(&edit.0);
                edits.push((edit.0.clone(), edit.1.clone()));
            }
            made.push(fix);
        }
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = Vec::with_capacity(self.text.len() + (self.text.len() >> 6));
        let mut at = 0;
        for (range, with) in edits {
            out.extend_from_slice(self.text.get(at..range.start).unwrap_or_default());
            out.extend_from_slice(&with);
            at = range.end;
        }
        out.extend_from_slice(self.text.get(at..).unwrap_or_default());
        (out, made)
    }
}

/// Ranges that fixes have for themselves, and places where they put something in.
#[derive(Default)]
struct Taken {
    ranges: BTreeMap<usize, usize>,
    places: std::collections::BTreeSet<usize>,
}

impl Taken {
    /// Whether something is replaced in a range, or put in within it; at one place several may put in something.
    fn overlaps(&self, range: &Range<usize>) -> bool {
        let before = self.ranges.range(..range.end).next_back().filter(|_| range.end > 0);
        let within = || self.places.range(range.start.saturating_add(1)..range.end.max(range.start + 1)).next();
        let hit = |(&start, &end): (&usize, &usize)| start < range.end && range.start < end;
        before.is_some_and(hit) || (range.start < range.end && within().is_some())
    }

    fn take(&mut self, range: &Range<usize>) {
        if range.start < range.end {
            self.ranges.insert(range.start, range.end);
        } else {
            self.places.insert(range.start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixes_that_overlap_are_left() {
        let codes = HashSet::new();
        let mut fixes = Fixes::new(b"abcdef", &codes);
        fixes.push(Fix::new(Code::CrLf, 0).delete(1..3));
        fixes.push(Fix::new(Code::CrOnly, 0).delete(2..4));
        fixes.push(Fix::new(Code::CrOnly, 0).insert(2, &b"!"[..]));
        fixes.push(Fix::new(Code::BoolWord, 0).insert(1, &b"1"[..]).insert(3, &b"2"[..]));
        fixes.push(Fix::new(Code::BoolWord, 0).insert(1, &b"3"[..]));
        fixes.push(Fix::new(Code::CrOnly, 0).delete(0..2));
        let (text, made) = fixes.apply();
        assert_eq!(text, b"a132def");
        assert_eq!(made.len(), 3);
    }
}
