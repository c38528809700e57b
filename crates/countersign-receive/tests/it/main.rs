//! The receiver without a framework: what it decides, and what it tells the store.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod idempotency;
mod inbox;
mod settings;
mod support;
mod told;
