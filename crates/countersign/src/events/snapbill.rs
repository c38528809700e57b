//! Events of SnapBill, received by [`catalog::SNAPBILL`](crate::catalog::SNAPBILL), which
//! authenticates nobody.
//!
//! The body is `{uuid, body: {id, path, details, …}}`: the event's id is the uuid, its type the path,
//! its data the inner body. That is made when it is delivered, so it shows the state at that time and
//! not at the event's.

use serde_core::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{TypedEvent, text::text_enum};

/// An event, with its inner body.
pub type Event = TypedEvent<EventType, Body>;

text_enum! {
    /// The types of events: paths, which begin with a resource. One is documented by name.
    enum EventType {
        InvoiceUpdateState = "/invoice/update/state",
    }
}

/// What is inside of the envelope, but for the path, which is the event's type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// The id of what is delivered; null where there is none. It serves to dedupe as the uuid does.
    pub id: Value,
    /// The details; null where there are none.
    pub details: Value,
    /// All the rest: the resource under its name, and what isn't documented.
    pub rest: Map<alloc::string::String, Value>,
}

impl EventType {
    /// The resource that the path begins with: `invoice` of `/invoice/update/state`.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.as_str().strip_prefix('/')?.split('/').next().filter(|name| !name.is_empty())
    }
}

impl Event {
    /// The resource as it is at the time of delivery: what the inner body holds under its name.
    #[must_use]
    pub fn resource(&self) -> Option<&Value> {
        self.data.rest.get(self.event_type.resource()?)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut rest = Map::deserialize(from)?;
        let mut take = |name| rest.remove(name).unwrap_or_default();
        let (id, details, _path) = (take("id"), take("details"), take("path"));
        Ok(Body { id, details, rest })
    }
}
