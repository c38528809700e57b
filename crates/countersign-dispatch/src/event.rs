//! What an operator is told.

use std::time::Duration;

use countersign_store::outbox::{DisabledBecause, Endpoint};

/// Something that an operator wants to know of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperationalEvent {
    /// An endpoint has been failing for long, and will be disabled.
    EndpointWarned {
        /// The endpoint.
        endpoint: Endpoint,
        /// For how long it has been failing.
        failing_for: Duration,
    },
    /// An endpoint was disabled. Its deliveries are kept until it is enabled.
    EndpointDisabled {
        /// The endpoint's id.
        endpoint: String,
        /// Why.
        because: DisabledBecause,
    },
    /// A delivery was given up.
    DeliveryExhausted {
        /// The delivery.
        delivery: i64,
        /// The message's id.
        message: String,
        /// The endpoint's id.
        endpoint: String,
        /// How many attempts there were.
        attempts: u32,
    },
}

impl OperationalEvent {
    pub(crate) fn log(&self) {
        match self {
            OperationalEvent::EndpointWarned { endpoint, failing_for } => tracing::warn!(
                target: "countersign", endpoint = endpoint.id, ?failing_for, "endpoint is failing, and will be disabled"
            ),
            OperationalEvent::EndpointDisabled { endpoint, because } => {
                tracing::error!(target: "countersign", endpoint, ?because, "endpoint disabled");
            }
            OperationalEvent::DeliveryExhausted { delivery, message, endpoint, attempts } => tracing::error!(
                target: "countersign", delivery, message, endpoint, attempts, "delivery given up"
            ),
        }
    }
}
