//! Work shared by scoped threads; results never depend on how many there are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Bytes of text that are worth a thread.
pub const SHARE: u64 = 2 << 20;

/// How many threads to use for so many bytes of work: one for each `share`, up to the limit.
#[must_use]
pub fn threads_for(bytes: u64, share: u64, limit: Option<usize>) -> usize {
    let limit = limit.filter(|&limit| limit > 0).unwrap_or_else(available);
    usize::try_from(bytes / share.max(1)).unwrap_or(usize::MAX).clamp(1, limit)
}

/// The processors this process may use.
#[must_use]
pub fn available() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Calls `work` for every index below `count`; results come in the order of the indices.
pub fn map<R: Send>(count: usize, threads: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    if threads <= 1 || count <= 1 {
        return (0..count).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    let run = || {
        let mut own = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            own.push((index, work(index)));
        }
        done.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            scope.spawn(run);
        }
        run();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// As [`map`], for tasks that are handed over, each to one thread.
pub fn consume<T: Send, R: Send>(tasks: Vec<T>, threads: usize, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let slots: Vec<Mutex<Option<T>>> = tasks.into_iter().map(|task| Mutex::new(Some(task))).collect();
    let take = |index: usize| {
        slots.get(index).and_then(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).take()).map(&work)
    };
    map(slots.len(), threads, take).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order() {
        for threads in [1, 2, 7] {
            assert_eq!(map(100, threads, |index| index * 2), (0..200).step_by(2).collect::<Vec<_>>());
            assert_eq!(consume((0..50).collect(), threads, |task: i32| task + 1), (1..51).collect::<Vec<_>>());
        }
    }
}
