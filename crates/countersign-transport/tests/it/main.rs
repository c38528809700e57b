//! The transport against real receivers on real sockets.

mod addresses;
mod faults;
mod guard;
mod headers;
#[cfg(feature = "http2")]
mod http2;
mod idle;
mod requests;
mod secrets;
mod short;
mod slow;
mod support;
mod targets;
mod tls;
