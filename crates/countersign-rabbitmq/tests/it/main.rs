//! The forwarder against a real server: run by `scripts/services run`.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod forward;
mod outage;
mod proxy;
mod support;
