//! Values of one column, from the words of some rows into its slot.

use super::columns::{Added, Slot};
use super::decode::{Layout, Met, Misfit, OnMisfit};
use super::dtype::{InvalidUtf8, Numbers, Type};
use super::grid::Grid;
use super::value::{self, Read};
use crate::star::diagnostic::{Code, Event};
use crate::star::lex::{Form, unescape};
use crate::star::outline::quote;
use crate::star::simd;

/// One column being filled by one task.
pub struct Fill<'s> {
    pub slot: Slot<'s>,
    pub kind: Type,
    /// Which word of a row it comes from.
    pub source: Option<usize>,
    pub added: Added,
    pub met: Met,
    pub layout: Layout,
}

impl Fill<'_> {
    /// Takes the column's values from a grid whose first row is row `seen` of the task.
    pub fn take(&mut self, grid: &Grid<'_>, seen: usize, first_row: usize) {
        let Some(source) = self.source else { return };
        let Self { slot, added, met, kind, layout, .. } = self;
        if met.misfit.is_some() && layout.on_misfit == OnMisfit::Stop && *kind != Type::Text {
            return;
        }
        let mut odd = Odd { added, met, first_row: first_row + seen, kind: *kind, on_misfit: layout.on_misfit };
        let rows = seen..seen + grid.rows;
        match slot {
            Slot::Float(values) => {
                let values = values.get_mut(rows).unwrap_or_default();
                match layout.numbers {
                    Numbers::Star => numbers(grid, source, values, simd::floats, value::float, &mut odd),
                    Numbers::Pandas => numbers(grid, source, values, simd::floats, value::plain_float, &mut odd),
                }
            }
            Slot::Int(values) => {
                let values = values.get_mut(rows).unwrap_or_default();
                match layout.numbers {
                    Numbers::Star => numbers(grid, source, values, simd::integers, value::integer, &mut odd),
                    Numbers::Pandas => numbers(grid, source, values, simd::digits, value::plain_integer, &mut odd),
                }
            }
            Slot::Bool(values) => {
                let values = values.get_mut(rows).unwrap_or_default();
                booleans(grid, source, values, &mut odd);
            }
            Slot::Text(lengths) => {
                let lengths = lengths.get_mut(rows).unwrap_or_default();
                texts(grid, source, lengths, layout.invalid_utf8, &mut odd);
                if layout.numbers == Numbers::Pandas {
                    missing_texts(grid, source, &mut odd);
                }
            }
            Slot::View(views) => {
                let views = views.get_mut(rows).unwrap_or_default();
                text_views(grid, source, views, odd.met);
            }
            Slot::FloatList(lengths) => {
                let lengths = lengths.get_mut(rows).unwrap_or_default();
                vectors(grid, source, lengths, value::float, f64::NAN, |added| &mut added.floats, &mut odd);
            }
            Slot::IntList(lengths) => {
                let lengths = lengths.get_mut(rows).unwrap_or_default();
                vectors(grid, source, lengths, value::integer_item, 0, |added| &mut added.ints, &mut odd);
            }
        }
    }
}

/// Where values that are not plain are noted.
struct Odd<'a> {
    added: &'a mut Added,
    met: &'a mut Met,
    first_row: usize,
    kind: Type,
    on_misfit: OnMisfit,
}

impl Odd<'_> {
    fn note(&mut self, code: Code, offset: u64) {
        self.met.events.add_many(Event { code, offset, count: 1 });
    }

    fn null(&mut self, row: usize, offset: u64) {
        self.note(Code::NullMarker, offset);
        self.added.nulls.push(self.first_row + row);
    }

    /// Notes a value that does not fit; false when the column is given up for it.
    fn misfit(&mut self, row: usize, word: &[u8], offset: u64) -> bool {
        match &mut self.met.misfit {
            Some(first) => first.count += 1,
            None => self.met.misfit = Some(Misfit { offset, found: quote(word), count: 1 }),
        }
        self.added.nulls.push(self.first_row + row);
        self.on_misfit == OnMisfit::Null
    }

    /// The value to store; nothing when it does not fit, which ends the column.
    fn settle<T: Default>(&mut self, read: Read<T>, row: usize, word: &[u8], offset: u64) -> Option<T> {
        match read {
            Read::Value(value) => Some(value),
            Read::Noted(value, code) => {
                self.note(code, offset);
                Some(value)
            }
            Read::Null => {
                self.null(row, offset);
                Some(T::default())
            }
            Read::Bad => self.misfit(row, word, offset).then(T::default),
        }
    }
}

