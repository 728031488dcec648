//! Words into columns: each value is read once, straight into the buffer that Arrow will hold.

use arrow_array::ArrayRef;
use arrow_buffer::Buffer;

use super::columns::{self, Added, Slot, Store};
use super::dtype::{InvalidUtf8, Strings, Type};
use super::grid::{Grid, Grids, list_grid};
use super::value::{self, Read};
use crate::parallel;
use crate::star::diagnostic::{Code, Event, Events};
use crate::star::lex::{Form, unescape};
use crate::star::outline::{Item, Part, quote};
use crate::star::rows::Piece;
use crate::star::simd;

/// Where the rows of one table are.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    Rows(&'a [Piece]),
    List { start: u64, items: &'a [Item] },
}

/// One table whose rows go into a stack.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// The text from offset `base` on.
    pub text: &'a [u8],
    pub base: u64,
    pub content: Content<'a>,
    /// Values in each row.
    pub words: usize,
    pub rows: usize,
    /// For each column of the stack, the word of the row it comes from.
    pub sources: Vec<Option<usize>>,
}

/// All rows of a table as a member; `text` begins at offset `base` of the whole text.
#[must_use]
pub fn member_of<'a>(
    part: &'a Part,
    words: usize,
    sources: Vec<Option<usize>>,
    text: &'a [u8],
    base: u64,
) -> Member<'a> {
    let content = match part {
        Part::List(list) => Content::List { start: list.start, items: &list.items },
        Part::Loop(table) => Content::Rows(&table.pieces),
    };
    Member { text, base, content, words, rows: count(part.rows()), sources }
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

/// Columns of all members, one below the other, and what was met: `met[member][column]`.
pub struct Stacked {
    pub columns: Vec<ArrayRef>,
    pub met: Vec<Vec<Met>>,
    /// The text is no longer as the outline found it.
    pub changed: bool,
}

/// Some rows of a member, with the slots they fill.
struct Task<'t, 's> {
    member: usize,
    source: TaskSource<'t>,
    first_row: usize,
    rows: usize,
    slots: Vec<Slot<'s>>,
}

