//! Many files with alike tables written at once: each is the file it was read from, with the table as it is now.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;

use super::stack::stamp;
use crate::error::Result;
use crate::parallel;
use crate::table::draft::{self, Change, KeptSection, Section, TableEdit};
use crate::table::dtype::Options as ReadOptions;
use crate::table::encode::block::{Block, Table};
use crate::table::encode::options::WriteOptions;
use crate::table::read::{StarTables, read_path};

/// A file to be written.
#[derive(Clone, Debug)]
pub struct Rewritten {
    /// The block's name.
    pub name: String,
    /// The table in it.
    pub table: RecordBatch,
    /// The file it was read from.
    pub source: Option<Source>,
    /// Which row of that file each row was, or -1; nothing when all are in their places.
    pub order: Option<Vec<i64>>,
    /// Whether any value or column may be another than in that file.
    pub edited: bool,
    /// The file to be made.
    pub target: PathBuf,
    /// The file it is to replace, whose permissions it takes over.
    pub replaces: PathBuf,
}

/// Where a table was read from.
#[derive(Clone, Debug)]
pub struct Source {
    pub path: PathBuf,
    pub block: String,
    /// As in [`super::stack::Stack::stamps`].
    pub stamp: (i64, u64),
    pub rows: usize,
}

/// Writes files that are not there yet, in parallel.
///
/// A file that is as it was read is copied. Of one that was edited, or that others wrote to since it was read, the text
/// of values that are as they were is kept; one that has no such block any more, or one with other rows, is made anew.
///
/// # Errors
/// As [`draft::write`], and what the operating system says; some of the files may then be there.
pub fn rewrite(files: &[Rewritten], reading: &ReadOptions, writing: &WriteOptions, durable: bool) -> Result<()> {
    let threads = writing.threads.unwrap_or_else(parallel::available).min(files.len().max(1));
    // Each file on one thread.
    let reading = ReadOptions { threads: Some(1), ..reading.clone() };
    let writing = WriteOptions { threads: Some(1), ..writing.clone() };
    let write = |index: usize| match files.get(index) {
        Some(file) => file.write(&reading, &writing, durable).map_err(|error| error.at_path(Some(&file.replaces))),
        None => Ok(()),
    };
    parallel::map(files.len(), threads, write).into_iter().collect()
}

impl Rewritten {
    fn write(&self, reading: &ReadOptions, writing: &WriteOptions, durable: bool) -> Result<()> {
        let bytes = self.bytes(reading, writing)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o666).open(&self.target)?;
        file.write_all(&bytes)?;
        self.keep_permissions(&file)?;
        if durable {
            file.sync_all()?;
        }
        Ok(())
    }

    fn keep_permissions(&self, file: &File) -> Result<()> {
        match fs::metadata(&self.replaces) {
            Ok(facts) => Ok(file.set_permissions(Permissions::from_mode(facts.permissions().mode() & 0o7777))?),
            Err(_) => Ok(()),
        }
    }

    fn bytes(&self, reading: &ReadOptions, writing: &WriteOptions) -> Result<Vec<u8>> {
        if let Some(source) = self.source.as_ref().filter(|source| self.is_untouched(source)) {
            return Ok(fs::read(&source.path)?);
        }
        let sections = self.kept(reading).unwrap_or_else(|| vec![self.fresh()]);
        let mut bytes = Vec::new();
        draft::write(&sections, writing, &mut bytes)?;
        Ok(bytes)
    }

    fn is_untouched(&self, source: &Source) -> bool {
        !self.edited && self.order.is_none() && source.block == self.name && stamp(&source.path) == source.stamp
    }

    fn fresh(&self) -> Section {
        let table = Table { is_list: false, schema: self.table.schema(), batches: vec![self.table.clone()] };
        Section::Fresh(Block { name: self.name.clone(), tables: vec![table] })
    }

    /// The blocks of the file it was read from, that of the table edited; nothing where there is none like it.
    fn kept(&self, reading: &ReadOptions) -> Option<Vec<Section>> {
        let source = self.source.as_ref()?;
        let tables = Arc::new(read_path(&source.path, reading).ok()?);
        let place = tables.blocks.iter().position(|block| *block.name == source.block)?;
        if rows_of(&tables, place) != Some(source.rows) {
            return None;
        }
        let section = |block: usize| {
            if block == place {
                self.edit(&tables, block)
            } else {
                let tables = Arc::clone(&tables);
                Section::Kept(KeptSection { tables, block, name: None, edits: Vec::new() })
            }
        };
        Some((0..tables.blocks.len()).map(section).collect())
    }

    /// The block of the table, with the text of all values that are as they were.
    fn edit(&self, tables: &Arc<StarTables>, block: usize) -> Section {
        let Some([table]) = tables.blocks.get(block).map(|block| block.tables.as_slice()) else { return self.fresh() };
        if table.is_list && self.table.num_rows() != 1 {
            return self.fresh();
        }
        let schema = self.table.schema();
        let columns = schema.fields().iter().zip(self.table.columns()).map(|(field, values)| Change {
            label: field.name().clone(),
            origin: table.plan.columns.iter().position(|planned| planned.name == *field.name()),
            values: Some(Arc::clone(values)),
        });
        let order = self.order.clone().filter(|_| !table.is_list);
        let edits = vec![TableEdit { part: 0, columns: columns.collect(), order }];
        let own = tables.blocks.get(block).map(|block| &*block.name);
        let name = (own != Some(self.name.as_str())).then(|| self.name.clone());
        Section::Kept(KeptSection { tables: Arc::clone(tables), block, name, edits })
    }
}

/// How many rows the tables of a block have.
fn rows_of(tables: &StarTables, block: usize) -> Option<usize> {
    Some(tables.blocks.get(block)?.tables.first()?.rows())
}
