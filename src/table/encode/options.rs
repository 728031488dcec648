//! What a caller may ask of a writer; the same names in Rust and Python.

use std::collections::HashMap;

use crate::error::{Result, StarError};
use crate::near;
use crate::relion::labels;
use crate::star::write::float::FloatFormat;
use crate::star::write::layout::Layout;

/// What becomes of values that are missing or no number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Na {
    /// Refused where RELION would read something else: nulls in text, and nulls, `nan` and `inf` under its labels for
    /// numbers. Elsewhere as [`Self::Keep`].
    #[default]
    Raise,
    /// Nulls as `<NA>`, which reads back as a null; `nan` and `inf` as they are.
    Keep,
    /// This text for nulls and `nan`.
    Text(String),
}

/// How booleans are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Booleans {
    /// 0 and 1, as RELION has them.
    #[default]
    Digits,
    /// False and True, as starfile has them.
    Words,
}

/// A choice for all columns, and for some by label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByLabel<T> {
    pub all: T,
    pub labels: HashMap<String, T>,
}

impl<T> ByLabel<T> {
    /// The choice for a label.
    #[must_use]
    pub fn of(&self, label: &str) -> &T {
        self.labels.get(label).unwrap_or(&self.all)
    }

    /// Some files lack a label that others have, but one that RELION does not know either is misspelt.
    fn check(&self, option: &str, written: &[&str]) -> Result<()> {
        let odd = self.labels.keys().filter(|&label| !written.contains(&&**label) && labels::known(label).is_none());
        let Some(label) = odd.min() else { return Ok(()) };
        let hint = near::hint(label, "_", written.iter().copied());
        Err(StarError::Option(format!("{option} is given for {label:?}, and no column is named so{hint}")))
    }
}

impl WriteOptions {
    /// Holds the labels that choices are for against those that are written.
    ///
    /// # Errors
    /// One of them is nowhere, not even in RELION's dictionary.
    pub fn check<'a>(&self, written: impl Iterator<Item = &'a str>) -> Result<()> {
        if self.floats.labels.is_empty() && self.na.labels.is_empty() {
            return Ok(());
        }
        let written: Vec<&str> = written.collect();
        self.floats.check("floats", &written)?;
        self.na.check("na", &written)
    }
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    pub floats: ByLabel<FloatFormat>,
    pub na: ByLabel<Na>,
    pub layout: Layout,
    pub booleans: Booleans,
    /// Whether values under RELION's labels are not held to RELION's types.
    pub any_types: bool,
    /// Whether a loop without rows may stand above another block, where RELION cannot read it.
    pub empty_loops: bool,
    pub threads: Option<usize>,
}
