//! Words of consecutive rows as offsets, some 24 KiB of text at a time, so that all of it stays in cache.

use crate::star::lex::{Form, Words, is_blank};
use crate::star::outline::Item;
use crate::star::rows::{Piece, Shape};
use crate::star::simd::{self, Column};

/// Text looked at in one go: small enough that its words' places stay in cache.
pub const CHUNK: usize = 24 << 10;

/// The words of some whole rows.
#[derive(Debug, Default)]
pub struct Grid<'a> {
    text: &'a [u8],
    /// Offset of `text` in the whole text.
    pub base: u64,
    /// Start and end of each word within `text`.
    edges: Vec<u32>,
    /// How each word was written; empty when all are bare.
    forms: Vec<Form>,
    pub rows: usize,
    words: usize,
}

/// The memory of a [`Grid`], to be used again.
#[derive(Debug, Default)]
pub struct GridMemory {
    edges: Vec<u32>,
    forms: Vec<Form>,
}

impl<'a> Grid<'a> {
    #[must_use]
    pub fn with(memory: GridMemory) -> Self {
        Self { edges: memory.edges, forms: memory.forms, ..Self::default() }
    }

    #[must_use]
    pub fn into_memory(self) -> GridMemory {
        GridMemory { edges: self.edges, forms: self.forms }
    }

    /// The spans of one column.
    #[must_use]
    pub fn column(&self, index: usize) -> Column<'_> {
        Column { text: self.text, edges: &self.edges, first: index, stride: self.words }
    }

    /// Each value of a column with its row and form.
    pub fn values(&self, index: usize, row: usize) -> impl Iterator<Item = (&'a [u8], Form, u64)> + '_ {
        let forms = move |row: usize| {
            let at = row * self.words + index;
            if self.forms.is_empty() { Form::Bare } else { self.forms.get(at).copied().unwrap_or(Form::Bare) }
        };
        self.column(index).spans(row).take(self.rows.saturating_sub(row)).enumerate().map(
            move |(skip, (start, end))| {
                let word = self.text.get(start..end).unwrap_or_default();
                (word, forms(row + skip), self.base + start as u64)
            },
        )
    }

    fn reset(&mut self, text: &'a [u8], base: u64, words: usize) {
        self.text = text;
        self.base = base;
        self.words = words;
        self.rows = 0;
        self.edges.clear();
        self.forms.clear();
    }

    fn push(&mut self, start: usize, end: usize, form: Form) {
        for edge in [start, end] {
            self.edges.push(u32::try_from(edge).unwrap_or(u32::MAX));
        }
        self.forms.push(form);
    }
}

/// Walks over the grids of one piece of a loop.
#[derive(Debug)]
pub struct Grids<'a> {
    /// The text from `base` on.
    text: &'a [u8],
    base: u64,
    at: usize,
    end: usize,
    words: usize,
    /// Words of each row that are wanted: so many of the first.
    wanted: usize,
    shape: Shape,
    chunk: usize,
}

impl<'a> Grids<'a> {
    /// Grids of `piece`, of a text that begins at offset `base` of the whole; nothing when the text is too short.
    ///
    /// `chunk` is how much text is looked at in one go; it changes nothing but the size of the grids.
    #[must_use]
    pub fn new(text: &'a [u8], base: u64, piece: &Piece, words: usize, chunk: usize) -> Option<Self> {
        let at = usize::try_from(piece.start.checked_sub(base)?).ok()?;
        let end = usize::try_from(piece.end.checked_sub(base)?).ok()?;
        (end <= text.len()).then_some(Self { text, base, at, end, words, wanted: words, shape: piece.shape, chunk })
    }

    /// The same, where of each row only the first `wanted` words are of interest; the grids may have more.
    #[must_use]
    pub fn of_first(self, wanted: usize) -> Self {
        Self { wanted: wanted.clamp(1, self.words.max(1)), ..self }
    }

    /// The next rows; false when there are no more, or when the text is not as the outline found it.
    pub fn next(&mut self, grid: &mut Grid<'a>) -> bool {
        if self.at >= self.end {
            return false;
        }
        match self.shape {
            Shape::Plain if self.wanted < self.words => self.first_words(grid),
            Shape::Plain => self.plain(grid),
            Shape::Lines => self.lines(grid),
            Shape::Wrapped => self.wrapped(grid),
        }
        grid.rows > 0
    }

