//! Types of columns that only their data can tell, told by the whole column (`docs/format.md`, rule 25).

use std::io;

use super::decode::{Content, Member};
use super::dtype::{Numbers, Type};
use super::grid::{CHUNK, Grid, Grids, list_grid};
use super::plan::Plan;
use super::value::{is_nan_marker, is_null, plain_number};
use crate::parallel;
use crate::star::lex::Form;
use crate::star::number;
use crate::star::rows::Piece;

/// What all values of a column so far could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Guess {
    int: bool,
    float: bool,
    boolean: bool,
    /// Some value is no marker for a missing one.
    any: bool,
    /// Some marker is a word that text may hold too, such as `None`.
    word: bool,
    /// There is a value at all.
    rows: bool,
    /// Some value is not whole, which only pandas minds.
    fraction: bool,
}

impl Guess {
    const OPEN: Self =
        Self { int: true, float: true, boolean: true, any: false, word: false, rows: false, fraction: false };

    fn is_text(self) -> bool {
        !self.int && !self.float && !self.boolean
    }

    fn take(&mut self, word: &[u8], form: Form) {
        self.rows = true;
        if form != Form::Bare {
            // Whoever quotes a number means text.
            *self = Self { int: false, float: false, boolean: false, ..*self };
        } else if is_number_free(word) {
            self.float &= number::special(word).is_some() || is_null(word);
            self.int &= is_null(word);
            self.boolean &= is_null(word) || is_boolean(word);
            self.any |= !is_null(word);
            self.word |= is_null(word) && word != b"<NA>";
        } else {
            self.any = true;
            self.boolean = false;
            let named = has_leading_zero(word);
            self.int &= !named && is_integer(word);
            self.float &= !named && is_float(word);
        }
    }

    /// As [`Self::take`], where numbers are as pandas has them.
    fn take_plain(&mut self, word: &[u8]) {
        (self.rows, self.boolean) = (true, false);
        if is_nan_marker(word) {
            (self.int, self.fraction) = (false, true);
        } else if number::digits(word).is_none() {
            self.int = false;
            self.float &= plain_number(word).is_some();
            self.fraction |= !is_whole(word);
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            int: self.int && other.int,
            float: self.float && other.float,
            boolean: self.boolean && other.boolean,
            any: self.any || other.any,
            word: self.word || other.word,
            rows: self.rows || other.rows,
            fraction: self.fraction || other.fraction,
        }
    }

    /// Whole numbers some of which are too long for 64 bits are text: pandas may have other types for them.
    fn settle_plain(self) -> Type {
        match self {
            Self { rows: false, .. } => Type::Text,
            Self { int: true, .. } => Type::Int,
            Self { float: true, fraction: true, .. } => Type::Float,
            _ => Type::Text,
        }
    }

    fn settle(self) -> Type {
        match self {
            Self { rows: false, .. } | Self { any: false, word: true, .. } => Type::Text,
            Self { any: false, float: true, .. } => Type::Float,
            Self { int: true, .. } => Type::Int,
            Self { float: true, .. } => Type::Float,
            Self { boolean: true, .. } => Type::Bool,
            _ => Type::Text,
        }
    }
}

/// No digit in it, so no number.
fn is_number_free(word: &[u8]) -> bool {
    !word.iter().any(u8::is_ascii_digit)
}

/// `001` is a name, not a number.
fn has_leading_zero(word: &[u8]) -> bool {
    let digits = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"+")).unwrap_or(word);
    matches!(digits, [b'0', b'0'..=b'9', ..])
}

fn is_integer(word: &[u8]) -> bool {
    matches!(number::integer(word), Some(number::Integer::Plain(_))) && !word.contains(&b'.')
}

/// A number that keeps its value as a double; a whole one too long for 64 bits would lose digits.
fn is_float(word: &[u8]) -> bool {
    number::float(word).is_some_and(f64::is_finite) && (!is_whole(word) || is_integer(word))
}

fn is_whole(word: &[u8]) -> bool {
    word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+'))
}

fn is_boolean(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"true") || word.eq_ignore_ascii_case(b"false")
}

/// The types of a table's columns; those that nobody knows are told by the whole of its data.
///
/// # Errors
/// What the operating system says.
pub fn types(plan: &Plan, member: &Member<'_>, threads: usize) -> io::Result<Vec<Type>> {
    let unknown = plan.columns.iter().filter(|column| column.kind.is_none());
    let mut guesses = Guesses::new(unknown.map(|column| column.source).collect(), plan.numbers);
    if !plan.is_settled() {
        guesses.add(member, threads)?;
    }
    let mut guesses = guesses.settle();
    let kinds = plan.columns.iter().map(|column| column.kind.or_else(|| guesses.next()));
    Ok(kinds.map(|kind| kind.unwrap_or(Type::Text)).collect())
}

/// What the columns of a table could be, as far as its rows were looked at.
#[derive(Clone, Debug)]
pub struct Guesses {
    columns: Vec<usize>,
    numbers: Numbers,
    guesses: Vec<Guess>,
}

