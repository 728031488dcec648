//! Long loops, read while their outline is made: each segment of the text is brought in once, and while it is in cache
//! its rows are counted and their values read.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::columns::Slot;
use super::decode::{Done, Layout, Member, Met, OnMisfit, Source, Stretch, Task, changed, keep_small, run as decode};
use super::dtype::{Numbers, Options, Strings, Type};
use super::infer::types;
use super::plan::Plan;
use super::stack::{Extent, Free, Stack};
use super::turn::{Seat, Turn};
use crate::error::Result;
use crate::memory::addresses_are_free;
use crate::parallel;
use crate::source::Bytes;
use crate::star::diagnostic::Code;
use crate::star::outline::{self, Memory, OnError, OpenLoop, Outline, Part, outline_shared, raise};
use crate::star::rows::{Piece, Run, Shape, scan};
use crate::star::text::Text;

/// How a text is cut for several threads; it changes nothing but time and memory.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Bytes read at once: they should fit a processor's own cache, and be worth a system call.
    pub segment: u64,
    /// Bytes of a loop that must have been simple rows before the rest is read ahead.
    pub after: u64,
    /// Bytes that are worth a thread.
    pub share: u64,
    /// Loops whose values are read ahead, at most, and bytes of text that there must be for each of their columns:
    /// room for all rows that there could be is reserved, and each column takes a huge page at least.
    pub loops: usize,
    pub column: usize,
}

impl Default for Cut {
    fn default() -> Self {
        Self { segment: 1 << 18, after: 1 << 20, share: parallel::SHARE, loops: 2, column: 2 << 20 }
    }
}

/// Reads ahead of the outline of one text.
pub struct Ahead<'r> {
    text: Bytes<'r>,
    length: u64,
    /// What to read; nothing when rows are only to be counted.
    options: Option<&'r Options>,
    threads: usize,
    cut: Cut,
    /// Loops that were begun, by where they start; nothing for those whose rows are only counted.
    begun: HashMap<u64, Option<Begun>>,
}

/// A loop of which some rows were read ahead.
pub struct Begun {
    pub plan: Arc<Plan>,
    pub stack: Stack,
    met: Vec<Met>,
    /// Where the rows end that were read.
    reached: u64,
}

impl<'r> Ahead<'r> {
    /// Reads the values of long loops as `options` say.
    #[must_use]
    pub fn reading(text: Bytes<'r>, length: u64, options: &'r Options, cut: Cut) -> Self {
        Self { options: Some(options), ..Self::counting(text, length, options.threads, cut) }
    }

    /// Counts the rows of long loops.
    #[must_use]
    pub fn counting(text: Bytes<'r>, length: u64, threads: Option<usize>, cut: Cut) -> Self {
        let threads = parallel::threads_for(length, cut.share, threads);
        Self { text, length, options: None, threads, cut, begun: HashMap::new() }
    }

    /// The outline of the text, long loops being read on the way.
    ///
    /// # Errors
    /// The first fault, unless faults are collected; what the operating system says.
    pub fn outline<T: Text>(
        &mut self,
        text: &mut T,
        on_error: OnError,
        cr_only: bool,
        memory: &mut Memory,
    ) -> Result<Outline> {
        let threads = self.threads;
        match outline_shared(text, on_error, Some(self), threads, memory) {
            Ok(mut found) => {
                if cr_only {
                    found.events.add(Code::CrOnly, 0);
                }
                Ok(found)
            }
            Err(stop) => raise(stop, text),
        }
    }

    /// The loops that were begun, by where they start.
    #[must_use]
    pub fn into_begun(self) -> HashMap<u64, Begun> {
        self.begun.into_iter().filter_map(|(start, begun)| Some((start, begun?))).collect()
    }

    /// Begins a loop, unless its rows can only be counted: it is not wanted, or its types are not known beforehand.
    fn begin(&self, table: OpenLoop<'_>) -> Option<Begun> {
        let options = self.options?;
        let wanted = options.blocks.as_ref().is_none_or(|names| names.iter().any(|name| **name == *table.block));
        let full = self.begun.values().flatten().count() >= self.cut.loops;
        // What could be needed is reserved; where addresses are counted, the rows are counted first instead.
        if !wanted || full || options.strings == Strings::View || !addresses_are_free() {
            return None;
        }
        let plan = Arc::new(Plan::of(table.labels.iter(), false, options));
        let types = self.types(&plan, table.pieces)?;
        let bytes = usize::try_from(self.length - table.start).ok()?;
        if bytes / plan.words.max(1) < self.cut.column {
            return None;
        }
        // A word and what parts it from the next take two bytes at least.
        let extent = Extent { rows: bytes / (2 * plan.words.max(1)) + 1, bytes, words: plan.words };
        let (strings, invalid_utf8, numbers) = (options.strings, options.invalid_utf8, plan.numbers);
        let layout = Layout { strings, invalid_utf8, numbers, on_misfit: OnMisfit::Stop, threads: self.threads };
        let stack = Stack::new(&types, extent, layout, false).ok()?;
        Some(Begun { plan, stack, met: vec![Met::default(); types.len()], reached: table.start })
    }

