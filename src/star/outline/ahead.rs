//! Rows that somebody else reads: the outline only asks how far they go.

use std::io;
use std::sync::Arc;

use super::Label;
use crate::star::rows::{Piece, Run};

/// The loop whose rows the outline has come to.
#[derive(Clone, Copy, Debug)]
pub struct OpenLoop<'a> {
    pub block: &'a str,
    /// Where the loop begins.
    pub start: u64,
    pub labels: &'a Arc<[Label]>,
    /// Its rows so far.
    pub pieces: &'a [Piece],
}

/// A reader of long loops that is ahead of the outline, with several threads.
pub trait Ahead {
    /// Whether it wants the rest of a loop of which `read` bytes of rows were found to be simple ones.
    fn wants(&self, read: u64) -> bool;

    /// Reads rows from `at` on, as [`crate::star::rows::scan`] would, up to a line that needs a decision.
    ///
    /// # Errors
    /// What the operating system says.
    fn read(&mut self, table: OpenLoop<'_>, at: u64) -> io::Result<Vec<Run>>;
}