impl Guesses {
    #[must_use]
    pub fn new(columns: Vec<usize>, numbers: Numbers) -> Self {
        let guesses = vec![Guess::OPEN; columns.len()];
        Self { columns, numbers, guesses }
    }

    /// Takes in all rows of a table, or of a part of it.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn add(&mut self, member: &Member<'_>, threads: usize) -> io::Result<()> {
        let columns = std::mem::take(&mut self.columns);
        let result = self.add_as(member, &columns, threads);
        self.columns = columns;
        result
    }

    /// As [`Self::add`], for a table that has the columns elsewhere.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn add_as(&mut self, member: &Member<'_>, columns: &[usize], threads: usize) -> io::Result<()> {
        match member.content {
            Content::List { start, end, items } => {
                let mut memory = Vec::new();
                let (text, base) = member.text.range(start, end, &mut memory)?;
                if let Some(grid) = list_grid(text, base, items) {
                    look(&grid, columns, self.numbers, &mut self.guesses);
                }
            }
            Content::Rows(pieces) => {
                let of_piece = |index: usize| match pieces.get(index) {
                    Some(piece) => guess_piece(member, piece, columns, self.numbers),
                    None => Ok(Vec::new()),
                };
                for part in parallel::map(pieces.len(), threads, of_piece) {
                    for (guess, part) in self.guesses.iter_mut().zip(part?) {
                        *guess = guess.and(part);
                    }
                }
            }
        }
        Ok(())
    }

    /// The types, once all rows were taken in.
    pub fn settle(self) -> impl Iterator<Item = Type> {
        let settle = match self.numbers {
            Numbers::Star => Guess::settle,
            Numbers::Pandas => Guess::settle_plain,
        };
        self.guesses.into_iter().map(settle)
    }
}

fn guess_piece(member: &Member<'_>, piece: &Piece, columns: &[usize], numbers: Numbers) -> io::Result<Vec<Guess>> {
    let mut guesses = vec![Guess::OPEN; columns.len()];
    let mut memory = Vec::new();
    let (text, base) = member.text.range(piece.start, piece.end, &mut memory)?;
    let wanted = columns.iter().max().map_or(0, |last| last + 1);
    if let Some(mut grids) = Grids::new(text, base, piece, member.words, CHUNK).map(|grids| grids.of_first(wanted)) {
        let mut grid = Grid::default();
        while guesses.iter().any(|guess| !guess.is_text()) && grids.next(&mut grid) {
            look(&grid, columns, numbers, &mut guesses);
        }
    }
    Ok(guesses)
}

fn look(grid: &Grid<'_>, columns: &[usize], numbers: Numbers, guesses: &mut [Guess]) {
    for (&column, guess) in columns.iter().zip(guesses) {
        for (word, form, _) in grid.values(column, 0) {
            match numbers {
                Numbers::Star => guess.take(word, form),
                Numbers::Pandas => guess.take_plain(word),
            }
            if guess.is_text() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(words: &[&str]) -> Type {
        let mut guess = Guess::OPEN;
        words.iter().for_each(|word| guess.take(word.as_bytes(), Form::Bare));
        guess.settle()
    }

    #[test]
    fn the_whole_column_tells() {
        assert_eq!(guess(&["1", "-2", "<NA>"]), Type::Int);
        assert_eq!(guess(&["1", "2.5"]), Type::Float);
        assert_eq!(guess(&["1", "nan"]), Type::Float);
        assert_eq!(guess(&["True", "false"]), Type::Bool);
        assert_eq!(guess(&["001", "2"]), Type::Text);
        assert_eq!(guess(&["1", "x"]), Type::Text);
        assert_eq!(guess(&["99999999999999999999"]), Type::Text);
        assert_eq!(guess(&["1e5"]), Type::Float);
        assert_eq!(guess(&["<NA>", "<NA>"]), Type::Float);
        assert_eq!(guess(&["nan", "<NA>"]), Type::Float);
        assert_eq!(guess(&["None", "None"]), Type::Text);
        assert_eq!(guess(&["<NA>", "None"]), Type::Text);
        assert_eq!(guess(&["None", "2"]), Type::Int);
        assert_eq!(guess(&["True", "1"]), Type::Text);
        assert_eq!(guess(&[]), Type::Text);
    }

    fn guess_plain(words: &[&str]) -> Type {
        let mut guess = Guess::OPEN;
        words.iter().for_each(|word| guess.take_plain(word.as_bytes()));
        guess.settle_plain()
    }

    #[test]
    fn pandas_takes_plain_numbers_alone() {
        assert_eq!(guess_plain(&["1", "-2", "+003"]), Type::Int);
        assert_eq!(guess_plain(&["1", "nan"]), Type::Float);
        assert_eq!(guess_plain(&["<NA>", "NaN"]), Type::Float);
        assert_eq!(guess_plain(&["5.0", "99999999999999999999"]), Type::Float);
        assert_eq!(guess_plain(&["1", "18446744073709551615"]), Type::Text);
        for word in ["", "NAN", "None", "True", "inf", "1e400", " 5", "1_000", "x"] {
            assert_eq!(guess_plain(&["1", word]), Type::Text, "{word}");
        }
        assert_eq!(guess_plain(&[]), Type::Text);
    }
}
