//! The layer, the extractors and the event router in axum, in process and over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod extractors;
mod placing;
mod router;
mod support;
mod wire;
