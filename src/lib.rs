//! STAR files, the metadata text format of RELION and cryo-EM, read into Arrow tables.
//!
//! The rooms, from below: [`star`] knows bytes and the grammar, [`relion`] knows RELION's labels and habits,
//! [`table`] turns words into Arrow columns, [`mend`] changes texts, [`archive`] reads whole trees, [`geometry`] projects particles, and `python` binds it all.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

#[cfg(not(unix))]
compile_error!("tomoset needs a Unix: Linux, macOS, or the Linux within Windows (WSL)");

pub mod archive;
pub mod error;
pub mod geometry;
pub mod gzip;
pub mod memory;
pub mod mend;
pub mod near;
pub mod parallel;
pub mod relion;
pub mod sink;
pub mod source;
pub mod star;
pub mod table;

#[cfg(feature = "python")]
mod python;
