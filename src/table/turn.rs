//! Things that tasks which run at once take one after the other.
//!
//! A task knows how many rows or bytes it adds only when it has looked at its text, and where they go only when all
//! tasks before it know theirs. Tasks are begun in order, so whoever waits waits for a task that is being worked on.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What is taken from, and whose turn it is.
pub struct Turn<S> {
    state: Mutex<State<S>>,
    moved: Condvar,
}

struct State<S> {
    next: usize,
    shared: S,
}

impl<S> Turn<S> {
    pub fn new(shared: S) -> Self {
        Self { state: Mutex::new(State { next: 0, shared }), moved: Condvar::new() }
    }

    /// The place of a task in the row.
    pub fn seat(&self, index: usize) -> Seat<'_, S> {
        Seat { turn: self, index, taken: false }
    }

    /// What is left when all tasks are done.
    pub fn into_inner(self) -> S {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).shared
    }

    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task's place; it passes the turn on even when the task takes nothing.
pub struct Seat<'t, S> {
    turn: &'t Turn<S>,
    index: usize,
    taken: bool,
}

impl<S> Seat<'_, S> {
    /// Waits for the task's turn, takes, and passes the turn on.
    pub fn take<R>(mut self, take: impl FnOnce(&mut S) -> R) -> R {
        self.pass(take)
    }

    fn pass<R>(&mut self, take: impl FnOnce(&mut S) -> R) -> R {
        self.taken = true;
        let waits = |state: &mut State<S>| state.next < self.index;
        let mut state = self.turn.moved.wait_while(self.turn.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        // Before it takes, lest those who wait wait for ever when that fails; they need the lock to go on.
        state.next += 1;
        self.turn.moved.notify_all();
        take(&mut state.shared)
    }
}

impl<S> Drop for Seat<'_, S> {
    fn drop(&mut self) {
        if !self.taken {
            self.pass(|_| ());
        }
    }
}
