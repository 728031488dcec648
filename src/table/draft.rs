//! A file to be: blocks that are written from their values, and blocks that keep the text they were read from.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef};

use super::edit::block::{EditedTable, KeptBlock};
use super::edit::row::Out;
use super::edit::rows::Order;
use super::encode::block::{Block, add_block, check_rows, refused};
use super::encode::cell::{Cells, Style};
use super::encode::options::WriteOptions;
use super::encode::render::{self, Step};
use super::encode::values::Column;
use super::plan::{Plan, Planned};
use super::read::{StarTables, Table};
use crate::error::{Result, StarError};
use crate::relion::labels;

/// One block of the file.
#[derive(Clone, Debug)]
pub enum Section {
    Fresh(Block),
    Kept(KeptSection),
}

impl Section {
    /// The labels of its columns, as far as they are known.
    fn labels(&self) -> Vec<&str> {
        match self {
            Self::Fresh(block) => {
                let fields = block.tables.iter().flat_map(|table| table.schema.fields());
                fields.map(|field| field.name().as_str()).collect()
            }
            Self::Kept(section) => {
                let read = section.tables.blocks.get(section.block).into_iter().flat_map(|block| &block.tables);
                let read = read.flat_map(|table| &table.plan.columns).map(|column| column.name.as_str());
                let edited = section.edits.iter().flat_map(|edit| &edit.columns).map(|change| change.label.as_str());
                read.chain(edited).collect()
            }
        }
    }
}

/// A block that was read, and what changes.
#[derive(Clone, Debug)]
pub struct KeptSection {
    pub tables: Arc<StarTables>,
    /// Which of the blocks that were read.
    pub block: usize,
    /// Its name, if that is another now.
    pub name: Option<String>,
    pub edits: Vec<TableEdit>,
}

/// What changes in a table.
#[derive(Clone, Debug)]
pub struct TableEdit {
    /// Which of the block's tables.
    pub part: usize,
    /// All columns that are written.
    pub columns: Vec<Change>,
    pub order: Order,
}

/// A column that is written.
#[derive(Clone, Debug)]
pub struct Change {
    pub label: String,
    /// Which column of the table that was read it was.
    pub origin: Option<usize>,
    /// Its values, if they may have changed; by the rows that are written.
    pub values: Option<ArrayRef>,
}

impl KeptSection {
    /// What is to be done about the block's text.
    fn block(&self, options: &WriteOptions) -> Result<KeptBlock> {
        let gone = || StarError::Option("the block has no text to keep".to_owned());
        let (kept, block) = self.tables.kept.as_ref().zip(self.tables.blocks.get(self.block)).ok_or_else(gone)?;
        let name = self.name.as_deref().unwrap_or(&block.name);
        let mut tables = Vec::new();
        for (part, table) in block.tables.iter().enumerate() {
            let edit = match self.edits.iter().find(|edit| edit.part == part) {
                Some(edit) => edit,
                // Columns that were not read are not written either.
                None if !table.plan.is_whole() => &TableEdit::of_plan(part, &table.plan),
                None => continue,
            };
            let outs = edit.columns.iter().map(|change| change.out(name, table, options));
            tables.push(EditedTable { part, outs: outs.collect::<Result<_>>()?, order: edit.order.clone() });
        }
        Ok(KeptBlock { kept: Arc::clone(kept), index: block.index, name: self.name.clone(), tables })
    }
}

impl TableEdit {
    /// All columns that were read, as they are.
    fn of_plan(part: usize, plan: &Plan) -> Self {
        let change = |(origin, column): (usize, &Planned)| Change {
            label: column.label.clone(),
            origin: Some(origin),
            values: None,
        };
        Self { part, columns: plan.columns.iter().enumerate().map(change).collect(), order: None }
    }
}

impl Change {
    fn out(&self, block: &str, table: &Table, options: &WriteOptions) -> Result<Out> {
        let planned = self.origin.and_then(|origin| table.plan.columns.get(origin));
        let style = Style::of(&self.label, table.is_list, options).unpadded();
        self.check_renamed(block, table, style.clone())?;
        let cells = self.values.as_ref().map(|values| Cells::new(values, style)).transpose();
        let cells = cells.map_err(|refusal| refused(block, &self.label, None, refusal))?;
        let old = match (&cells, self.origin) {
            (Some(_), Some(origin)) => table.batch().columns().get(origin).and_then(Column::of),
            _ => None,
        };
        // A column that kept its name keeps its label, which may be another where labels repeat.
        let label = match planned {
            Some(planned) if planned.name == self.label => planned.label.clone(),
            _ => self.label.clone(),
        };
        let width = cells.as_ref().map_or(0, |cells| options.layout.width(cells.column().is_number(), table.is_list));
        Ok(Out { label, word: planned.map(|planned| planned.source), cells, old, width })
    }
}

