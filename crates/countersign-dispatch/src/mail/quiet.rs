//! Which mails were sent lately.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::OperationalEvent;

/// Remembers of which endpoints mails tell, by event type, for a span of time.
pub(super) struct Quiet {
    span: Duration,
    told: Mutex<HashMap<(&'static str, String), Instant>>,
}

/// How many are remembered.
const MOST: usize = 10_000;

impl Quiet {
    pub(super) fn new(span: Duration) -> Self {
        Quiet { span, told: Mutex::default() }
    }

    /// Whether no mail has told of this lately. This one does, then.
    pub(super) fn is_new(&self, event: &OperationalEvent) -> bool {
        let (now, key) = (Instant::now(), (event.event_type(), event.endpoint().id.clone()));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| now.duration_since(*at) < self.span;
        if told.get(&key).is_some_and(is_recent) {
            return false;
        }
        if told.len() >= MOST {
            told.retain(|_, at| is_recent(at));
        }
        if told.len() >= MOST {
            told.clear();
        }
        told.insert(key, now);
        true
    }
}
