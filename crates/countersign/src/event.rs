//! Events: what a delivery says, read from the verified bytes.

use alloc::{
    borrow::{Cow, ToOwned},
    string::String,
};
use core::fmt;

use serde_core::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{Error, Timestamp, json, scheme::TimeFormat};

/// An event whose data is not parsed yet, borrowed from the verified body.
///
/// A type that the application doesn't know is a value like any other: match on
/// [`event_type`](Envelope::event_type) and parse the data of those that matter.
#[derive(Clone)]
pub struct Envelope<'b> {
    pub(crate) id: Option<Cow<'b, str>>,
    pub(crate) event_type: Option<Cow<'b, str>>,
    pub(crate) time: Option<Cow<'b, str>>,
    pub(crate) data: &'b RawValue,
    /// The body that the data stands in, and where.
    pub(crate) body: &'b [u8],
    pub(crate) data_at: &'b str,
}

impl<'b> Envelope<'b> {
    /// The event's id, the same over retries.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The event type, such as `invoice.paid`.
    #[must_use]
    pub fn event_type(&self) -> Option<&str> {
        self.event_type.as_deref()
    }

    /// The time of the event as the provider writes it.
    #[must_use]
    pub fn time(&self) -> Option<&str> {
        self.time.as_deref()
    }

    /// The time of the event, where it is written as RFC 3339 or as Unix seconds or milliseconds.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        timestamp(self.time()?)
    }

    /// The JSON text of the data, byte for byte as it arrived.
    #[must_use]
    pub fn raw_data(&self) -> &'b str {
        self.data.get()
    }

    /// Parses the data.
    ///
    /// # Errors
    /// [`MalformedBody`](crate::ErrorKind::MalformedBody) where the data isn't a `T`.
    pub fn data<T: Deserialize<'b>>(&self) -> Result<T, Error> {
        json::parse(self.data.get(), self.body, self.data_at)
    }

    /// The event with its data parsed.
    ///
    /// # Errors
    /// As [`data`](Envelope::data).
    pub fn parse<T: DeserializeOwned>(&self) -> Result<Event<T>, Error> {
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let data = self.data()?;
        Ok(Event { id: owned(&self.id), event_type: owned(&self.event_type), time: owned(&self.time), data })
    }
}

/// Shows no byte of the data.
impl fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .finish_non_exhaustive()
    }
}

/// An event with its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<T> {
    /// The id, the same over retries, where the provider sends one.
    pub id: Option<String>,
    /// The event type, such as `invoice.paid`.
    pub event_type: Option<String>,
    /// The time of the event as the provider writes it.
    pub time: Option<String>,
    /// The data.
    pub data: T,
}

impl<T> Event<T> {
    /// The time of the event, where it is written as RFC 3339 or as Unix seconds or milliseconds.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        timestamp(self.time.as_deref()?)
    }
}

pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    let formats = [TimeFormat::Rfc3339, TimeFormat::UnixMillis, TimeFormat::UnixSeconds];
    formats.into_iter().find_map(|format| Timestamp::parse(format, text))
}
