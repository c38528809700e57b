//! The worker over a store that can fail, in time that is the test's own.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod failing;
mod forwarding;
mod handling;
mod pruning;
mod stopping;
mod support;
