//! Tables with the same columns, one below the other, as one set of Arrow arrays.

use std::io;

use arrow_array::ArrayRef;
use arrow_buffer::Buffer;

use super::columns::{self, Slot, Store};
use super::decode::{Content, Done, Layout, Member, Met, Source, Stretch, Task, Values, count, run};
use super::dtype::{Strings, Type};
use super::turn::Turn;
use crate::parallel;

/// Columns in the making, to which rows are added from above to below.
pub struct Stack {
    pub types: Vec<Type>,
    pub layout: Layout,
    stores: Vec<Store>,
    rows: usize,
    room: usize,
    /// Values of varying size so far, for each column.
    values: Vec<usize>,
    nulls: Vec<Vec<usize>>,
    binary: Vec<bool>,
}

/// How much a stack may have to hold.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Rows at most.
    pub rows: usize,
    /// Bytes of text they stand in, at most.
    pub bytes: usize,
    /// Words in a row.
    pub words: usize,
}

/// The free rests of a stack's columns, and where they begin.
pub struct Free<'a> {
    pub slots: Vec<Slot<'a>>,
    pub values: Values<'a>,
    /// Rows so far, and at most.
    pub rows: usize,
    pub room: usize,
}

impl Stack {
    /// An empty stack; with `by_view` its text columns are views.
    ///
    /// # Errors
    /// [`io::ErrorKind::OutOfMemory`].
    pub fn new(types: &[Type], extent: Extent, layout: Layout, by_view: bool) -> io::Result<Self> {
        let Extent { rows, bytes, words } = extent;
        let new = |&kind: &Type| Store::new(kind, by_view, rows, bytes, words, layout);
        Ok(Self {
            types: types.to_vec(),
            layout,
            stores: types.iter().map(new).collect::<io::Result<_>>()?,
            rows: 0,
            room: rows,
            values: vec![0; types.len()],
            nulls: vec![Vec::new(); types.len()],
            binary: vec![false; types.len()],
        })
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What is free, to be filled by tasks; how far they came is told with [`Self::took`].
    pub fn free(&mut self) -> Free<'_> {
        let (rows, room) = (self.rows, self.room);
        let rests = self.stores.iter_mut().zip(&self.values).map(|(store, &values)| store.rest(rows, values));
        let (slots, tails) = rests.unzip();
        Free { slots, values: Values { tails, taken: self.values.clone() }, rows, room }
    }

    /// The tasks have filled so many rows and values.
    pub fn took(&mut self, rows: usize, values: Vec<usize>) {
        self.rows = rows;
        self.values = values;
    }

    /// Keeps what a task left, and adds what it met: `met[member][column]`.
    pub fn keep(&mut self, done: Done, met: &mut [Vec<Met>]) {
        for (member, column, found) in done.met {
            if let Some(binary) = self.binary.get_mut(column) {
                *binary |= found.binary;
            }
            if let Some(known) = met.get_mut(member).and_then(|met| met.get_mut(column)) {
                known.add(found);
            }
        }
        for (column, found) in done.nulls {
            if let Some(nulls) = self.nulls.get_mut(column) {
                nulls.extend(found);
            }
        }
    }

