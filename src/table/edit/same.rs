//! Whether a value that is assigned is the one that was read, so that its text can stay.

use crate::table::encode::values::{Column, Values};

/// Whether row `new_row` of `new` has the value of row `old_row` of `old`, whatever their types; a null and a `nan` are
/// one, since data frames cannot tell them apart.
#[must_use]
pub fn same(old: &Column, old_row: usize, new: &Column, new_row: usize) -> bool {
    if let Values::Categories { keys, values } = &new.values {
        return match keys.get(new_row) {
            Some(&key) if !new.is_null(new_row) => same(old, old_row, values, key),
            _ => is_missing(old, old_row),
        };
    }
    if let Values::Categories { keys, values } = &old.values {
        return match keys.get(old_row) {
            Some(&key) if !old.is_null(old_row) => same(values, key, new, new_row),
            _ => is_missing(new, new_row),
        };
    }
    match (is_missing(old, old_row), is_missing(new, new_row)) {
        (false, false) => {}
        (one, other) => return one == other,
    }
    match (&old.values, &new.values) {
        (Values::Text(old), Values::Text(new)) => old.get(old_row) == new.get(new_row),
        (Values::List { items: old, ends: old_ends }, Values::List { items: new, ends: new_ends }) => {
            let (old_range, new_range) = (old_ends.range(old_row), new_ends.range(new_row));
            old_range.len() == new_range.len() && old_range.zip(new_range).all(|(a, b)| same(old, a, new, b))
        }
        (old, new) => match (whole(old, old_row), whole(new, new_row)) {
            (Some(old), Some(new)) => old == new,
            _ => match (double(old, old_row), double(new, new_row)) {
                (Some(old), Some(new)) => old.to_bits() == new.to_bits(),
                _ => false,
            },
        },
    }
}

fn is_missing(column: &Column, row: usize) -> bool {
    column.is_null(row)
        || match &column.values {
            Values::Double(array) => array.values().get(row).is_some_and(|value| value.is_nan()),
            Values::Single(array) => array.values().get(row).is_some_and(|value| value.is_nan()),
            Values::Null => true,
            _ => false,
        }
}

fn whole(values: &Values, row: usize) -> Option<i128> {
    match values {
        Values::Signed(array) => array.values().get(row).map(|&value| i128::from(value)),
        Values::Unsigned(array) => array.values().get(row).map(|&value| i128::from(value)),
        Values::Bool(array) if row < array.len() => Some(i128::from(array.value(row))),
        _ => None,
    }
}

/// The value as a double; nothing when that would not be exact.
fn double(values: &Values, row: usize) -> Option<f64> {
    match values {
        Values::Double(array) => array.values().get(row).copied(),
        Values::Single(array) => array.values().get(row).map(|&value| f64::from(value)),
        values => {
            let value = whole(values, row).filter(|value| value.unsigned_abs() <= 1 << 53)?;
            #[allow(clippy::cast_precision_loss, reason = "at most 2^53")]
            Some(value as f64)
        }
    }
}
