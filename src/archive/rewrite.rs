//! Many files with alike tables written at once: each is the file it was read from, with the table as it is now.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;

use super::stack::stamp;
use crate::error::Result;
use crate::parallel;
use crate::sink::{self, Packing};
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
    /// Whether the file is of this table alone: then all of it is kept, else the block.
    pub alone: bool,
}

/// Writes files that are not there yet, in parallel.
///
/// A file that is as it was read is copied. Of one that was edited, or that others wrote to since it was read, the text
/// of values that are as they were is kept; one that has no such block any more, or one with other rows, is made anew.
/// `edited` are the labels whose values may be others than were read, that are new, or gone.
///
/// # Errors
/// As [`draft::write`], and what the operating system says; some of the files may then be there.
pub fn rewrite(
    files: &[Rewritten],
    edited: &HashSet<String>,
    reading: &ReadOptions,
    writing: &WriteOptions,
    durable: bool,
) -> Result<()> {
    let threads = writing.threads.unwrap_or_else(parallel::available).min(files.len().max(1));
    // Each file on one thread.
    let reading = ReadOptions { threads: Some(1), ..reading.clone() };
    let writing = WriteOptions { threads: Some(1), ..writing.clone() };
    let how = How { edited, reading: &reading, writing: &writing, durable };
    let write = |index: usize| match files.get(index) {
        Some(file) => file.write(&how).map_err(|error| error.at_path(Some(&file.replaces))),
        None => Ok(()),
    };
    parallel::map(files.len(), threads, write).into_iter().collect()
}

/// How all files are written.
struct How<'a> {
    edited: &'a HashSet<String>,
    reading: &'a ReadOptions,
    writing: &'a WriteOptions,
    durable: bool,
}

impl Rewritten {
    fn write(&self, how: &How<'_>) -> Result<()> {
        let bytes = self.bytes(how)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o666).open(&self.target)?;
        file.write_all(&bytes)?;
        self.keep_permissions(&file)?;
        if how.durable {
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

    fn bytes(&self, how: &How<'_>) -> Result<Vec<u8>> {
        let source = self.source.as_ref();
        // Nothing where others wrote to the file, so that all of its values are compared.
        let as_read = source.filter(|source| stamp(&source.path) == source.stamp);
        let untouched = how.edited.is_empty() && self.order.is_none();
        if let Some(source) = as_read.filter(|source| untouched && source.alone && source.block == self.name) {
            return Ok(fs::read(&source.path)?);
        }
        let edited = as_read.map(|_| how.edited);
        let kept = source.and_then(|source| self.kept(source, edited, how.reading));
        let sections = kept.unwrap_or_else(|| vec![self.fresh()]);
        let mut bytes = Vec::new();
        sink::pack(&mut bytes, self.packing(), |out| draft::write(&sections, how.writing, out))?;
        Ok(bytes)
    }

    fn packing(&self) -> Packing {
        match self.replaces.extension().and_then(|end| end.to_str()) {
            Some("gz") => Packing::Gzip,
            Some("zst") => Packing::Zstd,
            _ => Packing::None,
        }
    }

    fn fresh(&self) -> Section {
        let table = Table { is_list: false, schema: self.table.schema(), batches: vec![self.table.clone()] };
        Section::Fresh(Block { name: self.name.clone(), tables: vec![table] })
    }

    /// The blocks of the file it was read from, that of the table edited; nothing where there is none like it.
    fn kept(&self, source: &Source, edited: Option<&HashSet<String>>, reading: &ReadOptions) -> Option<Vec<Section>> {
        let tables = Arc::new(read_path(&source.path, reading).ok()?);
        let place = tables.blocks.iter().position(|block| *block.name == source.block)?;
        if rows_of(&tables, place) != Some(source.rows) {
            return None;
        }
        let section = |block: usize| {
            if block == place {
                self.edit(&tables, block, edited)
            } else {
                let tables = Arc::clone(&tables);
                Section::Kept(KeptSection { tables, block, name: None, edits: Vec::new() })
            }
        };
        let blocks = if source.alone { 0..tables.blocks.len() } else { place..place + 1 };
        Some(blocks.map(section).collect())
    }

    /// The block of the table, with the text of all values that are as they were.
    fn edit(&self, tables: &Arc<StarTables>, block: usize, edited: Option<&HashSet<String>>) -> Section {
        let Some([table]) = tables.blocks.get(block).map(|block| block.tables.as_slice()) else { return self.fresh() };
        if table.is_list && self.table.num_rows() != 1 {
            return self.fresh();
        }
        let schema = self.table.schema();
        let columns = schema.fields().iter().zip(self.table.columns()).map(|(field, values)| {
            let label = field.name();
            let origin = table.plan.columns.iter().position(|planned| planned.name == *label);
            let as_read = origin.is_some() && edited.is_some_and(|edited| !edited.contains(label));
            Change { label: label.clone(), origin, values: (!as_read).then(|| Arc::clone(values)) }
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
