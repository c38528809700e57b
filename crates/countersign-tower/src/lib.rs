//! tower layer that lets verified webhooks through to a service, and nothing else.
//!
//! ```
//! use bytes::Bytes;
//! use countersign::{Keyring, Message, Signer, Verifier, catalog};
//! use countersign_tower::{Rejection, Verified, WebhookLayer};
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower::BoxError> {
//! let keys = Keyring::new(&catalog::STRIPE, ["whsec_test_secret"])?;
//! let verifier = Verifier::builder(catalog::STRIPE).keys(keys.clone()).build()?;
//!
//! // The inner service is called for verified requests alone, and can't read anything else.
//! let service = ServiceBuilder::new()
//!     .layer(WebhookLayer::new(verifier).clock(|| 1_700_000_000)) // a fixed time, for this example
//!     .service(service_fn(|request: Request<Full<Bytes>>| async move {
//!         let verified = request.extensions().get::<Verified>().ok_or("no layer")?;
//!         assert_eq!(verified.event_type()?.as_deref(), Some("invoice.paid"));
//!         Ok::<_, tower::BoxError>(Response::new(Full::<Bytes>::from("done")))
//!     }));
//!
//! let body = r#"{"id":"evt_1","type":"invoice.paid","data":{"object":{"amount":42}}}"#;
//! let signer = Signer::new(&catalog::STRIPE, keys)?;
//! let signed = signer.sign(&Message::new("evt_1", body.as_bytes()), 1_700_000_000)?;
//! let (name, value) = &signed.headers[0];
//! let request = Request::post("/hooks/stripe").header(name, value);
//! let response = service.clone().oneshot(request.body(Full::from(body))?).await?;
//! assert_eq!(response.status(), 200);
//!
//! let request = Request::post("/hooks/stripe").header(name, value);
//! let response = service.oneshot(request.body(Full::from("{}"))?).await?;
//! assert_eq!(response.status(), 401);
//! let reason = response.extensions().get::<Rejection>().ok_or("no reason")?;
//! assert_eq!(reason.kind(), countersign::ErrorKind::NoMatchingSignature);
//! # Ok(())
//! # }
//! ```
//!
//! # What a request goes through
//!
//! [`countersign_receive`]'s page has the whole list, with every status, limit and default, and what is
//! logged. In short: the headers are checked before any byte of the body is read; the body is read
//! within limits, and fed to the MAC as it arrives; handshakes are answered; with
//! [`idempotency`](WebhookLayer::idempotency), the event is claimed; then [`Verified`], the proof, goes
//! into the request's extensions, and the inner service is called with the body, byte for byte as it
//! arrived. A body of one piece is not copied.
//!
//! A refusal is a response, never an error: a status and an empty body, so that it tells an attacker
//! nothing. The reason is in the response's extensions as [`Rejection`], and in the log.
//!
//! Errors of the inner service pass through untouched. So do the types: the layer takes and gives
//! the bodies that the inner service has, which must be `From<Bytes>`. axum's are, and
//! `Full<Bytes>`; for hyper's `Incoming` there is [`WebhookBody`].
//!
//! # Where to place it
//!
//! From the outside in: tracing, limits of time and load, panic handler, **this layer**, then
//! everything that reads or changes a body (decompression, JSON), then the handler.
//!
//! - **Bodies must be as they were sent.** A layer outside of this one that inflates or rewrites
//!   them makes every signature wrong. One that has read them makes the body shorter than its
//!   `Content-Length`, which is refused as [`BodyIncomplete`](countersign::ErrorKind::BodyIncomplete).
//! - **On the routes of the webhooks alone.** In axum, `Router::route_layer` rather than
//!   `Router::layer`: unknown paths stay 404 and their bodies are not read. One layer is one scheme,
//!   so each provider has its own route.
//! - **URLs.** Schemes that sign the URL take it from
//!   [`public_url`](countersign::VerifierBuilder::public_url), never from `Host` or `X-Forwarded-Host`: all of it where
//!   they sign the registered URL, else the origin, and path and query from the request. A nested router may have removed
//!   a prefix from those: see [`original_uri`](WebhookLayer::original_uri). A proxy that rewrites paths
//!   is not seen, and the signature then doesn't match.
//! - **Trailers** are neither verified nor passed on.
//! - **Load.** The inner service is asked whether it is ready before the body is read, so under
//!   `ConcurrencyLimit` a slow upload holds a place, for `body_timeout` at most. Each request holds
//!   at most `body_limit` bytes: limit how many there are at once.
//! - **A runtime.** The limits of time need tokio's timer.
//!
//! # Features
//!
//! - `sha1`, `ed25519`, `ecdsa`: the core's, passed on.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod future;
mod layer;
mod reply;
mod service;
mod sign;

#[doc(no_inline)]
pub use countersign_receive::{
    Decided, Decision, Idempotency, InboxSettings, Receiver, Rejection, SettingsError, Verified,
};

pub use self::{
    body::WebhookBody,
    future::ResponseFuture,
    layer::WebhookLayer,
    service::WebhookService,
    sign::{Outgoing, SignLayer, SignService},
};
