//! Texts of many blocks, outlined by several threads: each begins at the header of a block.

use std::io;
use std::sync::Arc;

use super::{Ahead, Label, Memory, OnError, Outline, Outliner, Part, Step, Stop, outline_with};
use crate::parallel;
use crate::star::diagnostic::Code;
use crate::star::text::Text;

/// How far from where a share should begin a header is looked for: where blocks are longer, it is their rows that
/// take the time, and [`Ahead`] shares those.
const LOOK: usize = 1 << 17;
const HEADER: &[u8] = b"\ndata_";

/// As [`outline_with`], by so many threads if the text has that many blocks; what is found is the same.
///
/// # Errors
/// As [`outline_with`].
pub fn outline_shared<T: Text>(
    text: &mut T,
    on_error: OnError,
    ahead: Option<&mut dyn Ahead>,
    threads: usize,
    memory: &mut Memory,
) -> Result<Outline, Stop> {
    let cuts = cuts(text, threads)?;
    if !cuts.is_empty()
        && let Some(found) = share(text, on_error, &cuts)?
    {
        return Ok(found);
    }
    outline_with(text, on_error, ahead, memory)
}

/// Where the shares of all threads but the first begin: at lines that look like headers. None when there are too few.
fn cuts<T: Text>(text: &mut T, threads: usize) -> io::Result<Vec<u64>> {
    let (length, threads) = (text.length(), threads as u64);
    let mut cuts = Vec::new();
    for share in 1..threads {
        let from = length / threads * share;
        let view = text.view(from, LOOK)?;
        let Some(found) = memchr::memmem::find(view.get(..LOOK).unwrap_or(view), HEADER) else { return Ok(Vec::new()) };
        let cut = from + found as u64 + 1;
        if cuts.last().is_none_or(|&last| last < cut) {
            cuts.push(cut);
        }
    }
    Ok(cuts)
}

type Labels = Arc<[Label]>;

/// What the outline of one share left.
struct Share {
    found: Outline,
    version: Option<i64>,
    /// It ends where the next begins, and nothing of it reaches beyond.
    closed: bool,
}

/// Outlines the shares that begin at the start and at each cut; nothing when a line at a cut was no header.
fn share<T: Text>(text: &T, on_error: OnError, cuts: &[u64]) -> Step<Option<Outline>> {
    let length = text.length();
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([length]);
    let ranges = starts.zip(ends).map(|(start, end)| Ok((text.again()?, start..end)));
    let ranges: Vec<_> = ranges.collect::<io::Result<_>>()?;
    let threads = ranges.len();
    let shares: Vec<Step<Share>> = parallel::consume(ranges, threads, |(text, range)| {
        let (mut memory, until) = (Memory::default(), range.end);
        let mut outliner = Outliner::new(text, range, on_error, &mut memory);
        if outliner.at == 0 {
            outliner.skip_byte_order_mark()?;
        }
        outliner.run()?;
        let closed = until == length || (outliner.at == until && outliner.sought.is_empty());
        Ok(Share { found: outliner.found, version: outliner.version, closed })
    });
    let mut all = Outline { length, ..Outline::default() };
    let (mut version, mut closed) = (None, true);
    let mut memory = Memory::default();
    // The labels of the loop before, as its share had them and as all have them.
    let mut last: Option<(Labels, Labels)> = None;
    for share in shares {
        // What a share has found, a fault among it, counts only if it rightly began where it did.
        if !closed {
            return Ok(None);
        }
        let Share { mut found, version: latest, closed: as_well } = share?;
        // A version comment holds for all blocks below it.
        found.blocks.iter_mut().for_each(|block| block.version = block.version.or(version));
        for part in found.blocks.iter_mut().flat_map(|block| &mut block.parts) {
            let Part::Loop(table) = part else { continue };
            let shared = match last.take().filter(|(own, _)| Arc::ptr_eq(own, &table.labels)) {
                Some((_, shared)) => shared,
                None => memory.shared(Arc::clone(&table.labels)),
            };
            last = Some((std::mem::replace(&mut table.labels, Arc::clone(&shared)), shared));
        }
        version = latest.or(version);
        closed = as_well;
        all.blocks.append(&mut found.blocks);
        all.faults.append(&mut found.faults);
        all.events.extend(&found.events);
    }
    // The headers at the cuts come below what lies above the first block.
    all.events.turn(Code::CrLfHarmless, Code::CrLf);
    Ok(Some(all))
}
