//! The grammar of STAR, in bytes: no Arrow, no Python, no files.

pub mod diagnostic;
pub mod lex;
pub mod number;
pub mod outline;
pub mod position;
pub mod rows;
pub mod simd;
pub mod text;
pub mod write;