    /// The types of a loop's columns; where plain numbers alone count, the first rows may tell, since a value further
    /// below that does not fit is noticed.
    fn types(&self, plan: &Plan, pieces: &[Piece]) -> Option<Vec<Type>> {
        if plan.numbers == Numbers::Pandas {
            let first = Member::of_rows(pieces, plan.words, plan.sources(), self.text);
            return types(plan, &first, self.threads).ok().filter(|_| first.rows > 0);
        }
        plan.columns.iter().map(|column| column.kind).collect()
    }
}

impl outline::Ahead for Ahead<'_> {
    fn wants(&self, read: u64) -> bool {
        read >= self.cut.after
    }

    fn read(&mut self, table: OpenLoop<'_>, at: u64) -> io::Result<Vec<Run>> {
        let mut begun = match self.begun.remove(&table.start) {
            Some(begun) => begun,
            None => self.begin(table),
        };
        let words = table.labels.len();
        let rows = Rows { text: self.text, length: self.length, at, words, segment: self.cut.segment.max(1) };
        let runs = match &mut begun {
            Some(begun) => begun.read(table.pieces, rows),
            None => rows.count(self.threads),
        };
        self.begun.insert(table.start, begun);
        runs
    }
}

impl Begun {
    fn read(&mut self, pieces: &[Piece], rows: Rows<'_>) -> io::Result<Vec<Run>> {
        self.add(pieces, rows.text, rows.at)?;
        let (runs, done) = rows.read(&self.plan.sources(), &mut self.stack)?;
        for done in done {
            self.stack.keep(done, std::slice::from_mut(&mut self.met));
        }
        self.reached += runs.iter().map(|run| run.length as u64).sum::<u64>();
        Ok(runs)
    }

    /// Adds the rows below those that were read.
    fn add(&mut self, pieces: &[Piece], text: Bytes<'_>, end: u64) -> io::Result<()> {
        let from = pieces.partition_point(|piece| piece.start < self.reached);
        let pieces = pieces.get(from..).unwrap_or_default();
        let member = Member::of_rows(pieces, self.plan.words, self.plan.sources(), text);
        let met = self.stack.add(&[member])?;
        for (known, met) in self.met.iter_mut().zip(met.into_iter().flatten()) {
            known.add(met);
        }
        self.reached = end;
        Ok(())
    }

    /// Reads the rest of the loop's rows; gives all that was met in each column.
    ///
    /// # Errors
    /// As [`super::stack::stack`].
    pub fn complete(&mut self, part: &Part, text: Bytes<'_>) -> io::Result<Vec<Met>> {
        if let Part::Loop(table) = part {
            self.add(&table.pieces, text, table.end)?;
        }
        Ok(std::mem::take(&mut self.met))
    }
}

/// Rows from `at` on that nobody has looked at.
#[derive(Clone, Copy)]
struct Rows<'r> {
    text: Bytes<'r>,
    length: u64,
    at: u64,
    words: usize,
    segment: u64,
}

/// The free slots of a stack, from which tasks take in turn as many as they have rows.
struct Places<'s> {
    slots: Vec<Slot<'s>>,
    rows: usize,
    room: usize,
    runs: Vec<Run>,
    stopped: bool,
}

thread_local! {
    static TEXT: RefCell<Vec<u8>> = RefCell::default();
}

/// Of a segment such a part is brought in beyond it, for the end of its last line.
const OVERLAP: u64 = 1 << 8;

