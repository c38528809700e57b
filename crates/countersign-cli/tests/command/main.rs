//! The command as people and programs run it.

mod batch;
mod round_trip;
mod run;
mod schemes;
mod secrets;
mod sign;
mod verify;
