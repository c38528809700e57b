//! The event types that an application has, as data.

use std::{collections::HashSet, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::text;

mod presets;

/// The event types that an application has: what the API lists, and the dashboard offers.
///
/// They say what there is and refuse nothing: a message of another type is delivered too.
///
/// ```
/// use countersign_server::{EventType, EventTypes};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut types = EventTypes::preset("iptvbp").ok_or("no such system")?;
/// types.add(EventType::new("invoice.voided", "An invoice was withdrawn"))?;
/// assert!(types.find("payment.failed").is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventTypes(Vec<EventType>);

/// An event type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EventType {
    /// The name, such as `invoice.paid`; or a pattern such as `customer.*`, where the types under it are not
    /// known.
    #[schema(example = "invoice.paid")]
    pub name: String,
    /// What has happened when it is sent.
    #[serde(default)]
    pub description: String,
    /// The JSON Schema of the body.
    #[serde(default = "any")]
    #[schema(value_type = Object)]
    pub schema: Value,
}

impl EventType {
    /// An event type whose body can be anything.
    #[must_use]
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        EventType { name: name.into(), description: description.into(), schema: any() }
    }

    /// The JSON Schema of the body.
    #[must_use]
    pub fn schema(self, schema: Value) -> Self {
        EventType { schema, ..self }
    }
}

impl EventTypes {
    /// The most event types.
    pub const MAX: usize = 1_000;
    /// The systems whose documented event types are known.
    pub const PRESETS: [&str; 5] = ["billrun", "iptvbp", "ispbills", "panel", "snapbill"];

    /// No event types.
    #[must_use]
    pub fn new() -> Self {
        EventTypes::default()
    }

    /// The event types that a system documents; one of [`PRESETS`](EventTypes::PRESETS).
    #[must_use]
    pub fn preset(system: &str) -> Option<Self> {
        presets::of(system).map(EventTypes)
    }

    /// Adds an event type.
    ///
    /// # Errors
    /// A name that is none or is there already, a schema that isn't an object, or one type too many.
    pub fn add(&mut self, event_type: EventType) -> Result<(), EventTypeError> {
        self.extend([event_type])
    }

    /// Adds event types; all of them, or none.
    ///
    /// # Errors
    /// As [`add`](EventTypes::add).
    pub fn extend(&mut self, more: impl IntoIterator<Item = EventType>) -> Result<(), EventTypeError> {
        let mut all = self.0.clone();
        let mut names: HashSet<String> = all.iter().map(|known| known.name.clone()).collect();
        for event_type in more {
            check(&event_type)?;
            if !names.insert(event_type.name.clone()) {
                return Err(EventTypeError::Repeated(event_type.name));
            }
            all.push(event_type);
        }
        if all.len() > Self::MAX {
            return Err(EventTypeError::TooMany);
        }
        self.0 = all;
        Ok(())
    }

    /// The event type of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&EventType> {
        self.0.iter().find(|known| known.name == name)
    }

    /// All of them, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &EventType> {
        self.0.iter()
    }
}

/// Why an event type can't be added.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventTypeError {
    /// The name is no pattern of event types; the text says what to write.
    Name(String),
    /// The name is there already.
    Repeated(String),
    /// The schema is no JSON object.
    Schema(String),
    /// There are more than [`EventTypes::MAX`].
    TooMany,
}

impl fmt::Display for EventTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventTypeError::Name(mistake) => f.write_str(mistake),
            EventTypeError::Repeated(name) => write!(f, "the event type {name:?} stands twice: remove one"),
            EventTypeError::Schema(name) => {
                write!(f, "the schema of the event type {name:?} isn't a JSON object")
            }
            EventTypeError::TooMany => write!(f, "there are more than {} event types", EventTypes::MAX),
        }
    }
}

impl std::error::Error for EventTypeError {}

fn check(event_type: &EventType) -> Result<(), EventTypeError> {
    let name = &event_type.name;
    text::check(name).map_err(|mistake| EventTypeError::Name(format!("an event type's name {mistake}")))?;
    countersign::EventFilter::parse(name).map_err(|error| EventTypeError::Name(error.to_string()))?;
    match event_type.schema.is_object() {
        true => Ok(()),
        false => Err(EventTypeError::Schema(name.clone())),
    }
}

/// The schema of a body that can be anything.
fn any() -> Value {
    Value::Object(serde_json::Map::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_list_that_could_be_configured() {
        for system in EventTypes::PRESETS {
            let preset = EventTypes::preset(system).expect(system);
            assert!(preset.iter().count() > 0, "{system}");
            let mut configured = EventTypes::new();
            assert_eq!(configured.extend(preset.iter().cloned()), Ok(()), "{system}");
        }
        assert_eq!(EventTypes::preset("acme"), None);
    }

    #[test]
    fn presets_hold_what_the_systems_document() {
        let has = |system: &str, name: &str| EventTypes::preset(system).expect(system).find(name).is_some();
        assert!(has("iptvbp", "trial.expiring") && has("panel", "ticket.reopened"));
        assert!(has("billrun", "bills.afterChargeSuccess") && has("billrun", "accounts.trackchanges"));
        assert!(has("ispbills", "connection.*") && has("snapbill", "/invoice/update/state"));
    }

    #[test]
    fn names_that_are_none_or_stand_twice_are_refused_and_nothing_is_added() {
        let mut types = EventTypes::new();
        assert_eq!(types.add(EventType::new("invoice.paid", "")), Ok(()));
        for bad in ["", "invoice*", "a,b", " x", "x\u{202E}y"] {
            assert!(matches!(types.add(EventType::new(bad, "")), Err(EventTypeError::Name(_))), "{bad:?}");
        }
        let again = [EventType::new("new.one", ""), EventType::new("invoice.paid", "")];
        assert_eq!(types.extend(again), Err(EventTypeError::Repeated("invoice.paid".to_owned())));
        let not_an_object = EventType::new("x", "").schema(Value::Null);
        assert_eq!(types.add(not_an_object), Err(EventTypeError::Schema("x".to_owned())));
        let many = (0..EventTypes::MAX).map(|number| EventType::new(format!("type.{number}"), ""));
        assert_eq!(types.extend(many), Err(EventTypeError::TooMany));
        assert_eq!(types.iter().count(), 1);
    }

    #[test]
    fn event_types_are_read_from_configuration() {
        let read: EventType = serde_json::from_str(r#"{"name":"invoice.paid"}"#).expect("an event type");
        assert_eq!(read, EventType::new("invoice.paid", ""));
        assert!(serde_json::from_str::<EventType>(r#"{"name":"x","shcema":{}}"#).is_err());
    }
}
