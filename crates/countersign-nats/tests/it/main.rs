//! The forwarder against real servers: run by `scripts/services run`.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod forward;
mod outage;
mod support;
