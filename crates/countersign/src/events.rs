//! Typed events of the billing systems in the catalogue.
//!
//! Each system has a module with its documented event types and an `Event` that is read from what
//! was verified:
//!
//! ```
//! use countersign::{Error, Verified, events::iptvbp::{Event, EventType}};
//!
//! fn on_event(verified: &Verified<'_>) -> Result<(), Error> {
//!     let event = Event::from_verified(verified)?;
//!     match event.event_type {
//!         EventType::PaymentReceived => println!("{:?}: paid {}", event.id, event.data["amount"]),
//!         EventType::TrialExpired => println!("{:?}: trial over", event.id),
//!         EventType::Other(kind) => println!("{kind} is none that is documented"),
//!         _ => {}
//!     }
//!     Ok(())
//! }
//! ```
//!
//! | system | event types | body |
//! |---|---|---|
//! | [`iptvbp`] | documented | `{id, type, timestamp, data}`; what `data` holds isn't documented |
//! | [`ispbills`] | categories alone | not documented |
//! | [`panel`] | documented | not documented |
//! | [`billrun`] | documented, by module and action | not documented, and names no type |
//! | [`snapbill`] | paths, one of them documented | `{uuid, body: {id, path, details, …}}` |
//!
//! What isn't documented is a [`Value`], and what isn't known is kept: an unknown type is `Other`
//! with its text, a new field is passed over or stays in the data. What is no such event, a body that
//! isn't JSON or one without a type, is an [`Error`], and never a panic.
//!
//! Where your application knows what the data holds, name it: `TypedEvent<EventType, Payment>`. A
//! `Value` rounds numbers that don't fit into 64 bits, and a type of your own need not.

use alloc::string::String;

use serde_core::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, ErrorKind, Event, Timestamp, Verified, event};

pub mod billrun;
pub mod iptvbp;
pub mod ispbills;
pub mod panel;
pub mod snapbill;
mod text;

#[cfg(test)]
mod tests;

/// An event whose type is a `K`, with its data.
///
/// Each system's module names its own, such as [`iptvbp::Event`]. Where id, type, time and data
/// stand, the scheme says by which the event was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedEvent<K, T = Value> {
    /// The id, the same over retries, where the system sends one.
    pub id: Option<String>,
    /// The event type.
    pub event_type: K,
    /// The time of the event as the system writes it, where it sends one.
    pub time: Option<String>,
    /// The data.
    pub data: T,
}

impl<K, T: DeserializeOwned> TypedEvent<K, T> {
    /// Reads the event of a verified request.
    ///
    /// # Errors
    /// [`ErrorKind::MalformedBody`] where the body isn't JSON, has no type or no data, or where the
    /// data isn't a `T`; [`ErrorKind::DuplicateKey`] where an object in it holds one key twice.
    pub fn from_verified<B: AsRef<[u8]>>(verified: &Verified<'_, B>) -> Result<Self, Error>
    where
        K: From<String>,
    {
        let mut event = verified.event()?;
        let no_type = || Error::new(ErrorKind::MalformedBody).because("it names no event type");
        Ok(TypedEvent::of(event.event_type.take().ok_or_else(no_type)?.into(), event))
    }

    /// Reads the event of a verified request that doesn't say its type, which is known from elsewhere:
    /// from the URL that the system was given for it.
    ///
    /// # Errors
    /// As [`from_verified`](TypedEvent::from_verified), but for the type.
    pub fn with_event_type<B: AsRef<[u8]>>(event_type: K, verified: &Verified<'_, B>) -> Result<Self, Error> {
        Ok(TypedEvent::of(event_type, verified.event()?))
    }
}

impl<K, T> TypedEvent<K, T> {
    /// The time of the event, where it is written as RFC 3339 or as Unix seconds or milliseconds.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        event::timestamp(self.time.as_deref()?)
    }

    fn of(event_type: K, event: Event<T>) -> Self {
        TypedEvent { id: event.id, event_type, time: event.time, data: event.data }
    }
}
