//! Random steps, compared with a model so simple that it is plainly right.

use std::{collections::HashMap, time::Duration};

use countersign_store::{
    Answer, Claim, ClaimToken, IdempotencyStore, MemoryStore, Settlement, StoreErrorKind, WhenFull,
};

use crate::support::TestClock;

#[tokio::test]
async fn random_steps_do_what_the_model_does() {
    for seed in SEEDS {
        Comparison::new(seed, usize::MAX, WhenFull::Refuse).run().await;
    }
}

#[tokio::test]
async fn random_steps_do_what_the_model_does_where_new_keys_are_refused() {
    for seed in SEEDS {
        assert!(Comparison::new(seed, 12, WhenFull::Refuse).run().await.refused > 0);
    }
}

#[tokio::test]
async fn random_steps_do_what_the_model_does_where_old_keys_are_evicted() {
    for seed in SEEDS {
        assert!(Comparison::new(seed, 12, WhenFull::EvictOldest).run().await.evicted > 0);
    }
}

/// The store and the model, and the same steps for both.
struct Comparison {
    random: Random,
    clock: TestClock,
    store: MemoryStore,
    model: Model,
    /// Every claim that was made, by its number.
    tokens: Vec<ClaimToken>,
}

impl Comparison {
    fn new(seed: u64, capacity: usize, when_full: WhenFull) -> Self {
        let clock = TestClock::default();
        Comparison {
            random: Random(seed),
            store: clock.store().capacity(capacity).when_full(when_full),
            clock,
            model: Model { capacity, when_full, ..Model::default() },
            tokens: Vec::new(),
        }
    }

    async fn run(mut self) -> Model {
        for step in 0..STEPS {
            match self.random.below(8) {
                0..=3 => self.claim(step).await,
                4..=5 => self.complete(step).await,
                6 => self.release().await,
                _ => self.clock.ahead(Duration::from_millis(self.random.below(500))),
            }
            assert_eq!(self.store.evicted(), self.model.evicted, "step {step}");
            assert!(self.store.len() <= self.model.capacity, "step {step}");
        }
        self.model
    }

    async fn claim(&mut self, step: u64) {
        let (key, lease) = (format!("key_{}", self.random.below(KEYS)), self.span(step));
        let expected = self.model.claim(&key, lease, self.clock.now());
        let claim = match self.store.claim(&key, lease).await {
            Ok(Claim::Claimed(token)) => {
                self.tokens.push(token);
                Expected::Claimed
            }
            Ok(Claim::InFlight { remaining }) => Expected::InFlight(remaining),
            Ok(Claim::Done(answer)) => Expected::Done(answer),
            Err(error) => {
                assert_eq!(error.kind(), StoreErrorKind::Full);
                Expected::Full
            }
        };
        assert_eq!(claim, expected, "step {step}, {key}");
    }

    async fn complete(&mut self, step: u64) {
        let answer = Answer { status: 200 + (step % 100) as u16 };
        let (ttl, now) = (self.span(step), self.clock.now());
        let Some(number) = self.some_claim() else { return };
        let token = &self.tokens[number];
        let expected = self.model.complete(token.key(), number, answer, now + ttl);
        assert_eq!(self.store.complete(token, answer, ttl).await.unwrap(), expected, "step {step}");
    }

    async fn release(&mut self) {
        let Some(number) = self.some_claim() else { return };
        let token = &self.tokens[number];
        let expected = self.model.release(token.key(), number);
        assert_eq!(self.store.release(token).await.unwrap(), expected);
    }

    /// One of the last claims. Where room is short, a claim whose lease has ended can be gone, or not
    /// yet, so that no model says what its token does: there it isn't settled.
    fn some_claim(&mut self) -> Option<usize> {
        let number = self.tokens.len().checked_sub(1 + self.random.below(2 * KEYS) as usize)?;
        let lapsed = self.model.has_lapsed(self.tokens[number].key(), self.clock.now());
        (!lapsed || self.model.capacity == usize::MAX).then_some(number)
    }

    /// Some seconds, and nanoseconds by which no two keys end at one moment.
    fn span(&mut self, step: u64) -> Duration {
        Duration::from_millis(self.random.below(20_000)) + Duration::from_nanos(step)
    }
}

/// The contract in one map, without shards, order or removal.
#[derive(Default)]
struct Model {
    capacity: usize,
    when_full: WhenFull,
    keys: HashMap<String, Known>,
    /// How many claims were made.
    claims: usize,
    refused: u64,
    evicted: u64,
}

struct Known {
    /// The number of the claim.
    claim: usize,
    answer: Option<Answer>,
    ends: Duration,
}

#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Claimed,
    InFlight(Duration),
    Done(Answer),
    Full,
}

impl Model {
    fn claim(&mut self, key: &str, lease: Duration, now: Duration) -> Expected {
        match self.keys.get(key) {
            Some(Known { ends, answer: Some(answer), .. }) if *ends > now => return Expected::Done(*answer),
            Some(Known { ends, .. }) if *ends > now => return Expected::InFlight(*ends - now),
            _ => {}
        }
        if !self.has_room(now) {
            self.refused += 1;
            return Expected::Full;
        }
        self.keys.insert(key.to_owned(), Known { claim: self.claims, answer: None, ends: now + lease });
        self.claims += 1;
        Expected::Claimed
    }

    fn has_room(&mut self, now: Duration) -> bool {
        if self.keys.values().filter(|known| known.ends > now).count() < self.capacity {
            return true;
        }
        self.when_full == WhenFull::EvictOldest && self.evict(now)
    }

    fn evict(&mut self, now: Duration) -> bool {
        let done = self.keys.iter().filter(|(_, known)| known.ends > now && known.answer.is_some());
        let Some(first) = done.min_by_key(|(_, known)| known.ends).map(|(key, _)| key.clone()) else {
            return false;
        };
        self.keys.remove(&first);
        self.evicted += 1;
        true
    }

    fn complete(&mut self, key: &str, claim: usize, answer: Answer, ends: Duration) -> Settlement {
        match self.keys.get_mut(key) {
            Some(known) if known.claim == claim && known.answer.is_none() => {
                *known = Known { claim, answer: Some(answer), ends };
                Settlement::Settled
            }
            _ => Settlement::Superseded,
        }
    }

    fn release(&mut self, key: &str, claim: usize) -> Settlement {
        match self.keys.get(key) {
            Some(known) if known.claim == claim && known.answer.is_none() => {
                self.keys.remove(key);
                Settlement::Settled
            }
            _ => Settlement::Superseded,
        }
    }

    /// Whether the key is claimed, and its lease has ended.
    fn has_lapsed(&self, key: &str, now: Duration) -> bool {
        self.keys.get(key).is_some_and(|known| known.answer.is_none() && known.ends <= now)
    }
}

/// A xorshift generator: the same steps for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

const SEEDS: std::ops::Range<u64> = 1..21;
const STEPS: u64 = 5_000;
const KEYS: u64 = 30;
