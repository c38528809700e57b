//! A part of the keys, with the order in which they end.

use std::{collections::BTreeMap, mem, time::Duration};

use hashbrown::{HashTable, hash_table};

use crate::{Answer, Claim};

/// A part of the keys. Each is looked for by its hash, which is made once for a call, and then by its text.
#[derive(Default)]
pub(super) struct Shard {
    slots: HashTable<Slot>,
    ends: Ends,
}

/// A key with what is known of it.
struct Slot {
    hash: u64,
    key: Box<str>,
    entry: Entry,
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
    pub(super) fn get(&self, hash: u64, key: &str) -> Option<Entry> {
        self.slots.find(hash, |slot| *slot.key == *key).map(|slot| slot.entry)
    }

    /// Writes an entry in place of the key's earlier one.
    pub(super) fn put(&mut self, hash: u64, key: &str, entry: Entry) {
        match self.slots.entry(hash, |slot| *slot.key == *key, |slot| slot.hash) {
            hash_table::Entry::Occupied(mut slot) => {
                self.ends.remove(mem::replace(&mut slot.get_mut().entry, entry));
            }
            hash_table::Entry::Vacant(place) => {
                place.insert(Slot { hash, key: key.into(), entry });
            }
        }
        self.ends.insert(entry, hash);
    }

    /// Removes a key of which this is known.
    pub(super) fn remove(&mut self, hash: u64, held: Entry) {
        self.ends.remove(held);
        remove_slot(&mut self.slots, ((held.ends, held.fence), hash));
    }

    /// Removes up to `most` keys: what is done and has ended by `done_by`, and claims that have ended by
    /// `claimed_by`. Says how many.
    pub(super) fn remove_ended(&mut self, done_by: Duration, claimed_by: Duration, most: usize) -> usize {
        let Shard { slots, ends } = self;
        let done = pop_ended(&mut ends.done, done_by).chain(pop_ended(&mut ends.claimed, claimed_by));
        done.take(most).filter(|ended| remove_slot(slots, *ended)).count()
    }

    /// When the first of what is done will be forgotten.
    pub(super) fn first_done_ends(&self) -> Option<Duration> {
        self.ends.done.first_key_value().map(|((ends, _), _)| *ends)
    }

    /// Removes what would be forgotten first of what is done, where there is something.
    pub(super) fn remove_first_done(&mut self) -> bool {
        self.ends.done.pop_first().is_some_and(|first| remove_slot(&mut self.slots, first))
    }
}

/// The hashes of the keys by when they end, once for those that are claimed and once for those that are done.
#[derive(Default)]
struct Ends {
    claimed: ByEnd,
    done: ByEnd,
}

/// A fence tells apart what ends at one moment.
type ByEnd = BTreeMap<(Duration, i64), u64>;

impl Ends {
    fn insert(&mut self, entry: Entry, hash: u64) {
        self.of(entry.state).insert((entry.ends, entry.fence), hash);
    }

    fn remove(&mut self, entry: Entry) {
        self.of(entry.state).remove(&(entry.ends, entry.fence));
    }

    fn of(&mut self, state: State) -> &mut ByEnd {
        match state {
            State::Claimed => &mut self.claimed,
            State::Done(_) => &mut self.done,
        }
    }
}

/// Takes out what has ended by `time`.
fn pop_ended(keys: &mut ByEnd, time: Duration) -> impl Iterator<Item = ((Duration, i64), u64)> {
    std::iter::from_fn(move || {
        keys.first_entry().filter(|first| first.key().0 <= time).map(|first| first.remove_entry())
    })
}

/// Removes the key that was known to end so.
fn remove_slot(slots: &mut HashTable<Slot>, ((_, fence), hash): ((Duration, i64), u64)) -> bool {
    slots.find_entry(hash, |slot| slot.entry.fence == fence).map(|slot| slot.remove()).is_ok()
}
