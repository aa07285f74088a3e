//! Which durable calls a part of a workflow makes.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The calls that a workflow makes while somebody wants to know.
#[derive(Debug, Default)]
pub(crate) struct Called(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many want to know now, one inside the other.
    noting: usize,
    calls: Vec<(i32, String)>,
}

impl Called {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call is polled for the first time.
    pub(super) fn note(&self, position: i32, name: &str) {
        let mut state = self.state();
        if state.noting > 0 {
            state.calls.push((position, name.to_owned()));
        }
    }

    /// Takes note of the calls from now on, until the guard is dropped.
    pub(crate) fn noting(&self) -> Noting<'_> {
        let mut state = self.state();
        state.noting += 1;
        let from = state.calls.len();
        Noting { called: self, from }
    }
}

/// While it lives, calls are taken note of.
#[derive(Debug)]
pub(crate) struct Noting<'c> {
    called: &'c Called,
    from: usize,
}

impl Noting<'_> {
    /// The calls since it began, each with its position.
    pub(crate) fn calls(&self) -> Vec<(i32, String)> {
        let state = self.called.state();
        state.calls.iter().skip(self.from).cloned().collect()
    }
}

impl Drop for Noting<'_> {
    fn drop(&mut self) {
        let mut state = self.called.state();
        state.noting -= 1;
        if state.noting == 0 {
            state.calls.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Called;

    fn call(position: i32) -> (i32, String) {
        (position, "call".to_owned())
    }

    #[test]
    fn calls_are_noted_only_while_somebody_wants_to_know() {
        let called = Called::default();
        called.note(1, "call");
        let noting = called.noting();
        called.note(2, "call");
        assert_eq!(noting.calls(), [call(2)]);
        drop(noting);
        called.note(3, "call");
        assert_eq!(called.noting().calls(), []);
    }

    #[test]
    fn who_notes_on_the_outside_gets_the_calls_inside_as_well() {
        let called = Called::default();
        let outer = called.noting();
        called.note(1, "call");
        let inner = called.noting();
        called.note(2, "call");
        assert_eq!(inner.calls(), [call(2)]);
        drop(inner);
        called.note(3, "call");
        assert_eq!(outer.calls(), [call(1), call(2), call(3)]);
    }
}
