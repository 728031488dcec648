//! Work shared by scoped threads; results never depend on how many there are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Bytes of text that are worth a thread.
pub const SHARE: u64 = 2 << 20;

/// How many threads to use for so many bytes of work: one for each `share`, up to the limit.
#[must_use]
pub fn threads_for(bytes: u64, share: u64, limit: Option<usize>) -> usize {
    match usize::try_from(bytes / share.max(1)).unwrap_or(usize::MAX) {
        // Asking the system how many processors there are takes longer than reading a small table.
        0 | 1 => 1,
        shares => shares.min(limit.filter(|&limit| limit > 0).unwrap_or_else(available)),
    }
}

/// The processors this process may use.
#[must_use]
pub fn available() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Calls `work` for every index below `count`; results come in the order of the indices.
pub fn map<R: Send>(count: usize, threads: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    map_below(&AtomicUsize::new(count), threads, work)
}

/// As [`map`], for as many indices as there are until `work` lowers the limit; those below are all worked on.
pub fn map_below<R: Send>(limit: &AtomicUsize, threads: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    map_threads(limit, threads, |_| (), |(), index| work(index)).0
}

/// As [`map`], each thread having something of its own, which `begin` makes for its number; gives these things as
/// well, in the order of the threads.
pub fn map_with<S: Send, R: Send>(
    count: usize,
    threads: usize,
    begin: impl Fn(usize) -> S + Sync,
    work: impl Fn(&mut S, usize) -> R + Sync,
) -> (Vec<R>, Vec<S>) {
    map_threads(&AtomicUsize::new(count), threads, begin, work)
}

fn map_threads<S: Send, R: Send>(
    limit: &AtomicUsize,
    threads: usize,
    begin: impl Fn(usize) -> S + Sync,
    work: impl Fn(&mut S, usize) -> R + Sync,
) -> (Vec<R>, Vec<S>) {
    let next = AtomicUsize::new(0);
    let done = Mutex::new((Vec::new(), Vec::with_capacity(threads)));
    let run = |thread: usize| {
        let (mut own, mut results) = (begin(thread), Vec::new());
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= limit.load(Ordering::Relaxed) {
                break;
            }
            results.push((index, work(&mut own, index)));
        }
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        done.0.append(&mut results);
        done.1.push((thread, own));
    };
    std::thread::scope(|scope| {
        let run = &run;
        for thread in 1..threads.min(limit.load(Ordering::Relaxed)) {
            // Where the system gives no more threads, those there are do the work.
            if std::thread::Builder::new().spawn_scoped(scope, move || run(thread)).is_err() {
                break;
            }
        }
        run(0);
    });
    let (mut results, mut own) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(index, _)| *index);
    own.sort_unstable_by_key(|(thread, _)| *thread);
    (results.into_iter().map(|(_, result)| result).collect(), own.into_iter().map(|(_, own)| own).collect())
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
    fn work_may_stop_early() {
        for threads in [1, 2, 7] {
            let limit = AtomicUsize::new(1000);
            let found = map_below(&limit, threads, |index| {
                if index % 10 == 5 {
                    limit.fetch_min(index + 1, Ordering::Relaxed);
                }
                index
            });
            assert_eq!(found.get(..6), Some(&[0, 1, 2, 3, 4, 5][..]));
            assert!(found.len() < 6 + threads);
        }
    }

    #[test]
    fn each_thread_has_its_own() {
        for threads in [1, 2, 7] {
            let count = |own: &mut usize, index: usize| {
                *own += 1;
                index
            };
            let (results, own) = map_with(100, threads, |_| 0, count);
            assert_eq!((results, own.len(), own.iter().sum()), ((0..100).collect(), threads, 100));
        }
    }

    #[test]
    fn results_keep_their_order() {
        for threads in [1, 2, 7] {
            assert_eq!(map(100, threads, |index| index * 2), (0..200).step_by(2).collect::<Vec<_>>());
            assert_eq!(consume((0..50).collect(), threads, |task: i32| task + 1), (1..51).collect::<Vec<_>>());
        }
    }
}