    /// Adds the rows of all members; gives what was met: `met[member][column]`.
    ///
    /// # Errors
    /// As [`stack`].
    pub fn add(&mut self, members: &[Member<'_>]) -> io::Result<Vec<Vec<Met>>> {
        let (types, layout) = (self.types.clone(), self.layout);
        let free = self.free();
        let (tasks, rows) = tasks(members, free.slots, free.rows);
        let turn = Turn::new(free.values);
        // Whatever happens, the tasks behind a task must not wait for ever: its seat sees to it.
        let work = |(index, task)| run(task, &types, layout, turn.seat(index));
        let done = parallel::consume(tasks.into_iter().enumerate().collect(), layout.threads, work);
        let values = turn.into_inner().taken;
        self.took(rows, values);
        let mut met: Vec<Vec<Met>> = members.iter().map(|_| vec![Met::default(); types.len()]).collect();
        for done in done {
            self.keep(done?, &mut met);
        }
        Ok(met)
    }

    /// The columns as Arrow arrays; `views` as for [`stack`].
    ///
    /// # Errors
    /// As [`columns::finish`].
    pub fn finish(self, views: &[Buffer]) -> io::Result<Vec<ArrayRef>> {
        let Self { layout, stores, rows, values, nulls, binary, .. } = self;
        let columns: Vec<_> = stores.into_iter().zip(values).zip(nulls).zip(binary).collect();
        let make = |(((store, values), nulls), binary)| {
            columns::finish(store, values, rows, nulls, binary, layout, views).map_err(io::Error::other)
        };
        parallel::consume(columns, layout.threads, make).into_iter().collect()
    }
}

/// Text that is worth a task of its own.
const TASK_BYTES: u64 = 1 << 17;

/// Tasks for all rows of all members, from row `rows` on; and how many rows there are then.
fn tasks<'t, 's>(members: &'t [Member<'t>], mut slots: Vec<Slot<'s>>, mut rows: usize) -> (Vec<Task<'t, 's>>, usize) {
    let mut tasks = Vec::new();
    let mut stretches = Vec::new();
    let mut bytes = 0;
    let mut close = |stretches: &mut Vec<Stretch<'t>>| {
        let count = stretches.iter().map(|stretch| stretch.rows).sum();
        let slots = slots.iter_mut().map(|rest| rest.take(count)).collect();
        tasks.push(Task { stretches: std::mem::take(stretches), first_row: rows, slots });
        rows += count;
    };
    for (index, member) in members.iter().enumerate() {
        let Member { text, words, ref sources, .. } = *member;
        let mut push = |source: Source<'t>, rows| {
            let (start, end) = source.range();
            stretches.push(Stretch { member: index, text, source, words, sources, rows });
            bytes += end - start;
            if bytes >= TASK_BYTES {
                close(&mut stretches);
                bytes = 0;
            }
        };
        match member.content {
            Content::Rows(pieces) => pieces.iter().for_each(|piece| push(Source::Piece(piece), count(piece.rows))),
            Content::List { start, end, items } => push(Source::List { start, end, items }, 1),
        }
    }
    if !stretches.is_empty() {
        close(&mut stretches);
    }
    (tasks, rows)
}

/// Columns of all members, one below the other, and what was met: `met[member][column]`.
pub struct Stacked {
    pub columns: Vec<ArrayRef>,
    pub met: Vec<Vec<Met>>,
}

/// Reads all members into one set of columns of the given types.
///
/// `views` are the buffers that text views point into, each a window of [`super::fill::VIEW_WINDOW`] bytes on the
/// one text.
///
/// # Errors
/// What the operating system says; [`io::ErrorKind::UnexpectedEof`] when a text is no longer as its outline found it.
pub fn stack(types: &[Type], members: &[Member<'_>], layout: Layout, views: &[Buffer]) -> io::Result<Stacked> {
    let by_view = layout.strings == Strings::View && !views.is_empty();
    let extent = Extent {
        rows: members.iter().map(|member| member.rows).sum(),
        bytes: members.iter().map(|member| member.range()).map(|(start, end)| count(end - start)).sum(),
        words: members.iter().map(|member| member.words).max().unwrap_or(1),
    };
    let mut stack = Stack::new(types, extent, layout, by_view)?;
    let mut met = stack.add(members)?;
    let binary = stack.binary.clone();
    let mut columns = stack.finish(views)?;
    if by_view {
        for index in (0..types.len()).filter(|&index| binary.get(index) == Some(&true)) {
            let copied = stack_copied(index, types, members, layout)?;
            columns.iter_mut().skip(index).zip(copied.columns).for_each(|(column, copy)| *column = copy);
            for (known, found) in met.iter_mut().zip(copied.met) {
                known
                    .iter_mut()
                    .skip(index)
                    .zip(found)
                    .for_each(|(known, found)| *known = Met { binary: known.binary, ..found });
            }
        }
    }
    Ok(Stacked { columns, met })
}

/// One column again, its values copied: some cannot be had by pointing at the text.
fn stack_copied(index: usize, types: &[Type], members: &[Member<'_>], layout: Layout) -> io::Result<Stacked> {
    let alone = |member: &Member<'_>| member.sources.get(index).copied().into_iter().collect();
    let members: Vec<_> = members.iter().map(|member| Member { sources: alone(member), ..member.clone() }).collect();
    let types = types.get(index..=index).unwrap_or_default();
    stack(types, &members, Layout { strings: Strings::Large, ..layout }, &[])
}
