//! What every adapter does with a request, without any framework's types.
//!
//! `countersign-tower` and `countersign-actix` are thin: they hand a [`Receiver`] the request's
//! headers and its body as it arrives, and do what it decides, [`Next`]. So both behave in the same way, and so does an
//! adapter that you write for another framework:
//!
//! ```
//! use countersign_receive::{BodySource, Incoming, Next, Receiver};
//!
//! # struct Parts; struct Response(u16);
//! # async fn handler(_: countersign_receive::Verified) -> Response { Response(200) }
//! async fn adapter(receiver: &Receiver<Parts>, incoming: Incoming<'_, Parts>, body: impl BodySource) -> Response {
//!     match receiver.receive(&incoming, body).await {
//!         Next::Handle(verified, handling) => {
//!             let response = handling.run(|| handler(verified)).await;
//!             handling.finish(response.0).await;
//!             response
//!         }
//!         Next::Answer(reply) => Response(reply.status),
//!     }
//! }
//! ```
//!
//! # What happens to a request
//!
//! 1. A body that announces more bytes than [`body_limit`](Receiver::body_limit) (1 MiB) is refused: 413.
//! 2. The keys are chosen: the verifier's own, or those of [`resolve_keys`](Receiver::resolve_keys). An unknown tenant:
//!    401. A store of keys that fails: 503 with `Retry-After`.
//! 3. Method, headers, the form of the signatures, and the time are checked, before any byte of the body is read: 401, or
//!    405 with `Allow`, or 400 if a header exceeds the limits.
//! 4. The body is read, and fed to the MAC as it arrives. More bytes than the limit: 413. More time
//!    than [`body_timeout`](Receiver::body_timeout) (10 s), or a silence longer than
//!    [`idle_timeout`](Receiver::idle_timeout) (5 s): 408. A body that breaks off: 400. Memory is taken for bytes that have
//!    arrived, never for bytes that were only announced.
//! 5. The signatures are compared: 401.
//! 6. A handshake, the provider's test of the endpoint, is answered as its scheme says.
//! 7. With an inbox ([`InboxSettings`]), the event is stored, together with the path and the headers that it is told to
//!    keep, and answered 200. The handler isn't called.
//! 8. With an [`Idempotency`], the event is claimed. A copy of one that was handled is answered with the recorded status and
//!    `idempotency-replayed: true`; a copy of one that is being handled, with 409 and `Retry-After`. If the store fails:
//!    503 with `Retry-After`. If a second layer around this one has already claimed the event: 500, since it would wait
//!    for itself.
//! 9. The handler is called. If it answers 2xx, the event is done. If it answers anything else, panics or is dropped, the
//!    claim is released, and a later copy is handled.
//!
//! A refusal is a status with an empty body, so that it tells an attacker nothing. The reason is in
//! [`Reply::rejection`], in the log, in the metrics, and in what the [`audit`](Receiver::audit) hook receives.
//!
//! # Statuses
//!
//! | status | when | what the provider does |
//! |---|---|---|
//! | the handler's | the event was handled | stops, if it is 2xx |
//! | 200 | the event is stored in the inbox, now or earlier | stops |
//! | the recorded one, with `idempotency-replayed: true` | the event was handled before | stops |
//! | 400 | headers above the limits; a body that broke off, or that an extractor can't read | some try again |
//! | 401 | not authentic, for whatever reason; an unknown tenant | tries again, and tells its operator |
//! | 403 | a handshake that doesn't match the settings | refuses the endpoint |
//! | 405, with `Allow` | a method that the scheme doesn't use | – |
//! | 408 | the body took too long | tries again |
//! | 409, with `Retry-After` | a copy of the event is being handled | tries again |
//! | 413 | the body is larger than the limit | tries again: raise the limit first |
//! | 500 | the application is set up wrongly; the log says how | tries again |
//! | 503, with `Retry-After` | a store of keys, claims or events can't be reached | tries again |
//!
//! Not every provider tries again. GitHub delivers once and waits 10 seconds for an answer: what is refused is lost unless
//! somebody has it sent again. Give such a provider an inbox, and a limit that is large enough for its events.
//!
//! # Limits and their defaults
//!
//! | what | default | set by |
//! |---|---|---|
//! | bytes of a body | 1 MiB | [`body_limit`](Receiver::body_limit) |
//! | time for a whole body | 10 s | [`body_timeout`](Receiver::body_timeout) |
//! | silence within a body | 5 s | [`idle_timeout`](Receiver::idle_timeout) |
//! | bytes of each header that is read | 8 KiB | [`VerifierBuilder`](countersign::VerifierBuilder) |
//! | signatures in a request | 16 | [`VerifierBuilder`](countersign::VerifierBuilder) |
//! | fields of a form, where the scheme signs fields | 1,000 | [`VerifierBuilder`](countersign::VerifierBuilder) |
//! | age of a signed time | the scheme's | [`Tolerance`](countersign::Tolerance) |
//! | how long a handler may run before a copy is handled | 60 s | [`Idempotency::lease`] |
//! | how long an event is remembered | 3 days, or twice the time in which a copy is accepted, if that is longer | [`Idempotency::ttl`] |
//! | time for the store | 5 s | [`Idempotency::timeout`], [`InboxSettings::timeout`] |
//!
//! The adapter doesn't limit how many requests are under way at once, and each holds up to one body in memory: put a
//! concurrency limit outside it.
//!
//! # Ordering with other layers
//!
//! From the outside in: tracing, limits of time and load, panic handler, **the adapter**, then everything
//! that reads or changes a body (decompression, JSON), then the handler.
//!
//! - Put what inflates, rewrites or reads bodies *inside*: a signature is over the bytes as they were sent. Outside the
//!   adapter it makes every signature wrong ([`NoMatchingSignature`](countersign::ErrorKind::NoMatchingSignature)), or
//!   the body shorter than announced ([`BodyIncomplete`](countersign::ErrorKind::BodyIncomplete)).
//! - Events are read from the bytes that were signed. If a sender signs compressed bodies, which no scheme of the
//!   catalogue does, a layer inside can inflate them for the framework's own extractors; `Webhook<T>` answers 400.
//! - A form whose fields are signed, such as Twilio's, is read with the framework's own `Form<T>`, beside `VerifiedBody`.
//! - Put a time limit for the whole request *outside*, longer than the body's plus the handler's. If it drops the handler,
//!   the claim is released. Keep it shorter than the [lease](Idempotency::lease), so that no copy is handled while the
//!   first is still running.
//!
//! # Behind a proxy
//!
//! - Schemes that sign the URL take it from [`public_url`](countersign::VerifierBuilder::public_url), never from `Host`,
//!   `Forwarded` or `X-Forwarded-*`, which anybody can send. Square and Trello sign the URL as it is registered with them:
//!   give all of it, with its path. HubSpot and others sign the URL that a request was sent to: only the origin of what
//!   you give counts, and path and query are those that arrive here, so that a proxy must not rewrite them.
//! - A proxy that buffers bodies hides slow senders, and needs limits of its own. One that compresses, decompresses or
//!   normalises bodies must leave webhooks alone.
//! - Set its limits of size and time above the receiver's, so that the provider sees 413 and 408 rather than a broken
//!   connection.
//!
//! # What is logged and counted
//!
//! One `tracing` span a request, `webhook.receive` of target `countersign`, with the fields `scheme`,
//! `endpoint`, `tenant`, `event_type`, `event_id`, `outcome`, `key` (its label), `age_s` and `bytes`;
//! and one event in it, with what was decided and why. The handler runs in the same span, so that what it logs carries
//! these fields, and a second event says what it answered, at level `WARN` if that isn't 2xx. Secrets, signatures and
//! bodies are never logged, and at most 255 characters of an event's id or type.
//!
//! Through the `metrics` facade, with labels whose values come from the configuration alone, and `endpoint` if it has a
//! [name](Receiver::endpoint):
//!
//! | name | kind | labels |
//! |---|---|---|
//! | `countersign_received_total` | counter | `scheme`, `endpoint`, `outcome` |
//! | `countersign_receive_seconds` | histogram: from the request's headers to the decision | `scheme`, `endpoint` |
//! | `countersign_handled_total` | counter | `scheme`, `endpoint`, `outcome`: `done` (2xx), `failed`, `dropped` (no answer) |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod audit;
mod body;
mod clock;
mod deadline;
mod handling;
mod hooks;
mod idempotency;
mod inbox;
mod judgement;
mod meters;
mod observe;
mod receive;
mod receiver;
mod rejection;
mod reply;

pub use self::{
    audit::{Decided, Decision},
    body::BodySource,
    clock::unix_seconds,
    handling::{Handling, HasClaim},
    idempotency::Idempotency,
    inbox::InboxSettings,
    receive::{Incoming, Next},
    receiver::{Receiver, SettingsError},
    rejection::Rejection,
    reply::Reply,
};

/// The proof that a request is authentic, with its body.
pub type Verified = countersign::Verified<'static, bytes::Bytes>;
