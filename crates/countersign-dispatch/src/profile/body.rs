//! The body of a message, put together in the order in which a system documents it.

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign::scheme::Place;
use serde_core::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::ProfileError;

/// A JSON object whose fields stay in the order in which they are put.
#[derive(Default)]
pub(super) struct Body(Vec<(String, Box<RawValue>)>);

impl Body {
    /// Puts a field.
    ///
    /// # Errors
    /// Where the value can't be written as JSON, or the field is there already.
    pub(super) fn put(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), ProfileError> {
        self.insert(name, raw(value)?)
    }

    /// Puts a field under the name that a scheme reads it by; none, where it reads none from the body.
    ///
    /// # Errors
    /// As [`put`](Body::put).
    pub(super) fn put_at(&mut self, place: Option<&Place>, value: &str) -> Result<(), ProfileError> {
        match place {
            Some(Place::Json(pointer)) => self.put(name_at(pointer), value),
            _ => Ok(()),
        }
    }

    /// Puts all fields of an object, by name.
    ///
    /// # Errors
    /// As [`put`](Body::put), and where the value isn't an object.
    pub(super) fn put_fields(&mut self, object: &impl Serialize) -> Result<(), ProfileError> {
        let fields = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(raw(object)?.get());
        let fields = fields.map_err(|_| ProfileError::event("the data isn't a JSON object"))?;
        fields.into_iter().try_for_each(|(name, value)| self.insert(&name, value))
    }

    /// The bytes that are sent.
    pub(super) fn bytes(&self) -> Result<Bytes, ProfileError> {
        serde_json::to_vec(self).map(Bytes::from).map_err(|_| not_json())
    }

    fn insert(&mut self, name: &str, value: Box<RawValue>) -> Result<(), ProfileError> {
        if self.0.iter().any(|(other, _)| other == name) {
            return Err(ProfileError::event(format!(
                "the data has a field `{name}`, which is the envelope's"
            )));
        }
        self.0.push((name.to_owned(), value));
        Ok(())
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The name of the field that a JSON pointer leads to; empty where it leads to the whole.
pub(super) fn name_at(pointer: &str) -> &str {
    pointer.rsplit('/').next().unwrap_or_default()
}

/// A value as JSON text. Why it can't be is not told: the reason could hold a part of it.
fn raw(value: &(impl Serialize + ?Sized)) -> Result<Box<RawValue>, ProfileError> {
    to_raw_value(value).map_err(|_| not_json())
}

fn not_json() -> ProfileError {
    ProfileError::event("the data can't be written as JSON")
}
