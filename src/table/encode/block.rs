//! A block put into words from its values alone.

use std::collections::HashSet;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::cell::{Cells, Refusal, Style};
use super::names;
use super::options::WriteOptions;
use super::render::Step;
use super::rows::add_loop;
use crate::error::{Result, StarError, Unwritable};
use crate::relion::labels;
use crate::star::outline::quote;

/// A list or a loop.
#[derive(Clone, Debug)]
pub struct Table {
    pub is_list: bool,
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
}

impl Table {
    #[must_use]
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

/// A block to be.
#[derive(Clone, Debug)]
pub struct Block {
    pub name: String,
    pub tables: Vec<Table>,
}

/// Adds the steps of a block; it may be the first or the last of the file.
///
/// # Errors
/// A name, label or value that no STAR file can hold, or that RELION would read otherwise.
pub fn add_block(
    steps: &mut Vec<Box<dyn Step>>,
    block: &Block,
    options: &WriteOptions,
    is_first: bool,
    is_last: bool,
) -> Result<()> {
    names::check_block(&block.name)?;
    let mut head = Vec::new();
    options.layout.block(&mut head, &block.name, is_first);
    steps.push(Box::new(head));
    check_contents(block, options, is_last)?;
    for (index, table) in block.tables.iter().enumerate() {
        let is_last = is_last && index + 1 == block.tables.len();
        check_labels(&block.name, table)?;
        if table.is_list {
            steps.push(Box::new(list(&block.name, table, options)?));
        } else {
            check_rows(&block.name, table.rows() as u64, options, is_last)?;
            add_loop(steps, &block.name, table, options)?;
        }
    }
    Ok(())
}

/// RELION looks for the content of a block without any in the blocks below.
fn check_contents(block: &Block, options: &WriteOptions, is_last: bool) -> Result<()> {
    let is_empty = block.tables.iter().all(|table| table.schema.fields().is_empty());
    if !is_empty || is_last || options.empty_loops {
        return Ok(());
    }
    Err(unwritable(
        &block.name,
        "at least one value, since RELION takes what stands below for the content of a block without any (leave the \
         block out, put it last, or pass empty_loops=\"keep\")",
    ))
}

fn check_labels(block: &str, table: &Table) -> Result<()> {
    if table.schema.fields().is_empty() && !table.is_list {
        return Err(unwritable(block, "at least one column"));
    }
    let mut known = HashSet::new();
    for field in table.schema.fields() {
        names::check_label(block, field.name())?;
        // RELION knows an old spelling for the same label.
        let name = labels::known(field.name()).map_or(field.name().as_str(), |known| known.canonical);
        if !known.insert(name) {
            return Err(names::twice(block, field.name()));
        }
    }
    Ok(())
}

/// RELION takes the header of the block below for a row of a loop without rows, so there must not be one.
///
/// # Errors
/// There is one.
pub fn check_rows(block: &str, rows: u64, options: &WriteOptions, is_last: bool) -> Result<()> {
    if rows > 0 || is_last || options.empty_loops {
        return Ok(());
    }
    Err(unwritable(
        block,
        "at least one row, since RELION cannot read a loop without rows that stands above another block (leave the \
         block out, put it last, or pass empty_loops=\"keep\")",
    ))
}

/// Says what there should be, and is not.
fn unwritable(block: &str, expected: &str) -> StarError {
    StarError::Unwritable(Box::new(Unwritable {
        block: block.to_owned(),
        expected: expected.to_owned(),
        found: "none".to_owned(),
        ..Unwritable::default()
    }))
}

/// Names the value that was refused.
#[must_use]
pub fn refused(block: &str, label: &str, row: Option<usize>, refusal: Refusal) -> StarError {
    StarError::Unwritable(Box::new(Unwritable {
        block: block.to_owned(),
        label: Some(label.to_owned()),
        row: row.map(|row| row as u64),
        expected: refusal.expected,
        found: refusal.found,
        path: None,
    }))
}

/// A list as text: its values are those of the first row.
fn list(block: &str, table: &Table, options: &WriteOptions) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let names = || table.schema.fields().iter().map(|field| field.name().as_str());
    let longest = names().map(str::len).max().unwrap_or(0);
    let row = table.batches.iter().find(|batch| batch.num_rows() > 0);
    for (index, label) in names().enumerate() {
        options.layout.item(&mut out, label, longest);
        if let Some(array) = row.and_then(|batch| batch.columns().get(index)) {
            let column = Cells::new(array, Style::of(label, true, options));
            let pushed = column.and_then(|column| column.push(&mut out, 0));
            pushed.map_err(|refusal| refused(block, label, None, refusal))?;
        }
        if index == 0 && !options.any_types && memchr::memmem::find(&out, b"loop_").is_some() {
            let found = quote(out.trim_ascii());
            let expected = "a first line of a list without loop_, which RELION takes for a loop's (put another first)";
            return Err(refused(block, label, None, Refusal { expected: expected.to_owned(), found }));
        }
        out.push(b'\n');
    }
    options.layout.close(&mut out);
    Ok(out)
}
