//! The store in memory: what every store promises, and what is its own.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod capacity;
#[cfg(feature = "conformance")]
mod conformance;
mod forgetting;
mod model;
#[cfg(feature = "conformance")]
mod outbox;
mod support;
