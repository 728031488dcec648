//! Arrow columns to text: the reverse of the reader (`docs/writing.md`).

mod ahead;
pub mod block;
pub mod cell;
pub mod names;
pub mod options;
pub mod render;
pub mod rows;
pub mod values;
