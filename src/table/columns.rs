//! Columns in the making: buffers cut into slots that threads fill without meeting.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeBinaryArray, LargeListArray,
    LargeStringArray, PrimitiveArray, StringViewArray,
};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field};

use super::decode::Layout;
use super::dtype::{InvalidUtf8, Strings, Type};
use crate::memory::{Zeroed, addresses_are_free};

/// The buffers of one column, before its arrays are made.
pub enum Store {
    Float(Zeroed<f64>),
    Int(Zeroed<i64>),
    /// One byte a value; packed into bits at the end.
    Bool(Zeroed<u8>),
    /// Views into the text's own buffer.
    View(Zeroed<u128>),
    /// Offsets, and the values they lead to.
    Text(Zeroed<i64>, Room<u8>),
    FloatList(Zeroed<i64>, Room<f64>),
    IntList(Zeroed<i64>, Room<i64>),
}

/// Where values of varying size go.
pub enum Room<T: ArrowNativeType> {
    /// Room for as many as there could be at most: of pages that are never touched only the addresses are taken.
    Reserved(Zeroed<T>),
    /// One vector a piece, for small tables and where addresses are scarce.
    Parts(Vec<Vec<T>>),
}

/// Only columns that fill pages well are worth pages of their own.
const RESERVED_BYTES: usize = 1 << 19;

impl<T: ArrowNativeType> Room<T> {
    /// Room for at most `most` values in a table whose columns have some `average` bytes of text each.
    fn new(most: usize, average: usize) -> Self {
        if average < RESERVED_BYTES || !addresses_are_free() {
            return Self::Parts(Vec::new());
        }
        Zeroed::new(most).map_or(Self::Parts(Vec::new()), Self::Reserved)
    }

    /// What is free behind the first `taken` values.
    fn rest(&mut self, taken: usize) -> Rest<'_, T> {
        match self {
            Self::Reserved(values) => Rest::Reserved(values.get_mut(taken..).unwrap_or_default()),
            Self::Parts(parts) => Rest::Parts(parts),
        }
    }

    /// The `length` values that were put here.
    fn into_values(self, length: usize) -> ScalarBuffer<T> {
        let buffer = match self {
            Self::Reserved(values) => values.into_buffer_of(length),
            Self::Parts(mut parts) if parts.len() == 1 => Buffer::from_vec(parts.pop().unwrap_or_default()),
            Self::Parts(parts) => Buffer::from_vec(parts.concat()),
        };
        ScalarBuffer::new(buffer, 0, length)
    }
}

/// Takes the first `length` values off; none when there are not so many.
fn head<'a, T>(rest: &mut &'a mut [T], length: usize) -> &'a mut [T] {
    let (head, tail) = std::mem::take(rest).split_at_mut_checked(length).unwrap_or_default();
    *rest = tail;
    head
}

/// The part of a [`Room`] that is still free.
pub enum Rest<'a, T> {
    Reserved(&'a mut [T]),
    Parts(&'a mut Vec<Vec<T>>),
}

impl<'a, T: Clone> Rest<'a, T> {
    /// Takes room for a piece's values; where they are kept in parts they are put there at once.
    fn take(&mut self, values: &[T]) -> &'a mut [T] {
        match self {
            Self::Reserved(rest) => head(rest, values.len()),
            Self::Parts(parts) => {
                parts.push(values.to_vec());
                &mut []
            }
        }
    }
}