impl Change {
    /// Values that keep their text under a label of RELION's must be such as it has there.
    fn check_renamed(&self, block: &str, table: &Table, style: Style) -> Result<()> {
        let Some(origin) = self.origin.filter(|_| self.values.is_none()) else { return Ok(()) };
        let planned = table.plan.columns.get(origin);
        if planned.is_none_or(|planned| planned.name == self.label) || labels::known(&self.label).is_none() {
            return Ok(());
        }
        let batch = table.batch();
        let Some(values) = batch.columns().get(origin) else { return Ok(()) };
        let named = |row, refusal| refused(block, &self.label, row, refusal);
        let cells = Cells::new(values, style).map_err(|refusal| named(None, refusal))?;
        let mut memory = Vec::new();
        for row in 0..values.len() {
            memory.clear();
            let row_of_loop = (!table.is_list).then_some(row);
            cells.push(&mut memory, row).map_err(|refusal| named(row_of_loop, refusal))?;
        }
        Ok(())
    }
}

/// Writes the blocks, one below the other.
///
/// # Errors
/// A name, label or value that no STAR file can hold, or that RELION would read otherwise; a choice for a label that
/// is nowhere; a text that is kept and is no longer what was read; what `out` says.
pub fn write(sections: &[Section], options: &WriteOptions, out: &mut (dyn Write + Send)) -> Result<()> {
    options.check(sections.iter().flat_map(Section::labels))?;
    let mut steps = Vec::new();
    let mut texts = Vec::new();
    let mut before = Before::Nothing;
    for (index, section) in sections.iter().enumerate() {
        let (is_first, is_last) = (index == 0, index + 1 == sections.len());
        before = match section {
            Section::Fresh(block) => {
                before.close(&mut steps);
                add_block(&mut steps, block, options, is_first, is_last)?;
                Before::Fresh
            }
            Section::Kept(section) => {
                let block = section.block(options)?;
                texts.push(Arc::clone(&block.kept));
                add_kept(&mut steps, block, &before, options, is_first, is_last)?
            }
        };
    }
    // Where line feeds stand for lone CRs, they do so in all that is written.
    if texts.iter().any(|kept| kept.cr_only) {
        render::write(&steps, options.threads, &mut Returns(out))?;
    } else {
        render::write(&steps, options.threads, out)?;
    }
    texts.iter().try_for_each(|kept| Ok(kept.check()?))
}

/// Adds the steps of a block that keeps its text.
fn add_kept(
    steps: &mut Vec<Box<dyn Step>>,
    block: KeptBlock,
    before: &Before,
    options: &WriteOptions,
    is_first: bool,
    is_last: bool,
) -> Result<Before> {
    let (name, rows) = block.facts();
    rows.into_iter().try_for_each(|rows| check_rows(&name, rows, options, is_last))?;
    let (here, place) = (Arc::as_ptr(&block.kept).addr(), block.index);
    if !matches!(before, Before::Kept { next, text, .. } if *next == place && *text == here) {
        before.close(steps);
    }
    let (blank, ended) = block.ending()?;
    block.add(steps, is_first)?;
    Ok(Before::Kept { text: here, next: place + 1, blank, ended })
}

/// What the block before was.
enum Before {
    Nothing,
    /// It ends with a blank line.
    Fresh,
    Kept {
        text: usize,
        next: usize,
        blank: bool,
        ended: bool,
    },
}

impl Before {
    /// Puts a blank line below the block, which closes its loop.
    fn close(&self, steps: &mut Vec<Box<dyn Step>>) {
        let lines: &[u8] = match self {
            Self::Nothing | Self::Fresh | Self::Kept { blank: true, .. } => return,
            Self::Kept { ended: true, .. } => b"\n",
            Self::Kept { ended: false, .. } => b"\n\n",
        };
        steps.push(Box::new(lines.to_vec()));
    }
}

/// Writes lone CRs for line feeds.
struct Returns<'a>(&'a mut (dyn Write + Send));

impl Write for Returns<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mended: Vec<u8> = bytes.iter().map(|&byte| if byte == b'\n' { b'\r' } else { byte }).collect();
        self.0.write_all(&mended)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
