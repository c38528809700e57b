//! Events to handlers by their type.

use std::{fmt, future::Future, pin::Pin, rc::Rc};

use actix_web::{
    FromRequest, Handler, HttpRequest, HttpResponse, Responder, ResponseError, dev::Payload, web,
};
use countersign::EventTable;

use crate::{InvalidEvent, WebhookRejection, extract::verified};

/// Handler that gives each verified event to the handler of its type, where many types come to one
/// URL.
///
/// It is an actix-web handler made of actix-web handlers, so it goes wherever one does, behind
/// [`Webhooks`](crate::Webhooks):
///
/// ```
/// use actix_web::{App, HttpResponse, web};
/// use countersign_actix::{EventRouter, VerifiedBody, Webhook, Webhooks};
///
/// #[derive(serde::Deserialize)]
/// struct Invoice {
///     amount: u64,
/// }
///
/// async fn paid(Webhook(event): Webhook<Invoice>) -> HttpResponse {
///     println!("{:?}: {} paid", event.id, event.data.amount);
///     HttpResponse::Ok().finish()
/// }
///
/// async fn changed(event: Webhook<serde_json::Value>) -> HttpResponse {
///     HttpResponse::Ok().finish()
/// }
///
/// async fn other(verified: VerifiedBody) -> HttpResponse {
///     HttpResponse::Ok().finish()
/// }
///
/// fn routes(config: &mut web::ServiceConfig, webhooks: Webhooks) {
///     let events = EventRouter::new()
///         .on("invoice.paid", paid)
///         .on("invoice.*", changed)
///         .fallback(other);
///     config.service(web::resource("/webhooks/billing").wrap(webhooks).to(events));
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
/// middleware has verified 500, as for [`Webhook<T>`](crate::Webhook).
#[derive(Clone, Default)]
pub struct EventRouter {
    table: EventTable<Erased>,
    fallback: Option<Erased>,
}

/// A handler of any kind.
type Erased = Rc<dyn Fn(HttpRequest, Payload) -> Answer>;
type Answer = Pin<Box<dyn Future<Output = HttpResponse>>>;

impl EventRouter {
    /// A router without handlers, which acknowledges every event.
    #[must_use]
    pub fn new() -> Self {
        EventRouter::default()
    }

    /// Gives the events whose type matches a pattern to a handler.
    ///
    /// # Panics
    /// Where the text is no pattern, or the pattern has a handler already; the message names it and
    /// says what to write.
    #[must_use]
    #[track_caller]
    pub fn on<H, Args>(mut self, pattern: &str, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        if let Err(error) = self.table.insert(pattern, erase(handler)) {
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
    pub fn fallback<H, Args>(mut self, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        assert!(self.fallback.is_none(), "an `EventRouter` has one fallback: remove the other");
        self.fallback = Some(erase(handler));
        self
    }

    /// The handler of a request's event, if it has one.
    fn handler_of(&self, request: &HttpRequest) -> Result<Option<Erased>, WebhookRejection> {
        let verified = verified(request)?;
        let kind = verified.event_type().map_err(InvalidEvent::logged)?;
        let named = kind.as_deref().and_then(|kind| self.table.find(kind));
        let handler = named.or(self.fallback.as_ref()).cloned();
        if handler.is_none() {
            tracing::debug!(target: "countersign", event_type = ?kind, "no handler for this event: acknowledged");
        }
        Ok(handler)
    }
}

impl Handler<(HttpRequest, web::Payload)> for EventRouter {
    type Output = HttpResponse;
    type Future = Answer;

    fn call(&self, (request, payload): (HttpRequest, web::Payload)) -> Self::Future {
        let handler = self.handler_of(&request);
        Box::pin(async move {
            match handler {
                Ok(Some(handler)) => handler(request, payload.into_inner()).await,
                Ok(None) => HttpResponse::Ok().finish(),
                Err(rejection) => rejection.error_response(),
            }
        })
    }
}

/// Shows the patterns.
impl fmt::Debug for EventRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRouter")
            .field("on", &self.table)
            .field("fallback", &self.fallback.is_some())
            .finish()
    }
}

fn erase<H, Args>(handler: H) -> Erased
where
    H: Handler<Args>,
    Args: FromRequest + 'static,
    H::Output: Responder + 'static,
{
    Rc::new(move |request, mut payload| {
        let handler = handler.clone();
        Box::pin(async move {
            match Args::from_request(&request, &mut payload).await {
                Ok(arguments) => handler.call(arguments).await.respond_to(&request).map_into_boxed_body(),
                Err(error) => HttpResponse::from_error(error),
            }
        })
    })
}
