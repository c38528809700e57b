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
//! // Once, where its owner adds it: written again, one that was disabled is enabled, with these keys alone.
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
//!    [limit](countersign_store::outbox::Limits), so those that hang hold up nobody else for longer than an
//!    attempt. The attempt is counted now: a payload that ends the process each time ends as a dead letter.
//! 2. For each it makes the payload (the message's bytes, or what the [`PayloadSource`] says now), signs it
//!    afresh with the message's id, which never changes, and sends it through the [`Transport`].
//! 3. It judges the answer: 2xx is delivered; 410 disables the endpoint; anything else, redirects included,
//!    is tried again by the [`Schedule`], not before `Retry-After`. 429, 502, 503 and 504 leave the endpoint
//!    alone for a while, and five failures in a row open its circuit: then one request at a time tries it. What
//!    this machine itself could not send, for want of open files, ports or the key of a sealed secret, is logged, says
//!    nothing about the endpoint, and is tried again within 10 seconds without being counted. A payload that is not made in time, or an
//!    id or type that can't stand in a header, is a failed attempt, and none of the endpoint's.
//! 4. It settles what has ended in one commit: the attempt with what was sent and answered, the delivery,
//!    and the endpoint's health. No transaction is open while a request is under way. While more is due than
//!    there is room for, the next are claimed at the same time.
//! 5. Once a minute it turns the failure clocks: an endpoint that has been failing for 5 days is warned of,
//!    for 7 days disabled. Its deliveries are kept, and go on when it is enabled.
//! 6. When it is told to stop, it claims no more and waits for what is under way.
//!
//! A delivery is made **at least once**: where a process dies between the answer and the settling, it is
//! made again, with the same id, by which receivers know it.
//!
//! # Deliveries that are made again
//!
//! [`OutboxStore::redeliver`](countersign_store::outbox::OutboxStore::redeliver) makes those again that a
//! [filter](countersign_store::outbox::DeliveryFilter) names, with the same ids; [`Outbox::wake`] lets the dispatcher of this
//! process see them at once:
//!
//! ```
//! use countersign_dispatch::Outbox;
//! use countersign_store::{StoreError, outbox::{DeliveryFilter, DeliveryState, OutboxStore}};
//!
//! /// What was given up for an endpoint that is well again. `DeliveryState::Pending`: what waits for a later attempt.
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
//! A [`Sealer`] keeps them sealed in the store. [`rotate`] changes one with an overlap in which both sign. An
//! attempt's record shows the headers of a signature, but no token and no header that an endpoint's owner
//! has added; URLs are never logged.
//!
//! # Payloads that are made late
//!
//! A message whose payload is a [reference](countersign_store::outbox::Payload::Reference) is rendered by the
//! [`PayloadSource`] at each attempt: the state of then arrives, and the delivery of what is no more is cancelled. With
//! [`first_body_wins`](Dispatcher::first_body_wins) every attempt sends what the first that made a body has
//! sent, redeliveries included.
//!
//! # Profiles
//!
//! [`profile`] makes the endpoints and messages of five billing systems, byte for byte as these send them.
//!
//! # Telling an operator
//!
//! An endpoint that is failing or was disabled and a delivery that was given up are an [`OperationalEvent`]. It
//! stands in the log, is told to [`on_event`](Dispatcher::on_event), is enqueued for endpoints of the
//! operator's own by [`announce_to`](Dispatcher::announce_to), and is mailed by `mail::Mailer` (feature
//! `email`).
//!
//! # Metrics and spans
//!
//! By the facades of `metrics` and `tracing` (target `countersign`); the application chooses what becomes of
//! them. No label holds an id: their values are those listed.
//!
//! | metric | labels | tells |
//! |---|---|---|
//! | `countersign_messages_total` | `duplicate`: `true`, `false` | messages that were enqueued by [`Outbox::enqueue`], and whether their idempotency key was known; those that the store was given directly are not counted |
//! | `countersign_attempts_total` | `outcome`: `delivered`, `retry`, `dead`, `cancelled` | attempts, and what became of their delivery |
//! | `countersign_attempt_seconds` | | how long attempts took (histogram) |
//! | `countersign_outbox_depth` | | deliveries that wait or are under way, those of disabled endpoints included (gauge, each minute) |
//! | `countersign_outbox_oldest_due_seconds` | | for how long the oldest has been due that could be delivered: rises where dispatchers don't keep up (gauge, each minute) |
//! | `countersign_mails_total` | `outcome`: `sent`, `failed`, `dropped`, `held` | mails, and events that were not mailed because there was no room or time, or another told of the same lately (feature `email`) |
//!
//! | span | fields |
//! |---|---|
//! | `webhook.enqueue` | `messages`, `duplicates` |
//! | `webhook.attempt` | `endpoint`, `message_id`, `event_type`, `attempt`, `status`, `outcome` |
//! | `webhook.mail` | `event_type`, `endpoint` |
//!
//! The gauges are of the whole outbox: where several dispatchers share it each tells the same, so take the
//! greatest, not the sum.
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