    fn plain(&mut self, grid: &mut Grid<'a>) {
        let mut length = self.chunk;
        loop {
            let rest = self.text.get(self.at..self.end).unwrap_or_default();
            let whole = length >= rest.len();
            let chunk = rest.get(..length).unwrap_or(rest);
            grid.reset(chunk, self.base + self.at as u64, self.words);
            simd::edges(chunk, &mut grid.edges);
            if !whole && grid.edges.last().is_some_and(|&end| end as usize == chunk.len()) {
                // The chunk may have cut this word.
                grid.edges.truncate(grid.edges.len() - 2);
            }
            grid.rows = grid.edges.len() / 2 / self.words.max(1);
            grid.edges.truncate(2 * grid.rows * self.words);
            match grid.edges.last() {
                _ if whole => self.at = self.end,
                Some(&end) => self.at += end as usize,
                // Not even one row: a long one.
                None => {
                    length = length.saturating_mul(4);
                    continue;
                }
            }
            return;
        }
    }

    /// As [`Self::plain`], of the first words of each row alone.
    fn first_words(&mut self, grid: &mut Grid<'a>) {
        let rest = self.text.get(self.at..self.end).unwrap_or_default();
        // Up to the end of the row that the chunk would cut.
        let whole = |from: usize| memchr::memchr(b'\n', rest.get(from..)?).map(|at| from + at + 1);
        let length = whole(self.chunk.saturating_sub(1)).unwrap_or(rest.len());
        let chunk = rest.get(..length).unwrap_or_default();
        grid.reset(chunk, self.base + self.at as u64, self.wanted);
        simd::first_edges(chunk, self.wanted, &mut grid.edges);
        grid.rows = grid.edges.len() / 2 / self.wanted;
        self.at += length;
    }

    fn lines(&mut self, grid: &mut Grid<'a>) {
        let text = self.text.get(self.at..self.end).unwrap_or_default();
        grid.reset(text, self.base + self.at as u64, self.words);
        let mut at = 0;
        let mut bare = true;
        while at < text.len() && (at < self.chunk || grid.rows == 0) {
            let rest = text.get(at..).unwrap_or_default();
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            let before = grid.forms.len();
            for word in Words::new(line) {
                let Ok(word) = word else { break };
                bare &= word.form == Form::Bare;
                grid.push(at + word.start, at + word.end, word.form);
            }
            grid.rows += usize::from(grid.forms.len() == before + self.words);
            if grid.forms.len() != grid.rows * self.words {
                grid.rows = 0;
                return;
            }
            at += end + 1;
        }
        self.at += at;
        if bare {
            grid.forms.clear();
        }
    }

    /// One row over several lines, text fields among them.
    fn wrapped(&mut self, grid: &mut Grid<'a>) {
        let text = self.text.get(self.at..self.end).unwrap_or_default();
        grid.reset(text, self.base + self.at as u64, self.words);
        let mut at = 0;
        let mut line_start = true;
        while at < text.len() {
            let rest = text.get(at..).unwrap_or_default();
            if line_start
                && rest.first() == Some(&b';')
                && let Some((length, after)) = text_field(rest)
            {
                grid.push(at + 1, at + length, Form::TextField);
                at += after;
                line_start = false;
                continue;
            }
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            for word in Words::new(rest.get(..end).unwrap_or_default()) {
                let Ok(word) = word else { break };
                grid.push(at + word.start, at + word.end, word.form);
            }
            at += end + 1;
            line_start = true;
        }
        self.at = self.end;
        grid.rows = usize::from(grid.forms.len() == self.words);
    }
}

/// Length of a text field's value from its semicolon on, and where the words after it begin.
pub fn text_field(text: &[u8]) -> Option<(usize, usize)> {
    for newline in memchr::memchr_iter(b'\n', text) {
        let after = text.get(newline + 1..).unwrap_or_default();
        if after.first() == Some(&b';') && after.get(1).is_none_or(|&byte| is_blank(byte) || byte == b'\n') {
            let cr = usize::from(newline > 1 && text.get(newline - 1) == Some(&b'\r'));
            return Some((newline - cr, newline + 2));
        }
    }
    None
}

/// The one row of a list.
#[must_use]
pub fn list_grid<'a>(text: &'a [u8], base: u64, items: &[Item]) -> Option<Grid<'a>> {
    let mut grid = Grid::default();
    grid.reset(text, base, items.len());
    for item in items {
        let start = usize::try_from(item.value.start.checked_sub(base)?).ok()?;
        let end = usize::try_from(item.value.end.checked_sub(base)?).ok()?;
        grid.push(start, end, item.value.form);
    }
    grid.rows = 1;
    Some(grid)
}
