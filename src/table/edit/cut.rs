//! A loop's text cut into rows, with where each token of a row is, and the lines between rows.

use std::ops::Range;

use crate::star::lex::{Form, Words};
use crate::star::rows::Shape;
use crate::star::simd;
use crate::table::grid::{CHUNK, text_field};

/// One row, as it stands in the text.
#[derive(Clone, Copy, Debug)]
pub struct RowText<'a> {
    pub text: &'a [u8],
    /// From its line's start to the next line's.
    pub start: usize,
    pub end: usize,
    /// Start and end of each token, quotes included.
    pub edges: &'a [u32],
    /// It stands on several lines.
    pub wrapped: bool,
}

impl<'a> RowText<'a> {
    /// The place of a token; at the row's end where there is none.
    #[inline]
    #[must_use]
    pub fn token(&self, word: usize) -> Range<usize> {
        let edge = |index: usize| self.edges.get(index).map_or(self.end, |&edge| edge as usize);
        edge(2 * word)..edge(2 * word + 1)
    }

    /// Where what stands before a token begins.
    #[must_use]
    pub fn gap_start(&self, word: usize) -> usize {
        word.checked_sub(1).map_or(self.start, |before| self.token(before).end)
    }

    #[inline]
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> &'a [u8] {
        self.text.get(range).unwrap_or_default()
    }
}

/// What a piece is made of.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    Row(RowText<'a>),
    /// Blank lines or comments.
    Between(&'a [u8]),
}

/// Cuts a piece; of each row at least the first `wanted` tokens are told.
///
/// # Errors
/// Whatever `take` fails with.
pub fn cut<E>(
    text: &[u8],
    shape: Shape,
    wanted: usize,
    mut take: impl FnMut(Part<'_>) -> Result<(), E>,
) -> Result<(), E> {
    match shape {
        Shape::Plain => plain(text, wanted, take),
        Shape::Lines => lines(text, take),
        Shape::Wrapped => {
            let edges = wrapped_edges(text);
            take(Part::Row(RowText { text, start: 0, end: text.len(), edges: &edges, wrapped: true }))
        }
    }
}

fn plain<E>(text: &[u8], wanted: usize, mut take: impl FnMut(Part<'_>) -> Result<(), E>) -> Result<(), E> {
    let mut edges = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let whole = |from: usize| memchr::memchr(b'\n', rest.get(from..)?).map(|end| from + end + 1);
        let chunk = rest.get(..whole(CHUNK).unwrap_or(rest.len())).unwrap_or(rest);
        edges.clear();
        if wanted > 0 {
            simd::first_edges(chunk, wanted, &mut edges);
        }
        let mut start = 0;
        let mut edges = edges.as_slice();
        while start < chunk.len() {
            let end = match edges.get(..2 * wanted).and_then(<[u32]>::last) {
                // The row's end is beyond its last token.
                Some(&last) => line_end(chunk, last as usize),
                None => line_end(chunk, start),
            };
            let (own, rest) = edges.split_at_checked(2 * wanted).unwrap_or((edges, &[]));
            edges = rest;
            take(Part::Row(RowText { text: chunk, start, end, edges: own, wrapped: false }))?;
            start = end;
        }
        at += chunk.len();
    }
    Ok(())
}

/// Where the line that `at` is in ends, its line feed included.
fn line_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(text.len(), |end| at + end + 1)
}

fn lines<E>(text: &[u8], mut take: impl FnMut(Part<'_>) -> Result<(), E>) -> Result<(), E> {
    let mut edges = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let end = line_end(text, start);
        edges.clear();
        push_words(text, start, end, &mut edges);
        take(match edges.is_empty() {
            true => Part::Between(text.get(start..end).unwrap_or_default()),
            false => Part::Row(RowText { text, start, end, edges: &edges, wrapped: false }),
        })?;
        start = end;
    }
    Ok(())
}

fn push_words(text: &[u8], start: usize, end: usize, edges: &mut Vec<u32>) {
    let line = text.get(start..end).unwrap_or_default();
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    for word in Words::new(line) {
        let Ok(word) = word else { break };
        let quote = usize::from(word.form != Form::Bare);
        edges.extend([start + word.start - quote, start + word.end + quote].map(edge));
    }
}

fn edge(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn wrapped_edges(text: &[u8]) -> Vec<u32> {
    let mut edges = Vec::new();
    let mut at = 0;
    let mut line_start = true;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if line_start
            && rest.first() == Some(&b';')
            && let Some((_, after)) = text_field(rest)
        {
            edges.extend([at, at + after].map(edge));
            at += after;
            line_start = false;
            continue;
        }
        let end = line_end(text, at);
        push_words(text, at, end, &mut edges);
        at = end;
        line_start = true;
    }
    edges
}
