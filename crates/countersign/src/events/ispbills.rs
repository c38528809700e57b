//! Events of ISPBills, verified by [`catalog::ISPBILLS`](crate::catalog::ISPBILLS).
//!
//! The categories of events are documented; the types in them and the body are not. The data is the
//! whole body. Where the type stands in it is an assumption of the scheme, and that it begins with
//! its category is one of this module.

use alloc::string::String;
use core::fmt;

use super::{TypedEvent, text::text_enum};
use crate::filter::SEPARATORS;

/// An event; its data is the whole body.
pub type Event = TypedEvent<EventType>;

text_enum! {
    /// The categories of events.
    enum Category {
        Customer = "customer",
        Invoice = "invoice",
        Payment = "payment",
        Connection = "connection",
        Package = "package",
    }
}

/// An event type, of which the category is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventType(String);

impl EventType {
    /// The text that the system writes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The category: what stands before the first `.`, `/` or `:`.
    #[must_use]
    pub fn category(&self) -> Category {
        self.0.split(SEPARATORS).next().unwrap_or_default().into()
    }
}

impl From<String> for EventType {
    fn from(text: String) -> Self {
        EventType(text)
    }
}

impl From<&str> for EventType {
    fn from(text: &str) -> Self {
        EventType(text.into())
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
