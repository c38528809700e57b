//! Where deliveries stand, as the server writes it.

use clap::ValueEnum;
use serde::Serialize;

/// Where a delivery stands.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Status {
    /// It waits until it is due
    Pending,
    /// An attempt is under way
    Leased,
    /// It has arrived
    Delivered,
    /// It was given up
    Dead,
    /// It was not wanted any more
    Cancelled,
}

/// How a delivery was settled.
#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Settled {
    /// It was given up
    Dead,
    /// It has arrived
    Delivered,
    /// It was not wanted any more
    Cancelled,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Leased => "leased",
            Status::Delivered => "delivered",
            Status::Dead => "dead",
            Status::Cancelled => "cancelled",
        }
    }
}

impl Settled {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Settled::Dead => "dead",
            Settled::Delivered => "delivered",
            Settled::Cancelled => "cancelled",
        }
    }
}