impl Rows<'_> {
    fn segments(&self) -> usize {
        usize::try_from((self.length - self.at).div_ceil(self.segment)).unwrap_or(usize::MAX)
    }

    /// Calls `work` with the lines that begin in a segment, and the offset of the first.
    fn with_lines<R>(&self, index: usize, work: impl FnOnce(&[u8], u64) -> R) -> io::Result<R> {
        let start = self.at + index as u64 * self.segment;
        let end = (start + self.segment).min(self.length);
        // A line begins after a line feed, which may be the last byte of the segment before.
        let from = if index == 0 { start } else { start - 1 };
        let within = |offset: u64| usize::try_from(offset - from).unwrap_or(usize::MAX);
        let mut overlap = self.segment.div_ceil(OVERLAP);
        let done = TEXT.with_borrow_mut(|memory| {
            loop {
                let to = end.saturating_add(overlap).min(self.length);
                let (text, _) = self.text.range(from, to, memory)?;
                let before_last = text.get(..within(end) - 1).unwrap_or_default();
                let first = if index == 0 { Some(0) } else { memchr::memchr(b'\n', before_last).map(|at| at + 1) };
                let Some(first) = first else { break Ok(work(&[], end)) };
                let last = text.get(within(end) - 1..).and_then(|rest| memchr::memchr(b'\n', rest));
                let close = match last {
                    Some(at) => within(end) + at,
                    None if to == self.length => text.len(),
                    None => {
                        overlap = overlap.saturating_mul(4);
                        continue;
                    }
                };
                break Ok(work(text.get(first..close).unwrap_or_default(), from + first as u64));
            }
        });
        TEXT.with_borrow_mut(keep_small);
        done
    }

    fn scan(&self, text: &[u8], base: u64) -> Run {
        let words = u32::try_from(self.words).unwrap_or(u32::MAX);
        scan(text, base, words, base + text.len() as u64 == self.length)
    }

    /// Counts rows, by several threads, up to a line that needs a decision.
    fn count(&self, threads: usize) -> io::Result<Vec<Run>> {
        let limit = AtomicUsize::new(self.segments());
        let look = |index: usize| {
            let run = self.with_lines(index, |text, base| self.scan(text, base))?;
            if run.stopped {
                limit.fetch_min(index + 1, Ordering::Relaxed);
            }
            Ok(run)
        };
        let runs: io::Result<Vec<Run>> = parallel::map_below(&limit, threads, look).into_iter().collect();
        let mut runs = runs?;
        runs.truncate(limit.into_inner());
        Ok(runs)
    }

    /// Reads rows into a stack, by several threads, up to a line that needs a decision.
    fn read(&self, sources: &[Option<usize>], stack: &mut Stack) -> io::Result<(Vec<Run>, Vec<Done>)> {
        let (types, layout) = (stack.types.clone(), stack.layout);
        let Free { slots, values, rows, room } = stack.free();
        let places = Turn::new(Places { slots, rows, room, runs: Vec::new(), stopped: false });
        let values = Turn::new(values);
        let limit = AtomicUsize::new(self.segments());
        let work = |index: usize| {
            // Whatever happens, the tasks behind this one must not wait for ever: the seats see to it.
            let (place, seat) = (places.seat(index), values.seat(index));
            self.with_lines(index, |text, base| {
                let run = self.scan(text, base);
                if run.stopped {
                    limit.fetch_min(index + 1, Ordering::Relaxed);
                }
                let Some(taken) = take(place, run, base)? else { return Ok(Done::default()) };
                let Taken { piece, first_row, rows, slots } = taken;
                let (text, source) = (Bytes::Memory { text, base }, Source::Piece(&piece));
                let stretches = vec![Stretch { member: 0, text, source, words: self.words, sources, rows }];
                let task = Task { stretches, first_row, slots };
                decode(task, &types, layout, seat)
            })?
        };
        let done: io::Result<Vec<Done>> = parallel::map_below(&limit, layout.threads, work).into_iter().collect();
        let Places { rows, runs, .. } = places.into_inner();
        let taken = values.into_inner().taken;
        stack.took(rows, taken);
        Ok((runs, done?))
    }
}

/// Rows that were counted, and the slots they go to.
struct Taken<'s> {
    piece: Piece,
    first_row: usize,
    rows: usize,
    slots: Vec<Slot<'s>>,
}

/// Takes slots for the rows that were found from `base` on; nothing when rows further above ended the run.
fn take<'s>(place: Seat<'_, Places<'s>>, run: Run, base: u64) -> io::Result<Option<Taken<'s>>> {
    let rows = usize::try_from(run.rows).unwrap_or(usize::MAX);
    let shape = if run.plain { Shape::Plain } else { Shape::Lines };
    let piece = Piece { start: base, end: base + run.length as u64, rows: run.rows, shape };
    place.take(|places| {
        if places.stopped || rows == 0 {
            places.stopped |= run.stopped;
            return Ok(None);
        }
        let first_row = places.rows;
        // Rows are no shorter than the room was reckoned for, unless the text has changed.
        let end = first_row.checked_add(rows).filter(|&end| end <= places.room).ok_or_else(changed)?;
        places.rows = end;
        places.stopped = run.stopped;
        places.runs.push(run);
        let slots = places.slots.iter_mut().map(|rest| rest.take(rows)).collect();
        Ok(Some(Taken { piece, first_row, rows, slots }))
    })
}
