//! The stores against real databases.
//!
//! PostgreSQL is the server that `COUNTERSIGN_TEST_POSTGRES` names; without it those tests say that
//! they are skipped. Each test has a schema, or a file, of its own.

#![cfg(any(feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

#[macro_use]
mod support;

mod claims;
mod conformance;
mod inbox;
mod outbox;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod processes;
#[cfg(feature = "sqlite")]
mod sqlite;
