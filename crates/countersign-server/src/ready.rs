//! Whether the process can do its work: whether its store can be written.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Json, extract::State};
use countersign_store::outbox::OutboxStore;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use crate::{
    operator::Operator,
    refusal::{Refusal, RefusalKind},
};

/// What was asked of the store last. Nobody has to have a key to ask: one probe is under way at a time, and one a second
/// begins, however many ask.
pub(crate) struct Readiness<S> {
    operator: Operator<S>,
    last: Arc<Mutex<Option<Probe>>>,
}

struct Probe {
    began: Instant,
    answer: Answer,
}

/// `None` while the probe is under way.
type Answer = watch::Receiver<Option<Result<(), Refusal>>>;

pub(crate) async fn ready<S: OutboxStore>(
    State(readiness): State<Readiness<S>>,
) -> Result<Json<Value>, Refusal> {
    readiness.check().await?;
    Ok(Json(json!({ "status": "ready" })))
}

impl<S: OutboxStore> Readiness<S> {
    pub(crate) fn new(operator: Operator<S>) -> Self {
        Readiness { operator, last: Arc::default() }
    }

    /// # Errors
    /// Where the store can't be written, or hasn't answered for [`PATIENCE`].
    async fn check(&self) -> Result<(), Refusal> {
        let mut answer = self.answer();
        match timeout(PATIENCE, answer.wait_for(Option::is_some)).await {
            Ok(Ok(answer)) => answer.clone().unwrap_or_else(|| Err(late())),
            _ => Err(late()),
        }
    }

    /// The answer of the last probe, where that is under way or has begun a moment ago, or of a new one.
    fn answer(&self) -> Answer {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(probe) if probe.is_under_way() || probe.began.elapsed() < REST => probe.answer.clone(),
            _ => {
                let (told, answer) = watch::channel(None);
                let operator = self.operator.clone();
                tokio::spawn(async move {
                    let probed = timeout(GIVEN_UP, operator.probe()).await;
                    told.send_replace(Some(probed.unwrap_or_else(|_| Err(late()))));
                });
                *last = Some(Probe { began: Instant::now(), answer: answer.clone() });
                answer
            }
        }
    }
}

impl<S> Clone for Readiness<S> {
    fn clone(&self) -> Self {
        Readiness { operator: self.operator.clone(), last: self.last.clone() }
    }
}

impl Probe {
    fn is_under_way(&self) -> bool {
        self.answer.has_changed().is_ok() && self.answer.borrow().is_none()
    }
}

fn late() -> Refusal {
    Refusal::new(RefusalKind::Unavailable, "the store has not answered for 2 s")
}

/// How long a probe is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// When a probe has no answer any more, and another may begin.
const GIVEN_UP: Duration = Duration::from_secs(30);
const REST: Duration = Duration::from_secs(1);
