//! The outbox's rows, the same in both databases.

pub(crate) mod attempt;
pub(crate) mod claim;
pub(crate) mod delivery;
pub(crate) mod endpoint;
pub(crate) mod enqueue;
pub(crate) mod filter;
pub(crate) mod forget;
pub(crate) mod health;
pub(crate) mod message;
pub(crate) mod operations;
pub(crate) mod settle;
pub(crate) mod statements;
pub(crate) mod tenant;
pub(crate) mod turns;
