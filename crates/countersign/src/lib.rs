//! Webhooks that can be trusted: one contract for both ends.
//!
//! A [`Scheme`] says, as data, how a message is signed. The same value drives the [`Signer`] and the
//! [`Verifier`], so that sender and receiver can't drift apart:
//!
//! ```
//! use countersign::{Keyring, Message, RequestView, Signer, Verifier, catalog};
//!
//! // One contract …
//! let scheme = catalog::STANDARD_WEBHOOKS;
//! let keys = Keyring::new(&scheme, ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])?;
//!
//! // … signs
//! let body = br#"{"type":"invoice.paid","data":{"amount":42}}"#;
//! let now = 1_764_000_000; // Unix seconds: the core has no clock of its own
//! let signed = Signer::new(&scheme, keys.clone())?.sign(&Message::new("msg_1", body), now)?;
//!
//! // … and verifies
//! let verifier = Verifier::builder(scheme).keys(keys).build()?;
//! let verified = verifier.verify(&RequestView::post(&signed.headers), body, now)?;
//!
//! assert_eq!(verified.event_type()?.as_deref(), Some("invoice.paid"));
//! assert_eq!(verified.idempotency_key().as_str(), "standard-webhooks/msg_1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it promises
//!
//! - **[`Verified`] is a proof.** Nothing but a successful verification makes one.
//! - **The bytes that are verified are the bytes that arrived.** Nothing is trimmed, decoded or
//!   serialised again. A timestamp is signed as the text that arrived.
//! - **The algorithm is configured**, never taken from the message: at most, the message picks one from the scheme's
//!   allow-list.
//! - **No request is expensive**: one MAC per key, however many signatures a header holds (and at most four verifications
//!   per public key); every header, list and body has a limit.
//! - **No empty secret.** A [`Keyring`] refuses secrets that can't protect anything, wipes the others from memory, and
//!   never shows one.
//! - **No I/O, no clock, no async, no `unsafe`.** `now` is an argument. It builds without `std`.
//!
//! # Where to start
//!
//! | you want to | see |
//! |---|---|
//! | receive in axum, or any tower stack | the crates `countersign-axum`, `countersign-tower` |
//! | verify a request by hand | [`Verifier::verify`], or [`Verifier::begin`] for a body in pieces |
//! | answer a provider's test of the endpoint (a handshake) | [`Verifier::receive`] |
//! | find out why a request is refused | the module `explain`; `countersign verify --explain` |
//! | find the scheme of a provider | [`catalog`] |
//! | write a scheme of your own | [`scheme`]; the module `infer`, which finds one in captured requests |
//! | sign | [`Signer`] |
//! | handle each event once | [`Verified::idempotency_key`] |
//! | tell events apart by type | [`filter`]; the module `events` for five billing systems |
//!
//! # Features
//!
//! None is on by default; each only adds.
//!
//! - `sha1`: HMAC-SHA1, for providers that offer nothing better.
//! - `ed25519`: Ed25519 signatures (Standard Webhooks v1a, Discord).
//! - `ecdsa`: ECDSA signatures over P-256 (SendGrid).
//! - `toml`: schemes as TOML text.
//! - `http`: [`HeaderView`] for `http::HeaderMap` (1.x).
//! - `events`: typed events of the billing systems in [`catalog`] (module `events`).
//! - `explain`: for people, offline: why a request was refused, in sentences (module `explain`), and which scheme captured
//!   requests follow (module `infer`).
//!
//! The hashes are RustCrypto's. With `--cfg countersign_backend="ring"` in `RUSTFLAGS`, HMAC uses `ring`'s instead. A build
//! for x86-64 with both `avx512f` and `sha`, as `-C target-cpu=native` makes on some servers, does so by itself, since
//! RustCrypto's SHA-256 was seen a hundred times slower there; `"rustcrypto"` refuses that. `ring` doesn't wipe the state of
//! a MAC when it is dropped.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(any(test, feature = "toml", feature = "http"))]
extern crate std;

mod asymmetric;
pub mod catalog;
mod content;
mod encoding;
pub mod error;
pub mod event;
#[cfg(feature = "events")]
pub mod events;
#[cfg(feature = "explain")]
pub mod explain;
pub mod filter;
mod form;
pub mod handshake;
mod headers;
pub mod idempotency;
#[cfg(feature = "explain")]
pub mod infer;
mod json;
pub mod keyring;
mod mac;
pub mod scheme;
mod secret;
pub mod sign;
mod time;
mod tolerance;
mod verified;
pub mod verify;

pub use self::{
    error::{Error, ErrorKind},
    event::{Envelope, Event},
    filter::{EventFilter, EventFilters, EventTable},
    handshake::{Greeting, Outcome},
    headers::{HeaderView, Lookup, RequestView},
    idempotency::IdempotencyKey,
    json::read_json,
    keyring::{Key, KeyError, KeyErrorKind, Keyring, KeyringBuilder},
    mac::sha256,
    scheme::{Scheme, SchemeError},
    sign::{Message, SignError, Signed, Signer},
    time::Timestamp,
    tolerance::Tolerance,
    verified::{Authenticity, Verified},
    verify::{BodyBuffer, Check, ConfigError, Discard, Verifier, VerifierBuilder},
};
