//! Names of blocks and labels that can be written (`docs/writing.md`, rule 4).

use crate::error::{Result, StarError, Unwritable};
use crate::star::outline::quote_all;

/// # Errors
/// The name would not read back.
pub fn check_block(name: &str) -> Result<()> {
    let blank = |character: char| matches!(character, ' ' | '\t');
    let expected = match () {
        () if name.contains(['\n', '\r']) => "a name on one line",
        () if name.starts_with(blank) || name.ends_with(blank) => "a name without blanks at its ends",
        () if name.starts_with('#') || name.contains(" #") || name.contains("\t#") => {
            "a name without a word that begins with #, which would be a comment"
        }
        () => return Ok(()),
    };
    Err(StarError::Unwritable(Box::new(Unwritable {
        block: name.to_owned(),
        expected: expected.to_owned(),
        found: quote_all(name.as_bytes()),
        ..Unwritable::default()
    })))
}

/// # Errors
/// The label would not read back.
pub fn check_label(block: &str, label: &str) -> Result<()> {
    let expected = match () {
        () if label.is_empty() => "a label",
        () if label.contains(|character: char| character.is_ascii_whitespace() || character.is_ascii_control()) => {
            "a label without blanks"
        }
        () if label.contains('#') => "a label without #, which RELION takes for a comment",
        () => return Ok(()),
    };
    Err(unwritable(block, label, expected, &quote_all(label.as_bytes())))
}

/// A label that a table has twice.
#[must_use]
pub fn twice(block: &str, label: &str) -> StarError {
    unwritable(block, label, "each label once, or RELION cannot read the table", "it twice")
}

fn unwritable(block: &str, label: &str, expected: &str, found: &str) -> StarError {
    StarError::Unwritable(Box::new(Unwritable {
        block: block.to_owned(),
        label: Some(label.to_owned()),
        expected: expected.to_owned(),
        found: found.to_owned(),
        ..Unwritable::default()
    }))
}
