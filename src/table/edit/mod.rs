//! What was read, written again with changes: every token that was not edited keeps its very text.

pub mod block;
pub mod cut;
pub mod header;
pub mod kept;
pub mod list;
pub mod row;
pub mod rows;
pub mod same;
pub mod shuffled;