/// A part of a [`Store`] that belongs to one piece of rows.
pub enum Slot<'a> {
    Float(&'a mut [f64]),
    Int(&'a mut [i64]),
    Bool(&'a mut [u8]),
    View(&'a mut [u128]),
    /// Lengths of the values, until [`Slot::add_up`] makes offsets of them.
    Text(&'a mut [i64]),
    FloatList(&'a mut [i64]),
    IntList(&'a mut [i64]),
}

impl<'a> Slot<'a> {
    /// Takes the first `rows` rows off the slot.
    #[must_use]
    pub fn take(&mut self, rows: usize) -> Slot<'a> {
        match self {
            Self::Float(rest) => Self::Float(head(rest, rows)),
            Self::Int(rest) => Self::Int(head(rest, rows)),
            Self::Bool(rest) => Self::Bool(head(rest, rows)),
            Self::View(rest) => Self::View(head(rest, rows)),
            Self::Text(rest) => Self::Text(head(rest, rows)),
            Self::FloatList(rest) => Self::FloatList(head(rest, rows)),
            Self::IntList(rest) => Self::IntList(head(rest, rows)),
        }
    }

    /// Turns lengths into offsets, `before` values having been stored by the pieces above.
    pub fn add_up(&mut self, before: usize) {
        if let Self::Text(lengths) | Self::FloatList(lengths) | Self::IntList(lengths) = self {
            let mut end = i64::try_from(before).unwrap_or(i64::MAX);
            for length in lengths.iter_mut() {
                end += *length;
                *length = end;
            }
        }
    }
}

/// The free rest of a store whose values vary in size.
pub enum Tail<'a> {
    None,
    Bytes(Rest<'a, u8>),
    Floats(Rest<'a, f64>),
    Ints(Rest<'a, i64>),
}

/// Room for the values of one piece, to be filled outside of any lock.
pub enum Taken<'a> {
    None,
    Bytes(&'a mut [u8]),
    Floats(&'a mut [f64]),
    Ints(&'a mut [i64]),
}

impl<'a> Tail<'a> {
    /// Takes as much room as a piece's values need; gives it, and how many values they are.
    pub fn take(&mut self, added: &Added) -> (Taken<'a>, usize) {
        match self {
            Self::None => (Taken::None, 0),
            Self::Bytes(rest) => (Taken::Bytes(rest.take(&added.bytes)), added.bytes.len()),
            Self::Floats(rest) => (Taken::Floats(rest.take(&added.floats)), added.floats.len()),
            Self::Ints(rest) => (Taken::Ints(rest.take(&added.ints)), added.ints.len()),
        }
    }
}

impl Taken<'_> {
    /// Fills it with a piece's values; no room means that they are kept elsewhere already.
    pub fn fill(self, added: &Added) {
        fn copy<T: Copy>(room: &mut [T], values: &[T]) {
            if !room.is_empty() {
                room.copy_from_slice(values);
            }
        }
        match self {
            Self::None => {}
            Self::Bytes(room) => copy(room, &added.bytes),
            Self::Floats(room) => copy(room, &added.floats),
            Self::Ints(room) => copy(room, &added.ints),
        }
    }
}

/// What a piece of rows adds to a column besides its slot, in row order.
#[derive(Debug, Default)]
pub struct Added {
    pub bytes: Vec<u8>,
    pub floats: Vec<f64>,
    pub ints: Vec<i64>,
    /// Rows of the whole column that are null.
    pub nulls: Vec<usize>,
}

impl Added {
    /// Empty again, its memory kept.
    #[must_use]
    pub fn cleared(mut self) -> Self {
        self.bytes.clear();
        self.floats.clear();
        self.ints.clear();
        self.nulls.clear();
        self
    }
}

/// A byte that is not UTF-8 becomes three when it is replaced.
const GROWTH: usize = 3;

impl Store {
    /// Room for `rows` values of a table of `columns` columns that stand in `bytes` bytes of text.
    ///
    /// # Errors
    /// [`io::ErrorKind::OutOfMemory`].
    pub fn new(kind: Type, views: bool, rows: usize, bytes: usize, columns: usize, layout: Layout) -> io::Result<Self> {
        // Each item of a vector takes a digit and a separator at least.
        let items = bytes / 2 + 1;
        let growth = if layout.invalid_utf8 == InvalidUtf8::Bytes { 1 } else { GROWTH };
        let average = bytes / columns.max(1);
        Ok(match kind {
            Type::Float => Self::Float(Zeroed::new(rows)?),
            Type::Int => Self::Int(Zeroed::new(rows)?),
            Type::Bool => Self::Bool(Zeroed::new(rows)?),
            Type::Text if views => Self::View(Zeroed::new(rows)?),
            Type::Text => Self::Text(Zeroed::new(rows + 1)?, Room::new(bytes.saturating_mul(growth), average)),
            Type::FloatList => Self::FloatList(Zeroed::new(rows + 1)?, Room::new(items, average)),
            Type::IntList => Self::IntList(Zeroed::new(rows + 1)?, Room::new(items, average)),
        })
    }

    /// The store's free rest, below `rows` rows and the `values` values of varying size that they hold.
    pub fn rest(&mut self, rows: usize, values: usize) -> (Slot<'_>, Tail<'_>) {
        fn below<T>(values: &mut [T], rows: usize) -> &mut [T] {
            values.get_mut(rows..).unwrap_or_default()
        }
        // Offsets begin with a zero that belongs to no row.
        match self {
            Self::Float(all) => (Slot::Float(below(all, rows)), Tail::None),
            Self::Int(all) => (Slot::Int(below(all, rows)), Tail::None),
            Self::Bool(all) => (Slot::Bool(below(all, rows)), Tail::None),
            Self::View(all) => (Slot::View(below(all, rows)), Tail::None),
            Self::Text(ends, bytes) => (Slot::Text(below(ends, rows + 1)), Tail::Bytes(bytes.rest(values))),
            Self::FloatList(ends, items) => (Slot::FloatList(below(ends, rows + 1)), Tail::Floats(items.rest(values))),
            Self::IntList(ends, items) => (Slot::IntList(below(ends, rows + 1)), Tail::Ints(items.rest(values))),
        }
    }
}

/// Makes the array of a column out of its store, in which `length` values of varying size were put.
///
/// # Errors
/// What Arrow has against the buffers, which would be a defect of ours.
pub fn finish(
    store: Store,
    length: usize,
    rows: usize,
    nulls: Vec<usize>,
    binary: bool,
    layout: Layout,
    text: &[Buffer],
) -> Result<ArrayRef, ArrowError> {
    let nulls = null_buffer(&nulls, rows);
    Ok(match store {
        Store::Float(values) => {
            Arc::new(Float64Array::try_new(ScalarBuffer::new(values.into_buffer_of(rows), 0, rows), nulls)?)
        }
        Store::Int(values) => {
            Arc::new(Int64Array::try_new(ScalarBuffer::new(values.into_buffer_of(rows), 0, rows), nulls)?)
        }
        Store::Bool(values) => {
            let bits = BooleanBuffer::collect_bool(rows, |row| values.get(row).is_some_and(|&value| value != 0));
            Arc::new(BooleanArray::new(bits, nulls))
        }
        Store::View(values) => {
            let views = ScalarBuffer::new(values.into_buffer_of(rows), 0, rows);
            match StringViewArray::try_new(views, text.to_vec(), nulls) {
                Ok(array) => Arc::new(array),
                // Values that are no UTF-8; the caller reads the column again.
                Err(_) => Arc::new(StringViewArray::new_null(rows)),
            }
        }
        Store::Text(ends, bytes) => {
            text_array(offsets(ends, rows), bytes.into_values(length).into_inner(), nulls, binary, layout.strings)?
        }
        Store::FloatList(ends, items) => {
            let items = Float64Array::new(items.into_values(length), None);
            list_array(offsets(ends, rows), Arc::new(items), nulls)?
        }
        Store::IntList(ends, items) => {
            let items = Int64Array::new(items.into_values(length), None);
            list_array(offsets(ends, rows), Arc::new(items), nulls)?
        }
    })
}

fn null_buffer(nulls: &[usize], rows: usize) -> Option<NullBuffer> {
    if nulls.is_empty() {
        return None;
    }
    let mut valid = vec![true; rows];
    for &row in nulls {
        if let Some(valid) = valid.get_mut(row) {
            *valid = false;
        }
    }
    Some(NullBuffer::from(valid))
}

fn offsets(ends: Zeroed<i64>, rows: usize) -> OffsetBuffer<i64> {
    OffsetBuffer::new(ScalarBuffer::new(ends.into_buffer_of(rows + 1), 0, rows + 1))
}

fn text_array(
    offsets: OffsetBuffer<i64>,
    bytes: Buffer,
    nulls: Option<NullBuffer>,
    binary: bool,
    strings: Strings,
) -> Result<ArrayRef, ArrowError> {
    if binary {
        return Ok(Arc::new(LargeBinaryArray::try_new(offsets, bytes, nulls)?));
    }
    let array = LargeStringArray::try_new(offsets, bytes, nulls)?;
    Ok(match strings {
        Strings::Dictionary => Arc::new(dictionary(&array)),
        Strings::Large | Strings::View => Arc::new(array),
    })
}

/// Each distinct value once, in order of first appearance.
fn dictionary(array: &LargeStringArray) -> DictionaryArray<Int32Type> {
    let mut seen: HashMap<&str, i32> = HashMap::new();
    let mut values: Vec<&str> = Vec::new();
    let keys: PrimitiveArray<Int32Type> = array
        .iter()
        .map(|value| {
            value.map(|value| {
                *seen.entry(value).or_insert_with(|| {
                    values.push(value);
                    i32::try_from(values.len() - 1).unwrap_or(i32::MAX)
                })
            })
        })
        .collect();
    let values = Arc::new(LargeStringArray::from_iter_values(values));
    DictionaryArray::new(keys, values)
}

fn list_array(offsets: OffsetBuffer<i64>, values: ArrayRef, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    Ok(Arc::new(LargeListArray::try_new(item, offsets, values, nulls)?))
}

/// The Arrow type of a column of this type, as [`finish`] makes it, save that bytes which are not UTF-8 may make it binary.
#[must_use]
pub fn data_type(kind: Type, strings: Strings) -> DataType {
    match (kind, strings) {
        (Type::Float, _) => DataType::Float64,
        (Type::Int, _) => DataType::Int64,
        (Type::Bool, _) => DataType::Boolean,
        (Type::Text, Strings::Large) => DataType::LargeUtf8,
        (Type::Text, Strings::View) => DataType::Utf8View,
        (Type::Text, Strings::Dictionary) => {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::LargeUtf8))
        }
        (Type::FloatList, _) => super::dtype::list_of(DataType::Float64),
        (Type::IntList, _) => super::dtype::list_of(DataType::Int64),
    }
}
