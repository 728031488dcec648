//! What RELION knows and does: its labels with their types and units, and where it reads otherwise.

pub mod dialect;
pub mod labels;
pub mod paths;
