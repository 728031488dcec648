//! Blocks of a text written again: as they are, under other names, with changed tables.

use std::sync::Arc;

use super::kept::Kept;
use super::list;
use super::row::Out;
use super::rows::{Order, Source, add_copy, add_loop, last_row_end};
use crate::error::{Result, StarError, Unwritable};
use crate::star::outline::{Block, Part};
use crate::table::encode::names;
use crate::table::encode::render::Step;
use crate::table::plan::canonical;

/// What becomes of a table.
#[derive(Debug)]
pub struct EditedTable {
    /// Which of the block's tables.
    pub part: usize,
    pub outs: Vec<Out>,
    pub order: Order,
}

/// A block of a text, and what changes.
#[derive(Debug)]
pub struct KeptBlock {
    pub kept: Arc<Kept>,
    pub index: usize,
    /// Its name, if that is another now.
    pub name: Option<String>,
    pub tables: Vec<EditedTable>,
}

impl KeptBlock {
    /// Adds the steps of the block, with what stands above its header; of a text's first one, whatever is above if
    /// `is_first`.
    ///
    /// # Errors
    /// A value or name that cannot be written; what the operating system says.
    pub fn add(self, steps: &mut Vec<Box<dyn Step>>, is_first: bool) -> Result<()> {
        let Self { kept, index, name, mut tables } = self;
        kept.check()?;
        let segment = kept.segment(index)?;
        let missing = || StarError::Option(format!("there is no block {index} in the text"));
        let block = kept.block(index).ok_or_else(missing)?;
        if is_first {
            add_copy(steps, &kept, 0..kept.segment(0)?.start);
        }
        let mut at = segment.start;
        let shown = name.clone().unwrap_or_else(|| block.name.to_string());
        if let Some(name) = name {
            names::check_block(&name)?;
            add_copy(steps, &kept, at..block.start);
            at = add_header(steps, &kept, block, &name)?;
        }
        tables.sort_by_key(|table| table.part);
        for EditedTable { part, outs, order } in tables {
            let Some(part) = block.parts.get(part) else { continue };
            check_labels(&shown, part, &outs)?;
            add_copy(steps, &kept, at..part.start());
            at = match part {
                Part::List(found) => {
                    steps.push(Box::new(list::rewritten(&kept, &shown, found, &outs)?));
                    found.end
                }
                Part::Loop(table) => {
                    let end = last_row_end(&kept, table)?;
                    let is_first_row = table.pieces.is_empty() && order.as_ref().is_some_and(|order| !order.is_empty());
                    let is_odd = outs.len() != table.labels.len() || is_first_row;
                    add_loop(steps, &Source { kept: &kept, block: &shown, table }, outs, order)?;
                    if is_odd && !is_blank_at(&kept, end)? {
                        // Lest what is right below be a row of so many columns, or to RELION a row at all.
                        steps.push(Box::new(kept.line_end()?.to_vec()));
                    }
                    end
                }
            };
        }
        add_copy(steps, &kept, at..segment.end);
        Ok(())
    }

    /// Its name and the rows of those of its loops that may have to have some: edited ones, and those of the text's last
    /// block, below which another may stand now.
    #[must_use]
    pub fn facts(&self) -> (String, Vec<u64>) {
        let mut rows: Vec<u64> =
            self.tables.iter().filter_map(|table| table.order.as_ref()).map(|order| order.len() as u64).collect();
        let block = self.kept.block(self.index);
        if self.index + 1 == self.kept.outline.blocks.len() {
            let edited = |part: usize| self.tables.iter().any(|table| table.part == part && table.order.is_some());
            let parts = block.iter().flat_map(|block| block.parts.iter().enumerate());
            rows.extend(parts.filter(|(part, _)| !edited(*part)).map(|(_, part)| part.rows()));
        }
        let name = self.name.clone().or_else(|| Some(block?.name.to_string()));
        (name.unwrap_or_default(), rows)
    }

    /// Whether its text ends with a blank line, and with a line feed.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn ending(&self) -> Result<(bool, bool)> {
        const LOOK: u64 = 64;
        let segment = self.kept.segment(self.index)?;
        let mut memory = Vec::new();
        let text = self.kept.bytes(segment.start.max(segment.end.saturating_sub(LOOK))..segment.end, &mut memory)?;
        let below = text.get(text.trim_ascii_end().len()..).unwrap_or_default();
        Ok((below.iter().filter(|&&byte| byte == b'\n').count() > 1, below.ends_with(b"\n")))
    }
}

/// Whether the text ends or has a blank line at an offset.
fn is_blank_at(kept: &Kept, at: u64) -> Result<bool> {
    const LOOK: u64 = 256;
    let mut memory = Vec::new();
    let text = kept.bytes(at..kept.outline.length.min(at + LOOK), &mut memory)?;
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    Ok(line.trim_ascii().is_empty())
}

/// There must be labels; those that are new must be writable, and unlike all others.
fn check_labels(block: &str, part: &Part, outs: &[Out]) -> Result<()> {
    let old: Vec<&str> = part.labels().map(|label| &*label.name).collect();
    let is_old = |out: &Out| out.word.and_then(|word| old.get(word)) == Some(&out.label.as_str());
    if outs.is_empty() {
        return Err(StarError::Unwritable(Box::new(Unwritable {
            block: block.to_owned(),
            expected: "at least one label (or leave the block out)".to_owned(),
            found: "none".to_owned(),
            ..Unwritable::default()
        })));
    }
    for (index, out) in outs.iter().enumerate() {
        let again = outs.iter().take(index).any(|other| other.word.is_some() && other.word == out.word);
        if is_old(out) && !again {
            continue;
        }
        names::check_label(block, &out.label)?;
        if outs.iter().filter(|other| canonical(&other.label) == canonical(&out.label)).count() > 1 {
            return Err(names::twice(block, &out.label));
        }
    }
    Ok(())
}

/// Adds the block's header line with another name; gives where what follows begins.
fn add_header(steps: &mut Vec<Box<dyn Step>>, kept: &Arc<Kept>, block: &Block, name: &str) -> Result<u64> {
    let end = block.parts.first().map_or(block.end, Part::start);
    let mut memory = Vec::new();
    let text = kept.bytes(block.start..end, &mut memory)?;
    let line_end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let line = text.get(..line_end).unwrap_or_default();
    let keyword = line.windows(KEYWORD.len()).position(|word| word.eq_ignore_ascii_case(KEYWORD));
    let Some(keyword) = keyword.map(|at| at + KEYWORD.len()) else {
        // Content without a header gets one.
        steps.push(Box::new(format!("data_{name}\n\n").into_bytes()));
        return Ok(block.start);
    };
    let rest = line.get(keyword..).unwrap_or_default();
    let led = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let old = block.name.as_bytes();
    let from = keyword + if old.is_empty() { 0 } else { led };
    let to = if line.get(from..).is_some_and(|rest| rest.starts_with(old)) { from + old.len() } else { line.len() };
    let mut header = line.get(..from).unwrap_or_default().to_vec();
    header.extend_from_slice(name.as_bytes());
    header.extend_from_slice(line.get(to..).unwrap_or_default());
    steps.push(Box::new(header));
    Ok(block.start + line_end as u64)
}

const KEYWORD: &[u8] = b"data_";
