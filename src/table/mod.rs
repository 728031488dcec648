//! From words to Arrow columns, and back: which type a column has, and how its values get there.

pub mod ahead;
pub mod append;
pub mod columns;
pub mod decode;
pub mod draft;
pub mod dtype;
pub mod edit;
pub mod encode;
pub mod fill;
pub mod grid;
pub mod infer;
pub mod place;
pub mod plan;
pub mod read;
pub mod report;
pub mod stack;
pub mod stream;
pub mod turn;
pub mod value;
