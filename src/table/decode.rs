//! Words into columns: each value is read once, straight into the buffer that Arrow will hold.

use std::cell::RefCell;
use std::io;

use super::columns::{Added, Slot, Tail};
use super::dtype::{InvalidUtf8, Numbers, Strings, Type};
use super::fill::Fill;
use super::grid::{CHUNK, Grid, GridMemory, Grids, list_grid};
use super::turn::Seat;
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

    /// Some rows of a loop.
    #[must_use]
    pub fn of_rows(pieces: &'a [Piece], words: usize, sources: Vec<Option<usize>>, text: Bytes<'a>) -> Self {
        let rows = count(pieces.iter().map(|piece| piece.rows).sum());
        Self { text, content: Content::Rows(pieces), words, rows, sources }
    }

    /// From where to where its values lie.
    #[must_use]
    pub fn range(&self) -> (u64, u64) {
        match self.content {
            Content::List { start, end, .. } => (start, end),
            Content::Rows(pieces) => {
                let start = pieces.first().map_or(0, |piece| piece.start);
                (start, pieces.last().map_or(start, |piece| piece.end))
            }
        }
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
    pub numbers: Numbers,
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
    /// A value is not UTF-8 and its bytes were kept, or it cannot be had as a view.
    pub binary: bool,
}

impl Met {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.misfit.is_none() && !self.binary
    }

    /// Adds what was met further below.
    pub fn add(&mut self, later: Self) {
        self.events.extend(&later.events);
        self.binary |= later.binary;
        match (&mut self.misfit, later.misfit) {
            (Some(first), Some(later)) => first.count += later.count,
            (none @ None, later) => *none = later,
            (Some(_), None) => {}
        }
    }
}

/// Rows as a number of values in memory.
#[must_use]
pub fn count(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

/// Rows that are read in one go, and the slots they fill.
pub struct Task<'t, 's> {
    pub stretches: Vec<Stretch<'t>>,
    pub first_row: usize,
    pub slots: Vec<Slot<'s>>,
}

/// Consecutive rows of one table.
#[derive(Clone, Copy)]
pub struct Stretch<'t> {
    /// Which table, among those that are stacked.
    pub member: usize,
    pub text: Bytes<'t>,
    pub source: Source<'t>,
    /// Values in each row.
    pub words: usize,
    /// For each column, the word of the row it comes from.
    pub sources: &'t [Option<usize>],
    pub rows: usize,
}

/// Where a stretch's rows are.
#[derive(Clone, Copy)]
pub enum Source<'t> {
    Piece(&'t Piece),
    List { start: u64, end: u64, items: &'t [Item] },
}

impl Source<'_> {
    /// From where to where its values lie.
    #[must_use]
    pub fn range(&self) -> (u64, u64) {
        match *self {
            Self::Piece(piece) => (piece.start, piece.end),
            Self::List { start, end, .. } => (start, end),
        }
    }
}

/// What a task leaves besides its values.
#[derive(Debug, Default)]
pub struct Done {
    /// What was met, by member and column.
    pub met: Vec<(usize, usize, Met)>,
    /// Rows that are null, by column.
    pub nulls: Vec<(usize, Vec<usize>)>,
}

/// The free rests of columns whose values vary in size, from which tasks take in turn.
pub struct Values<'a> {
    pub tails: Vec<Tail<'a>>,
    /// Values taken so far, for each column.
    pub taken: Vec<usize>,
}

/// What a thread keeps from task to task, so that memory is not asked for anew.
#[derive(Default)]
struct Scratch {
    /// The text of a whole task, or of a stretch.
    text: Vec<u8>,
    apart: Vec<u8>,
    added: Vec<Added>,
    grid: GridMemory,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Reads a task's rows into its slots; what varies in size is put where the task's seat says.
///
/// # Errors
/// As [`super::stack::stack`].
pub fn run(task: Task<'_, '_>, types: &[Type], layout: Layout, seat: Seat<'_, Values<'_>>) -> io::Result<Done> {
    let mut scratch = SCRATCH.take();
    let mut done = Done::default();
    let mut fills = fills(task.slots, types, layout, &mut scratch.added);
    let read = read_stretches(&task.stretches, task.first_row, &mut fills, &mut scratch, &mut done);
    let committed = read.map(|()| commit(seat, &mut fills));
    for (index, mut fill) in fills.into_iter().enumerate() {
        if !fill.added.nulls.is_empty() {
            done.nulls.push((index, std::mem::take(&mut fill.added.nulls)));
        }
        scratch.added.push(fill.added);
    }
    keep_small(&mut scratch.text);
    keep_small(&mut scratch.apart);
    SCRATCH.set(scratch);
    committed.map(|()| done)
}

/// Gives back memory that one long line took.
pub fn keep_small(memory: &mut Vec<u8>) {
    const MOST: usize = 4 << 20;
    if memory.capacity() > MOST {
        *memory = Vec::new();
    }
}

fn fills<'s>(slots: Vec<Slot<'s>>, types: &[Type], layout: Layout, memory: &mut Vec<Added>) -> Vec<Fill<'s>> {
    let fill = |(slot, &kind)| {
        let added = memory.pop().map(Added::cleared).unwrap_or_default();
        Fill { slot, kind, source: None, added, met: Met::default(), layout }
    };
    slots.into_iter().zip(types).map(fill).collect()
}

