//! Whole trees of STAR files: what lies in them, what each file is, and its rows in a few large batches.

pub mod classify;
pub mod entries;
pub mod examine;
pub mod file;
pub mod harvest;
pub mod jobs;
pub mod particles;
pub mod places;
pub mod problems;
pub mod references;
pub mod rewrite;
mod rows;
pub mod schema;
pub mod shelf;
pub mod stack;
pub mod walk;
pub mod within;
