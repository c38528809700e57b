//! What the benchmarks share.
//!
//! Machines are shared and noisy, so nothing here is compared with a number from another day. The
//! baseline and the subject run in turns, a short round each, and what is reported is the median of the
//! rounds' ratios.

mod by_hand;
mod compare;
mod event;
mod load;
mod server;

pub use self::{
    compare::{Ratio, compare},
    event::{request, unfinished},
    load::{Load, Round},
    server::{Framework, Server, pin, serve},
};
