//! Lines and columns of byte offsets, counted only once somebody asks.

use std::io;

use super::text::Text;
use crate::error::{Fault, Position, StarError};

/// How much is looked at in one go.
const STRIDE: usize = 1 << 20;

/// Lines (from 1) and columns (bytes, from 1) of offsets that are given in ascending order.
///
/// # Errors
/// As [`Text::view`].
pub fn locate<T: Text>(text: &mut T, offsets: &[u64]) -> io::Result<Vec<Position>> {
    let (mut at, mut line, mut line_start) = (0u64, 1u64, 0u64);
    let mut positions = Vec::with_capacity(offsets.len());
    for &offset in offsets {
        while at < offset.min(text.length()) {
            let view = text.view(at, 1)?;
            let length = view.len().min(STRIDE).min(usize::try_from(offset - at).unwrap_or(STRIDE));
            let part = view.get(..length).unwrap_or_default();
            if part.is_empty() {
                break;
            }
            line += memchr::memchr_iter(b'\n', part).count() as u64;
            if let Some(last) = memchr::memrchr(b'\n', part) {
                line_start = at + last as u64 + 1;
            }
            at += length as u64;
        }
        positions.push(Position { line, column: offset.saturating_sub(line_start) + 1 });
    }
    Ok(positions)
}

/// The error that raises a fault, with its line and column.
pub fn faulty<T: Text>(fault: Fault, text: &mut T) -> StarError {
    match locate(text, &[fault.offset]) {
        Ok(found) => {
            let position = found.first().copied().unwrap_or(Position { line: 1, column: 1 });
            StarError::Fault { fault: Box::new(fault), position, path: None }
        }
        Err(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns() {
        let mut text = b"ab\n\ncde".as_slice();
        let found = locate(&mut text, &[0, 1, 3, 4, 6, 7]).expect("memory");
        let pairs: Vec<_> = found.iter().map(|p| (p.line, p.column)).collect();
        assert_eq!(pairs, [(1, 1), (1, 2), (2, 1), (3, 1), (3, 3), (3, 4)]);
    }
}
