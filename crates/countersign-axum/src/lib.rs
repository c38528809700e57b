//! axum extractors for verified webhooks.
//!
//! A handler that takes [`Webhook<T>`](Webhook) can't run on a body that nobody checked:
//! the only way to one is the [`WebhookLayer`].
//!
//! ```
//! use axum::{Router, http::StatusCode, routing::post};
//! use countersign::{Keyring, Verifier, catalog};
//! use countersign_axum::{Webhook, WebhookLayer};
//!
//! #[derive(serde::Deserialize)]
//! struct Invoice {
//!     amount: u64,
//! }
//!
//! async fn paid(Webhook(event): Webhook<Invoice>) -> StatusCode {
//!     println!("{:?}: {} paid", event.id, event.data.amount);
//!     StatusCode::OK
//! }
//!
//! # fn app() -> Result<Router, Box<dyn std::error::Error>> {
//! let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])?;
//! let verifier = Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys).build()?;
//! let layer = WebhookLayer::new(verifier).body_limit(1 << 20);
//! let app: Router = Router::new().route("/webhooks/billing", post(paid)).route_layer(layer);
//! # Ok(app)
//! # }
//! # assert!(app().is_ok());
//! ```
//!
//! # Which extractor
//!
//! | you want | take |
//! |---|---|
//! | the event, with its data parsed | [`Webhook<T>`](Webhook); `Webhook<serde_json::Value>` for any data |
//! | the raw bytes, or the data of a type that depends on the event's | [`VerifiedBody`] |
//! | who signed it, when, the idempotency key | [`VerifiedBody`], beside `Webhook<T>` if need be |
//!
//! Both can stand at any place among a handler's arguments, because the layer has read the body
//! already. Where the layer is missing, both answer 500 and say so in the log; where the body isn't
//! a `T`, [`Webhook<T>`](Webhook) answers 400, and the log says which field is missing or of another
//! type, at which line and column, and nothing else of the body. Either answer is empty, and carries
//! its reason in the response's extensions as [`Rejection`].
//!
//! # Many types on one URL
//!
//! Most providers send all their events to one URL. [`EventRouter`] gives each to the handler of its
//! type, by exact types and by prefixes, of which the most specific that matches counts:
//!
//! ```
//! # use axum::{Router, routing::post};
//! # use countersign_axum::{EventRouter, VerifiedBody};
//! # async fn paid(_: VerifiedBody) {}
//! # async fn changed(_: VerifiedBody) {}
//! # async fn other(_: VerifiedBody) {}
//! let events = EventRouter::new().on("invoice.paid", paid).on("invoice.*", changed).fallback(other);
//! let app: Router = Router::new().route("/webhooks/billing", post(events)); // and `.route_layer(…)`
//! ```
//!
//! The feature `events` of [`countersign`] has the event types of five billing systems as enums, for
//! handlers that rather match on them.
//!
//! # Placing the layer
//!
//! The [layer's page](countersign_tower) says what it does and what may stand around it. In axum:
//!
//! - `route_layer`, not `layer`: unknown paths stay 404, and their bodies are not read.
//! - One layer is one scheme. Give each provider its route, and the route its layer:
//!   `.route("/stripe", post(stripe).layer(stripe_layer))`. Then a wrong method is answered by the
//!   layer, and handshakes that come by `GET` are too, on a route that has no `get` handler, because
//!   the method router is inside; with `Router::route_layer` likewise.
//! - Several layers on one method router, as one for tracing around it: put them together with `tower::ServiceBuilder`, or
//!   rustc can't tell which error each of two calls of `layer` is to have.
//! - In a router that is nested, axum removes the prefix from the URI. Schemes that sign the URL
//!   need it: `WebhookLayer::new(verifier).original_uri(countersign_axum::original_uri)`.
//! - axum's `DefaultBodyLimit` is for extractors and doesn't apply; the layer has its own.
//! - Tenants in the path: clone the request's parts, and use axum's extractors on the clone. A path that they can't read
//!   is one that no tenant has: an `Err` would be this side's fault, and answered 503.
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::{RequestPartsExt, extract::Path, http::request::Parts};
//! use countersign::{Key, KeyError, Keyring, Verifier, catalog};
//! use countersign_axum::WebhookLayer;
//!
//! /// `None` where there is no such tenant.
//! async fn secret_of(tenant: &str) -> Option<String> {
//!     None // from a database, or a cache before it
//! }
//!
//! fn layer(verifier: Verifier) -> WebhookLayer {
//!     WebhookLayer::new(verifier).resolve_keys(|request: &Parts| {
//!         let mut request = request.clone();
//!         async move {
//!             let Ok(Path(tenant)) = request.extract::<Path<String>>().await else { return Ok(None) };
//!             let Some(secret) = secret_of(&tenant).await else { return Ok(None) };
//!             let keys = Keyring::builder(&catalog::STRIPE).key(Key::new("current", &secret));
//!             Ok::<_, KeyError>(Some(Arc::new(keys.tenant(&tenant).build()?)))
//!         }
//!     })
//! }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod event;
mod rejection;
mod router;

use axum::{
    extract::OriginalUri,
    http::{Uri, request::Parts},
};

#[doc(no_inline)]
pub use countersign_tower::{
    Decided, Decision, Idempotency, InboxSettings, Receiver, Rejection, SettingsError, Verified, WebhookLayer,
};

pub use self::{
    body::VerifiedBody,
    event::Webhook,
    rejection::{InvalidEvent, MissingLayer, WebhookRejection},
    router::EventRouter,
};

/// The URI that arrived, before nested routers removed a prefix from it: for
/// [`WebhookLayer::original_uri`].
#[must_use]
pub fn original_uri(request: &Parts) -> &Uri {
    request.extensions.get::<OriginalUri>().map_or(&request.uri, |OriginalUri(uri)| uri)
}
