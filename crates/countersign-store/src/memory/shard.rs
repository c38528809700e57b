//! A part of the keys, with the order in which they end.

use std::{
    collections::{BTreeMap, VecDeque},
    iter, mem,
    time::Duration,
};

use hashbrown::{HashTable, hash_table};
use siphasher::sip128::Hash128;

use crate::{Answer, Claim};

/// A part of the keys, each known by its hash. One half of that says where it is looked for, both that it is found.
#[derive(Default)]
pub(super) struct Shard {
    slots: HashTable<Slot>,
    claimed: BTreeMap<End, u64>,
    done: Queue,
}

/// A key with what is known of it.
struct Slot {
    key: Hash128,
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

    fn end(&self) -> End {
        (self.ends, self.fence)
    }
}

/// What came of claiming a key.
pub(super) enum Claiming {
    Claimed,
    /// Nobody may claim it yet.
    Held(Entry),
    /// It isn't known, and there is no room for it.
    Full,
}

impl Shard {
    /// Claims a key for the time until `entry` ends, unless it is held beyond `now`. Asks for room where the
    /// key isn't known.
    pub(super) fn claim(
        &mut self,
        key: Hash128,
        now: Duration,
        entry: Entry,
        reserve: impl FnOnce() -> bool,
    ) -> Claiming {
        match self.slots.entry(key.h1, |slot| slot.key == key, |slot| slot.key.h1) {
            hash_table::Entry::Occupied(slot) if slot.get().entry.ends > now => {
                return Claiming::Held(slot.get().entry);
            }
            hash_table::Entry::Occupied(mut slot) => {
                let held = mem::replace(&mut slot.get_mut().entry, entry);
                self.claimed.remove(&held.end());
            }
            hash_table::Entry::Vacant(_) if !reserve() => return Claiming::Full,
            hash_table::Entry::Vacant(place) => {
                place.insert(Slot { key, entry });
            }
        }
        self.claimed.insert(entry.end(), key.h1);
        Claiming::Claimed
    }

    /// Notes the answer to a key until `ends`; says whether the claim was still the one with this fence.
    pub(super) fn complete(&mut self, key: Hash128, fence: i64, answer: Answer, ends: Duration) -> bool {
        let Some(slot) = self.slots.find_mut(key.h1, |slot| slot.is_claimed(key, fence)) else {
            return false;
        };
        self.claimed.remove(&slot.entry.end());
        slot.entry = Entry { state: State::Done(answer), ends, ..slot.entry };
        self.done.insert(slot.entry.end(), key.h1);
        true
    }

    /// Removes a key; says whether the claim was still the one with this fence.
    pub(super) fn release(&mut self, key: Hash128, fence: i64) -> bool {
        let Ok(slot) = self.slots.find_entry(key.h1, |slot| slot.is_claimed(key, fence)) else {
            return false;
        };
        self.claimed.remove(&slot.remove().0.entry.end());
        true
    }

    /// Removes up to `most` keys: what is done and has ended by `done_by`, and claims that have ended by
    /// `claimed_by`. Says how many.
    pub(super) fn remove_ended(&mut self, done_by: Duration, claimed_by: Duration, most: usize) -> usize {
        let Shard { slots, claimed, done } = self;
        let done = iter::from_fn(|| done.pop_ended(done_by));
        let claimed = iter::from_fn(|| pop_ended(claimed, claimed_by));
        done.chain(claimed).filter(|ended| remove_slot(slots, *ended)).take(most).count()
    }

    /// When the first of what is done will be forgotten.
    pub(super) fn first_done_ends(&self) -> Option<Duration> {
        self.done.first().map(|(ends, _)| ends)
    }

    /// Removes what would be forgotten first of what is done, where there is something.
    pub(super) fn remove_first_done(&mut self) -> bool {
        self.done.pop_ended(Duration::MAX).is_some_and(|first| remove_slot(&mut self.slots, first))
    }
}

impl Slot {
    fn is_claimed(&self, key: Hash128, fence: i64) -> bool {
        self.key == key && self.entry.fence == fence && self.entry.state == State::Claimed
    }
}

