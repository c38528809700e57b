//! The layer and the extractors in axum, in process and over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod extractors;
mod placing;
mod support;
mod wire;
