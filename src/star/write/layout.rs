//! What stands around values: headers, labels, blanks and line ends, as RELION or starfile puts them.

use super::float::{FIELD, pad};

/// Whose skeleton is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// A version comment above each block, numbered labels, values at the right of fields, a closing line.
    #[default]
    Relion,
    /// One comment above all, values separated by this byte.
    Starfile { separator: u8 },
}

/// RELION's least width of a text or a vector.
const TEXT: usize = 10;
/// The version RELION 5 gives whatever it writes.
const VERSION: &[u8] = b"\n# version 50001\n\n";

impl Layout {
    /// Adds the header of a block; `first` when it is the file's first.
    pub fn block(self, out: &mut Vec<u8>, name: &str, first: bool) {
        match self {
            Self::Relion => out.extend_from_slice(VERSION),
            Self::Starfile { .. } if first => {
                out.extend_from_slice(concat!("# written by tomoset ", env!("CARGO_PKG_VERSION"), "\n\n\n").as_bytes());
            }
            Self::Starfile { .. } => {}
        }
        out.extend_from_slice(b"data_");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\n\n");
    }

    /// Adds the header of a loop.
    pub fn labels<'a>(self, out: &mut Vec<u8>, labels: impl Iterator<Item = &'a str>) {
        out.extend_from_slice(b"loop_");
        self.end_header_line(out);
        for (index, label) in labels.enumerate() {
            out.extend_from_slice(format!("_{label} #{}", index + 1).as_bytes());
            self.end_header_line(out);
        }
    }

    /// RELION's lines of a header end in a blank.
    fn end_header_line(self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self == Self::Relion { b" \n" } else { b"\n" });
    }

    /// What stands behind each value of a row.
    #[must_use]
    pub fn separator(self) -> u8 {
        match self {
            Self::Relion => b' ',
            Self::Starfile { separator } => separator,
        }
    }

    /// Ends a row behind its last separator, which RELION leaves there.
    #[inline]
    pub fn end_row(self, out: &mut Vec<u8>) {
        if self != Self::Relion {
            out.pop();
        }
        out.push(b'\n');
    }

    /// Adds a list's label; `longest` is the length of the longest one of the list.
    pub fn item(self, out: &mut Vec<u8>, label: &str, longest: usize) {
        out.push(b'_');
        out.extend_from_slice(label.as_bytes());
        match self {
            Self::Relion => pad(out, FIELD + longest.max(TEXT).saturating_sub(label.len())),
            Self::Starfile { .. } => out.extend_from_slice(b"\t\t\t"),
        }
    }

    /// Adds what closes a table.
    pub fn close(self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self == Self::Relion { b" \n" } else { b"\n\n" });
    }

    /// The least width of a number, or of something else.
    #[must_use]
    pub fn width(self, is_number: bool, in_list: bool) -> usize {
        if is_number { self.number_width() } else { self.text_width(in_list) }
    }

    /// The least width of a number.
    #[must_use]
    pub fn number_width(self) -> usize {
        if self == Self::Relion { FIELD } else { 0 }
    }

    /// The least width of a text or a vector; in lists they are not padded.
    #[must_use]
    pub fn text_width(self, in_list: bool) -> usize {
        if self == Self::Relion && !in_list { TEXT } else { 0 }
    }
}
