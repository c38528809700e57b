//! Handlers, and what they fail with.

use std::{error::Error as StdError, fmt, future::Future, time::Duration};

use crate::InboxEvent;

/// Handles events. Any `async fn(InboxEvent) -> Result<(), HandlerError>` does.
///
/// An event can come again: what a handler does must be the same done twice, by the event's
/// [key](InboxEvent::key).
pub trait EventHandler: Send + Sync + 'static {
    /// Handles one event.
    fn handle(&self, event: InboxEvent) -> impl Future<Output = Result<(), HandlerError>> + Send;
}

impl<F, Fut> EventHandler for F
where
    F: Fn(InboxEvent) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), HandlerError>> + Send,
{
    fn handle(&self, event: InboxEvent) -> impl Future<Output = Result<(), HandlerError>> + Send {
        self(event)
    }
}

/// Why an event was not handled, and what is to become of it.
///
/// Any error becomes one by `?`, and one in a box, or of `anyhow`, by `map_err(HandlerError::boxed)?`: the event is then
/// tried again. The reason is kept with the event and logged, so it must hold no secret.
pub struct HandlerError {
    pub(crate) reason: String,
    pub(crate) remedy: Remedy,
}

/// What is to become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    Retry,
    RetryAfter(Duration),
    Dead,
}

impl HandlerError {
    /// The event is to be tried again, after the usual time.
    #[must_use]
    pub fn retry(reason: impl Into<String>) -> Self {
        HandlerError { reason: reason.into(), remedy: Remedy::Retry }
    }

    /// The event is to be tried again, after the usual time: for an error whose type is forgotten.
    ///
    /// ```
    /// use countersign_inbox::{HandlerError, InboxEvent};
    ///
    /// async fn book(event: &InboxEvent) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    ///     Err(format!("no ledger for {}", event.key()).into())
    /// }
    ///
    /// async fn handle(event: InboxEvent) -> Result<(), HandlerError> {
    ///     book(&event).await.map_err(HandlerError::boxed)
    /// }
    /// ```
    #[must_use]
    pub fn boxed(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        HandlerError::retry(with_causes(&*error.into()))
    }

    /// The event is to be tried again after this time.
    #[must_use]
    pub fn retry_after(after: Duration, reason: impl Into<String>) -> Self {
        HandlerError { reason: reason.into(), remedy: Remedy::RetryAfter(after) }
    }

    /// The event is given up at once: another attempt would fail as well.
    #[must_use]
    pub fn dead(reason: impl Into<String>) -> Self {
        HandlerError { reason: reason.into(), remedy: Remedy::Dead }
    }
}

impl<E: StdError> From<E> for HandlerError {
    fn from(error: E) -> Self {
        HandlerError::retry(with_causes(&error))
    }
}

/// The outermost error alone seldom says what happened.
fn with_causes(error: &dyn StdError) -> String {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        reason.push_str(": ");
        reason.push_str(&error.to_string());
        cause = error.source();
    }
    reason
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandlerError({:?}: {})", self.remedy, self.reason)
    }
}
