//! STAR files, the metadata text format of RELION and cryo-EM, read into Arrow tables.
//!
//! [`table::read::read_path`] reads a file, [`table::read::read`] a text in memory. Columns are typed by RELION's
//! dictionary of labels, so that a name such as `001` stays text:
//!
//! ```
//! use arrow_array::cast::AsArray;
//! use arrow_array::types::Float64Type;
//! use tomoset::source::load_bytes;
//! use tomoset::table::dtype::Options;
//! use tomoset::table::read::read;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = "data_tilts\n\nloop_\n_rlnTomoName #1\n_rlnDefocusU #2\n001 41236.5\n001 41100.25\n";
//! let star = read(&load_bytes(text.as_bytes().into())?, &Options::default())?;
//! let tilts = star.blocks[0].tables[0].batch(); // an arrow_array::RecordBatch
//!
//! assert_eq!(tilts.column(0).as_string::<i64>().value(0), "001");
//! assert_eq!(tilts.column(1).as_primitive::<Float64Type>().values(), &[41236.5, 41100.25]);
//! assert_eq!(tilts.schema().field(1).metadata()["unit"], "A");
//! # Ok(())
//! # }
//! ```
//!
//! What RELION would read otherwise is among the diagnostics, each with its place; a fault is an error that names file,
//! line and column:
//!
//! ```
//! # use tomoset::{source::load_bytes, table::{dtype::Options, read::read}};
//! # fn main() -> std::io::Result<()> {
//! let text = "data_x\nloop_\n_rlnTomoName\nTS_01\n\nTS_02\n";
//! let star = read(&load_bytes(text.as_bytes().into())?, &Options::default()).expect("a sound text");
//! let odd = &star.diagnostics[0];
//! assert_eq!((odd.diagnostic.code.id(), odd.position.line), ("R101", 6)); // RELION drops TS_02
//!
//! let short = "data_x\nloop_\n_rlnTomoName\n_rlnDefocusU\nTS_01\n";
//! let fault = read(&load_bytes(short.as_bytes().into())?, &Options::default()).expect_err("a row lacks a value");
//! assert!(fault.to_string().starts_with("<memory>:5:1: block data_x: expected 2 values in a row"));
//! # Ok(())
//! # }
//! ```
//!
//! `examples/read_set.rs` reads a whole tomogram set. The arrays are those of the crates `arrow-array` and
//! `arrow-schema` at version 59: depend on the same, or hand them on by the C interface of `arrow-data`.
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
