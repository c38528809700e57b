//! Events of the self-hosted panel, verified by [`catalog::PANEL`](crate::catalog::PANEL).
//!
//! The types are documented, the body is not: the data is the whole body. Where the type stands in it
//! is an assumption of the scheme.

use super::{TypedEvent, text::text_enum};

/// An event; its data is the whole body.
pub type Event = TypedEvent<EventType>;

text_enum! {
    /// The types of events.
    enum EventType {
        UserCreated = "user.created",
        UserUpdated = "user.updated",
        UserDeleted = "user.deleted",
        ServerCreated = "server.created",
        ServerDeleted = "server.deleted",
        TransactionCreated = "transaction.created",
        TransactionSuccess = "transaction.success",
        TransactionFailed = "transaction.failed",
        TransactionRefunded = "transaction.refunded",
        TicketCreated = "ticket.created",
        TicketClosed = "ticket.closed",
        TicketReopened = "ticket.reopened",
        /// What "send test" delivers.
        Test = "test.webhook",
    }
}
