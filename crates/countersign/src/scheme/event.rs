//! Where an event's id, type, time and data stand.

use alloc::{borrow::Cow, format, string::String};

use super::{List, Text};

/// Where something stands in a request.
///
/// In TOML: `"header:X-GitHub-Delivery"`, `"field:t"`, `"json:/data/id"`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The value of a header.
    Header(Text),
    /// A field of the signature header.
    Field(Text),
    /// A value in the JSON body, by JSON pointer (RFC 6901).
    Json(Text),
}

impl Place {
    /// The text that TOML and tables use.
    #[must_use]
    pub fn render(&self) -> String {
        match self {
            Place::Header(name) => format!("header:{name}"),
            Place::Field(name) => format!("field:{name}"),
            Place::Json(pointer) => format!("json:{pointer}"),
        }
    }

    /// Reads the text that [`render`](Place::render) writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Place> {
        let (kind, rest) = text.split_once(':')?;
        let rest = || Cow::Owned(rest.into());
        match kind {
            "header" => Some(Place::Header(rest())),
            "field" => Some(Place::Field(rest())),
            "json" => Some(Place::Json(rest())),
            _ => None,
        }
    }
}

/// Where an event's id, type, time and data stand.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields, default))]
pub struct EventRule {
    /// The id that stays the same over retries: the values at these places, all of which must be
    /// present. At most [`EventRule::MAX_PLACES`].
    #[cfg_attr(feature = "toml", serde(skip_serializing_if = "<[Place]>::is_empty"))]
    pub id: List<Place>,
    /// The event type: the values at these places, joined with `.`.
    #[cfg_attr(feature = "toml", serde(rename = "type", skip_serializing_if = "<[Place]>::is_empty"))]
    pub event_type: List<Place>,
    /// The time of the event itself, as the provider writes it.
    #[cfg_attr(feature = "toml", serde(skip_serializing_if = "Option::is_none"))]
    pub time: Option<Place>,
    /// The JSON pointer (RFC 6901) to the event's data; empty for the whole body.
    #[cfg_attr(feature = "toml", serde(skip_serializing_if = "str::is_empty"))]
    pub data: Text,
}

impl EventRule {
    /// The most places that an id or a type is put together from.
    pub const MAX_PLACES: usize = 4;

    /// Nothing is known of the event but its body.
    pub const NONE: EventRule = EventRule {
        id: Cow::Borrowed(&[]),
        event_type: Cow::Borrowed(&[]),
        time: None,
        data: Cow::Borrowed(""),
    };
}

impl Default for EventRule {
    fn default() -> Self {
        EventRule::NONE
    }
}

#[cfg(feature = "toml")]
mod text {
    use alloc::{format, string::String};

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    use super::Place;

    impl Serialize for Place {
        fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
            out.serialize_str(&self.render())
        }
    }

    impl<'de> Deserialize<'de> for Place {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let text = String::deserialize(from)?;
            Place::parse(&text).ok_or_else(|| {
                D::Error::custom(format!(
                    "`{text}` is not a place; write \"header:NAME\", \"field:NAME\" or \"json:/POINTER\""
                ))
            })
        }
    }
}
