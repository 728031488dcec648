//! Which type a column has: the caller's word, then RELION's dictionary, then the data (`docs/format.md`, rule 19).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_schema::{DataType, Field};

use crate::relion::labels::{self, Known, RelionType};
use crate::star::outline::OnError;

/// The types a column of a STAR file can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    Float,
    Int,
    Bool,
    Text,
    FloatList,
    IntList,
}

impl Type {
    /// The type of a name that callers use in `dtypes`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "float64" | "float" | "double" => Self::Float,
            "int64" | "int" => Self::Int,
            "bool" | "boolean" => Self::Bool,
            "string" | "str" | "large_string" => Self::Text,
            "list<float64>" | "list<double>" | "large_list<double>" | "double_vector" => Self::FloatList,
            "list<int64>" | "large_list<int64>" | "int_vector" => Self::IntList,
            _ => return None,
        })
    }

    /// What a value of this type is called in messages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Float => "a number",
            Self::Int => "a whole number of at most 64 bits",
            Self::Bool => "a boolean (0, 1, true or false)",
            Self::Text => "text",
            Self::FloatList => "a vector of numbers such as [1.5,2]",
            Self::IntList => "a vector of whole numbers such as [1,0,1]",
        }
    }
}

impl From<RelionType> for Type {
    fn from(kind: RelionType) -> Self {
        match kind {
            RelionType::Double => Self::Float,
            RelionType::Int => Self::Int,
            RelionType::Bool => Self::Bool,
            RelionType::String => Self::Text,
            RelionType::DoubleVector => Self::FloatList,
            RelionType::IntVector => Self::IntList,
        }
    }
}

/// Where types come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Dtypes {
    /// RELION's dictionary; labels it does not know are inferred.
    #[default]
    Relion,
    /// Every column is inferred.
    Infer,
    /// Everything is text.
    Text,
    /// These labels as told, the others by RELION's dictionary.
    Given(HashMap<String, Type>),
    /// As pandas reads CSV: a loop's column is numbers if all its values are plain ones, and is not among these labels;
    /// all else is text.
    Pandas(HashSet<String>),
}

/// What is a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// What `docs/format.md` says (rules 20 to 22).
    #[default]
    Star,
    /// What the CSV reader of pandas takes for one beyond doubt; `nan`, `NaN` and `<NA>` are no number.
    Pandas,
}

/// How text columns are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strings {
    /// One copy, contiguous.
    #[default]
    Large,
    /// Views into the text's own buffer.
    View,
    /// Each distinct value once.
    Dictionary,
}

/// What becomes of bytes that are not UTF-8 in a text column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum InvalidUtf8 {
    /// U+FFFD for each bad sequence.
    #[default]
    Replace,
    /// Each byte of a value that is not UTF-8 as the character of that number.
    Latin1,
    /// The column becomes binary and keeps the bytes.
    Bytes,
}

/// What a caller may ask of a reader; the same names in Rust and Python.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub blocks: Option<Vec<String>>,
    pub columns: Option<Vec<String>>,
    pub dtypes: Dtypes,
    pub strings: Strings,
    pub on_error: OnError,
    pub invalid_utf8: InvalidUtf8,
    pub memory_map: bool,
    pub threads: Option<usize>,
}

impl Options {
    /// The type of a label, or nothing when only the data can tell.
    #[must_use]
    pub fn type_of(&self, label: &str) -> Option<Type> {
        let relion = || labels::known(label).map(|known| known.kind.into());
        match &self.dtypes {
            Dtypes::Relion => relion(),
            Dtypes::Infer => None,
            Dtypes::Text => Some(Type::Text),
            Dtypes::Given(given) => given.get(label).copied().or_else(relion),
            Dtypes::Pandas(text) => text.contains(label).then_some(Type::Text),
        }
    }

    /// As [`Self::type_of`], for a label of a list.
    #[must_use]
    pub fn type_in_list(&self, label: &str) -> Option<Type> {
        match self.dtypes {
            Dtypes::Pandas(_) => Some(Type::Text),
            _ => self.type_of(label),
        }
    }

    /// What is a number.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        match self.dtypes {
            Dtypes::Pandas(_) => Numbers::Pandas,
            _ => Numbers::Star,
        }
    }
}

/// An Arrow field with RELION's type and unit as metadata (`docs/format.md`, rule 27).
#[must_use]
pub fn field(name: &str, label: &str, data_type: DataType) -> Field {
    let field = Field::new(name, data_type, true);
    match labels::known(label) {
        Some(known) => field.with_metadata(metadata(known)),
        None => field,
    }
}

fn metadata(known: Known) -> HashMap<String, String> {
    let canonical = if known.canonical == known.name { "" } else { known.canonical };
    let facts = [("canonical", canonical), ("relion_type", known.kind.name()), ("unit", known.unit)];
    let told = facts.into_iter().filter(|(_, word)| !word.is_empty());
    told.map(|(fact, word)| (fact.to_owned(), word.to_owned())).collect()
}

/// The Arrow type of a vector column.
#[must_use]
pub fn list_of(item: DataType) -> DataType {
    DataType::LargeList(Arc::new(Field::new("item", item, true)))
}
