//! Delivers webhooks from an outbox: signed, retried, recorded, fair to every endpoint.
//!
//! The application enqueues a [message](countersign_store::outbox::NewMessage), in its own database
//! transaction where its store is `countersign-sql`; a [`Dispatcher`] delivers it to every endpoint that
//! wants it:
//!
//! ```
//! use countersign_dispatch::{Dispatcher, Outbox, check_endpoint};
//! use countersign_store::outbox::{Endpoint, EndpointKey, NewMessage, OutboxStore};
//! use countersign_transport::{Policy, Transport};
//!
//! # async fn app(store: impl OutboxStore, shutdown: impl Future<Output = ()>) -> Result<(), Box<dyn std::error::Error>> {
//! let outbox = Outbox::new(store);
//!
//! let mut endpoint = Endpoint::new("ep_1", "https://example.com/hooks", "standard-webhooks");
//! endpoint.events = vec!["invoice.*".to_owned()];
//! endpoint.keys.push(EndpointKey::new("2026-11", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"));
//! check_endpoint(&endpoint, &Policy::new(), None)?;
//! // Only when its owner adds it: writing it again would enable it again, and leave it these keys alone.
//! outbox.store().put_endpoint(&endpoint).await?;
//!
//! outbox.enqueue(&[NewMessage::new("invoice.paid", r#"{"type":"invoice.paid","data":{"amount":42}}"#)]).await?;
//! Dispatcher::new(outbox, Transport::new()?).run(shutdown).await;
//! # Ok(())
//! # }
//! ```
//!
//! # What a dispatcher does
//!
//! 1. It claims as many due deliveries as it has free places, under a lease. Tenants take turns, and
//!    the endpoints of each do; no endpoint has more requests under way than its
//!    [limit](countersign_store::outbox::Limits), so that one that hangs delays nobody else for longer than an
//!    attempt. The attempt is counted now, so that a payload that kills the process every time ends as a dead letter.
//! 2. For each delivery it makes the payload (the message's bytes, or what the [`PayloadSource`] says now), signs it anew
//!    with the message's id, which never changes, and sends it through the [`Transport`].
//! 3. It judges the answer. 2xx: delivered. 410: the endpoint is disabled. Anything else, redirects included, is tried
//!    again by the [`Schedule`], never before `Retry-After`. 429, 502, 503 and 504 pause the endpoint for a while, and five
//!    failures in a row open its circuit: from then on, one request at a time tries it. What this machine itself could
//!    not send, for want of open files, of ports, or of the key of a sealed secret, is logged, doesn't count against the
//!    endpoint or the schedule, and is tried again within 10 seconds. A payload that is not made in time, or an id or type
//!    that can't stand in a header, is a failed attempt, but doesn't count against the endpoint.
//! 4. It settles what has ended in one commit: the attempt with what was sent and answered, the delivery, and the
//!    endpoint's health. No transaction is open while a request is under way. If more is due than there was room for, the
//!    next are claimed at the same time.
//! 5. Once a minute it looks for endpoints that keep failing: after 5 days it warns, after 7 it disables the endpoint. Its
//!    deliveries are kept, and go on when it is enabled again.
//! 6. When it is told to stop, it claims no more and waits for what is under way.
//!
//! A delivery is made **at least once**: if a process dies between the answer and the settling, it is made again, with the
//! same id, by which receivers recognise it.
//!
//! # Redelivering
//!
//! [`OutboxStore::redeliver`](countersign_store::outbox::OutboxStore::redeliver) repeats the deliveries that a
//! [filter](countersign_store::outbox::DeliveryFilter) selects, with the same ids; [`Outbox::wake`] lets the dispatcher of
//! this process see them at once:
//!
//! ```
//! use countersign_dispatch::Outbox;
//! use countersign_store::{StoreError, outbox::{DeliveryFilter, DeliveryState, OutboxStore}};
//!
//! /// What was given up, for an endpoint that works again. `DeliveryState::Pending` would be what waits for a later attempt.
//! async fn replay<S: OutboxStore>(outbox: &Outbox<S>, endpoint: &str) -> Result<(), StoreError> {
//!     let mut filter = DeliveryFilter::default();
//!     (filter.endpoint_id, filter.state) = (Some(endpoint.to_owned()), Some(DeliveryState::Dead));
//!     loop {
//!         let step = outbox.store().redeliver(&filter, 100).await?;
//!         outbox.wake();
//!         let Some(last) = step.last else { return Ok(()) };
//!         filter.after = Some(last);
//!     }
//! }
//! ```
//!
//! # Secrets
//!
//! A [`Sealer`] encrypts them in the store. [`rotate`] replaces one, with an overlap in which both sign. The record of an
//! attempt shows the headers of a signature, but no token, and no header that an endpoint's owner has added. URLs are never
//! logged.
//!
//! # Payloads that are rendered late
//!
//! A message whose payload is a [reference](countersign_store::outbox::Payload::Reference) is rendered by the
//! [`PayloadSource`] at each attempt: what arrives is the state at that moment, and if the thing no longer exists, its
//! delivery is cancelled. With [`first_body_wins`](Dispatcher::first_body_wins) the first attempt that renders a body
//! decides what every later one sends, redeliveries included.
//!
//! # Profiles
//!
//! [`profile`] makes the endpoints and messages of five billing systems, byte for byte as they send them.
//!
//! # Telling an operator
//!
//! There is an [`OperationalEvent`] when an endpoint keeps failing, when it is disabled, and when a delivery is given up. It
//! is logged, passed to [`on_event`](Dispatcher::on_event), enqueued for the operator's own endpoints by
//! [`announce_to`](Dispatcher::announce_to), and mailed by `mail::Mailer` (feature `email`).
//!
//! # Metrics and spans
//!
//! Through the facades of `metrics` and `tracing` (target `countersign`); the application chooses where they go. No label
//! holds an id: the values are those listed.
//!
//! | metric | labels | tells |
//! |---|---|---|
//! | `countersign_messages_total` | `duplicate`: `true`, `false` | messages enqueued through [`Outbox::enqueue`], and whether their idempotency key was known; what is given to the store directly is not counted |
//! | `countersign_attempts_total` | `outcome`: `delivered`, `retry`, `dead`, `cancelled` | attempts, and what became of their delivery |
//! | `countersign_attempt_seconds` | | how long attempts took (histogram) |
//! | `countersign_outbox_depth` | | deliveries that wait or are under way, including those of disabled endpoints (gauge, each minute) |
//! | `countersign_outbox_oldest_due_seconds` | | how long the oldest deliverable one has been due: rises if dispatchers don't keep up (gauge, each minute) |
//! | `countersign_mails_total` | `outcome`: `sent`, `failed`, `dropped`, `held` | mails, and events that were not mailed because there was no room or time, or because a recent mail told of the same (feature `email`) |
//!
//! | span | fields |
//! |---|---|
//! | `webhook.enqueue` | `messages`, `duplicates` |
//! | `webhook.attempt` | `endpoint`, `message_id`, `event_type`, `attempt`, `status`, `outcome` |
//! | `webhook.mail` | `event_type`, `endpoint` |
//!
//! The gauges describe the whole outbox. If several dispatchers share it, each reports the same: take the maximum, not the
//! sum.
//!
//! # Features
//!
//! - `sha1`, `ed25519`, `ecdsa`: the core's, passed on.
//! - `http2`: HTTP/2 where a receiver offers it over TLS, in the transport.
//! - `email`: operational events by email, over SMTP (`mail`).

#![cfg_attr(docsrs, feature(doc_cfg))]

mod announce;
mod attempt;
mod breaker;
mod check;
mod clock;
mod dispatcher;
mod event;
#[cfg(feature = "email")]
pub mod mail;
mod outbox;
mod pace;
mod payload;
pub mod profile;
mod random;
mod rotate;
mod schedule;
mod seal;
mod signing;
mod transport;

pub use self::{
    check::{EndpointError, check_endpoint},
    dispatcher::{CONCURRENCY, DISABLE_AFTER, Dispatcher, WARN_AFTER},
    event::OperationalEvent,
    outbox::Outbox,
    payload::PayloadSource,
    rotate::{DEFAULT_OVERLAP, rotate},
    schedule::Schedule,
    seal::{SealError, Sealer, any_sealed, check_sealed},
    transport::{Request, Response, SendError, Transport},
};
