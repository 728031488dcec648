//! All values of a table, each with its place in the text.

use std::ops::Range;

use crate::star::lex::Form;
use crate::star::outline::Part;
use crate::star::rows::Piece;
use crate::table::grid::{CHUNK, Grid, Grids, list_grid};

/// A value, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    pub column: usize,
    /// Among the rows that are read at once.
    pub row: usize,
    pub start: usize,
    pub end: usize,
    pub form: Form,
    /// The quotes around it.
    pub quote: Option<u8>,
    pub word: &'a [u8],
}

impl Value<'_> {
    /// The place of the value with its quotes.
    #[must_use]
    pub fn whole(&self) -> Range<usize> {
        let quote = usize::from(matches!(self.form, Form::Quoted | Form::Escaped));
        self.start - quote.min(self.start)..self.end + quote
    }
}

/// Calls `each` with the values of some columns, or of all; column by column of some rows at a time.
pub fn each<'a>(text: &'a [u8], part: &Part, columns: Option<&[usize]>, each: &mut dyn FnMut(Value<'a>)) {
    grids(text, part, &mut |grid, count| {
        let all: Vec<usize>;
        let columns = match columns {
            Some(columns) => columns,
            None => {
                all = (0..count).collect();
                &all
            }
        };
        for &column in columns {
            for (row, (word, form, start)) in grid.values(column, 0).enumerate() {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let quoted = matches!(form, Form::Quoted | Form::Escaped);
                let quote = start.checked_sub(1).filter(|_| quoted).and_then(|before| text.get(before).copied());
                each(Value { column, row, start, end: start.saturating_add(word.len()), form, quote, word });
            }
        }
    });
}

/// Calls `each` with the words of some rows at a time, and how many columns there are.
pub fn grids<'a>(text: &'a [u8], part: &Part, each: &mut dyn FnMut(&Grid<'a>, usize)) {
    match part {
        Part::List(list) => {
            let whole = range(part);
            let lines = text.get(whole).unwrap_or_default();
            if let Some(grid) = list_grid(lines, list.start, &list.items) {
                each(&grid, list.items.len());
            }
        }
        Part::Loop(table) => {
            let count = table.labels.len();
            let mut grid = Grid::default();
            for piece in &table.pieces {
                grids_of_rows(text, piece, count, &mut grid, &mut |grid| each(grid, count));
            }
        }
    }
}

/// The same for one piece of a loop with so many columns; `grid` is used again and again.
pub fn grids_of_rows<'a>(
    text: &'a [u8],
    piece: &Piece,
    columns: usize,
    grid: &mut Grid<'a>,
    each: &mut dyn FnMut(&Grid<'a>),
) {
    let Some(mut grids) = Grids::new(text, 0, piece, columns, CHUNK) else { return };
    while grids.next(grid) {
        each(grid);
    }
}

/// Where a table is in the text.
#[must_use]
pub fn range(part: &Part) -> Range<usize> {
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    place(part.start())..place(part.end())
}
