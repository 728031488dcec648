//! One column as text: each value as its label's type and the caller's options ask.

use arrow_array::{Array, ArrayRef};

use super::options::{Booleans, Na, WriteOptions};
use super::values::{Column, Values};
use crate::relion::labels;
use crate::star::lex;
use crate::star::number::{self, Integer};
use crate::star::outline::quote;
use crate::star::write::float::{self, FloatFormat, push_float, push_integer, push_right, push_single};
use crate::star::write::printf::Printf;
use crate::star::write::text::{Unwritable, push_text};
use crate::table::dtype::Type;
use crate::table::value::{self, Read};

/// Why a value is not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub expected: String,
    pub found: String,
}

impl Refusal {
    fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into() }
    }
}

/// How the values of a column are written.
#[derive(Clone, Debug)]
pub struct Style {
    /// RELION's type for the label, to which values are held.
    expects: Option<Type>,
    floats: FloatFormat,
    na: Na,
    booleans: Booleans,
    in_list: bool,
    number_width: usize,
    text_width: usize,
}

impl Style {
    /// As the options have it for a label.
    #[must_use]
    pub fn of(label: &str, in_list: bool, options: &WriteOptions) -> Self {
        let known = if options.any_types { None } else { labels::known(label) };
        Self {
            expects: known.map(|known| known.kind.into()),
            floats: *options.floats.of(label),
            na: options.na.of(label).clone(),
            booleans: options.booleans,
            in_list,
            number_width: options.layout.number_width(),
            text_width: options.layout.text_width(in_list),
        }
    }

    /// Whether floating-point values are written as such.
    #[must_use]
    pub fn takes_fractions(&self) -> bool {
        !matches!(self.expects, Some(Type::Int | Type::Bool | Type::IntList))
    }

    /// Whether all whole numbers of 64 bits are written as such.
    #[must_use]
    pub fn takes_whole_numbers(&self) -> bool {
        self.expects != Some(Type::Bool)
    }

    #[must_use]
    pub fn floats(&self) -> FloatFormat {
        self.floats
    }

    /// The least width of a number.
    #[must_use]
    pub fn number_width(&self) -> usize {
        self.number_width
    }

    /// The same without blanks around values.
    #[must_use]
    pub fn unpadded(self) -> Self {
        Self { number_width: 0, text_width: 0, ..self }
    }
}

/// A column, ready to be written.
#[derive(Clone, Debug)]
pub struct Cells {
    column: Column,
    style: Style,
}

impl Cells {
    /// # Errors
    /// The values' type has no words in STAR.
    pub fn new(array: &ArrayRef, style: Style) -> Result<Self, Refusal> {
        let what = || {
            Refusal::new(
                "numbers, booleans, text or vectors of numbers",
                format!("values of type {}", array.data_type()),
            )
        };
        Ok(Self { column: Column::of(array).ok_or_else(what)?, style })
    }

    #[must_use]
    pub fn style(&self) -> &Style {
        &self.style
    }

    #[must_use]
    pub fn column(&self) -> &Column {
        &self.column
    }

    /// Adds the value of a row.
    ///
    /// # Errors
    /// Why it cannot be written; what was added then means nothing.
    #[inline]
    pub fn push(&self, out: &mut Vec<u8>, row: usize) -> Result<(), Refusal> {
        self.push_of(out, &self.column, row)
    }

    #[inline]
    fn push_of(&self, out: &mut Vec<u8>, column: &Column, row: usize) -> Result<(), Refusal> {
        if column.is_null(row) {
            return self.push_null(out);
        }
        match &column.values {
            Values::Double(array) => self.push_double(out, array.values().get(row).copied().unwrap_or_default()),
            Values::Signed(array) => {
                let value = array.values().get(row).copied().unwrap_or_default();
                self.push_whole(out, value < 0, value.unsigned_abs())
            }
            Values::Text(text) => self.push_text(out, text.get(row)),
            Values::Single(array) => {
                let value = array.values().get(row).copied().unwrap_or_default();
                if value.is_finite() && matches!(self.style.expects, None | Some(Type::Float)) {
                    push_single(out, value, self.style.floats, self.style.number_width);
                    return Ok(());
                }
                self.push_double(out, f64::from(value))
            }
            Values::Unsigned(array) => {
                self.push_whole(out, false, array.values().get(row).copied().unwrap_or_default())
            }
            Values::Bool(array) => {
                self.push_bool(out, row < array.len() && array.value(row));
                Ok(())
            }
            Values::List { items, ends } => self.push_list(out, items, ends.range(row)),
            Values::Categories { keys, values } => {
                self.push_of(out, values, keys.get(row).copied().unwrap_or_default())
            }
            Values::Null => self.push_null(out),
        }
    }

