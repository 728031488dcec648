//! What can go wrong while reading and writing, and where: a fault carries a byte offset, positions are counted afterwards.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::star::diagnostic::Code;

/// A place in a text where reading could not go on as the grammar or a type asks.
///
/// Offsets are bytes from the start of the (decompressed) text. Line and column are counted only when a fault
/// leaves the core, by [`crate::star::position::locate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    pub offset: u64,
    pub block: Option<String>,
    pub label: Option<String>,
    /// What the rule asks for, in words.
    pub expected: String,
    /// What stands there instead, shortened for people.
    pub found: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)?;
        if let Some(label) = &self.label {
            write!(f, " (label {label})")?;
        }
        Ok(())
    }
}

/// A 1-based line and a 1-based column, in bytes from the start of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: u64,
    pub column: u64,
}

/// Everything the core can fail with.
#[derive(Debug)]
pub enum StarError {
    /// The text breaks the grammar or a value does not fit its column's type.
    Fault { fault: Box<Fault>, position: Position, path: Option<PathBuf> },
    /// The operating system refused, or the bytes could not be brought in.
    Io { error: io::Error, path: Option<PathBuf> },
    /// A block or label that was asked for by name is not there.
    MissingBlock {
        name: String,
        /// What may be meant, as [`crate::near::hint`] has it.
        hint: String,
        path: Option<PathBuf>,
    },
    MissingLabel {
        label: String,
        /// Nothing when several were looked through.
        block: Option<String>,
        hint: String,
        path: Option<PathBuf>,
    },
    /// A value, label or name that a STAR file cannot hold.
    Unwritable(Box<Unwritable>),
    /// An option has a value that means nothing.
    Option(String),
}

/// Something that is not written, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unwritable {
    pub block: String,
    pub label: Option<String>,
    /// The row of the table, counted from 0.
    pub row: Option<u64>,
    pub expected: String,
    pub found: String,
    /// The file that was to be written.
    pub path: Option<PathBuf>,
}

impl StarError {
    /// The same error, naming the file it came from.
    #[must_use]
    pub fn at_path(mut self, to: Option<&std::path::Path>) -> Self {
        match &mut self {
            Self::Fault { path, .. }
            | Self::Io { path, .. }
            | Self::MissingBlock { path, .. }
            | Self::MissingLabel { path, .. } => {
                if path.is_none() {
                    *path = to.map(std::path::Path::to_path_buf);
                }
            }
            Self::Unwritable(what) => {
                if what.path.is_none() {
                    what.path = to.map(std::path::Path::to_path_buf);
                }
            }
            Self::Option(_) => {}
        }
        self
    }
}

impl From<io::Error> for StarError {
    fn from(error: io::Error) -> Self {
        Self::Io { error, path: None }
    }
}

impl fmt::Display for StarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |f: &mut fmt::Formatter<'_>, path: &Option<PathBuf>| match path {
            Some(path) => write!(f, "{}", path.display()),
            None => f.write_str("<memory>"),
        };
        match self {
            Self::Fault { fault, position, path } => {
                place(f, path)?;
                write!(f, ":{}:{}: ", position.line, position.column)?;
                if let Some(block) = &fault.block {
                    write!(f, "block data_{block}: ")?;
                }
                write!(f, "{fault} [{}]", fault.code.id())
            }
            Self::Io { error, path } => {
                place(f, path)?;
                write!(f, ": {error}")
            }
            Self::MissingBlock { name, hint, path } => {
                place(f, path)?;
                write!(f, ": no block named {name:?}{hint}")
            }
            Self::MissingLabel { label, block, hint, path } => {
                place(f, path)?;
                match block {
                    Some(block) => write!(f, ": block data_{block} has no label {label:?}{hint}"),
                    None => write!(f, ": no block has a label {label:?}{hint}"),
                }
            }
            Self::Unwritable(what) => {
                place(f, &what.path)?;
                if !what.block.is_empty() {
                    write!(f, ": block data_{}", what.block)?;
                }
                if let Some(label) = &what.label {
                    write!(f, ", label {label}")?;
                }
                if let Some(row) = what.row {
                    write!(f, ", row {row}")?;
                }
                write!(f, ": expected {}, found {}", what.expected, what.found)
            }
            Self::Option(words) => f.write_str(words),
        }
    }
}

impl std::error::Error for StarError {}

pub type Result<T> = std::result::Result<T, StarError>;
