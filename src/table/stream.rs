//! A loop as record batches in bounded memory, from a file that may be larger than memory.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, LargeBinaryArray, RecordBatch};
use arrow_schema::{DataType, Schema, SchemaRef};

use super::ahead::{Ahead, Cut};
use super::columns::data_type;
use super::decode::{self, Layout, Member, OnMisfit};
use super::dtype::{InvalidUtf8, Options, Strings, Type, field};
use super::infer::types;
use super::plan::{Plan, canonical};
use super::read::{batch, misfit_fault};
use super::stack::stack;
use crate::error::{Result, StarError};
use crate::near;
use crate::parallel;
use crate::source::{self, Bytes, Loaded, Window};
use crate::star::diagnostic::Code;
use crate::star::outline::{Block, Loop, Memory, OnError, Outline, Part};
use crate::star::position::faulty;
use crate::star::rows::Piece;
use crate::star::text::Text;

/// Text held at once, besides the batches.
const HELD: u64 = 16 << 20;

/// The outline of a file that is never held as a whole, and the window on it.
///
/// # Errors
/// The first fault, unless faults are collected; what the operating system says.
pub fn scan_path(path: &Path, on_error: OnError, threads: Option<usize>) -> Result<(Outline, Window)> {
    let text = source::open_text(path)?;
    let cr_only = text.cr_only;
    let mut window = Window::new(text);
    let file = window.file()?;
    let mut ahead = Ahead::counting(Bytes::File(&file), window.length(), threads, Cut::default());
    let found = ahead.outline(&mut window, on_error, cr_only, &mut Memory::default())?;
    Ok((found, window))
}

/// The outline of a text in memory.
///
/// # Errors
/// As [`scan_path`].
pub fn scan(loaded: &Loaded, on_error: OnError, threads: Option<usize>) -> Result<Outline> {
    let mut text = loaded.buffer.as_slice();
    let bytes = Bytes::Memory { text, base: 0 };
    Ahead::counting(bytes, text.length(), threads, Cut::default()).outline(
        &mut text,
        on_error,
        loaded.cr_only,
        &mut Memory::default(),
    )
}

/// Batches of one loop of a file.
pub struct Stream {
    file: File,
    window: Window,
    block: Box<str>,
    pieces: std::vec::IntoIter<Piece>,
    plan: Plan,
    types: Vec<Type>,
    layout: Layout,
    batch_rows: usize,
    /// Rows that were read and not yet handed out.
    ready: Option<RecordBatch>,
}

