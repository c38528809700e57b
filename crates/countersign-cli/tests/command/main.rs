//! The command as people and programs run it.

mod api;
mod batch;
mod canned;
mod config;
mod listen;
mod round_trip;
mod run;
mod running;
mod schemes;
mod secrets;
mod send;
mod serve;
mod sign;
mod verify;
