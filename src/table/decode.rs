//! Words into columns: each value is read once, straight into the buffer that Arrow will hold.

use std::cell::RefCell;
use std::io;

use arrow_array::ArrayRef;
use arrow_buffer::Buffer;

use super::columns::{self, Added, Slot, Slots, Store};
use super::dtype::{InvalidUtf8, Strings, Type};
use super::fill::Fill;
use super::grid::{CHUNK, Grid, GridMemory, Grids, list_grid};
use super::turn::Turn;
use crate::parallel;
use crate::source::Bytes;
use crate::star::diagnostic::Events;
use crate::star::outline::{Item, Part};
use crate::star::rows::Piece;

/// Where the rows of one table are.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    Rows(&'a [Piece]),
    List { start: u64, end: u64, items: &'a [Item] },
}

/// One table whose rows go into a stack.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    pub text: Bytes<'a>,
    pub content: Content<'a>,
    /// Values in each row.
    pub words: usize,
    pub rows: usize,
    /// For each column of the stack, the word of the row it comes from.
    pub sources: Vec<Option<usize>>,
}

impl<'a> Member<'a> {
    /// All rows of a table.
    #[must_use]
    pub fn of(part: &'a Part, words: usize, sources: Vec<Option<usize>>, text: Bytes<'a>) -> Self {
        let content = match part {
            Part::List(list) => Content::List { start: list.start, end: list.end, items: &list.items },
            Part::Loop(table) => Content::Rows(&table.pieces),
        };
        Self { text, content, words, rows: count(part.rows()), sources }
    }

    /// From where to where its values lie.
    fn range(&self) -> (u64, u64) {
        match self.content {
            Content::List { start, end, .. } => (start, end),
            Content::Rows(pieces) => {
                let start = pieces.first().map_or(0, |piece| piece.start);
                (start, pieces.last().map_or(start, |piece| piece.end))
            }
        }
    }

    fn bytes(&self) -> usize {
        let (start, end) = self.range();
        count(end - start)
    }
}

/// What becomes of a value that does not fit its column's type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMisfit {
    /// The column is given up: what it holds from there on means nothing.
    #[default]
    Stop,
    /// The value becomes null.
    Null,
}

/// How values are laid out and what becomes of odd ones.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub strings: Strings,
    pub invalid_utf8: InvalidUtf8,
    pub on_misfit: OnMisfit,
    pub threads: usize,
}

/// A value that does not fit its column's type: the first of a member's column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    pub offset: u64,
    pub found: String,
    /// How many there are, as far as the column was read.
    pub count: u64,
}

/// What was met in one column of one member.
#[derive(Clone, Debug, Default)]
pub struct Met {
    pub events: Events,
    pub misfit: Option<Misfit>,
}

