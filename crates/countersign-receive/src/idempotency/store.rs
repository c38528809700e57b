//! A store whose type is forgotten.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use countersign_store::{Answer, Claim, ClaimToken, IdempotencyStore, Settlement, StoreError};

/// What a store will answer.
pub(super) type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// An [`IdempotencyStore`] whose type is forgotten.
pub(super) trait Store: Send + Sync {
    /// The answer borrows nothing: it may be waited for longer than the request lasts.
    fn claim(self: Arc<Self>, key: String, lease: Duration) -> Answering<'static, Claim>;
    fn complete<'a>(
        &'a self,
        token: &'a ClaimToken,
        answer: Answer,
        ttl: Duration,
    ) -> Answering<'a, Settlement>;
    fn release<'a>(&'a self, token: &'a ClaimToken) -> Answering<'a, Settlement>;
}

impl<S: IdempotencyStore> Store for S {
    fn claim(self: Arc<Self>, key: String, lease: Duration) -> Answering<'static, Claim> {
        Box::pin(async move { IdempotencyStore::claim(&*self, &key, lease).await })
    }

    fn complete<'a>(
        &'a self,
        token: &'a ClaimToken,
        answer: Answer,
        ttl: Duration,
    ) -> Answering<'a, Settlement> {
        Box::pin(IdempotencyStore::complete(self, token, answer, ttl))
    }

    fn release<'a>(&'a self, token: &'a ClaimToken) -> Answering<'a, Settlement> {
        Box::pin(IdempotencyStore::release(self, token))
    }
}
