//! Arrow arrays of the kinds that can be written, with one way to get at a row.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Float32Array, Float64Array, Int64Array,
    LargeBinaryArray, LargeStringArray, OffsetSizeTrait, StringArray, StringViewArray, UInt64Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType;

use crate::table::dtype::Type;

/// A column's values.
#[derive(Clone, Debug)]
pub enum Values {
    Double(Float64Array),
    Single(Float32Array),
    Signed(Int64Array),
    Unsigned(UInt64Array),
    Bool(BooleanArray),
    Text(Text),
    List {
        items: Box<Column>,
        ends: Ends,
    },
    /// Each row has the value of another column's row.
    Categories {
        keys: Vec<usize>,
        values: Box<Column>,
    },
    /// Nothing but nulls.
    Null,
}

/// Values, and which of them are null.
#[derive(Clone, Debug)]
pub struct Column {
    pub values: Values,
    pub nulls: Option<NullBuffer>,
}

impl Column {
    /// The values of an array; nothing for a type that STAR has no words for.
    #[must_use]
    pub fn of(array: &ArrayRef) -> Option<Self> {
        Some(Self { values: Values::of(array)?, nulls: array.nulls().filter(|nulls| nulls.null_count() > 0).cloned() })
    }

    /// Whether the values are numbers or booleans.
    #[must_use]
    pub fn is_number(&self) -> bool {
        match &self.values {
            Values::Text(_) | Values::List { .. } => false,
            Values::Categories { values, .. } => values.is_number(),
            _ => true,
        }
    }

    /// The type of whole numbers or booleans, which have no place for other words.
    #[must_use]
    pub fn whole_numbers(&self) -> Option<Type> {
        match &self.values {
            Values::Signed(_) | Values::Unsigned(_) => Some(Type::Int),
            Values::Bool(_) => Some(Type::Bool),
            _ => None,
        }
    }

    #[inline]
    #[must_use]
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| row < nulls.len() && nulls.is_null(row))
    }
}

/// Text in one of Arrow's layouts.
#[derive(Clone, Debug)]
pub enum Text {
    Utf8(StringArray),
    Large(LargeStringArray),
    View(StringViewArray),
    Binary(BinaryArray),
    LargeBinary(LargeBinaryArray),
    BinaryView(BinaryViewArray),
}

/// Where the items of each row are.
#[derive(Clone, Debug)]
pub enum Ends {
    Small(OffsetBuffer<i32>),
    Large(OffsetBuffer<i64>),
    Fixed(usize),
}

impl Text {
    /// The bytes of a row; none below the array.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, row: usize) -> &[u8] {
        match self {
            Self::Utf8(array) => slice(array.value_data(), array.value_offsets(), row),
            Self::Large(array) => slice(array.value_data(), array.value_offsets(), row),
            Self::Binary(array) => slice(array.value_data(), array.value_offsets(), row),
            Self::LargeBinary(array) => slice(array.value_data(), array.value_offsets(), row),
            Self::View(array) if row < array.len() => array.value(row).as_bytes(),
            Self::BinaryView(array) if row < array.len() => array.value(row),
            Self::View(_) | Self::BinaryView(_) => &[],
        }
    }
}

/// The bytes between two offsets.
#[inline]
fn slice<'a, O: OffsetSizeTrait>(data: &'a [u8], ends: &[O], row: usize) -> &'a [u8] {
    match (ends.get(row), ends.get(row + 1)) {
        (Some(start), Some(end)) => data.get(start.as_usize()..end.as_usize()).unwrap_or_default(),
        _ => &[],
    }
}

impl Ends {
    /// The items of a row.
    #[must_use]
    pub fn range(&self, row: usize) -> std::ops::Range<usize> {
        let size = |value: Option<i64>| value.and_then(|value| usize::try_from(value).ok()).unwrap_or(0);
        match self {
            Self::Small(ends) => {
                let end = |row: usize| size(ends.get(row).copied().map(i64::from));
                end(row)..end(row + 1)
            }
            Self::Large(ends) => size(ends.get(row).copied())..size(ends.get(row + 1).copied()),
            Self::Fixed(length) => row * length..(row + 1) * length,
        }
    }
}

impl Values {
    fn of(array: &ArrayRef) -> Option<Self> {
        let signed = |array: Int64Array| Some(Self::Signed(array));
        match array.data_type() {
            DataType::Float64 => Some(Self::Double(array.as_primitive::<Float64Type>().clone())),
            DataType::Float32 => Some(Self::Single(array.as_primitive::<Float32Type>().clone())),
            DataType::Float16 => Some(Self::Single(array.as_primitive::<Float16Type>().unary(f32::from))),
            DataType::Int64 => signed(array.as_primitive::<Int64Type>().clone()),
            DataType::Int32 => signed(array.as_primitive::<Int32Type>().unary(i64::from)),
            DataType::Int16 => signed(array.as_primitive::<Int16Type>().unary(i64::from)),
            DataType::Int8 => signed(array.as_primitive::<Int8Type>().unary(i64::from)),
            DataType::UInt32 => signed(array.as_primitive::<UInt32Type>().unary(i64::from)),
            DataType::UInt16 => signed(array.as_primitive::<UInt16Type>().unary(i64::from)),
            DataType::UInt8 => signed(array.as_primitive::<UInt8Type>().unary(i64::from)),
            DataType::UInt64 => Some(Self::Unsigned(array.as_primitive::<UInt64Type>().clone())),
            DataType::Boolean => Some(Self::Bool(array.as_boolean().clone())),
            DataType::Null => Some(Self::Null),
            DataType::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                let values = Box::new(Column::of(dictionary.values())?);
                // Keys cannot be normalized to none at all; then all rows are null.
                let keys = if dictionary.values().is_empty() { Vec::new() } else { dictionary.normalized_keys() };
                Some(Self::Categories { keys, values })
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Self::list(list.values(), Ends::Small(list.offsets().clone()))
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                Self::list(list.values(), Ends::Large(list.offsets().clone()))
            }
            DataType::FixedSizeList(_, length) => {
                let list = array.as_fixed_size_list();
                Self::list(list.values(), Ends::Fixed(usize::try_from(*length).ok()?))
            }
            _ => Text::of(array).map(Self::Text),
        }
    }

    fn list(items: &ArrayRef, ends: Ends) -> Option<Self> {
        let items = Column::of(items)?;
        match items.values {
            Self::Text(_) | Self::List { .. } | Self::Categories { .. } => None,
            _ => Some(Self::List { items: Box::new(items), ends }),
        }
    }
}

impl Text {
    fn of(array: &ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Utf8 => Self::Utf8(array.as_string().clone()),
            DataType::LargeUtf8 => Self::Large(array.as_string().clone()),
            DataType::Utf8View => Self::View(array.as_string_view().clone()),
            DataType::Binary => Self::Binary(array.as_binary().clone()),
            DataType::LargeBinary => Self::LargeBinary(array.as_binary().clone()),
            DataType::BinaryView => Self::BinaryView(array.as_binary_view().clone()),
            _ => return None,
        })
    }
}
