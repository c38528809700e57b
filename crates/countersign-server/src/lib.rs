//! The operator's side of webhooks: a REST API over an outbox, as a router.
//!
//! ```no_run
//! use countersign_dispatch::{Dispatcher, Outbox};
//! use countersign_server::{Access, EventTypes, Scope, Server};
//! use countersign_store::outbox::OutboxStore;
//! use countersign_transport::Transport;
//!
//! # async fn app(store: impl OutboxStore) -> Result<(), Box<dyn std::error::Error>> {
//! let outbox = Outbox::new(store);
//! // `ApiKey::generate` makes a key, and says its digest.
//! let digest = std::env::var("API_KEY_DIGEST")?.parse()?;
//! let router = Server::new(outbox.clone(), Access::new().key("ops", digest, Scope::Admin)?)
//!     .event_types(EventTypes::preset("iptvbp").unwrap_or_default())
//!     .router();
//!
//! tokio::spawn(Dispatcher::new(outbox, Transport::new()?).run(std::future::pending()));
//! let app = axum::Router::new().nest("/webhooks-admin", router);
//! # Ok(())
//! # }
//! ```
//!
//! # Routes
//!
//! | path | what |
//! |---|---|
//! | `/api/v1/endpoints` | made, listed, shown, changed, deleted, enabled, disabled; secret changed; test sent |
//! | `/api/v1/event-types` | listed, described with JSON Schema |
//! | `/api/v1/messages` | enqueued with `Idempotency-Key`, listed, shown with the payload |
//! | `/api/v1/deliveries` | listed by endpoint, message, type, status and time; shown; attempts; made again, cancelled |
//! | `/api/v1/replays` | counted, then made step by step |
//! | `/api/v1/cancellations` | counted, then cancelled step by step |
//! | `/api/v1/stats` | how much waits; attempts that succeeded and failed over time |
//! | `/api/v1/keys` | API keys: made, listed, removed, by admins, where they are [stored](Server::stored_keys) |
//! | `/api/v1/openapi.json` | the description (OpenAPI 3.1), with every field |
//! | `/api/docs` | a viewer of the description: Swagger UI, in the program |
//! | `/dashboard` | pages for people, where a [`Dashboard`] is opened |
//! | `/health`, `/ready` | whether the process runs, and whether the store can be written |
//! | `/plugins/webhooks` | [BillRun's API](#billruns-api), where it is enabled |
//!
//! # Who may do what
//!
//! Each request carries `Authorization: Bearer csk_…`. [`Access`] holds the SHA-256 of each key, never the key, and
//! compares all of them in constant time. A key's [`Scope`] is an admin's, one tenant's, or for reading. What is
//! another tenant's is answered as what doesn't exist. An application with an authentication of its own puts a
//! [`Caller`] into the request's extensions instead. Without keys nobody is let in.
//!
//! Such an authentication may be a cookie, which a browser sends for any page that asks. So what a [`Caller`] of the
//! application wants changed must come from a page of the same origin, as the [`Dashboard`] demands it, by
//! `Sec-Fetch-Site` or else by `Origin` and `Host`, which a proxy must pass on; else it is answered 403. A request with
//! none of the two is a program's, and is done, but for what BillRun's API changes by `GET`: browsers send that
//! without them too, so a program sends `POST`. Who sends a key of this server is asked for none of it.
//!
//! With [`Server::stored_keys`] admins make, list and remove keys while the server runs; the outbox's store holds them,
//! by their SHA-256 too. A key that isn't one of [`Access`] is asked for at each request, which costs one read by an
//! index: nothing is remembered, so one that was removed or has expired ends at once on every server of the store. A
//! text that can't be a key costs no read. Where the store can't be reached, the keys of `Access` alone are known, and
//! who has another is answered 503. The dashboard lets in admins by either kind of key, and asks for a stored one at
//! each request of the session that it began.
//!
//! The API takes no cookies, and no other origin is allowed to ask (CORS). The [`Dashboard`] has sessions of its own.
//! Every answer forbids that it be framed, run, guessed at or stored.
//!
//! # Secrets
//!
//! The secret of an endpoint is in the answer that makes or changes it, and in no other; afterwards admins are shown
//! its last four characters, and others nothing. With a [`Sealer`](countersign_dispatch::Sealer) it is sealed before
//! it is stored, and this crate never opens it. The values of an endpoint's own headers are never shown, nor the path
//! of its URL to a key that reads alone.
//!
//! # Limits
//!
//! | of | default | setting |
//! |---|---|---|
//! | a request's body | 1 MiB, 10 s | [`body_limit`](Server::body_limit), [`body_timeout`](Server::body_timeout) |
//! | the answer to a request | 30 s | [`answer_timeout`](Server::answer_timeout) |
//! | a page | 50 rows, 200 at most | `limit` of the request |
//! | a step of a replay, of a cancellation | 100, 1,000 deliveries; 1,000 at most | `limit` of the request |
//! | redeliveries, replays and tests of a caller | 60 a minute | [`resends_per_minute`](Server::resends_per_minute) |
//! | event types | 1,000 | |
//! | pages of the dashboard that are kept up to date at once | 64 | [`max_streams`](Dashboard::max_streams) |
//!
//! # Refusals
//!
//! What was refused is answered with `application/problem+json`: `type` is `urn:countersign:problem:` and one of
//! `invalid`, `unauthenticated`, `forbidden`, `not-found`, `method-not-allowed`, `too-slow`, `conflict`,
//! `idempotency-key-reused`, `too-large`, `unsupported-media-type`, `rate-limited`, `internal`, `unavailable`, which never change; `errors` lists what is wrong with which field.
//!
//! # BillRun's API
//!
//! `/plugins/webhooks/{create,read,update,delete}`, each with the webhook's id behind it or as `webhook_id`.
//! `webhook_module`, `webhook_action` and `webhook_url` stand in the query or in a form. Off by default, and with the
//! same keys. A webhook is an endpoint of the scheme `billrun`, which signs nothing, for the event type
//! `module.action`. The answer is `{"status": 1, "webhook": {…}}`, of `delete` `{"status": 1, "webhook_id": …}`, and
//! `{"status": 0, "message": …}` for what was not done.
//!
//! # Features
//!
//! - `sha1`, `ed25519`, `ecdsa`: the core's, passed on: schemes that need them can be chosen.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod action;
mod allowing;
mod api;
mod billrun;
mod carried;
mod contract;
mod dashboard;
mod event_types;
mod host;
mod input;
mod late;
mod operator;
mod origin;
mod problem;
mod rate;
mod ready;
mod refusal;
mod router;
mod server;
mod text;
mod time;
mod view;

pub use self::{
    access::{Access, AccessError, ApiKey, Caller, KeyDigest},
    action::Action,
    dashboard::Dashboard,
    event_types::{EventType, EventTypeError, EventTypes},
    server::Server,
};
pub use countersign_store::api_keys::Scope;
