//! Forwards accepted webhooks to RabbitMQ, by AMQP 0-9-1.
//!
//! ```no_run
//! use countersign_rabbitmq::RabbitMqForwarder;
//!
//! # async fn connect() -> Result<(), countersign_store::StoreError> {
//! let forwarder = RabbitMqForwarder::connect("amqp://guest:guest@127.0.0.1/%2f").await?.exchange("webhooks");
//! # Ok(())
//! # }
//! ```
//!
//! # What a message is
//!
//! The routing key is `{source}.{type}`, for example `stripe.invoice.paid`: a queue that is bound to a topic exchange by
//! `stripe.invoice.*` is given such events. A dot in the source is written `%2E`, and a `%` as `%25`; a type that isn't
//! known is `_`. Into a [queue](RabbitMqForwarder::queue) the key is the queue's name. The payload is the body, byte for
//! byte as it arrived. The message is persistent, and has the properties
//!
//! | property | holds |
//! |---|---|
//! | `message-id` | the key by which a copy is known, where it has no more than 255 bytes |
//! | `type` | the event's type, where it is known and has no more than 255 bytes |
//! | `timestamp` | when the event was accepted, in seconds since 1970 |
//!
//! and the headers
//!
//! | header | holds |
//! |---|---|
//! | `Countersign-Key` | the key by which a copy is known |
//! | `Countersign-Source` | the name of the source |
//! | `Countersign-Accepted-At` | when the event was accepted, in microseconds since 1970 |
//! | `Countersign-Attempt` | which attempt to forward it this is, from 1 |
//! | `Countersign-Type`, `Countersign-Id`, `Countersign-Tenant` | where they are known |
//! | `Countersign-Header-…` | the header `…` of the request, where the application has asked for it to be kept; of several, the values separated by `, `. Its path and query, as `:path` |
//!
//! All of them are texts, in UTF-8.
//!
//! # What to set in RabbitMQ
//!
//! Exchange, queue and binding must be there: this crate makes none. Let the queue be durable, or what was confirmed is
//! gone when the server restarts. An event that no queue takes is an error, and is tried again. So is one that a queue
//! refuses because it is full (`overflow: reject-publish`).
//!
//! RabbitMQ knows no copies: an event whose confirmation was lost, or doesn't come within the
//! [timeout](RabbitMqForwarder::timeout), is published again, so whoever reads the queue remembers the keys. A queue that
//! hangs holds up no other.
//!
//! The server's `max_message_size` has to hold the largest body that the receiver accepts. An event that is larger, one
//! whose headers don't fit into one frame (128 KiB, unless set), or one whose type makes a routing key of more than 255
//! bytes, fails as [`StoreErrorKind::Invalid`](countersign_store::StoreErrorKind::Invalid), and an inbox's worker makes it
//! a dead letter, which can be put back once there is room.
//!
//! # TLS
//!
//! This crate builds `amqprs` without TLS. An application that needs it turns on the feature `tls` of `amqprs` 2 in its
//! own manifest, and hands its settings to [`RabbitMqForwarder::new`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod connection;
mod forwarder;
mod message;
mod publisher;
mod server;

pub use self::forwarder::RabbitMqForwarder;