fn numbers<T: Default>(
    grid: &Grid<'_>,
    source: usize,
    values: &mut [T],
    fast: impl Fn(simd::Column<'_>, usize, &mut [T]) -> usize,
    read: impl Fn(&[u8]) -> Read<T>,
    odd: &mut Odd<'_>,
) {
    let column = grid.column(source);
    let mut row = 0;
    while row < values.len() {
        row = fast(column, row, values);
        let Some((word, _, offset)) = grid.values(source, row).next() else { return };
        let Some(slot) = values.get_mut(row) else { return };
        let Some(value) = odd.settle(read(word), row, word, offset) else { return };
        *slot = value;
        row += 1;
    }
}

fn booleans(grid: &Grid<'_>, source: usize, values: &mut [u8], odd: &mut Odd<'_>) {
    for (row, ((word, _, offset), slot)) in grid.values(source, 0).zip(values).enumerate() {
        *slot = match word {
            b"0" => 0,
            b"1" => 1,
            _ => match odd.settle(value::boolean(word), row, word, offset) {
                Some(value) => u8::from(value),
                None => return,
            },
        };
    }
}

fn texts(grid: &Grid<'_>, source: usize, lengths: &mut [i64], invalid: InvalidUtf8, odd: &mut Odd<'_>) {
    let before = odd.added.bytes.len();
    for ((word, form, _), length) in grid.values(source, 0).zip(lengths.iter_mut()) {
        *length = size(word.len());
        if form == Form::Escaped {
            let word = unescape(word);
            *length = size(word.len());
            odd.added.bytes.extend_from_slice(&word);
        } else {
            odd.added.bytes.extend_from_slice(word);
        }
    }
    if !odd.added.bytes.get(before..).unwrap_or_default().is_ascii() {
        odd.added.bytes.truncate(before);
        checked_texts(grid, source, lengths, invalid, odd);
    }
}

/// Finds the texts that pandas takes for missing values, which become null but keep their bytes. A quote within a value
/// is a misfit, though the value is kept: pandas goes by other rules there.
fn missing_texts(grid: &Grid<'_>, source: usize, odd: &mut Odd<'_>) {
    for (row, (word, _, offset)) in grid.values(source, 0).enumerate() {
        if value::is_nan_marker(word) {
            odd.added.nulls.push(odd.first_row + row);
        } else if memchr::memchr(b'"', word).is_some() {
            let first = || Misfit { offset, found: quote(word), count: 0 };
            odd.met.misfit.get_or_insert_with(first).count += 1;
        }
    }
}

/// As [`texts`], where bytes beyond ASCII make each value worth a look (`docs/format.md`, rule 26).
fn checked_texts(grid: &Grid<'_>, source: usize, lengths: &mut [i64], invalid: InvalidUtf8, odd: &mut Odd<'_>) {
    for ((word, form, offset), length) in grid.values(source, 0).zip(lengths) {
        let unescaped = if form == Form::Escaped { Some(unescape(word)) } else { None };
        let word = unescaped.as_deref().unwrap_or(word);
        let before = odd.added.bytes.len();
        if std::str::from_utf8(word).is_ok() {
            odd.added.bytes.extend_from_slice(word);
        } else {
            odd.note(Code::InvalidUtf8, offset);
            match invalid {
                InvalidUtf8::Replace => {
                    odd.added.bytes.extend_from_slice(String::from_utf8_lossy(word).as_bytes());
                }
                InvalidUtf8::Latin1 => {
                    let text: String = word.iter().map(|&byte| char::from(byte)).collect();
                    odd.added.bytes.extend_from_slice(text.as_bytes());
                }
                InvalidUtf8::Bytes => {
                    odd.met.binary = true;
                    odd.added.bytes.extend_from_slice(word);
                }
            }
        }
        *length = size(odd.added.bytes.len() - before);
    }
}

/// Bytes from one window to the next; windows overlap by a gigabyte, so no value is cut.
pub const VIEW_WINDOW: u64 = 1 << 30;
const INLINE: usize = 12;

/// Values as Arrow's 16-byte views: short ones inline, others as an offset into the text's own buffer.
fn text_views(grid: &Grid<'_>, source: usize, views: &mut [u128], met: &mut Met) {
    for ((word, form, offset), view) in grid.values(source, 0).zip(views) {
        met.binary |= form == Form::Escaped || std::str::from_utf8(word).is_err();
        let length = u32::try_from(word.len()).unwrap_or(u32::MAX);
        let mut bytes = [0u8; 16];
        let (head, tail) = bytes.split_at_mut(4);
        head.copy_from_slice(&length.to_le_bytes());
        if word.len() <= INLINE {
            for (to, from) in tail.iter_mut().zip(word) {
                *to = *from;
            }
        } else {
            let (window, within) = (offset / VIEW_WINDOW, offset % VIEW_WINDOW);
            for (to, from) in tail.iter_mut().zip(word.iter().take(4)) {
                *to = *from;
            }
            let place = [window, within].map(|part| u32::try_from(part).unwrap_or(u32::MAX).to_le_bytes());
            for (to, from) in tail.iter_mut().skip(4).zip(place.iter().flatten()) {
                *to = *from;
            }
        }
        *view = u128::from_le_bytes(bytes);
    }
}

fn vectors<T: Default + Copy>(
    grid: &Grid<'_>,
    source: usize,
    lengths: &mut [i64],
    read: impl Fn(&[u8]) -> Read<T>,
    missing: T,
    items_of: impl for<'a> Fn(&'a mut Added) -> &'a mut Vec<T>,
    odd: &mut Odd<'_>,
) {
    for (row, ((word, _, offset), length)) in grid.values(source, 0).zip(lengths).enumerate() {
        if value::is_null(word) {
            odd.null(row, offset);
            continue;
        }
        let before = items_of(odd.added).len();
        let fits = value::items(word).is_some_and(|mut items| {
            items.all(|item| {
                let value = match read(item) {
                    Read::Value(value) => value,
                    Read::Noted(value, code) => {
                        odd.note(code, offset);
                        value
                    }
                    Read::Null if !item.is_empty() && odd.kind == Type::FloatList => {
                        odd.note(Code::NullMarker, offset);
                        missing
                    }
                    Read::Null | Read::Bad => return false,
                };
                items_of(odd.added).push(value);
                true
            })
        });
        if !fits {
            items_of(odd.added).truncate(before);
            if !odd.misfit(row, word, offset) {
                return;
            }
        }
        *length = size(items_of(odd.added).len() - before);
    }
}

fn size(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
