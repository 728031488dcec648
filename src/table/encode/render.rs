//! Steps of text, put together by many threads and handed on in order.

use std::io::Write;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;
use crate::parallel;
use crate::table::turn::Turn;

/// A stretch of what is written.
pub trait Step: Sync {
    /// About how many bytes it will be.
    fn size(&self) -> usize;

    /// Adds it to `out`.
    ///
    /// # Errors
    /// A value that cannot be written; what the operating system says about a text that is copied from.
    fn render(&self, out: &mut Vec<u8>) -> Result<()>;
}

/// Bytes that are worth a task of their own: small enough to stay in cache until they are handed on.
pub const TASK: usize = 1 << 19;

struct Handed<'a> {
    out: &'a mut (dyn Write + Send),
    result: Result<()>,
}

/// Writes all steps, in order.
///
/// # Errors
/// The first error in the order of the steps, or of `out`; what was handed on by then is of no use.
pub fn write(steps: &[Box<dyn Step + '_>], threads: Option<usize>, out: &mut (dyn Write + Send)) -> Result<()> {
    let tasks = tasks(steps);
    let all: usize = steps.iter().map(|step| step.size()).sum();
    let threads = parallel::threads_for(all as u64, parallel::SHARE, threads);
    let turn = Turn::new(Handed { out, result: Ok(()) });
    let failed = AtomicBool::new(false);
    let work = |text: &mut Vec<u8>, index: usize| {
        let seat = turn.seat(index);
        if failed.load(Ordering::Relaxed) {
            return;
        }
        text.clear();
        let steps = tasks.get(index).and_then(|task| steps.get(task.clone())).unwrap_or_default();
        let rendered = steps.iter().try_for_each(|step| step.render(text));
        seat.take(|handed| {
            if handed.result.is_ok() {
                handed.result = rendered.and_then(|()| Ok(handed.out.write_all(text)?));
                failed.store(handed.result.is_err(), Ordering::Relaxed);
            }
        });
    };
    parallel::map_with(tasks.len(), threads, |_| Vec::with_capacity(TASK + TASK / 4), work);
    turn.into_inner().result
}

/// Steps that are done in one go.
fn tasks(steps: &[Box<dyn Step + '_>]) -> Vec<Range<usize>> {
    let mut tasks: Vec<Range<usize>> = Vec::new();
    let mut size = 0;
    for (index, step) in steps.iter().enumerate() {
        match tasks.last_mut().filter(|_| size + step.size() <= TASK) {
            Some(task) => task.end = index + 1,
            None => {
                tasks.push(index..index + 1);
                size = 0;
            }
        }
        size += step.size();
    }
    tasks
}

/// Text that is there already.
impl Step for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }

    fn render(&self, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(self);
        Ok(())
    }
}
