//! The store of one process.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use siphasher::sip128::{Hash128, SipHasher13};

use self::shard::{Claiming, Entry, Shard, State};
use crate::{
    Answer, Claim, ClaimToken, Fence, IdempotencyStore, Settlement, StoreError, StoreErrorKind, check_key,
};

mod shard;

/// [`IdempotencyStore`] of one process, in its memory.
///
/// What it knows ends with the process, so a copy that comes after a restart is handled again: for one
/// machine where that is bearable. It holds at most [`capacity`](Self::capacity) keys, each of which takes
/// some 100 to 160 bytes, however long it is: what is kept is its hash of 128 bits, by SipHash under a secret
/// that is drawn at random, so that two keys share one neither by chance nor by anybody's choice. Time is
/// counted by a clock that no change of the system's time moves. No task runs in the background: each claim
/// removes some of what has expired.
///
/// ```
/// use std::time::Duration;
/// use countersign_store::{Answer, Claim, IdempotencyStore, MemoryStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), countersign_store::StoreError> {
/// let store = MemoryStore::new();
/// let (lease, day) = (Duration::from_secs(60), Duration::from_secs(86_400));
/// let Claim::Claimed(token) = store.claim("stripe/evt_1", lease).await? else { panic!("a copy") };
/// assert!(matches!(store.claim("stripe/evt_1", lease).await?, Claim::InFlight { .. }));
/// let _ = store.complete(&token, Answer { status: 200 }, day).await?;
/// assert_eq!(store.claim("stripe/evt_1", lease).await?, Claim::Done(Answer { status: 200 }));
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    shards: Box<[Mutex<Shard>]>,
    hasher: SipHasher13,
    capacity: usize,
    when_full: WhenFull,
    /// How many keys are held, by all shards together, so that no single one can be full.
    len: AtomicUsize,
    evicted: AtomicU64,
    next_fence: AtomicI64,
    clock: Arc<dyn Fn() -> Duration + Send + Sync>,
}

/// What a [`MemoryStore`] does that holds as many keys as it may, none of which has expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It refuses new keys ([`StoreErrorKind::Full`]), so that the sender tries again later.
    #[default]
    Refuse,
    /// It forgets the event whose time to live ends first, so that a copy of it would be handled again,
    /// and [counts](MemoryStore::evicted) it. An event that is being handled is never forgotten.
    EvictOldest,
}

/// More than the cores of most machines, so that two calls seldom meet.
const SHARDS: usize = 64;