/// When a key ends. The fence tells apart what ends at one moment.
type End = (Duration, i64);

/// The hashes of the keys that are done, by when they end. Most are kept for as long as the one before, and so end
/// behind it. A key that was claimed anew, once its time was over, may still stand here.
#[derive(Default)]
struct Queue {
    in_order: VecDeque<(End, u64)>,
    /// Each of them ends before the last of those in order.
    others: BTreeMap<End, u64>,
}

impl Queue {
    fn insert(&mut self, end: End, hash: u64) {
        match self.in_order.back() {
            Some((last, _)) if *last > end => {
                self.others.insert(end, hash);
            }
            _ => self.in_order.push_back((end, hash)),
        }
    }

    fn first(&self) -> Option<End> {
        let in_order = self.in_order.front().map(|(end, _)| *end);
        let other = self.others.first_key_value().map(|(end, _)| *end);
        in_order.into_iter().chain(other).min()
    }

    /// Takes out the first, where it has ended by `time`.
    fn pop_ended(&mut self, time: Duration) -> Option<(End, u64)> {
        match (self.in_order.front(), self.others.first_key_value()) {
            (Some((first, _)), Some((other, _))) if other < first => pop_ended(&mut self.others, time),
            (Some((first, _)), _) if first.0 <= time => self.in_order.pop_front(),
            _ => None,
        }
    }
}

/// Takes out the first, where it has ended by `time`.
fn pop_ended(keys: &mut BTreeMap<End, u64>, time: Duration) -> Option<(End, u64)> {
    keys.first_entry().filter(|first| first.key().0 <= time).map(|first| first.remove_entry())
}

/// Removes the key that was known to end so; says whether it was still there.
fn remove_slot(slots: &mut HashTable<Slot>, ((_, fence), hash): (End, u64)) -> bool {
    slots.find_entry(hash, |slot| slot.entry.fence == fence).map(|slot| slot.remove()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Hash128 {
        Hash128 { h1: number, h2: !number }
    }

    #[test]
    fn a_claim_leaves_nothing_of_the_one_that_has_lapsed() {
        let mut shard = Shard::default();
        for second in 0..10 {
            let now = Duration::from_secs(second);
            let ends = now + Duration::from_secs(1);
            let entry = Entry { fence: second.cast_signed(), state: State::Claimed, ends };
            assert!(matches!(shard.claim(key(7), now, entry, || true), Claiming::Claimed), "{second}");
        }
        assert_eq!((shard.claimed.len(), shard.slots.len()), (1, 1));
    }

    /// Keys that came again after their time stand in the queue twice: the earlier of both is no key any more.
    #[test]
    fn keys_are_removed_in_full_number_behind_those_that_were_claimed_anew() {
        let (mut shard, ends) = (Shard::default(), Duration::from_secs(1));
        let mut fences = 0..;
        let mut claim = |shard: &mut Shard, key: Hash128, now: Duration| {
            let fence = fences.next().unwrap_or_default();
            let entry = Entry { fence, state: State::Claimed, ends: now + ends };
            assert!(matches!(shard.claim(key, now, entry, || true), Claiming::Claimed), "{key:?} is held");
            fence
        };
        for key in (0..20).map(key) {
            let fence = claim(&mut shard, key, Duration::ZERO);
            assert!(shard.complete(key, fence, Answer { status: 200 }, ends), "{key:?}");
        }
        for key in (0..10).map(key) {
            claim(&mut shard, key, ends);
        }
        assert_eq!([4, 4, 2, 0], [(); 4].map(|()| shard.remove_ended(ends, ends, 4)));
        assert_eq!((shard.slots.len(), shard.claimed.len()), (10, 10));
    }

    #[test]
    fn keys_are_told_apart_by_both_halves() {
        let mut shard = Shard::default();
        for (fence, (h1, h2)) in (0..).zip([(1, 1), (1, 2), (2, 1)]) {
            let entry = Entry { fence, state: State::Claimed, ends: Duration::MAX };
            let claiming = shard.claim(Hash128 { h1, h2 }, Duration::ZERO, entry, || true);
            assert!(matches!(claiming, Claiming::Claimed), "{h1}, {h2}");
        }
    }
}