impl Met {
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.misfit.is_none()
    }

    /// Adds what was met further below.
    fn add(&mut self, later: Self) {
        self.events.extend(&later.events);
        match (&mut self.misfit, later.misfit) {
            (Some(first), Some(later)) => first.count += later.count,
            (none @ None, later) => *none = later,
            (Some(_), None) => {}
        }
    }
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
    let sizes = task_sizes(members);
    let rows = sizes.iter().sum();
    let bytes: usize = members.iter().map(Member::bytes).sum();
    let words = members.iter().map(|member| member.words).max().unwrap_or(1);
    let new = |&kind: &Type| Store::new(kind, by_view, rows, bytes, words, layout);
    let mut stores = types.iter().map(new).collect::<io::Result<Vec<Store>>>()?;
    let (slots, tails): (Vec<_>, Vec<_>) = stores.iter_mut().map(|store| store.cut(&sizes)).unzip();
    let turn = Turn::new(tails);
    let tasks = tasks(members, slots, &sizes);
    let done = parallel::consume(tasks, layout.threads, |task| run(task, members, types, layout, &turn));
    let lengths = turn.lengths();

    let mut met: Vec<Vec<Met>> = members.iter().map(|_| vec![Met::default(); types.len()]).collect();
    let mut nulls: Vec<Vec<usize>> = types.iter().map(|_| Vec::new()).collect();
    let mut binary = vec![false; types.len()];
    for task in done {
        let task = task?;
        let of_member = met.get_mut(task.member).map_or(&mut [][..], Vec::as_mut_slice);
        for (index, found) in task.columns {
            let (Some(known), Some(nulls), Some(binary)) =
                (of_member.get_mut(index), nulls.get_mut(index), binary.get_mut(index))
            else {
                continue;
            };
            known.add(found.met);
            nulls.extend(found.nulls);
            *binary |= found.binary;
        }
    }
    let columns: Vec<_> = stores.into_iter().zip(lengths).zip(nulls).zip(&binary).collect();
    let make = |(((store, length), nulls), &binary)| columns::finish(store, length, rows, nulls, binary, layout, views);
    let mut columns = parallel::consume(columns, layout.threads, make);
    if by_view {
        for index in (0..types.len()).filter(|&index| binary.get(index) == Some(&true)) {
            let copied = stack_copied(index, types, members, layout)?;
            columns.iter_mut().skip(index).zip(copied.columns).for_each(|(column, copy)| *column = copy);
            for (known, found) in met.iter_mut().zip(copied.met) {
                known.iter_mut().skip(index).zip(found).for_each(|(known, found)| *known = found);
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

fn task_sizes(members: &[Member<'_>]) -> Vec<usize> {
    let mut sizes = Vec::with_capacity(members.len());
    for member in members {
        match member.content {
            Content::Rows(pieces) => sizes.extend(pieces.iter().map(|piece| count(piece.rows))),
            Content::List { .. } => sizes.push(1),
        }
    }
    sizes
}

fn count(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

/// Some rows of a member, with the slots they fill.
struct Task<'t, 's> {
    index: usize,
    member: usize,
    source: TaskSource<'t>,
    first_row: usize,
    rows: usize,
    slots: Vec<Slot<'s>>,
}

enum TaskSource<'t> {
    Piece(&'t Piece),
    List(&'t [Item]),
}

/// What a task leaves besides its values.
struct Done {
    member: usize,
    /// Only columns that something was met in.
    columns: Vec<(usize, Left)>,
}

struct Left {
    met: Met,
    nulls: Vec<usize>,
    binary: bool,
}

fn tasks<'t, 's>(members: &[Member<'t>], mut slots: Vec<Slots<'s>>, sizes: &[usize]) -> Vec<Task<'t, 's>> {
    let mut sizes = sizes.iter();
    let mut first_row = 0;
    let mut tasks = Vec::with_capacity(sizes.len());
    let mut push = |member, source| {
        let rows = sizes.next().copied().unwrap_or(0);
        let slots = slots.iter_mut().filter_map(Iterator::next).collect();
        tasks.push(Task { index: tasks.len(), member, source, first_row, rows, slots });
        first_row += rows;
    };
    for (index, member) in members.iter().enumerate() {
        match member.content {
            Content::Rows(pieces) => pieces.iter().for_each(|piece| push(index, TaskSource::Piece(piece))),
            Content::List { items, .. } => push(index, TaskSource::List(items)),
        }
    }
    tasks
}

/// What a thread keeps from task to task, so that memory is not asked for anew.
#[derive(Default)]
struct Scratch {
    text: Vec<u8>,
    added: Vec<Added>,
    grid: GridMemory,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fn run(
    task: Task<'_, '_>,
    members: &[Member<'_>],
    types: &[Type],
    layout: Layout,
    turn: &Turn<'_>,
) -> io::Result<Done> {
    // Whatever happens, the tasks behind this one must not wait for ever.
    let seat = turn.seat(task.index);
    let Some(member) = members.get(task.member) else { return Err(changed()) };
    let mut scratch = SCRATCH.take();
    let mut fills = fills(task.slots, types, member, layout, &mut scratch.added);
    let read = read_rows(member, &task.source, task.first_row, task.rows, &mut fills, &mut scratch);
    let committed = read.map(|()| seat.commit(&mut fills));
    let mut done = Done { member: task.member, columns: Vec::new() };
    for (index, mut fill) in fills.into_iter().enumerate() {
        if fill.source.is_none() {
            fill.added.nulls.extend(task.first_row..task.first_row + task.rows);
        }
        let (met, binary) = (fill.met, fill.added.binary);
        if !met.is_empty() || !fill.added.nulls.is_empty() || binary {
            done.columns.push((index, Left { met, nulls: std::mem::take(&mut fill.added.nulls), binary }));
        }
        scratch.added.push(fill.added);
    }
    SCRATCH.set(scratch);
    committed.map(|()| done)
}

fn fills<'s>(
    slots: Vec<Slot<'s>>,
    types: &[Type],
    member: &Member<'_>,
    layout: Layout,
    memory: &mut Vec<Added>,
) -> Vec<Fill<'s>> {
    let sources = member.sources.iter().copied().chain(std::iter::repeat(None));
    let fill = |((slot, &kind), source)| {
        let added = memory.pop().map(Added::cleared).unwrap_or_default();
        Fill { slot, kind, source, added, met: Met::default(), layout }
    };
    slots.into_iter().zip(types).zip(sources).map(fill).collect()
}

fn read_rows(
    member: &Member<'_>,
    source: &TaskSource<'_>,
    first_row: usize,
    rows: usize,
    fills: &mut [Fill<'_>],
    scratch: &mut Scratch,
) -> io::Result<()> {
    let mut seen = 0;
    let mut take = |grid: &Grid<'_>, seen: usize| fills.iter_mut().for_each(|fill| fill.take(grid, seen, first_row));
    match source {
        TaskSource::List(items) => {
            let (start, end) = member.range();
            let (text, base) = member.text.range(start, end, &mut scratch.text)?;
            if let Some(grid) = list_grid(text, base, items) {
                take(&grid, 0);
                seen = grid.rows;
            }
        }
        TaskSource::Piece(piece) => {
            let (text, base) = member.text.range(piece.start, piece.end, &mut scratch.text)?;
            let mut grid = Grid::with(std::mem::take(&mut scratch.grid));
            if let Some(mut grids) = Grids::new(text, base, piece, member.words, CHUNK) {
                while grids.next(&mut grid) && seen + grid.rows <= rows {
                    take(&grid, seen);
                    seen += grid.rows;
                }
            }
            scratch.grid = grid.into_memory();
        }
    }
    if seen == rows { Ok(()) } else { Err(changed()) }
}

/// The text is no longer what the outline found.
#[must_use]
pub fn changed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file was changed while it was read")
}
