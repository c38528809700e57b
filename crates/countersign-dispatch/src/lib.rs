//! Delivers webhooks from an outbox: signed, retried, recorded, fair to every endpoint.
//!
//! The application enqueues a [message](countersign_store::outbox::NewMessage), in its own database
//! transaction where its store is `countersign-sql`; a [`Dispatcher`] delivers it to every endpoint that
//! wants it:
//!
//! ```
//! use countersign_dispatch::{Dispatcher, Outbox};
//! use countersign_store::outbox::{Endpoint, EndpointKey, NewMessage, OutboxStore};
//! use countersign_transport::Transport;
//!
//! # async fn app(store: impl OutboxStore, shutdown: impl Future<Output = ()>) -> Result<(), Box<dyn std::error::Error>> {
//! let outbox = Outbox::new(store);
//!
//! let mut endpoint = Endpoint::new("ep_1", "https://example.com/hooks", "standard-webhooks");
//! endpoint.events = vec!["invoice.*".to_owned()];
//! endpoint.keys.push(EndpointKey {
//!     label: "2026-11".to_owned(),
//!     secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned(),
//!     valid_from: None,
//!     valid_until: None,
//! });
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
//! 1. It claims as many due deliveries as it has free places, under a lease. Endpoints take turns, and none
//!    has more requests under way than its [limit](countersign_store::outbox::Limits), so one that hangs
//!    holds up nobody else. The attempt is counted now: a payload that ends the process each time ends as a
//!    dead letter.
//! 2. For each it makes the payload (the message's bytes, or what the [`PayloadSource`] says now), signs it
//!    afresh with the message's id, which never changes, and sends it through the [`Transport`].
//! 3. It judges the answer: 2xx is delivered; 410 disables the endpoint; anything else, redirects included,
//!    is tried again by the [`Schedule`], not before `Retry-After`. 429, 502, 503 and 504 leave the endpoint
//!    alone for a while, and five failures in a row open its circuit: then one request at a time tries it.
//! 4. It settles what has ended in one commit: the attempt with what was sent and answered, the delivery,
//!    and the endpoint's health. No transaction is open while a request is under way.
//! 5. Once a minute it turns the failure clocks: an endpoint that has been failing for 5 days is warned of,
//!    for 7 days disabled. Its deliveries are kept, and go on when it is enabled.
//! 6. When it is told to stop, it claims no more and waits for what is under way.
//!
//! A delivery is made **at least once**: where a process dies between the answer and the settling, it is
//! made again, with the same id, by which receivers know it.
//!
//! # Secrets
//!
//! A [`Sealer`] keeps them sealed in the store. [`rotate`] changes one with an overlap in which both sign. An
//! attempt's record shows the headers of a signature, but no token and no header that an endpoint's owner
//! has added; URLs are never logged.
//!
//! # Features
//!
//! - `sha1`, `ed25519`: the core's, passed on.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
mod breaker;
mod clock;
mod dispatcher;
mod event;
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
    dispatcher::Dispatcher,
    event::OperationalEvent,
    outbox::Outbox,
    payload::PayloadSource,
    rotate::{DEFAULT_OVERLAP, rotate},
    schedule::Schedule,
    seal::{SealError, Sealer},
    transport::{Request, Response, SendError, Transport},
};
