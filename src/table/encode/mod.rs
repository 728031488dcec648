//! Arrow columns to text: the reverse of the reader (`docs/writing.md`).

pub mod block;
pub mod cell;
pub mod names;
pub mod options;
pub mod render;
pub mod values;
