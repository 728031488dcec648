//! Values and skeletons as text: the reverse of the reader, bytes only (`docs/writing.md`).

pub mod float;
pub mod layout;
pub mod printf;
pub mod text;
