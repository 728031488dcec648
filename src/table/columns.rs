//! Columns in the making: buffers of their final size, cut into slots that threads fill without meeting.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeBinaryArray, LargeListArray,
    LargeStringArray, PrimitiveArray, StringViewArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};

use super::dtype::{Strings, Type};
use crate::memory::Zeroed;

/// The buffers of one column, before its arrays are made.
pub enum Store {
    Float(Zeroed<f64>),
    Int(Zeroed<i64>),
    /// One byte a value; packed into bits at the end.
    Bool(Zeroed<u8>),
    /// Lengths of the values, shifted by one, to become offsets.
    Text(Zeroed<i64>),
    /// Views into the text's own buffer.
    View(Zeroed<u128>),
    FloatList(Zeroed<i64>),
    IntList(Zeroed<i64>),
}

/// A part of a [`Store`] that belongs to one piece of rows.
pub enum Slot<'a> {
    Float(&'a mut [f64]),
    Int(&'a mut [i64]),
    Bool(&'a mut [u8]),
    Text(&'a mut [i64]),
    View(&'a mut [u128]),
    FloatList(&'a mut [i64]),
    IntList(&'a mut [i64]),
}

/// What a piece of rows adds to a column besides its slot, in row order.
#[derive(Debug, Default)]
pub struct Added {
    pub bytes: Vec<u8>,
    pub floats: Vec<f64>,
    pub ints: Vec<i64>,
    /// Rows of the whole column that are null.
    pub nulls: Vec<usize>,
    /// A value is not UTF-8 and its bytes were kept.
    pub binary: bool,
}

impl Store {
    #[must_use]
    pub fn new(kind: Type, views: bool, rows: usize) -> Self {
        match kind {
            Type::Float => Self::Float(Zeroed::new(rows)),
            Type::Int => Self::Int(Zeroed::new(rows)),
            Type::Bool => Self::Bool(Zeroed::new(rows)),
            Type::Text if views => Self::View(Zeroed::new(rows)),
            Type::Text => Self::Text(Zeroed::new(rows + 1)),
            Type::FloatList => Self::FloatList(Zeroed::new(rows + 1)),
            Type::IntList => Self::IntList(Zeroed::new(rows + 1)),
        }
    }

    /// Cuts the store into consecutive slots of so many rows each.
    pub fn slots<'a>(&'a mut self, rows: &'a [usize]) -> Box<dyn Iterator<Item = Slot<'a>> + 'a> {
        // Offsets begin with a zero that belongs to no row.
        fn skip_first(values: &mut [i64]) -> &mut [i64] {
            values.split_first_mut().map_or(&mut [], |(_, rest)| rest)
        }
        match self {
            Self::Float(values) => Box::new(cut(values, rows).map(Slot::Float)),
            Self::Int(values) => Box::new(cut(values, rows).map(Slot::Int)),
            Self::Bool(values) => Box::new(cut(values, rows).map(Slot::Bool)),
            Self::View(values) => Box::new(cut(values, rows).map(Slot::View)),
            Self::Text(values) => Box::new(cut(skip_first(values), rows).map(Slot::Text)),
            Self::FloatList(values) => Box::new(cut(skip_first(values), rows).map(Slot::FloatList)),
            Self::IntList(values) => Box::new(cut(skip_first(values), rows).map(Slot::IntList)),
        }
    }
}

fn cut<'a, T>(mut values: &'a mut [T], rows: &'a [usize]) -> impl Iterator<Item = &'a mut [T]> {
    rows.iter().map(move |&count| {
        let (head, tail) = std::mem::take(&mut values).split_at_mut_checked(count).unwrap_or_default();
        values = tail;
        head
    })
}

/// Makes the array of a column out of its store and what the pieces added, in their order.
#[must_use]
pub fn finish(store: Store, added: Vec<Added>, rows: usize, strings: Strings, text: &[Buffer]) -> ArrayRef {
    let nulls = null_buffer(&added, rows);
    match store {
        Store::Float(values) => {
            let values = ScalarBuffer::new(values.into_buffer(), 0, rows);
            Arc::new(Float64Array::new(values, nulls))
        }
        Store::Int(values) => {
            let values = ScalarBuffer::new(values.into_buffer(), 0, rows);
            Arc::new(Int64Array::new(values, nulls))
        }
        Store::Bool(values) => {
            let bits = BooleanBuffer::collect_bool(rows, |row| values.get(row).is_some_and(|&value| value != 0));
            Arc::new(BooleanArray::new(bits, nulls))
        }
        Store::View(values) => {
            let views = ScalarBuffer::new(values.into_buffer(), 0, rows);
            match StringViewArray::try_new(views, text.to_vec(), nulls) {
                Ok(array) => Arc::new(array),
                Err(_) => Arc::new(StringViewArray::new_null(rows)),
            }
        }
        Store::Text(lengths) => {
            let binary = added.iter().any(|part| part.binary);
            let bytes = join(added.iter().map(|part| part.bytes.as_slice()));
            text_array(offsets(lengths), bytes, nulls, binary, strings)
        }
        Store::FloatList(lengths) => {
            let values = Float64Array::from(added.iter().flat_map(|part| &part.floats).copied().collect::<Vec<_>>());
            list_array(offsets(lengths), Arc::new(values), nulls)
        }
        Store::IntList(lengths) => {
            let values = Int64Array::from(added.iter().flat_map(|part| &part.ints).copied().collect::<Vec<_>>());
            list_array(offsets(lengths), Arc::new(values), nulls)
        }
    }
}

fn null_buffer(added: &[Added], rows: usize) -> Option<NullBuffer> {
    if added.iter().all(|part| part.nulls.is_empty()) {
        return None;
    }
    let mut valid = vec![true; rows];
    for &row in added.iter().flat_map(|part| &part.nulls) {
        if let Some(valid) = valid.get_mut(row) {
            *valid = false;
        }
    }
    Some(NullBuffer::from(valid))
}

/// Turns lengths, shifted by one, into offsets.
fn offsets(mut lengths: Zeroed<i64>) -> OffsetBuffer<i64> {
    let mut end = 0;
    for length in lengths.iter_mut() {
        end += *length;
        *length = end;
    }
    let count = lengths.len();
    OffsetBuffer::new(ScalarBuffer::new(lengths.into_buffer(), 0, count))
}

/// All pieces' bytes in one buffer of the exact size.
fn join<'a>(parts: impl Iterator<Item = &'a [u8]> + Clone) -> Buffer {
    let mut bytes = Zeroed::<u8>::new(parts.clone().map(<[u8]>::len).sum());
    let mut rest: &mut [u8] = &mut bytes;
    for part in parts {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut_checked(part.len()).unwrap_or_default();
        head.copy_from_slice(part);
        rest = tail;
    }
    bytes.into_buffer()
}

fn text_array(
    offsets: OffsetBuffer<i64>,
    bytes: Buffer,
    nulls: Option<NullBuffer>,
    binary: bool,
    strings: Strings,
) -> ArrayRef {
    let rows = offsets.len() - 1;
    if binary {
        return match LargeBinaryArray::try_new(offsets, bytes, nulls) {
            Ok(array) => Arc::new(array),
            Err(_) => Arc::new(LargeBinaryArray::new_null(rows)),
        };
    }
    let array = match LargeStringArray::try_new(offsets, bytes, nulls) {
        Ok(array) => array,
        Err(_) => LargeStringArray::new_null(rows),
    };
    match strings {
        Strings::Dictionary => Arc::new(dictionary(&array)),
        Strings::Large | Strings::View => Arc::new(array),
    }
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

fn list_array(offsets: OffsetBuffer<i64>, values: ArrayRef, nulls: Option<NullBuffer>) -> ArrayRef {
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    Arc::new(LargeListArray::new(item, offsets, values, nulls))
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
