//! Arrow columns to text: the reverse of the reader (`docs/writing.md`).

pub mod cell;
pub mod draft;
pub mod names;
pub mod options;
pub mod render;
pub mod values;
