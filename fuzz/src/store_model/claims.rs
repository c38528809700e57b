//! The idempotency store of one process.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arbitrary::Arbitrary;
use countersign_store::{Answer, Claim, ClaimToken, IdempotencyStore, MemoryStore, Settlement};

use super::done;

/// A step, its times in seconds.
#[derive(Arbitrary, Debug)]
pub(super) enum Step {
    Claim { key: u8, lease: u8 },
    Complete { claim: u8, ttl: u8 },
    Release { claim: u8 },
    Wait { seconds: u8 },
}

/// Takes the steps in the store and in the model.
pub(super) fn compare(steps: &[Step]) {
    let (mut model, mut tokens) = (Model { now: BEGIN, ..Model::default() }, Vec::new());
    let clock = Arc::new(AtomicU64::new(BEGIN));
    let seconds = clock.clone();
    let store = MemoryStore::new().clock(move || Duration::from_secs(seconds.load(Ordering::Relaxed)));
    for step in steps {
        match *step {
            Step::Claim { key, lease } => {
                let key = format!("key_{}", key % KEYS);
                let expected = model.claim(&key, lease.into());
                assert_eq!(claim(&store, &key, lease.into(), &mut tokens), expected, "{step:?}");
            }
            Step::Complete { claim, ttl } => {
                let Some((number, token)) = some(&tokens, claim) else { continue };
                let expected = model.complete(token.key(), number, ttl.into());
                let settled = store.complete(token, answer(number), Duration::from_secs(ttl.into()));
                assert_eq!(done(settled).expect("settled"), expected, "{step:?}");
            }
            Step::Release { claim } => {
                let Some((number, token)) = some(&tokens, claim) else { continue };
                let expected = model.release(token.key(), number);
                assert_eq!(done(store.release(token)).expect("settled"), expected, "{step:?}");
            }
            Step::Wait { seconds } => {
                model.now += u64::from(seconds % 16);
                clock.store(model.now, Ordering::Relaxed);
            }
        }
        let held = model.keys.values().filter(|known| known.ends > model.now).count();
        assert!(store.len() >= held && store.len() <= usize::from(KEYS), "{step:?}");
    }
}

/// Behind the first moment of the clock: a lease of no time that ends in that moment is forgotten at once.
const BEGIN: u64 = 1;

/// So few that they meet often.
const KEYS: u8 = 8;

fn claim(store: &MemoryStore, key: &str, lease: u64, tokens: &mut Vec<ClaimToken>) -> Expected {
    match done(store.claim(key, Duration::from_secs(lease))).expect("there is room") {
        Claim::Claimed(token) => {
            tokens.push(token);
            Expected::Claimed
        }
        Claim::InFlight { remaining } => Expected::InFlight(remaining.as_secs()),
        Claim::Done(answer) => Expected::Done(answer),
    }
}

/// One of the claims that were made, with its number.
fn some(tokens: &[ClaimToken], number: u8) -> Option<(usize, &ClaimToken)> {
    let number = usize::from(number) % tokens.len().max(1);
    tokens.get(number).map(|token| (number, token))
}

/// An answer that no other claim has.
fn answer(claim: usize) -> Answer {
    Answer { status: 200 + u16::try_from(claim).unwrap_or(0) }
}

#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Claimed,
    InFlight(u64),
    Done(Answer),
}

/// The contract in one map.
#[derive(Default)]
struct Model {
    now: u64,
    claims: usize,
    keys: HashMap<String, Known>,
}

struct Known {
    claim: usize,
    is_done: bool,
    ends: u64,
}

impl Model {
    fn claim(&mut self, key: &str, lease: u64) -> Expected {
        match self.keys.get(key).filter(|known| known.ends > self.now) {
            Some(known) if known.is_done => return Expected::Done(answer(known.claim)),
            Some(known) => return Expected::InFlight(known.ends - self.now),
            None => {}
        }
        let known = Known { claim: self.claims, is_done: false, ends: self.now + lease };
        self.keys.insert(key.to_owned(), known);
        self.claims += 1;
        Expected::Claimed
    }

    fn complete(&mut self, key: &str, claim: usize, ttl: u64) -> Settlement {
        let ends = self.now + ttl;
        match self.held(key, claim) {
            Some(known) => {
                (known.is_done, known.ends) = (true, ends);
                Settlement::Settled
            }
            None => Settlement::Superseded,
        }
    }

    fn release(&mut self, key: &str, claim: usize) -> Settlement {
        match self.held(key, claim).is_some() {
            true => {
                self.keys.remove(key);
                Settlement::Settled
            }
            false => Settlement::Superseded,
        }
    }

    fn held(&mut self, key: &str, claim: usize) -> Option<&mut Known> {
        self.keys.get_mut(key).filter(|known| known.claim == claim && !known.is_done)
    }
}
