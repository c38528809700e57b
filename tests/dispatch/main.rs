//! The sending side, whole: real processes that are killed, real sockets that misbehave, real databases that
//! fill up or stop. Each test bears the number of the claim that it proves.
//!
//! How often a thing is done stands in the environment (`KILLS`, `STOPS`, `RESTARTS`, `DELIVERIES`, `SEEDS`);
//! `scripts/prove-dispatch` runs the long versions.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod durable;
mod faults;
mod forgotten;
mod killed;
mod outcome;
mod postgres;
mod process;
mod receiver;
mod restarted;
mod running;
mod sender;
mod shared;
mod simulated;
mod stopped;
mod support;
