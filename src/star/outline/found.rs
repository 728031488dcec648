//! What an outline holds: blocks, their tables, and where labels, values and rows are.

use std::sync::Arc;

use crate::error::Fault;
use crate::star::diagnostic::{Code, Events};
use crate::star::lex::Form;
use crate::star::rows::Piece;

/// A label as it stands in a header.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// Without the underscore; bytes that are not UTF-8 replaced.
    pub name: Box<str>,
    /// Bytes from the start of the loop or list that it belongs to.
    pub at: u64,
}

/// A value's place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u64,
    pub end: u64,
    pub form: Form,
}

/// One `_label value` of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub label: Label,
    pub value: Span,
}

/// Consecutive `_label value` lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    pub start: u64,
    pub end: u64,
    pub items: Vec<Item>,
}

/// A `loop_` with its labels and rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loop {
    pub start: u64,
    pub end: u64,
    /// Shared by loops whose headers are the same bytes.
    pub labels: Arc<[Label]>,
    pub pieces: Vec<Piece>,
    pub rows: u64,
}

/// A table of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    List(List),
    Loop(Loop),
}

impl Part {
    /// The labels in file order.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        let (items, labels): (&[Item], &[Label]) = match self {
            Self::List(list) => (&list.items, &[]),
            Self::Loop(table) => (&[], &table.labels),
        };
        items.iter().map(|item| &item.label).chain(labels)
    }

    #[must_use]
    pub fn rows(&self) -> u64 {
        match self {
            Self::List(_) => 1,
            Self::Loop(table) => table.rows,
        }
    }

    #[must_use]
    pub fn start(&self) -> u64 {
        match self {
            Self::List(list) => list.start,
            Self::Loop(table) => table.start,
        }
    }

    #[must_use]
    pub fn end(&self) -> u64 {
        match self {
            Self::List(list) => list.end,
            Self::Loop(table) => table.end,
        }
    }
}

/// A `data_` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub name: Box<str>,
    /// Where the header line begins.
    pub start: u64,
    pub end: u64,
    /// From the last `# version N` comment above the block's header.
    pub version: Option<i64>,
    pub parts: Vec<Part>,
    pub events: Events,
    /// What is odd about its labels.
    pub labels: Vec<LabelEvent>,
}

/// Something odd about a label: where it is so first, and how often in its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelEvent {
    pub code: Code,
    pub offset: u64,
    pub count: u64,
    pub label: Box<str>,
}

/// The first fault of its code in a block, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    pub fault: Fault,
    pub count: u64,
}

/// All blocks of a text, in file order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    pub blocks: Vec<Block>,
    /// What is odd about the text outside of any block.
    pub events: Events,
    /// Faults that were collected instead of raised.
    pub faults: Vec<Collected>,
    pub length: u64,
}
