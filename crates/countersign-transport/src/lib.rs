//! HTTP client for webhooks: one attempt to post a body to a URL that somebody supplied, and never to
//! an address that isn't public.
//!
//! ```no_run
//! use bytes::Bytes;
//! use countersign_transport::{CustomHeaders, Post, Transport};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let transport = Transport::new()?;
//! let target = transport.target("https://hooks.example.com/services/TOKEN")?;
//! let attempted = transport
//!     .send(Post {
//!         target: &target,
//!         headers: &[("webhook-id".to_owned(), "msg_1".to_owned())],
//!         custom: &CustomHeaders::default(),
//!         body: Bytes::from_static(b"{}"),
//!     })
//!     .await;
//! match attempted.result {
//!     Ok(answer) => println!("{target} answered {}", answer.status),
//!     Err(failure) => println!("{target} did not answer: {failure}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is dialled
//!
//! A URL is checked twice: when an endpoint is registered ([`Target::parse`]), so that its owner is
//! told what is wrong, and when it is dialled, because a name may lead elsewhere by then. The second
//! check is the one that protects, and it has no way around it:
//!
//! 1. The host is resolved, once for each connection. A host that is an address takes the same way.
//! 2. Every address is [classified](classify); what the [`Policy`] doesn't permit is dropped.
//! 3. One of the addresses that are left is dialled, as it is: it isn't resolved again.
//! 4. The connection is secured; the certificate must be the host's.
//!
//! A connection that is kept open was made in this way, by the same policy. No proxy is taken from the
//! environment; a [`Dial`] of your own can go through one, to the checked address. No redirect is
//! followed: an answer of 302 is an answer.
//!
//! What the guard can't see: a public address that a firewall or translator of your own network leads
//! inside. Where such exist, have the sender's machine refuse them as well.
//!
//! # Limits
//!
//! | of | default | setting |
//! |---|---|---|
//! | resolving, connecting and securing together | 5 s | [`connect_timeout`](TransportBuilder::connect_timeout) |
//! | the whole attempt, the answer's body included | 15 s | [`timeout`](TransportBuilder::timeout) |
//! | the answer's body that is read | 64 KiB | [`response_limit`](TransportBuilder::response_limit) |
//! | the answer's head | 100 headers, 64 KiB; from 32 KiB on it may be refused | |
//! | addresses of a host that are tried | 8 | |
//! | names that are being resolved | 64 | [`SystemResolver::new`] |
//! | connections without use, and for how long | 4 a host, 128 together, 30 s | [`max_idle_per_host`](TransportBuilder::max_idle_per_host), [`max_idle`](TransportBuilder::max_idle), [`idle_timeout`](TransportBuilder::idle_timeout) |
//! | a URL | 2048 bytes | |
//! | custom headers | 32, names of 128 and values of 4096 bytes | |
//!
//! An answer counts from its head on: where the body is too long, too slow or breaks off, the status
//! is kept and [`BodyEnd`] says so. It is never decompressed.
//!
//! # HTTP/2
//!
//! With the feature `http2`, off by default, an `https` receiver that chooses HTTP/2 is spoken to in it; every
//! other in HTTP/1.1, as without the feature. What is dialled, and the limits, are the same, and besides:
//!
//! - Attempts at one host share a connection. One whose time is up is broken off alone.
//! - While attempts are under way, the connection is asked for a sign of life as often as
//!   [`connect_timeout`](TransportBuilder::connect_timeout) says. Where none comes within as long again, it is
//!   closed, and the next attempt dials anew.
//! - A receiver that says goodbye (`GOAWAY`) before it has answered is [`FailureKind::Reset`], and 421 is an
//!   answer like any other: whoever sends tries again, on another connection after the former.
//!
//! # What is shown
//!
//! A webhook's URL is often a credential. Every `Debug`, `Display` and log line here shows it as
//! `https://host/…`; headers are shown by name, bodies by length. One event a delivery is logged, at
//! the level of debugging, under the target `countersign`.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod attempt;
mod connect;
mod dial;
mod failure;
mod headers;
mod policy;
mod resolve;
mod retry_after;
mod target;
mod tls;
mod transport;

pub use self::{
    address::{AddressClass, classify},
    attempt::{Answer, Attempted, BodyEnd, Post},
    dial::{ByteStream, Dial, Dialling, TcpDialler},
    failure::{Failure, FailureKind},
    headers::{CustomHeaders, HeaderError, HeaderErrorKind, is_header_value},
    policy::Policy,
    resolve::{Resolve, Resolving, SystemResolver},
    retry_after::retry_after,
    target::{Target, TargetError, TargetErrorKind},
    tls::Roots,
    transport::{BuildError, BuildErrorKind, Transport, TransportBuilder},
};
