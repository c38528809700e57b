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

/// Where a delivery stands that is made again.
#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Replayed {
    /// It was given up
    Dead,
    /// It has arrived
    Delivered,
    /// It was not wanted any more
    Cancelled,
    /// It waits for a later attempt, or for the time that it was sent for, and is made at once
    Pending,
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

impl Replayed {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Replayed::Dead => "dead",
            Replayed::Delivered => "delivered",
            Replayed::Cancelled => "cancelled",
            Replayed::Pending => "pending",
        }
    }
}
