//! The store and the forwarder against real servers: run by `scripts/services run`.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod conformance;
mod outage;
mod private;
mod proxy;
mod store;
mod stream;
mod support;
