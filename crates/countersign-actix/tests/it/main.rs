//! The middleware as its users see it: what differs from the tower layer, whose behaviour is the same.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod extractors;
mod handlers;
mod placing;
mod router;
mod support;
