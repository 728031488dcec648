//! RELION 5's label dictionary: name, type, unit and alias of all 611 labels.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::near;

/// The type RELION gives a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelionType {
    Double,
    Int,
    Bool,
    String,
    DoubleVector,
    IntVector,
}

impl RelionType {
    /// The name used in field metadata.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Double => "double",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::String => "string",
            Self::DoubleVector => "double_vector",
            Self::IntVector => "int_vector",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "double" => Self::Double,
            "int" => Self::Int,
            "bool" => Self::Bool,
            // `rlnUnknownLabel` holds whatever RELION does not know, as text.
            "string" | "unknown" => Self::String,
            "double_vector" => Self::DoubleVector,
            "int_vector" => Self::IntVector,
            _ => return None,
        })
    }
}

/// One entry of the dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub name: &'static str,
    pub kind: RelionType,
    /// For instance `A`, `deg`, `e/A^2`; empty when unknown or none.
    pub unit: &'static str,
    /// The name RELION writes instead, when this one is an old spelling.
    pub canonical: &'static str,
}

/// Label, type, unit and canonical name, separated by tabs.
const TABLE: &str = include_str!("labels.tsv");

/// All labels, in RELION's order.
pub fn all() -> impl Iterator<Item = Known> {
    TABLE.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let name = fields.next()?;
        let kind = RelionType::parse(fields.next()?)?;
        let unit = fields.next().unwrap_or_default();
        let canonical = fields.next().filter(|alias| !alias.is_empty()).unwrap_or(name);
        Some(Known { name, kind, unit, canonical })
    })
}

/// The entry of a label, written without its underscore.
#[must_use]
pub fn known(label: &str) -> Option<Known> {
    static DICTIONARY: OnceLock<HashMap<&'static str, Known>> = OnceLock::new();
    DICTIONARY.get_or_init(|| all().map(|known| (known.name, known)).collect()).get(label).copied()
}

/// The entry whose name differs only in the case of its letters.
#[must_use]
pub fn known_in_other_case(label: &str) -> Option<Known> {
    static LOWER: OnceLock<HashMap<String, Known>> = OnceLock::new();
    let lower = LOWER.get_or_init(|| all().map(|known| (known.name.to_ascii_lowercase(), known)).collect());
    lower.get(&label.to_ascii_lowercase()).copied().filter(|known| known.name != label)
}

/// The name of the entry that may be meant by a label that is none.
#[must_use]
pub fn nearest(label: &str) -> Option<&'static str> {
    /// An archive has the same few unknown labels in thousands of files; hostile ones are not all kept.
    const KEPT: usize = 1000;
    static FOUND: Mutex<BTreeMap<String, Option<&'static str>>> = Mutex::new(BTreeMap::new());
    let found = || FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(name) = misnomer(label) {
        return Some(name);
    }
    if let Some(&known) = found().get(label) {
        return known;
    }
    let nearest = near::nearest(label, all().map(|known| known.name));
    let mut found = found();
    if found.len() < KEPT {
        found.insert(label.to_owned(), nearest);
    }
    nearest
}

/// The label that RELION's documentation means by a name that its source does not have.
fn misnomer(label: &str) -> Option<&'static str> {
    let name = match label.strip_prefix("rlnMagMatrix_") {
        Some(place) => format!("rlnMagMat{place}"),
        None => label.strip_suffix("Angstrom").map(|stem| format!("{stem}Angst"))?,
    };
    known(&name).map(|known| known.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_documentation() {
        assert_eq!(nearest("rlnOriginXAngstrom"), Some("rlnOriginXAngst"));
        assert_eq!(nearest("rlnMagMatrix_01"), Some("rlnMagMat01"));
        assert_eq!(nearest("rlnTomoSize"), Some("rlnTomoSizeX"));
        assert_eq!(nearest("rlnBoxAngstrom"), None);
    }

    #[test]
    fn the_dictionary_is_whole() {
        assert_eq!(all().count(), 611);
        assert_eq!(TABLE.lines().count(), 611);
        assert_eq!(known("rlnTomoVisibleFrames").map(|known| known.kind), Some(RelionType::IntVector));
        assert_eq!(known("rlnVoltage").map(|known| known.unit), Some("kV"));
        assert_eq!(known("rlnKullbackLeibnerDivergence").map(|k| k.canonical), Some("rlnKullbackLeiblerDivergence"));
        assert_eq!(known("rlnvoltage"), None);
        assert_eq!(known_in_other_case("rlnvoltage").map(|known| known.name), Some("rlnVoltage"));
    }
}
