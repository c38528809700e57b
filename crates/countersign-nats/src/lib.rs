//! Forwards accepted webhooks to NATS JetStream.
//!
//! ```no_run
//! use countersign_nats::NatsForwarder;
//!
//! # async fn connect() -> Result<(), countersign_store::StoreError> {
//! let forwarder = NatsForwarder::connect("nats://127.0.0.1").await?.prefix("webhooks");
//! # Ok(())
//! # }
//! ```
//!
//! # What a message is
//!
//! The subject is `{prefix}.{source}.{type}`, for example `webhooks.stripe.invoice.paid`. The payload is
//! the body, byte for byte as it arrived. The headers:
//!
//! | header | holds |
//! |---|---|
//! | `Nats-Msg-Id` | the subject, a space, and the key: what JetStream knows a copy by |
//! | `Countersign-Key` | the key by which a copy is known |
//! | `Countersign-Source` | the name of the source |
//! | `Countersign-Accepted-At` | when the event was accepted, in microseconds since 1970 |
//! | `Countersign-Attempt` | which attempt to forward it this is, from 1 |
//! | `Countersign-Type`, `Countersign-Id`, `Countersign-Tenant` | where they are known |
//! | `Countersign-Header-…` | the header `…` of the request, where the application has asked for it to be kept; its path and query, as `%3Apath` |
//!
//! Header values and the parts of the subject are percent-encoded: `%`, spaces and everything that isn't
//! printable ASCII, and in the subject `*` and `>` too. A dot in the source is encoded; one in the type
//! separates, so that a consumer can ask for `webhooks.stripe.invoice.*`. A part that is empty, or a type
//! that isn't known, is `_`.
//!
//! # What to set in NATS
//!
//! A stream that takes `{prefix}.>` must be there: this crate makes none. JetStream drops a copy of a
//! message within the stream's duplicate window, two minutes unless set; whoever reads the stream remembers
//! the ids beyond that. Two inboxes can feed one stream where each has a prefix of its own: an event that
//! both accept then stands there twice, once under each.
//!
//! The server's `max_payload`, 1 MiB unless set, and the stream's `max_msg_size` have to hold the largest
//! body that the receiver accepts, up to 16 KiB of headers, and those that are kept. An event that is larger, or whose
//! type makes a subject of more than 1,024 bytes, fails as
//! [`StoreErrorKind::Invalid`](countersign_store::StoreErrorKind::Invalid), and an inbox's worker makes it a
//! dead letter, which can be put back once there is room.
//!
//! # TLS and credentials
//!
//! This crate builds `async-nats` with JetStream only. An application that needs TLS or NKeys turns on
//! those features of `async-nats` 0.51 in its own manifest, and hands its context to
//! [`NatsForwarder::new`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod escape;
mod forwarder;
mod message;

pub use self::forwarder::NatsForwarder;
