//! Values of varying size, put one below the other by tasks that run at once.
//!
//! A task knows how many bytes it adds only when its rows are read, and where they go only when all tasks before it
//! know theirs. Tasks are begun in order, so whoever waits waits for a task that is being worked on.

use std::sync::{Condvar, Mutex, PoisonError};

use super::columns::Tail;
use super::fill::Fill;

/// The free rests of all columns, and whose turn it is to take from them.
pub struct Turn<'a> {
    state: Mutex<State<'a>>,
    moved: Condvar,
}

struct State<'a> {
    next: usize,
    tails: Vec<Tail<'a>>,
    /// Values taken so far, for each column.
    taken: Vec<usize>,
}

impl<'a> Turn<'a> {
    pub fn new(tails: Vec<Tail<'a>>) -> Self {
        let taken = vec![0; tails.len()];
        Self { state: Mutex::new(State { next: 0, tails, taken }), moved: Condvar::new() }
    }

    /// The place of a task in the row.
    pub fn seat(&self, index: usize) -> Seat<'_, 'a> {
        Seat { turn: self, index, taken: false }
    }

    /// How many values each column has, when all tasks are done.
    pub fn lengths(self) -> Vec<usize> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).taken
    }

    /// Waits for the turn of a task, lets it take, and passes the turn on.
    fn at<R>(&self, index: usize, take: impl FnOnce(&mut State<'a>) -> R) -> R {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.moved.wait_while(state, |s| s.next < index).unwrap_or_else(PoisonError::into_inner);
        let taken = take(&mut state);
        state.next += 1;
        drop(state);
        self.moved.notify_all();
        taken
    }
}

/// A task's place; it passes the turn on even when the task takes nothing.
pub struct Seat<'t, 'a> {
    turn: &'t Turn<'a>,
    index: usize,
    taken: bool,
}

impl Seat<'_, '_> {
    /// Puts what the columns added where it belongs, and makes offsets of their lengths.
    pub fn commit(mut self, fills: &mut [Fill<'_>]) {
        self.taken = true;
        let places = self.turn.at(self.index, |state| {
            let mut places = Vec::with_capacity(fills.len());
            for ((fill, tail), taken) in fills.iter().zip(&mut state.tails).zip(&mut state.taken) {
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
}

impl Drop for Seat<'_, '_> {
    fn drop(&mut self) {
        if !self.taken {
            self.turn.at(self.index, |_| ());
        }
    }
}