enum TaskSource<'t> {
    Piece(&'t Piece),
    List(u64, &'t [Item]),
}

struct Done {
    member: usize,
    columns: Vec<(Added, Met)>,
    whole: bool,
}

/// Reads all members into one set of columns of the given types.
///
/// `views` are the buffers that text views point into, each a window of [`VIEW_WINDOW`] bytes on the one text.
#[must_use]
pub fn stack(types: &[Type], members: &[Member<'_>], layout: Layout, views: &[Buffer]) -> Stacked {
    let rows: usize = members.iter().map(|member| member.rows).sum();
    let by_view = layout.strings == Strings::View && !views.is_empty();
    let mut stores: Vec<Store> = types.iter().map(|&kind| Store::new(kind, by_view, rows)).collect();
    let sizes = task_sizes(members);
    let tasks = tasks(members, &mut stores, &sizes);
    let work = |task| run(task, members, types, layout);
    let done = parallel::consume(tasks, layout.threads, work);

    let mut met: Vec<Vec<Met>> = members.iter().map(|_| vec![Met::default(); types.len()]).collect();
    let mut added: Vec<Vec<Added>> = types.iter().map(|_| Vec::with_capacity(done.len())).collect();
    let mut changed = false;
    for task in done {
        changed |= !task.whole;
        let of_member = met.get_mut(task.member).map_or(&mut [][..], Vec::as_mut_slice);
        for ((part, found), (all, known)) in task.columns.into_iter().zip(added.iter_mut().zip(of_member)) {
            all.push(part);
            known.events.extend(&found.events);
            match (&mut known.misfit, found.misfit) {
                (Some(first), Some(later)) => first.count += later.count,
                (none @ None, later) => *none = later,
                (Some(_), None) => {}
            }
        }
    }
    let refused: Vec<usize> = match by_view {
        true => {
            (0..types.len()).filter(|&index| added.get(index).is_some_and(|a| a.iter().any(|p| p.binary))).collect()
        }
        false => Vec::new(),
    };
    let columns: Vec<_> = stores.into_iter().zip(added).collect();
    let make = |(store, added)| columns::finish(store, added, rows, layout.strings, views);
    let mut columns = parallel::consume(columns, layout.threads, make);
    for index in refused {
        let copied = stack_copied(index, types, members, layout);
        for (column, copy) in columns.iter_mut().skip(index).zip(copied.columns) {
            *column = copy;
        }
        for (known, found) in met.iter_mut().zip(copied.met) {
            known.iter_mut().skip(index).zip(found).for_each(|(known, found)| *known = found);
        }
    }
    Stacked { columns, met, changed }
}

/// One column again, its values copied: some cannot be had by pointing at the text.
fn stack_copied(index: usize, types: &[Type], members: &[Member<'_>], layout: Layout) -> Stacked {
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

fn tasks<'t, 's>(members: &[Member<'t>], stores: &'s mut [Store], sizes: &'s [usize]) -> Vec<Task<'t, 's>> {
    let mut slots: Vec<_> = stores.iter_mut().map(|store| store.slots(sizes)).collect();
    let mut sizes = sizes.iter();
    let mut first_row = 0;
    let mut tasks = Vec::with_capacity(sizes.len());
    let mut push = |member, source| {
        let rows = sizes.next().copied().unwrap_or(0);
        let slots = slots.iter_mut().filter_map(Iterator::next).collect();
        tasks.push(Task { member, source, first_row, rows, slots });
        first_row += rows;
    };
    for (index, member) in members.iter().enumerate() {
        match member.content {
            Content::Rows(pieces) => pieces.iter().for_each(|piece| push(index, TaskSource::Piece(piece))),
            Content::List { start, items } => push(index, TaskSource::List(start, items)),
        }
    }
    tasks
}

fn run(task: Task<'_, '_>, members: &[Member<'_>], types: &[Type], layout: Layout) -> Done {
    let Task { member: index, source, first_row, rows, slots } = task;
    let mut done = Done { member: index, columns: Vec::with_capacity(slots.len()), whole: false };
    let Some(member) = members.get(index) else { return done };
    let sources = member.sources.iter().copied().chain(std::iter::repeat(None));
    let mut fills: Vec<_> = slots
        .into_iter()
        .zip(types)
        .zip(sources)
        .map(|((slot, &kind), source)| Fill {
            slot,
            kind,
            source,
            added: Added::default(),
            met: Met::default(),
            layout,
        })
        .collect();
    let mut seen = 0;
    let mut take = |grid: &Grid<'_>, seen: usize| fills.iter_mut().for_each(|fill| fill.take(grid, seen, first_row));
    match source {
        TaskSource::List(start, items) => {
            if let Some(text) = start.checked_sub(member.base).and_then(|at| member.text.get(count(at)..))
                && let Some(grid) = list_grid(text, start, items)
            {
                take(&grid, 0);
                seen = grid.rows;
            }
        }
        TaskSource::Piece(piece) => {
            let mut grid = Grid::default();
            let grids = Grids::new(member.text, member.base, piece, member.words);
            if let Some(mut grids) = grids {
                while grids.next(&mut grid) && seen + grid.rows <= rows {
                    take(&grid, seen);
                    seen += grid.rows;
                }
            }
        }
    }
    done.whole = seen == rows;
    for fill in &mut fills {
        if fill.source.is_none() {
            fill.added.nulls.extend(first_row..first_row + rows);
        }
    }
    done.columns = fills.into_iter().map(|fill| (fill.added, fill.met)).collect();
    done
}

/// One column being filled by one task.
struct Fill<'s> {
    slot: Slot<'s>,
    kind: Type,
    source: Option<usize>,
    added: Added,
    met: Met,
    layout: Layout,
}

impl Fill<'_> {
    /// Takes the column's values from a grid whose first row is row `seen` of the task.
    fn take(&mut self, grid: &Grid<'_>, seen: usize, first_row: usize) {
        let Some(source) = self.source else { return };
        let Self { slot, added, met, kind, layout, .. } = self;
        if met.misfit.is_some() && layout.on_misfit == OnMisfit::Stop {
            return;
        }
        let mut odd = Odd { added, met, first_row: first_row + seen, kind: *kind, on_misfit: layout.on_misfit };
        let rows = seen..seen + grid.rows;
        match slot {
            Slot::Float(values) => {
                let values = values.get_mut(rows).unwrap_or_default();
                numbers(grid, source, values, simd::floats, value::float, &mut odd);
            }
            Slot::Int(values) => {
                let values = values.get_mut(rows).unwrap_or_default();
                numbers(grid, source, values, simd::integers, value::integer, &mut odd);
            }
            Slot::Bool(values) => {
                let values = values.get_mut(rows).unwrap_or_default();
                booleans(grid, source, values, &mut odd);
            }
            Slot::Text(lengths) => {
                let lengths = lengths.get_mut(rows).unwrap_or_default();
                texts(grid, source, lengths, layout.invalid_utf8, &mut odd);
            }
            Slot::View(views) => {
                let views = views.get_mut(rows).unwrap_or_default();
                text_views(grid, source, views, odd.added);
            }
            Slot::FloatList(lengths) => {
                let lengths = lengths.get_mut(rows).unwrap_or_default();
                vectors(grid, source, lengths, value::float, f64::NAN, |added| &mut added.floats, &mut odd);
            }
            Slot::IntList(lengths) => {
                let lengths = lengths.get_mut(rows).unwrap_or_default();
                vectors(grid, source, lengths, value::integer, 0, |added| &mut added.ints, &mut odd);
            }
        }
    }
}

/// Where values that are not plain are noted.
struct Odd<'a> {
    added: &'a mut Added,
    met: &'a mut Met,
    first_row: usize,
    kind: Type,
    on_misfit: OnMisfit,
}

impl Odd<'_> {
    fn note(&mut self, code: Code, offset: u64) {
        self.met.events.add_many(Event { code, offset, count: 1 });
    }

    fn null(&mut self, row: usize, offset: u64) {
        self.note(Code::NullMarker, offset);
        self.added.nulls.push(self.first_row + row);
    }

    /// Notes a value that does not fit; false when the column is given up for it.
    fn misfit(&mut self, row: usize, word: &[u8], offset: u64) -> bool {
        match &mut self.met.misfit {
            Some(first) => first.count += 1,
            None => self.met.misfit = Some(Misfit { offset, found: quote(word), count: 1 }),
        }
        self.added.nulls.push(self.first_row + row);
        self.on_misfit == OnMisfit::Null
    }

    /// The value to store; nothing when it does not fit, which ends the column.
    fn settle<T: Default>(&mut self, read: Read<T>, row: usize, word: &[u8], offset: u64) -> Option<T> {
        match read {
            Read::Value(value) => Some(value),
            Read::Noted(value, code) => {
                self.note(code, offset);
                Some(value)
            }
            Read::Null => {
                self.null(row, offset);
                Some(T::default())
            }
            Read::Bad => self.misfit(row, word, offset).then(T::default),
        }
    }
}

fn numbers<T: Default>(
    grid: &Grid<'_>,
    source: usize,
    values: &mut [T],
    fast: impl Fn(simd::Column<'_>, usize, &mut [T]) -> usize,
    read: impl Fn(&[u8]) -> Read<T>,
    odd: &mut Odd<'_>,
) {
    let column = grid.column(source);
    let mut row = 0;
    while row < values.len() {
        row = fast(column, row, values);
        let Some((word, _, offset)) = grid.values(source, row).next() else { return };
        let Some(slot) = values.get_mut(row) else { return };
        let Some(value) = odd.settle(read(word), row, word, offset) else { return };
        *slot = value;
        row += 1;
    }
}

fn booleans(grid: &Grid<'_>, source: usize, values: &mut [u8], odd: &mut Odd<'_>) {
    for (row, ((word, _, offset), slot)) in grid.values(source, 0).zip(values).enumerate() {
        *slot = match word {
            b"0" => 0,
            b"1" => 1,
            _ => match odd.settle(value::boolean(word), row, word, offset) {
                Some(value) => u8::from(value),
                None => return,
            },
        };
    }
}

fn texts(grid: &Grid<'_>, source: usize, lengths: &mut [i64], invalid: InvalidUtf8, odd: &mut Odd<'_>) {
    let before = odd.added.bytes.len();
    for ((word, form, _), length) in grid.values(source, 0).zip(lengths.iter_mut()) {
        *length = word.len() as i64;
        if form == Form::Escaped {
            let word = unescape(word);
            *length = word.len() as i64;
            odd.added.bytes.extend_from_slice(&word);
        } else {
            odd.added.bytes.extend_from_slice(word);
        }
    }
    if !odd.added.bytes.get(before..).unwrap_or_default().is_ascii() {
        odd.added.bytes.truncate(before);
        checked_texts(grid, source, lengths, invalid, odd);
    }
}

/// As [`texts`], where bytes beyond ASCII make each value worth a look.
fn checked_texts(grid: &Grid<'_>, source: usize, lengths: &mut [i64], invalid: InvalidUtf8, odd: &mut Odd<'_>) {
    for ((word, form, offset), length) in grid.values(source, 0).zip(lengths) {
        let unescaped = if form == Form::Escaped { Some(unescape(word)) } else { None };
        let word = unescaped.as_deref().unwrap_or(word);
        let before = odd.added.bytes.len();
        if std::str::from_utf8(word).is_ok() {
            odd.added.bytes.extend_from_slice(word);
        } else {
            odd.note(Code::InvalidUtf8, offset);
            match invalid {
                InvalidUtf8::Replace => {
                    odd.added.bytes.extend_from_slice(String::from_utf8_lossy(word).as_bytes());
                }
                InvalidUtf8::Latin1 => {
                    let text: String = word.iter().map(|&byte| char::from(byte)).collect();
                    odd.added.bytes.extend_from_slice(text.as_bytes());
                }
                InvalidUtf8::Bytes => {
                    odd.added.binary = true;
                    odd.added.bytes.extend_from_slice(word);
                }
            }
        }
        *length = (odd.added.bytes.len() - before) as i64;
    }
}

/// Bits of a view's offset within its window; windows overlap by a gigabyte, so no value is cut.
pub const VIEW_WINDOW: u64 = 1 << 30;
const INLINE: usize = 12;

/// Values as Arrow's 16-byte views: short ones inline, others as an offset into the text's own buffer.
fn text_views(grid: &Grid<'_>, source: usize, views: &mut [u128], added: &mut Added) {
    for ((word, form, offset), view) in grid.values(source, 0).zip(views) {
        added.binary |= form == Form::Escaped || std::str::from_utf8(word).is_err();
        let length = u32::try_from(word.len()).unwrap_or(u32::MAX);
        let mut bytes = [0u8; 16];
        let (head, tail) = bytes.split_at_mut(4);
        head.copy_from_slice(&length.to_le_bytes());
        if word.len() <= INLINE {
            for (to, from) in tail.iter_mut().zip(word) {
                *to = *from;
            }
        } else {
            let (window, within) = (offset / VIEW_WINDOW, offset % VIEW_WINDOW);
            for (to, from) in tail.iter_mut().zip(word.iter().take(4)) {
                *to = *from;
            }
            let place = [window, within].map(|part| u32::try_from(part).unwrap_or(u32::MAX).to_le_bytes());
            for (to, from) in tail.iter_mut().skip(4).zip(place.iter().flatten()) {
                *to = *from;
            }
        }
        *view = u128::from_le_bytes(bytes);
    }
}

fn vectors<T: Default + Copy>(
    grid: &Grid<'_>,
    source: usize,
    lengths: &mut [i64],
    read: impl Fn(&[u8]) -> Read<T>,
    missing: T,
    items_of: impl for<'a> Fn(&'a mut Added) -> &'a mut Vec<T>,
    odd: &mut Odd<'_>,
) {
    for (row, ((word, _, offset), length)) in grid.values(source, 0).zip(lengths).enumerate() {
        if value::is_null(word) {
            odd.null(row, offset);
            continue;
        }
        let before = items_of(odd.added).len();
        let fits = value::items(word).is_some_and(|mut items| {
            items.all(|item| {
                let value = match read(item) {
                    Read::Value(value) => value,
                    Read::Noted(value, code) => {
                        odd.note(code, offset);
                        value
                    }
                    Read::Null if !item.is_empty() && odd.kind == Type::FloatList => {
                        odd.note(Code::NullMarker, offset);
                        missing
                    }
                    Read::Null | Read::Bad => return false,
                };
                items_of(odd.added).push(value);
                true
            })
        });
        if !fits {
            items_of(odd.added).truncate(before);
            if !odd.misfit(row, word, offset) {
                return;
            }
        }
        *length = (items_of(odd.added).len() - before) as i64;
    }
}
