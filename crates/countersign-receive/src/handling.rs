//! The right to handle an event, which is given back unless it is used.

use std::sync::Arc;

use countersign_store::ClaimToken;
use tokio::runtime::Handle;

use crate::{Idempotency, idempotency};

/// The right to handle an event. It is to be [finished](Handling::finish) with the handler's answer;
/// where it is dropped instead, because the handler panicked, failed or was dropped itself, the claim
/// is given back.
#[derive(Debug)]
#[must_use = "the event is taken as failed where this is dropped"]
pub struct Handling {
    claim: Option<Held>,
}

#[derive(Debug)]
struct Held {
    idempotency: Arc<Idempotency>,
    token: ClaimToken,
    /// The handler's answer, once there is one.
    status: Option<u16>,
}

impl Handling {
    pub(crate) fn unclaimed() -> Self {
        Handling { claim: None }
    }

    pub(crate) fn claimed(idempotency: Arc<Idempotency>, token: ClaimToken) -> Self {
        Handling { claim: Some(Held { idempotency, token, status: None }) }
    }

    /// Records how the handler has answered: 2xx means that the event is handled, anything else that it
    /// may come again.
    pub async fn finish(mut self, status: u16) {
        if let Some(held) = &mut self.claim {
            // Noted first: if this future is dropped half-way, the event is settled all the same.
            held.status = Some(status);
            held.idempotency.settle(&held.token, status).await;
        }
        self.claim = None;
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        let Some(Held { idempotency, token, status }) = self.claim.take() else { return };
        // Without a runtime there is nobody to ask the store: the lease ends by itself.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            match status {
                Some(status) => idempotency.settle(&token, status).await,
                None => idempotency::log(&token, idempotency.release(&token).await),
            }
        });
    }
}
