//! A part of the keys, with the order in which they end.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::{Answer, Claim};

/// A part of the keys.
#[derive(Default)]
pub(super) struct Shard {
    entries: HashMap<Arc<str>, Entry>,
    /// The keys by when they end, once for those that are claimed and once for those that are done. A
    /// fence tells apart what ends at one moment.
    claimed: ByEnd,
    done: ByEnd,
}

/// What is known of a key.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) fence: i64,
    pub(super) state: State,
    /// When it can be claimed again: the end of the lease, or of the time to live.
    pub(super) ends: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Claimed,
    Done(Answer),
}

impl Entry {
    /// What somebody is told who claims it at `now`, before it ends.
    pub(super) fn claim(self, now: Duration) -> Claim {
        match self.state {
            State::Claimed => Claim::InFlight { remaining: self.ends.saturating_sub(now) },
            State::Done(answer) => Claim::Done(answer),
        }
    }
}

impl Shard {
    pub(super) fn get(&self, key: &str) -> Option<Entry> {
        self.entries.get(key).copied()
    }

    /// Writes an entry in place of the key's earlier one.
    pub(super) fn put(&mut self, key: &str, entry: Entry) {
        let key = self.forget(key).unwrap_or_else(|| key.into());
        self.by_end(entry.state).insert((entry.ends, entry.fence), key.clone());
        self.entries.insert(key, entry);
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.forget(key);
    }

    /// Removes up to `most` keys: what is done and has ended by `done_by`, and claims that have ended by
    /// `claimed_by`. Says how many.
    pub(super) fn remove_ended(&mut self, done_by: Duration, claimed_by: Duration, most: usize) -> usize {
        let done = pop_ended(&mut self.done, done_by, most);
        let claimed = pop_ended(&mut self.claimed, claimed_by, most - done.len());
        for key in done.iter().chain(&claimed) {
            self.entries.remove(key);
        }
        done.len() + claimed.len()
    }

    /// When the first of what is done will be forgotten.
    pub(super) fn first_done_ends(&self) -> Option<Duration> {
        self.done.first_key_value().map(|((ends, _), _)| *ends)
    }

    /// Removes what would be forgotten first of what is done, where there is something.
    pub(super) fn remove_first_done(&mut self) -> bool {
        self.done.pop_first().is_some_and(|(_, key)| self.entries.remove(&key).is_some())
    }

    /// Removes a key everywhere, and gives it back to be used again.
    fn forget(&mut self, key: &str) -> Option<Arc<str>> {
        let (key, entry) = self.entries.remove_entry(key)?;
        self.by_end(entry.state).remove(&(entry.ends, entry.fence));
        Some(key)
    }

    fn by_end(&mut self, state: State) -> &mut ByEnd {
        match state {
            State::Claimed => &mut self.claimed,
            State::Done(_) => &mut self.done,
        }
    }
}

type ByEnd = BTreeMap<(Duration, i64), Arc<str>>;

/// Takes out up to `most` keys that have ended by `time`.
fn pop_ended(keys: &mut ByEnd, time: Duration, most: usize) -> Vec<Arc<str>> {
    let ended = |keys: &mut ByEnd| {
        keys.first_entry().filter(|first| first.key().0 <= time).map(|first| first.remove())
    };
    std::iter::from_fn(|| ended(keys)).take(most).collect()
}
