//! Events of IPTVbp, verified by [`catalog::IPTVBP`](crate::catalog::IPTVBP).
//!
//! The body is `{id, type, timestamp, data}`, the time in RFC 3339. Dedupe on the id. The name of the
//! test event isn't documented: it is an [`Other`](EventType::Other).

use super::{TypedEvent, text::text_enum};

/// An event, with its data as JSON.
pub type Event = TypedEvent<EventType>;

text_enum! {
    /// The types of events.
    enum EventType {
        SubscriptionCreated = "subscription.created",
        SubscriptionRenewed = "subscription.renewed",
        SubscriptionCancelled = "subscription.cancelled",
        SubscriptionExpired = "subscription.expired",
        SubscriptionSuspended = "subscription.suspended",
        PaymentReceived = "payment.received",
        PaymentFailed = "payment.failed",
        InvoiceCreated = "invoice.created",
        InvoicePaid = "invoice.paid",
        CustomerCreated = "customer.created",
        CustomerUpdated = "customer.updated",
        CustomerDeleted = "customer.deleted",
        TrialStarted = "trial.started",
        TrialExpiring = "trial.expiring",
        TrialExpired = "trial.expired",
    }
}
