//! How many requests may begin in a second.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use countersign_store::outbox::Endpoint;
use tokio::time::Instant;

/// When the next request of each endpoint with such a limit may begin. Each process keeps its own.
#[derive(Default)]
pub(crate) struct Pace(Mutex<HashMap<String, Instant>>);

/// How many endpoints are remembered: those whose time has passed are forgotten first.
const MOST: usize = 10_000;

impl Pace {
    /// Takes the endpoint's next turn, and says how long it is until then.
    pub(crate) fn turn(&self, endpoint: &Endpoint) -> Duration {
        let Some(per_second) = endpoint.limits.per_second.filter(|limit| *limit > 0) else {
            return Duration::ZERO;
        };
        let now = Instant::now();
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= MOST {
            turns.retain(|_, turn| *turn > now);
        }
        let turn = turns.entry(endpoint.id.clone()).or_insert(now);
        let mine = (*turn).max(now);
        *turn = mine + Duration::from_secs(1) / per_second;
        mine - now
    }
}
