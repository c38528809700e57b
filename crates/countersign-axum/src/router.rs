//! Events to handlers by their type.

use std::{fmt, future::ready, pin::Pin, sync::Arc};

use axum::{
    extract::Request,
    handler::Handler,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use countersign::EventTable;

use crate::{InvalidEvent, Verified, WebhookRejection, body::verified_in};

/// Handler that gives each verified event to the handler of its type, where many types come to one
/// URL.
///
/// It is an axum handler made of axum handlers, so it goes wherever one does, behind the
/// [`WebhookLayer`](crate::WebhookLayer):
///
/// ```
/// use axum::{Router, extract::State, http::StatusCode, routing::post};
/// use countersign_axum::{EventRouter, VerifiedBody, Webhook, WebhookLayer};
///
/// #[derive(serde::Deserialize)]
/// struct Invoice {
///     amount: u64,
/// }
///
/// #[derive(Clone)]
/// struct Ledger;
///
/// async fn paid(State(ledger): State<Ledger>, Webhook(event): Webhook<Invoice>) -> StatusCode {
///     println!("{:?}: {} paid", event.id, event.data.amount);
///     StatusCode::OK
/// }
///
/// async fn changed(event: Webhook<serde_json::Value>) {}
///
/// async fn other(verified: VerifiedBody) {}
///
/// fn app(layer: WebhookLayer) -> Router {
///     let events = EventRouter::new()
///         .on("invoice.paid", paid)
///         .on("invoice.*", changed)
///         .fallback(other);
///     Router::new().route("/webhooks/billing", post(events)).route_layer(layer).with_state(Ledger)
/// }
/// ```
///
/// # Which handler is called
///
/// The one with the most specific pattern that matches, whatever the order: an exact type, then the
/// longest prefix (`invoice.item.*` before `invoice.*`), then `*`.
/// [`countersign::filter`] says what a pattern can be. One handler is called for one event.
///
/// Else the [`fallback`](EventRouter::fallback), which is also given the events that have no type.
/// Without one, the answer is 200 and empty, with an event of level `debug` in the log: providers
/// send again what isn't acknowledged, and disable endpoints that refuse.
///
/// A body in which the type can't be looked for, because it isn't JSON, is 400, and a request that no
/// layer has verified 500, as for [`Webhook<T>`](crate::Webhook).
pub struct EventRouter<S = ()> {
    routes: Arc<Routes<S>>,
}

struct Routes<S> {
    table: EventTable<Erased<S>>,
    fallback: Option<Erased<S>>,
}

/// A handler of any kind.
type Erased<S> = Arc<dyn Fn(Request, S) -> Answer + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

impl<S: Clone + Send + Sync + 'static> EventRouter<S> {
    /// A router without handlers, which acknowledges every event.
    #[must_use]
    pub fn new() -> Self {
        EventRouter { routes: Arc::default() }
    }

    /// Gives the events whose type matches a pattern to a handler.
    ///
    /// # Panics
    /// Where the text is no pattern, or the pattern has a handler already; the message names it and
    /// says what to write.
    #[must_use]
    #[track_caller]
    pub fn on<H, T>(mut self, pattern: &str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        if let Err(error) = Arc::make_mut(&mut self.routes).table.insert(pattern, erase(handler)) {
            panic!("{error}");
        }
        self
    }

    /// Gives the events that match no pattern to a handler, and those without a type.
    ///
    /// # Panics
    /// Where there is one already.
    #[must_use]
    #[track_caller]
    pub fn fallback<H, T>(mut self, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        let fallback = &mut Arc::make_mut(&mut self.routes).fallback;
        assert!(fallback.is_none(), "an `EventRouter` has one fallback: remove the other");
        *fallback = Some(erase(handler));
        self
    }

    /// The handler of a request's event, if it has one.
    fn handler_of(&self, request: &Request) -> Result<Option<Erased<S>>, WebhookRejection> {
        let verified: &Verified = verified_in(request.extensions())?;
        let kind = verified.event_type().map_err(InvalidEvent::logged)?;
        let named = kind.as_deref().and_then(|kind| self.routes.table.find(kind));
        let handler = named.or(self.routes.fallback.as_ref()).cloned();
        if handler.is_none() {
            tracing::debug!(target: "countersign", event_type = ?kind, "no handler for this event: acknowledged");
        }
        Ok(handler)
    }
}

/// The `()` tells this handler from functions, as that of a `MethodRouter` does.
impl<S: Clone + Send + Sync + 'static> Handler<(), S> for EventRouter<S> {
    type Future = Answer;

    fn call(self, request: Request, state: S) -> Self::Future {
        match self.handler_of(&request) {
            Ok(Some(handler)) => handler(request, state),
            Ok(None) => Box::pin(ready(StatusCode::OK.into_response())),
            Err(rejection) => Box::pin(ready(rejection.into_response())),
        }
    }
}

impl<S: Clone + Send + Sync + 'static> Default for EventRouter<S> {
    fn default() -> Self {
        EventRouter::new()
    }
}

impl<S> Clone for EventRouter<S> {
    fn clone(&self) -> Self {
        EventRouter { routes: Arc::clone(&self.routes) }
    }
}

/// Shows the patterns.
impl<S> fmt::Debug for EventRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRouter")
            .field("on", &self.routes.table)
            .field("fallback", &self.routes.fallback.is_some())
            .finish()
    }
}

impl<S> Default for Routes<S> {
    fn default() -> Self {
        Routes { table: EventTable::new(), fallback: None }
    }
}

impl<S> Clone for Routes<S> {
    fn clone(&self) -> Self {
        Routes { table: self.table.clone(), fallback: self.fallback.clone() }
    }
}

fn erase<H, T, S>(handler: H) -> Erased<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: 'static,
{
    Arc::new(move |request, state| Box::pin(handler.clone().call(request, state)))
}
