//! The dispatcher over an outbox in memory: with an endpoint that does what the test says, in the test's own
//! time; and over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod announcing;
mod busy;
mod checking;
mod endpoints;
mod faulty;
#[cfg(feature = "email")]
mod mailing;
mod measured;
mod payloads;
mod profiles;
mod pruning;
mod real;
mod retrying;
mod signing;
#[cfg(feature = "email")]
mod smtp;
mod stopping;
mod support;
