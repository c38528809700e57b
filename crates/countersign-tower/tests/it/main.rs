//! The layer as its users see it: in process, and over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod handshakes;
mod headers;
mod hooks;
mod limits;
mod observing;
mod service;
mod signing;
mod support;
mod wire;