    #[inline]
    fn push_double(&self, out: &mut Vec<u8>, value: f64) -> Result<(), Refusal> {
        if !value.is_finite() {
            return self.push_special(out, value);
        }
        if !self.style.takes_fractions() {
            return self.push_rounded(out, value);
        }
        push_float(out, value, self.style.floats, self.style.number_width);
        Ok(())
    }

    /// A floating-point value under a label for whole numbers: data frames make such of columns with gaps.
    fn push_rounded(&self, out: &mut Vec<u8>, value: f64) -> Result<(), Refusal> {
        const LARGEST: f64 = 9_007_199_254_740_992.0;
        if value.fract() != 0.0 {
            return Err(Refusal::new(self.words(), value.to_string()));
        }
        if value.abs() > LARGEST {
            return Err(Refusal::new("at most 2^53 of whole numbers that became floating-point", value.to_string()));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and at most 2^53")]
        self.push_whole(out, value < 0.0, value.abs() as u64)
    }

    #[inline]
    fn push_whole(&self, out: &mut Vec<u8>, negative: bool, magnitude: u64) -> Result<(), Refusal> {
        let sign = if negative { "-" } else { "" };
        match self.style.expects {
            Some(Type::Bool) if negative || magnitude > 1 => {
                return Err(Refusal::new(Type::Bool.words(), format!("{sign}{magnitude}")));
            }
            Some(Type::Int) if magnitude > i64::MAX as u64 + u64::from(negative) => {
                return Err(Refusal::new(Type::Int.words(), format!("{sign}{magnitude}")));
            }
            _ => {}
        }
        push_integer(out, negative, magnitude, self.style.number_width);
        Ok(())
    }

    fn push_bool(&self, out: &mut Vec<u8>, value: bool) {
        let text: &[u8] = match (self.style.booleans, value) {
            (Booleans::Digits, false) => b"0",
            (Booleans::Digits, true) => b"1",
            (Booleans::Words, false) => b"False",
            (Booleans::Words, true) => b"True",
        };
        push_right(out, text, self.style.number_width);
    }

    #[inline]
    fn push_text(&self, out: &mut Vec<u8>, text: &[u8]) -> Result<(), Refusal> {
        match self.style.expects {
            None | Some(Type::Text) => self.push_plain_text(out, text),
            Some(kind) => self.push_held(out, text, kind),
        }
    }

    fn push_plain_text(&self, out: &mut Vec<u8>, text: &[u8]) -> Result<(), Refusal> {
        let refused = |why: Unwritable| Refusal::new(why.expected(), quote(text));
        push_text(out, text, self.style.in_list, self.style.text_width).map_err(refused)
    }

    /// Text under a label that is none for text: as it is, if it is such a value.
    fn push_held(&self, out: &mut Vec<u8>, text: &[u8], kind: Type) -> Result<(), Refusal> {
        let bad = || Refusal::new(kind.words(), quote(text));
        if value::is_null(lex::trim(text)) {
            return self.push_null(out);
        }
        match kind {
            Type::Float => match value::float(text) {
                Read::Noted(value, _) if !value.is_finite() => self.push_special(out, value),
                Read::Value(_) | Read::Noted(..) => self.push_plain_text(out, lex::trim(text)),
                Read::Null | Read::Bad => Err(bad()),
            },
            Type::Int => match number::integer(lex::trim(text)) {
                Some(Integer::Plain(_)) => self.push_plain_text(out, lex::trim(text)),
                Some(Integer::Exponent(value)) => self.push_whole(out, value < 0, value.unsigned_abs()),
                None => match number::special(lex::trim(text)) {
                    Some(value) if value.is_nan() => self.push_special(out, value),
                    _ => Err(bad()),
                },
            },
            Type::Bool => match value::boolean(text) {
                Read::Value(value) | Read::Noted(value, _) => {
                    self.push_bool(out, value);
                    Ok(())
                }
                Read::Null | Read::Bad => Err(bad()),
            },
            Type::FloatList | Type::IntList => self.push_vector_text(out, text, kind).ok_or_else(bad),
            Type::Text => self.push_plain_text(out, text),
        }
    }

    /// A vector that is text already, without blanks.
    fn push_vector_text(&self, out: &mut Vec<u8>, text: &[u8], kind: Type) -> Option<()> {
        let mut vector = vec![b'['];
        for (index, item) in value::items(text)?.enumerate() {
            let good = match kind {
                Type::IntList => match number::integer(item) {
                    Some(Integer::Plain(value)) => is_short(value < 0, value.unsigned_abs()),
                    _ => false,
                },
                _ => number::float(item).is_some(),
            };
            if !good {
                return None;
            }
            if index > 0 {
                vector.push(b',');
            }
            vector.extend_from_slice(item);
        }
        vector.push(b']');
        push_right(out, &vector, self.style.text_width);
        Some(())
    }

    fn push_list(&self, out: &mut Vec<u8>, items: &Column, range: std::ops::Range<usize>) -> Result<(), Refusal> {
        if !matches!(self.style.expects, None | Some(Type::FloatList | Type::IntList)) {
            return Err(Refusal::new(self.words(), "a vector"));
        }
        let before = out.len();
        out.push(b'[');
        let first = range.start;
        for item in range {
            if item > first {
                out.push(b',');
            }
            self.push_item(out, items, item)?;
        }
        out.push(b']');
        if out.len() - before < self.style.text_width {
            let text = out.split_off(before);
            push_right(out, &text, self.style.text_width);
        }
        Ok(())
    }

    fn push_item(&self, out: &mut Vec<u8>, items: &Column, item: usize) -> Result<(), Refusal> {
        if items.is_null(item) {
            return Err(Refusal::new("a number", "a null in a vector"));
        }
        let whole = self.style.expects == Some(Type::IntList);
        match &items.values {
            Values::Double(array) => self.push_float_item(out, array.values().get(item).copied(), whole),
            Values::Single(array) => match array.values().get(item) {
                Some(&value) if value.is_finite() && value.fract() != 0.0 => {
                    push_single(out, value, self.item_format(), 0);
                    Ok(())
                }
                value => self.push_float_item(out, value.copied().map(f64::from), whole),
            },
            Values::Signed(array) => {
                let value = array.values().get(item).copied().unwrap_or_default();
                self.push_whole_item(out, value < 0, value.unsigned_abs())
            }
            Values::Unsigned(array) => {
                self.push_whole_item(out, false, array.values().get(item).copied().unwrap_or_default())
            }
            Values::Bool(array) => self.push_whole_item(out, false, u64::from(item < array.len() && array.value(item))),
            Values::Null | Values::Text(_) | Values::List { .. } | Values::Categories { .. } => {
                Err(Refusal::new("a number", "something else in a vector"))
            }
        }
    }

    fn push_whole_item(&self, out: &mut Vec<u8>, negative: bool, magnitude: u64) -> Result<(), Refusal> {
        if self.style.expects == Some(Type::IntList) && !is_short(negative, magnitude) {
            let sign = if negative { "-" } else { "" };
            return Err(Refusal::new(SHORT, format!("{sign}{magnitude} in a vector")));
        }
        push_integer(out, negative, magnitude, 0);
        Ok(())
    }

    /// RELION has its own format for the items of vectors.
    fn item_format(&self) -> FloatFormat {
        match self.style.floats {
            FloatFormat::Relion => FloatFormat::Printf(Printf::general(FIGURES)),
            format => format,
        }
    }

    fn push_float_item(&self, out: &mut Vec<u8>, value: Option<f64>, whole: bool) -> Result<(), Refusal> {
        let value = value.unwrap_or_default();
        if whole && value.fract() != 0.0 {
            return Err(Refusal::new(self.words(), value.to_string()));
        }
        if whole {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole; the largest if too large"
            )]
            return self.push_whole_item(out, value < 0.0, value.abs() as u64);
        }
        match value.is_finite() {
            // Vectors are such by their label, so nothing is lost with the point.
            true if value.fract() == 0.0 && self.style.floats == FloatFormat::Shortest && value.abs() < 1e15 => {
                push_right(out, format!("{value:.0}").as_bytes(), 0);
            }
            true => push_float(out, value, self.item_format(), 0),
            false if self.style.na == Na::Keep => out.extend_from_slice(float::special(value)),
            false => return Err(Refusal::new("a finite number, or na=\"keep\"", format!("{value} in a vector"))),
        }
        Ok(())
    }

    #[cold]
    fn push_null(&self, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let is_text = matches!(self.style.expects, Some(Type::Text)) || self.is_text();
        match &self.style.na {
            Na::Raise if self.style.expects.is_some() || is_text => {
                Err(Refusal::new("a value (RELION has none for what is missing: choose one by `na`)", "a null"))
            }
            Na::Raise | Na::Keep => {
                push_right(out, b"<NA>", self.style.number_width);
                Ok(())
            }
            Na::Text(text) => self.push_missing(out, text.as_bytes()),
        }
    }

    /// What the caller has for missing values: a value of the label's type, or a word that is read as a null.
    fn push_missing(&self, out: &mut Vec<u8>, text: &[u8]) -> Result<(), Refusal> {
        let special = number::special(text);
        let is_nan = special.is_some_and(f64::is_nan);
        let refuse = |kind: Type| Err(Refusal::new(kind.words(), quote(text)));
        match (self.style.expects, self.column.whole_numbers()) {
            (None, Some(kind)) if special.is_some() && !(is_nan && kind == Type::Int) => refuse(kind),
            (Some(Type::Float | Type::Int), _) if is_nan => self.push_plain_text(out, text),
            (Some(Type::Float), _) if !value::is_null(text) && !number::float(text).is_some_and(f64::is_finite) => {
                refuse(Type::Float)
            }
            (Some(kind), _) if !value::is_null(text) => self.push_held(out, text, kind),
            _ => self.push_plain_text(out, text),
        }
    }

    /// A value that is no number, or beyond all numbers.
    #[cold]
    fn push_special(&self, out: &mut Vec<u8>, value: f64) -> Result<(), Refusal> {
        match &self.style.na {
            // What stands for gaps does not stand for what is beyond all numbers.
            Na::Raise | Na::Text(_)
                if !matches!(self.style.expects, None | Some(Type::Text))
                    && (self.style.na == Na::Raise || !value.is_nan()) =>
            {
                Err(Refusal::new(
                    "a finite number (RELION reads anything else as 0: choose by `na`)",
                    if value.is_nan() { "nan".into() } else { value.to_string() },
                ))
            }
            Na::Text(text) if value.is_nan() => self.push_missing(out, text.as_bytes()),
            _ if matches!(self.style.expects, Some(Type::Int | Type::Bool)) && !value.is_nan() => {
                Err(Refusal::new(self.words(), value.to_string()))
            }
            // No reader takes `nan` for a boolean, and a data frame means a gap by it.
            _ if self.style.expects == Some(Type::Bool) => {
                push_right(out, b"<NA>", self.style.number_width);
                Ok(())
            }
            _ if self.style.floats == FloatFormat::Relion => {
                push_float(out, value, FloatFormat::Relion, self.style.number_width);
                Ok(())
            }
            _ => {
                let value = if value.is_nan() { f64::NAN.abs() } else { value };
                push_right(out, float::special(value), self.style.number_width);
                Ok(())
            }
        }
    }

    fn is_text(&self) -> bool {
        match &self.column.values {
            Values::Text(_) => true,
            Values::Categories { values, .. } => matches!(values.values, Values::Text(_)),
            _ => false,
        }
    }

    fn words(&self) -> &'static str {
        self.style.expects.map_or("a value", Type::words)
    }
}

/// What RELION holds of an item of a vector of whole numbers: it reads larger ones as the largest.
const SHORT: &str = "whole numbers of at most 32 bits";

fn is_short(negative: bool, magnitude: u64) -> bool {
    magnitude <= u64::from(i32::MAX.unsigned_abs()) + u64::from(negative)
}

/// Figures of an item of a vector, as RELION writes it.
const FIGURES: usize = 12;
