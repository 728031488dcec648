//! Where a block, a label or a value stands in a text, for those who know its block, row and label.

use std::path::Path;

use super::grid::{Grid, Grids};
use crate::error::{Position, Result};
use crate::source;
use crate::star::lex;
use crate::star::outline::{Block, Loop, OnError, Outline, Part, outline, raise};
use crate::star::position::locate;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Sought {
    /// Of several blocks of this name the first; nothing for the first block of all.
    pub block: Option<String>,
    /// The row within its table, from 0; nothing for the label itself, or the block's header.
    pub row: Option<u64>,
    pub label: Option<String>,
}

/// Line and column of each; nothing for what is not there.
///
/// # Errors
/// What the operating system says; a text that is no text.
pub fn find_places(path: &Path, sought: &[Sought]) -> Result<Vec<Option<Position>>> {
    let loaded = source::load_path(path, false, Some(1))?;
    let mut text = loaded.buffer.as_slice();
    let outline = match outline(text, OnError::Collect, None) {
        Ok(outline) => outline,
        Err(stop) => return raise(stop, &mut text),
    };
    let offsets: Vec<Option<u64>> = sought.iter().map(|one| place(&outline, text, one)).collect();
    let mut order: Vec<u64> = offsets.iter().flatten().copied().collect();
    order.sort_unstable();
    order.dedup();
    let positions = locate(&mut text, &order)?;
    let position = |offset: u64| positions.get(order.binary_search(&offset).ok()?).copied();
    Ok(offsets.into_iter().map(|offset| position(offset?)).collect())
}

fn place(outline: &Outline, text: &[u8], sought: &Sought) -> Option<u64> {
    let block = match &sought.block {
        Some(name) => outline.blocks.iter().find(|block| *block.name == **name)?,
        None => outline.blocks.first()?,
    };
    match (sought.row, &sought.label) {
        (None, None) => Some(block.start),
        // Rows are those of the loop; a list is a table of one row.
        (Some(row), label) => in_row(main_part(block)?, text, row, label.as_deref()).or(Some(block.start)),
        (None, Some(label)) => label_place(block, label).or(Some(block.start)),
    }
}

/// The table whose rows sets have: the first loop, or else the list.
fn main_part(block: &Block) -> Option<&Part> {
    block.parts.iter().find(|part| matches!(part, Part::Loop(_))).or_else(|| block.parts.first())
}

fn label_place(block: &Block, name: &str) -> Option<u64> {
    let within = |part: &Part| part.labels().find(|label| *label.name == *name).map(|label| part.start() + label.at);
    block.parts.iter().find_map(within)
}

fn in_row(part: &Part, text: &[u8], row: u64, label: Option<&str>) -> Option<u64> {
    match part {
        Part::List(list) => {
            let item = list.items.iter().find(|item| label.is_none_or(|label| *item.label.name == *label))?;
            Some(item.value.start - u64::from(item.value.form != lex::Form::Bare))
        }
        Part::Loop(table) => {
            let word = label.and_then(|label| table.labels.iter().position(|own| *own.name == *label));
            in_loop(table, text, row, word.unwrap_or(0))
        }
    }
}

/// Where a word of a row begins, its quote if it has one.
fn in_loop(table: &Loop, text: &[u8], mut row: u64, word: usize) -> Option<u64> {
    let piece = table.pieces.iter().find(|piece| {
        let is_here = row < piece.rows;
        if !is_here {
            row -= piece.rows;
        }
        is_here
    })?;
    let mut grids = Grids::new(text, 0, piece, table.labels.len(), super::grid::CHUNK)?;
    let mut grid = Grid::default();
    while grids.next(&mut grid) {
        let rows = grid.rows as u64;
        if row < rows {
            let (_, form, offset) = grid.values(word, usize::try_from(row).ok()?).next()?;
            return Some(offset - u64::from(form != lex::Form::Bare));
        }
        row -= rows;
    }
    None
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn places_of_blocks_labels_and_values() {
        let text =
            "data_a\n_rlnVoltage 300\n_x ''\n\ndata_b\nloop_\n_x #1\n_y #2\n 1 'a b'\n2 c\n\ndata_b\nloop_\n_x\n5\n";
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        let sought = |block: &str, row, label: Option<&str>| Sought {
            block: (block != "-").then(|| block.to_owned()),
            row,
            label: label.map(str::to_owned),
        };
        for (wanted, line, column) in [
            (sought("a", None, None), 1, 1),
            (sought("-", Some(0), Some("rlnVoltage")), 2, 13),
            (sought("a", None, Some("rlnVoltage")), 2, 1),
            (sought("a", Some(0), Some("x")), 3, 4),
            (sought("b", None, Some("y")), 8, 1),
            (sought("b", Some(0), Some("y")), 9, 4),
            (sought("b", Some(1), None), 10, 1),
            (sought("b", Some(1), Some("y")), 10, 3),
            // What is not there stands for its block.
            (sought("b", Some(2), Some("y")), 5, 1),
            (sought("b", None, Some("z")), 5, 1),
        ] {
            let found = find_places(file.path(), std::slice::from_ref(&wanted)).expect("read");
            assert_eq!(found, [Some(Position { line, column })], "{wanted:?}");
        }
        assert_eq!(find_places(file.path(), &[sought("c", None, None)]).expect("read"), [None]);
    }
}
