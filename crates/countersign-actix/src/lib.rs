//! actix-web middleware that lets verified webhooks through to a handler, and nothing else.
//!
//! ```
//! use actix_web::{App, HttpResponse, http::StatusCode, test, web};
//! use countersign::{Keyring, Message, Signer, Verifier, catalog};
//! use countersign_actix::{Webhook, Webhooks};
//!
//! #[derive(serde::Deserialize)]
//! struct Invoice {
//!     amount: u64,
//! }
//!
//! async fn paid(Webhook(event): Webhook<Invoice>) -> HttpResponse {
//!     HttpResponse::Ok().body(event.data.amount.to_string())
//! }
//!
//! # #[actix_web::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = Keyring::new(&catalog::STRIPE, ["whsec_test_secret"])?;
//! let verifier = Verifier::builder(catalog::STRIPE).keys(keys.clone()).build()?;
//! let webhooks = Webhooks::new(verifier).clock(|| 1_700_000_000); // a fixed time, for this example
//!
//! let app = App::new().service(web::resource("/webhooks/stripe").wrap(webhooks).to(paid));
//! let app = test::init_service(app).await;
//!
//! let body = r#"{"id":"evt_1","type":"invoice.paid","data":{"object":{"amount":42}}}"#;
//! let signed = Signer::new(&catalog::STRIPE, keys)?.sign(&Message::new("evt_1", body.as_bytes()), 1_700_000_000)?;
//! let header = (signed.headers[0].0.as_str(), signed.headers[0].1.as_str());
//! let request = || test::TestRequest::post().uri("/webhooks/stripe").insert_header(header);
//! let response = test::call_service(&app, request().set_payload(body).to_request()).await;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! let response = test::call_service(&app, request().set_payload("{}").to_request()).await;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! # What a request goes through
//!
//! [`countersign_receive`]'s page has the whole list, with every status, limit and default, and what is
//! logged. In short: the headers are checked before any byte of the body is read; the raw body is read
//! within limits, and fed to the MAC as it arrives; handshakes are answered; with
//! [`idempotency`](Webhooks::idempotency), the event is claimed; then [`Verified`], the proof, goes into
//! the request's extensions, and the handler is called with the body, byte for byte as it arrived.
//!
//! A refusal is a response, never an error, so that the middleware outside still runs: a status and an
//! empty body, which tells an attacker nothing. The reason is in the response's extensions as
//! [`Rejection`], and in the log.
//!
//! # Which extractor
//!
//! | you want | take |
//! |---|---|
//! | the event, with its data parsed | [`Webhook<T>`](Webhook); `Webhook<serde_json::Value>` for any data |
//! | the raw bytes, or the data of a type that depends on the event's | [`VerifiedBody`] |
//! | who signed it, when, the idempotency key | [`VerifiedBody`], beside `Webhook<T>` if need be |
//! | many types on one URL | [`EventRouter`] as the handler |
//!
//! They can stand at any place among a handler's arguments. Where the middleware is missing, they
//! answer 500 and say so in the log; where the body isn't a `T`, [`Webhook<T>`](Webhook) answers 400,
//! and the log says which field is missing or of another type, at which line and column, and nothing else of the body.
//!
//! # Where to place it
//!
//! - **On the resources of the webhooks alone:** `web::resource(…).wrap(webhooks)`, or a scope. One is
//!   one scheme, so each provider has its own. The last `wrap` is the outermost.
//! - **Bodies must be as they were sent.** actix's `Bytes`, `String` and `Json` extractors inflate
//!   compressed bodies and have limits of their own; here the payload is read before they see it, and put
//!   back as it was. They can be used in the handler, where they read the verified body. A middleware
//!   outside of this one that reads or changes the payload makes every signature wrong.
//! - **URLs.** Schemes that sign the URL take it from
//!   [`public_url`](countersign::VerifierBuilder::public_url), never from `Host` or `X-Forwarded-Host`: all of it where
//!   they sign the registered URL, else the origin, and path and query from the request, scopes included. `NormalizePath`
//!   outside of it rewrites those.
//! - **Options.** Both `Condition::new(enabled, webhooks)` and [`Webhooks::receive`] in
//!   `middleware::from_fn` work.
//! - **Trailers** are neither verified nor passed on.
//!
//! # Features
//!
//! - `sha1`, `ed25519`, `ecdsa`: the core's, passed on.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod extract;
mod middleware;
mod rejection;
mod reply;
mod router;

#[doc(no_inline)]
pub use countersign_receive::{
    Decided, Decision, Handling, Idempotency, InboxSettings, Receiver, Rejection, SettingsError, Verified,
};

pub use self::{
    extract::{VerifiedBody, Webhook},
    middleware::{Webhooks, WebhooksMiddleware},
    rejection::{InvalidEvent, MissingMiddleware, WebhookRejection},
    router::EventRouter,
};