impl MemoryStore {
    /// How many keys are held at most, by default.
    pub const DEFAULT_CAPACITY: usize = 100_000;

    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        let origin = Instant::now();
        MemoryStore {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: SipHasher13::new_with_keys(random(), random()),
            capacity: Self::DEFAULT_CAPACITY,
            when_full: WhenFull::default(),
            len: AtomicUsize::new(0),
            evicted: AtomicU64::new(0),
            next_fence: AtomicI64::new(0),
            clock: Arc::new(move || origin.elapsed()),
        }
    }

    /// How many keys are held at most: 100,000 by default. Enough is what arrives within the time to live.
    #[must_use]
    pub fn capacity(mut self, keys: usize) -> Self {
        self.capacity = keys;
        self
    }

    /// What is done when it is full: by default, new keys are refused.
    #[must_use]
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// The clock: the time since some moment, never going back. For tests.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(now);
        self
    }

    /// How many keys are held, those included that have expired and are not removed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether no key is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many events were forgotten before their time, because the store was full.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    fn try_claim(&self, key: &str, lease: Duration) -> Result<Claim, StoreError> {
        check_key(key)?;
        let now = (self.clock)();
        let fence = self.next_fence.fetch_add(1, Ordering::Relaxed);
        let entry = Entry { fence, state: State::Claimed, ends: now.saturating_add(lease) };
        let hash = self.hasher.hash(key.as_bytes());
        loop {
            let mut shard = self.shard(hash);
            self.note(shard.remove_ended(now, now.saturating_sub(GRACE), AT_A_CLAIM), 0);
            match shard.claim(hash, now, entry, || self.reserve()) {
                Claiming::Claimed => {
                    return Ok(Claim::Claimed(ClaimToken::new(key, Fence::from_i64(fence))));
                }
                Claiming::Held(held) => return Ok(held.claim(now)),
                Claiming::Full => {}
            }
            drop(shard);
            self.make_room(now)?;
        }
    }

    /// Counts one more key, where there is room for one.
    fn reserve(&self) -> bool {
        let more = |len| (len < self.capacity).then_some(len + 1);
        self.len.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Removes at least one key, one that has expired if there is one.
    fn make_room(&self, now: Duration) -> Result<(), StoreError> {
        let expired = self.shards.iter().map(|shard| lock(shard).remove_ended(now, now, AT_A_SWEEP)).sum();
        if expired > 0 {
            self.note(expired, 0);
            return Ok(());
        }
        let full = || StoreError::new(StoreErrorKind::Full);
        match self.when_full {
            WhenFull::Refuse => Err(full()),
            WhenFull::EvictOldest => self.evict_oldest().then_some(()).ok_or_else(full),
        }
    }

    /// Forgets the event that would be forgotten first, where one is done. A store of this size is
    /// looked through shard by shard: being full is no state to stay in.
    fn evict_oldest(&self) -> bool {
        let first = |shard: &&Mutex<Shard>| lock(shard).first_done_ends();
        let soonest = self.shards.iter().filter(|shard| first(shard).is_some()).min_by_key(first);
        let evicted = soonest.is_some_and(|shard| lock(shard).remove_first_done());
        self.note(usize::from(evicted), u64::from(evicted));
        // Where another call was faster, there is room now: the caller looks again.
        soonest.is_some()
    }

    fn settle(
        &self,
        token: &ClaimToken,
        settle: impl FnOnce(&mut Shard, Hash128, i64) -> bool,
    ) -> Settlement {
        let hash = self.hasher.hash(token.key().as_bytes());
        match settle(&mut self.shard(hash), hash, token.fence().as_i64()) {
            true => Settlement::Settled,
            false => Settlement::Superseded,
        }
    }

    /// Notes that so many keys are gone, and so many of them before their time.
    fn note(&self, removed: usize, evicted: u64) {
        if removed > 0 {
            self.len.fetch_sub(removed, Ordering::Relaxed);
            self.evicted.fetch_add(evicted, Ordering::Relaxed);
        }
    }

    /// The shard of the keys with this hash. Its table looks at the other half.
    fn shard(&self, hash: Hash128) -> MutexGuard<'_, Shard> {
        let place = usize::try_from(hash.h2 % SHARDS as u64).unwrap_or_default();
        lock(&self.shards[place])
    }
}

impl IdempotencyStore for MemoryStore {
    async fn claim(&self, key: &str, lease: Duration) -> Result<Claim, StoreError> {
        self.try_claim(key, lease)
    }

    async fn complete(
        &self,
        token: &ClaimToken,
        answer: Answer,
        ttl: Duration,
    ) -> Result<Settlement, StoreError> {
        let ends = (self.clock)().saturating_add(ttl);
        Ok(self.settle(token, |shard, key, fence| shard.complete(key, fence, answer, ends)))
    }

    async fn release(&self, token: &ClaimToken) -> Result<Settlement, StoreError> {
        let settled = self.settle(token, Shard::release);
        self.note(usize::from(settled == Settlement::Settled), 0);
        Ok(settled)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        MemoryStore::new()
    }
}

/// Shows no key.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .field("when_full", &self.when_full)
            .field("evicted", &self.evicted())
            .finish_non_exhaustive()
    }
}

/// 64 bits that nobody can guess.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

/// A shard is never left half changed, so one whose holder panicked is as good as any.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long after its lease a claim is kept that nobody has settled, where there is room: until then
/// its holder, if it still lives, can settle it.
const GRACE: Duration = Duration::from_secs(3600);
/// How many keys that have expired a claim removes at most: more than the one that it adds.
const AT_A_CLAIM: usize = 4;
/// How many keys that have expired are removed at most from each shard where there is no room.
const AT_A_SWEEP: usize = 64;

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, ptr};

    use super::*;

    #[test]
    fn keys_are_spread_over_all_shards() {
        let store = MemoryStore::new();
        let hash_of = |number: u64| store.hasher.hash(&number.to_le_bytes());
        let shard_of = |number| ptr::from_ref(&*store.shard(hash_of(number)));
        assert_eq!((0..10_000).map(shard_of).collect::<HashSet<_>>().len(), SHARDS);
    }
}
