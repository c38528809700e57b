//! Refusing JSON whose objects hold one key twice, so that no two readers see two different events.

use alloc::{borrow::Cow, collections::BTreeSet, vec::Vec};
use core::{cell::Cell, fmt};

use serde_core::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{AnyKey, error};
use crate::Error;

/// Checks that no object holds one key twice, at any depth.
pub(crate) fn check_unique_keys(body: &[u8]) -> Result<(), Error> {
    let duplicate = Cell::new(false);
    let mut json = serde_json::Deserializer::from_slice(body);
    let result = Unique { duplicate: &duplicate }.deserialize(&mut json).and_then(|()| json.end());
    result.map_err(|_| error(&duplicate))
}

/// The keys of an object: a list while they are few, as most are, and a tree for the rest, so that no
/// number of keys makes the work grow with its square.
#[derive(Default)]
struct Seen<'de> {
    few: Vec<Cow<'de, str>>,
    more: BTreeSet<Cow<'de, str>>,
}

impl<'de> Seen<'de> {
    const FEW: usize = 16;

    /// Whether the key is new.
    fn insert(&mut self, key: Cow<'de, str>) -> bool {
        if self.few.contains(&key) {
            return false;
        }
        if self.few.len() < Seen::FEW {
            self.few.push(key);
            return true;
        }
        self.more.insert(key)
    }
}

/// Refuses an object that holds one key twice.
#[derive(Clone, Copy)]
struct Unique<'c> {
    duplicate: &'c Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Seen::default();
        while let Some(key) = map.next_key_seed(AnyKey)? {
            if !seen.insert(key) {
                self.duplicate.set(true);
                return Err(A::Error::custom("duplicate key"));
            }
            map.next_value_seed(self)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::ErrorKind;

    #[test]
    fn an_object_of_many_keys_is_read_without_growing_with_their_square() {
        let members: Vec<String> = (0..50_000).map(|number| alloc::format!("\"k{number}\":0")).collect();
        let body = alloc::format!("{{{}}}", members.join(","));
        assert_eq!(check_unique_keys(body.as_bytes()), Ok(()));
        let twice = alloc::format!("{{{},\"k49999\":0}}", members.join(","));
        assert_eq!(
            check_unique_keys(twice.as_bytes()).map_err(|error| error.kind()),
            Err(ErrorKind::DuplicateKey)
        );
    }
}
