//! What every adapter does with a request, without any framework's types.
//!
//! `countersign-tower` and `countersign-actix` are thin: they hand a [`Receiver`] the request's
//! headers and its body as it arrives, and do what it decides, [`Next`]. So both behave alike, and so
//! does an adapter that you write for another framework:
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
//! # What a request goes through
//!
//! 1. A body that announces more bytes than [`body_limit`](Receiver::body_limit) (1 MiB) is refused: 413.
//! 2. The keys are chosen: the verifier's own, or those of [`resolve_keys`](Receiver::resolve_keys). A
//!    tenant that isn't known: 401; a store of keys that fails: 503 with `Retry-After`.
//! 3. Method, headers, signatures and time are checked, before any byte of the body is read: 401,
//!    or 405 with `Allow`, or 400 where a header is larger than any that is signed.
//! 4. The body is read, and fed to the MAC as it arrives. More bytes than the limit: 413. More time
//!    than [`body_timeout`](Receiver::body_timeout) (10 s), or a silence longer than
//!    [`idle_timeout`](Receiver::idle_timeout) (5 s): 408. A body that breaks off: 400. No room is
//!    made for bytes that have only been announced.
//! 5. The signatures are compared: 401.
//! 6. A handshake, the provider's test of the endpoint, is answered as its scheme says.
//! 7. Where there is an inbox ([`InboxSettings`]), the event is stored, with those headers and the path that it is told to
//!    keep, and answered 200: the handler isn't called.
//! 8. Where there is an [`Idempotency`], the event is claimed. One that has been handled is given the
//!    recorded status with `idempotency-replayed: true`; one that is being handled, 409 with
//!    `Retry-After`; where the store fails, 503 with `Retry-After`. Where a layer around this one has claimed
//!    it, because the layer is there twice, 500: the event would wait for itself.
//! 9. The handler is called. If it answers 2xx, the event is done; if it answers anything else, panics
//!    or is dropped, the claim is given back, and the event can come again.
//!
//! A refusal is a status and an empty body, so that it tells an attacker nothing. The reason is in
//! [`Reply::rejection`], in the log, in the metrics, and in what [`audit`](Receiver::audit) is given.
//!
//! # Statuses
//!
//! | status | when | the provider |
//! |---|---|---|
//! | the handler's | the event was handled | stops, if it is 2xx |
//! | 200 | the event is stored in the inbox, or had been | stops |
//! | the recorded one, with `idempotency-replayed: true` | the event was handled before | stops |
//! | 400 | headers above the limits; a body that broke off, or isn't what an extractor is to read | some try again |
//! | 401 | not authentic, for whatever reason; no such tenant | tries again, and tells its operator |
//! | 403 | a handshake that doesn't agree with the settings | refuses the endpoint |
//! | 405, with `Allow` | a method that the scheme doesn't use | – |
//! | 408 | the body took too long | tries again |
//! | 409, with `Retry-After` | a copy of the event is being handled | tries again |
//! | 413 | the body is larger than the limit | tries again: raise the limit first |
//! | 500 | the application is set up wrongly, as the log says | tries again |
//! | 503, with `Retry-After` | a store of keys, of claims or of events can't be asked | tries again |
//!
//! Not every provider tries again: GitHub delivers once, and waits for 10 seconds. Of such a one an event that is refused
//! is lost unless somebody has it sent again, so give it an inbox, and the room that its events need.
//!
//! # Limits and their defaults
//!
//! | what | default | set by |
//! |---|---|---|
//! | bytes of a body | 1 MiB | [`body_limit`](Receiver::body_limit) |
//! | time for a body | 10 s | [`body_timeout`](Receiver::body_timeout) |
//! | silence within a body | 5 s | [`idle_timeout`](Receiver::idle_timeout) |
//! | bytes of a header that is looked at | 8 KiB | [`VerifierBuilder`](countersign::VerifierBuilder) |
//! | signatures of a request | 16 | [`VerifierBuilder`](countersign::VerifierBuilder) |
//! | fields of a form, where these are signed | 1,000 | [`VerifierBuilder`](countersign::VerifierBuilder) |
//! | age of a signed time | the scheme's | [`Tolerance`](countersign::Tolerance) |
//! | how long a handler may run before a copy is handled | 60 s | [`Idempotency::lease`] |
//! | how long an event is remembered | 3 days, or twice the time in which a copy is accepted | [`Idempotency::ttl`] |
//! | time for the store | 5 s | [`Idempotency::timeout`], [`InboxSettings::timeout`] |
//!
//! How many requests there are at once is limited around the adapter: each holds up to one body.
//!
//! # What stands around it
//!
//! From the outside in: tracing, limits of time and load, panic handler, **the adapter**, then everything
//! that reads or changes a body (decompression, JSON), then the handler.
//!
//! - What inflates, rewrites or reads bodies stands inside: a signature is over the bytes as they were sent.
//!   Outside it, every signature would be wrong ([`NoMatchingSignature`](countersign::ErrorKind::NoMatchingSignature)),
//!   or the body shorter than announced ([`BodyIncomplete`](countersign::ErrorKind::BodyIncomplete)).
//! - Events are read of the bytes that were signed. Should a sender sign compressed bodies, which none of the catalogue
//!   does, then a layer inside inflates them for the framework's own extractors, and `Webhook<T>` answers 400.
//! - A form whose fields are signed, as Twilio's, is read inside by the framework's own `Form<T>`, beside `VerifiedBody`.
//! - A limit of time for the whole request stands outside and is longer than the body's plus the handler's;
//!   where it drops the handler, the event is given back. It must be shorter than the
//!   [lease](Idempotency::lease), so that no copy is handled while the first still runs.
//!
//! # Behind a proxy
//!
//! - Schemes that sign the URL take it from [`public_url`](countersign::VerifierBuilder::public_url), never from `Host`,
//!   `Forwarded` or `X-Forwarded-*`, which anybody can send. Some sign the URL as it is registered with the provider, as
//!   Square and Trello do: give all of it, with its path. Others sign the one that a request was sent to, as HubSpot
//!   does: of what is given the origin counts, and path and query are those that arrive here, so that a proxy which
//!   rewrites them makes the signature wrong.
//! - A proxy that buffers bodies hides slow senders, and needs limits of its own. One that compresses,
//!   decompresses or normalises bodies must leave these alone.
//! - Its limit of a request's size and time is to be above the receiver's, so that the provider sees 413 and
//!   408 rather than a broken connection.
//!
//! # What is logged and counted
//!
//! One `tracing` span a request, `webhook.receive` of target `countersign`, with the fields `scheme`,
//! `endpoint`, `tenant`, `event_type`, `event_id`, `outcome`, `key` (its label), `age_s` and `bytes`;
//! and one event in it, with what was decided and why. The handler runs in it too, so that what it logs stands beside
//! these fields, and a second event says what it answered: at level `WARN`, where that isn't 2xx. Secrets, signatures
//! and bodies are never logged, and no more than 255 characters of an event's id or type.
//!
//! Through the `metrics` facade, with labels that only the configuration can make more, and `endpoint` where it has
//! been [named](Receiver::endpoint):
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
