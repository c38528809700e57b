//! The command as people and programs run it.

mod api;
mod batch;
mod canned;
mod config;
mod dashboard;
mod database;
mod explaining;
mod inbox;
mod keys;
mod listen;
mod round_trip;
mod run;
mod running;
mod sample;
mod schemes;
mod secrets;
mod send;
mod serve;
mod shell;
mod sign;
mod telling;
mod tenants;
#[cfg(feature = "otlp")]
mod traces;
mod verify;
