//! The inbox's rows, the same in both databases.

pub(crate) mod lane;
pub(crate) mod lease;
pub(crate) mod row;