fn read_stretches(
    stretches: &[Stretch<'_>],
    first_row: usize,
    fills: &mut [Fill<'_>],
    scratch: &mut Scratch,
    done: &mut Done,
) -> io::Result<()> {
    let mut grid = std::mem::take(&mut scratch.grid);
    let gathered = gather(stretches, &mut scratch.text)?;
    let mut row = 0;
    for stretch in stretches {
        let sources = stretch.sources.iter().copied().chain(std::iter::repeat(None));
        for (fill, source) in fills.iter_mut().zip(sources) {
            fill.source = source;
            if source.is_none() {
                let first = first_row + row;
                fill.added.nulls.extend(first..first + stretch.rows);
            }
        }
        let text = match gathered {
            Some(text) => text,
            None => stretch.text,
        };
        read_stretch(&Stretch { text, ..*stretch }, row, first_row, fills, &mut scratch.apart, &mut grid)?;
        for (index, fill) in fills.iter_mut().enumerate().filter(|(_, fill)| !fill.met.is_empty()) {
            done.met.push((stretch.member, index, std::mem::take(&mut fill.met)));
        }
        row += stretch.rows;
    }
    scratch.grid = grid;
    Ok(())
}

/// The text of all stretches, read from their file at once, if they have one and lie close together.
fn gather<'m>(stretches: &[Stretch<'m>], memory: &'m mut Vec<u8>) -> io::Result<Option<Bytes<'m>>> {
    let [first, .., last] = stretches else { return Ok(None) };
    let (start, end) = (first.source.range().0, last.source.range().1);
    let used: u64 = stretches.iter().map(|stretch| stretch.source.range()).map(|(start, end)| end - start).sum();
    let same = |stretch: &Stretch<'_>| matches!((stretch.text, first.text), (Bytes::File(a), Bytes::File(b)) if std::ptr::eq(a, b));
    if !stretches.iter().all(same) || end.saturating_sub(start) > 2 * used {
        return Ok(None);
    }
    let (text, base) = first.text.range(start, end, memory)?;
    Ok(Some(Bytes::Memory { text, base }))
}

/// Reads the rows of a stretch from row `row` of the task on.
fn read_stretch(
    stretch: &Stretch<'_>,
    row: usize,
    first_row: usize,
    fills: &mut [Fill<'_>],
    memory: &mut Vec<u8>,
    grid_memory: &mut GridMemory,
) -> io::Result<()> {
    let mut seen = 0;
    let mut take = |grid: &Grid<'_>, row: usize| fills.iter_mut().for_each(|fill| fill.take(grid, row, first_row));
    let (start, end) = stretch.source.range();
    if end - start > u64::from(u32::MAX) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a row of more than 4 GiB cannot be read"));
    }
    let (text, base) = stretch.text.range(start, end, memory)?;
    match stretch.source {
        Source::List { items, .. } => {
            if let Some(grid) = list_grid(text, base, items) {
                take(&grid, row);
                seen = grid.rows;
            }
        }
        Source::Piece(piece) => {
            let mut grid = Grid::with(std::mem::take(grid_memory));
            let wanted = stretch.sources.iter().flatten().max().map_or(0, |last| last + 1);
            let grids = Grids::new(text, base, piece, stretch.words, CHUNK).map(|grids| grids.of_first(wanted));
            if let Some(mut grids) = grids {
                while grids.next(&mut grid) && seen + grid.rows <= stretch.rows {
                    take(&grid, row + seen);
                    seen += grid.rows;
                }
            }
            *grid_memory = grid.into_memory();
        }
    }
    if seen == stretch.rows { Ok(()) } else { Err(changed()) }
}

/// Puts what the columns added where it belongs, and makes offsets of their lengths.
fn commit(seat: Seat<'_, Values<'_>>, fills: &mut [Fill<'_>]) {
    let places = seat.take(|values| {
        let mut places = Vec::with_capacity(fills.len());
        for ((fill, tail), taken) in fills.iter().zip(&mut values.tails).zip(&mut values.taken) {
            let before = *taken;
            let (room, length) = tail.take(&fill.added);
            *taken += length;
            places.push((before, room));
        }
        places
    });
    for (fill, (before, room)) in fills.iter_mut().zip(places) {
        room.fill(&fill.added);
        fill.slot.add_up(before);
    }
}

/// The text is no longer what the outline found.
#[must_use]
pub fn changed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file was changed while it was read")
}