impl Stream {
    /// Streams the loop of the block that is named, or of the only block that has one.
    ///
    /// # Errors
    /// As [`scan_path`]; a block that is missing or has not exactly one loop.
    pub fn open(path: &Path, block: Option<&str>, options: &Options, batch_rows: usize) -> Result<Self> {
        let (found, window) = scan_path(path, OnError::Raise, options.threads)?;
        let (name, table) = only_loop(found, block)?;
        let part = Part::Loop(table);
        let plan = Plan::new(&part, options);
        let answers: HashSet<&str> = plan.answers().collect();
        if let Some(wanted) = &options.columns
            && let Some(missing) = wanted.iter().find(|name| !answers.contains(canonical(name)))
        {
            let hint = near::hint(missing, "_", part.labels().map(|label| &*label.name));
            return Err(StarError::MissingLabel {
                label: missing.clone(),
                block: Some(name.to_string()),
                hint,
                path: None,
            });
        }
        let Part::Loop(table) = part else { return Err(StarError::Option("a list cannot be streamed".into())) };
        let threads = parallel::threads_for(u64::MAX, parallel::SHARE, options.threads);
        let copied = options.strings == Strings::View || options.invalid_utf8 == InvalidUtf8::Bytes;
        let strings = if copied { Strings::Large } else { options.strings };
        let mut stream = Self {
            file: window.file()?,
            window,
            block: name,
            pieces: Vec::new().into_iter(),
            types: Vec::new(),
            plan,
            layout: Layout {
                strings,
                invalid_utf8: options.invalid_utf8,
                numbers: options.numbers(),
                on_misfit: OnMisfit::Stop,
                threads,
            },
            batch_rows: batch_rows.max(1),
            ready: None,
        };
        stream.types = types(&stream.plan, &member(&stream.file, &table.pieces, &stream.plan), threads)?;
        stream.pieces = table.pieces.into_iter();
        Ok(stream)
    }

    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let columns = self.plan.columns.iter().zip(&self.types);
        let data_type = |kind| match kind {
            Type::Text if self.binary() => DataType::LargeBinary,
            kind => data_type(kind, self.layout.strings),
        };
        let fields = columns.map(|(c, &kind)| field(&c.name, &c.label, data_type(kind)));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The next rows, at most `batch_rows` of them; nothing at the end.
    ///
    /// # Errors
    /// A value that does not fit its column; what the operating system says.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let ready = match self.ready.take() {
            Some(ready) => ready,
            None => match self.read_on()? {
                Some(read) => read,
                None => return Ok(None),
            },
        };
        if ready.num_rows() > self.batch_rows {
            self.ready = Some(ready.slice(self.batch_rows, ready.num_rows() - self.batch_rows));
            return Ok(Some(ready.slice(0, self.batch_rows)));
        }
        Ok(Some(ready))
    }

    /// Reads pieces until there are enough rows for a batch, or as much text as may be held.
    fn read_on(&mut self) -> Result<Option<RecordBatch>> {
        let (mut pieces, mut rows) = (Vec::<Piece>::new(), 0);
        while let Some(next) = self.pieces.as_slice().first() {
            let start = pieces.first().map_or(next.start, |first| first.start);
            if !pieces.is_empty() && (rows >= self.batch_rows as u64 || next.end - start > HELD) {
                break;
            }
            rows += next.rows;
            pieces.extend(self.pieces.next());
        }
        if pieces.is_empty() {
            return Ok(None);
        }
        let member = member(&self.file, &pieces, &self.plan);
        let stacked = stack(&self.types, std::slice::from_ref(&member), self.layout, &[])?;
        if !self.window.is_untouched()? {
            return Err(decode::changed().into());
        }
        let met = stacked.met.iter().flatten().zip(self.plan.columns.iter().zip(&self.types));
        let misfits = met.filter_map(|(met, column)| Some((met.misfit.as_ref()?, column)));
        if let Some((misfit, (column, &kind))) = misfits.min_by_key(|(misfit, _)| misfit.offset) {
            let fault = misfit_fault(misfit, kind, &self.block, &column.label, Code::BadValue);
            return Err(faulty(fault, &mut self.window));
        }
        let columns = match self.binary() {
            true => stacked.columns.into_iter().map(to_binary).collect(),
            false => stacked.columns,
        };
        batch(&self.plan, columns, member.rows).map(Some)
    }

    /// Whether text columns are binary: a stream cannot know beforehand which of them will have to be.
    fn binary(&self) -> bool {
        self.layout.invalid_utf8 == InvalidUtf8::Bytes
    }
}

/// A text column with its bytes as they are.
fn to_binary(column: ArrayRef) -> ArrayRef {
    match column.as_string_opt::<i64>() {
        Some(text) => {
            let (offsets, bytes, nulls) = text.clone().into_parts();
            Arc::new(LargeBinaryArray::new(offsets, bytes, nulls))
        }
        None => column,
    }
}

fn only_loop(outline: Outline, wanted: Option<&str>) -> Result<(Box<str>, Loop)> {
    let is_wanted = |block: &Block| wanted.is_none_or(|wanted| *block.name == *wanted);
    if let Some(name) = wanted.filter(|_| !outline.blocks.iter().any(is_wanted)) {
        let hint = near::hint(name, "data_", outline.blocks.iter().map(|block| &*block.name));
        return Err(StarError::MissingBlock { name: name.to_owned(), hint, path: None });
    }
    let named = outline.blocks.into_iter().filter(is_wanted);
    let mut loops = Vec::new();
    for block in named {
        for part in block.parts {
            if let Part::Loop(table) = part {
                loops.push((block.name.clone(), table));
            }
        }
        // By name the first block is meant, as everywhere.
        if wanted.is_some() {
            break;
        }
    }
    let count = loops.len();
    let names = loops.iter().take(5).map(|(name, _)| &**name).collect::<Vec<_>>().join(", ");
    match (loops.pop(), count) {
        (Some(only), 1) => Ok(only),
        (None, _) => {
            let place = wanted.map_or_else(|| "the file".to_owned(), |name| format!("block {name}"));
            Err(StarError::Option(format!("{place} has no loop that could be streamed")))
        }
        _ if wanted.is_some() => {
            Err(StarError::Option(format!("block {names} has {count} loops; only one can be streamed")))
        }
        _ => {
            let more = if count > 5 { ", ..." } else { "" };
            Err(StarError::Option(format!("there are {count} loops ({names}{more}): name the block to stream")))
        }
    }
}

fn member<'a>(file: &'a File, pieces: &'a [Piece], plan: &Plan) -> Member<'a> {
    Member::of_rows(pieces, plan.words, plan.sources(), Bytes::File(file))
}
