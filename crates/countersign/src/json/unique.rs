//! Refusing JSON whose objects hold one key twice, so that no two readers see two different events.

use alloc::{borrow::Cow, collections::BTreeSet, vec::Vec};
use core::{
    cell::{Cell, RefCell},
    fmt,
};

use serde_core::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{AnyKey, refused};
use crate::{Error, ErrorKind};

/// Checks that the body is JSON in which no object holds one key twice, at any depth, and returns its text.
pub(crate) fn check_unique_keys(body: &[u8]) -> Result<&str, Error> {
    let (duplicate, open) = (Cell::new(false), RefCell::default());
    // As a whole and not string by string: it costs a fifth of the rest.
    let text = core::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to() + 1;
        Error::new(ErrorKind::MalformedBody).because(alloc::format!("no UTF-8 at byte {at}"))
    })?;
    let mut json = serde_json::Deserializer::from_str(text);
    let unique = Unique { duplicate: &duplicate, open: &open };
    let checked = unique.deserialize(&mut json).and_then(|()| json.end());
    checked.map_err(|error| refused(&error, &duplicate, body))?;
    Ok(text)
}

/// The keys of an object: while they are few, as most are, behind those of the objects around it, which
/// costs no memory of its own; the rest in a tree, so that no number of keys makes the work grow with its
/// square.
struct Seen<'o, 'de> {
    open: &'o RefCell<Vec<Cow<'de, str>>>,
    first: usize,
    more: BTreeSet<Cow<'de, str>>,
}

impl<'o, 'de> Seen<'o, 'de> {
    const FEW: usize = 16;

    fn new(open: &'o RefCell<Vec<Cow<'de, str>>>) -> Self {
        Seen { open, first: open.borrow().len(), more: BTreeSet::new() }
    }

    /// Whether the key is new.
    fn insert(&mut self, key: Cow<'de, str>) -> bool {
        let mut open = self.open.borrow_mut();
        let few = &open[self.first..];
        if few.contains(&key) {
            return false;
        }
        if few.len() < Seen::FEW {
            open.push(key);
            return true;
        }
        self.more.insert(key)
    }

    /// Forgets them, at the object's end.
    fn forget(self) {
        self.open.borrow_mut().truncate(self.first);
    }
}

/// Refuses an object that holds one key twice.
#[derive(Clone, Copy)]
struct Unique<'c, 'de> {
    duplicate: &'c Cell<bool>,
    /// The keys of the objects that are open.
    open: &'c RefCell<Vec<Cow<'de, str>>>,
}

impl<'de> DeserializeSeed<'de> for Unique<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Seen::new(self.open);
        while let Some(key) = map.next_key_seed(AnyKey)? {
            if !seen.insert(key) {
                self.duplicate.set(true);
                return Err(A::Error::custom("duplicate key"));
            }
            map.next_value_seed(self)?;
        }
        seen.forget();
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

    #[test]
    fn an_object_of_many_keys_is_read_without_growing_with_their_square() {
        let members: Vec<String> = (0..50_000).map(|number| alloc::format!("\"k{number}\":0")).collect();
        let body = alloc::format!("{{{}}}", members.join(","));
        assert_eq!(check_unique_keys(body.as_bytes()), Ok(&*body));
        let twice = alloc::format!("{{{},\"k49999\":0}}", members.join(","));
        assert_eq!(
            check_unique_keys(twice.as_bytes()).map_err(|error| error.kind()),
            Err(ErrorKind::DuplicateKey)
        );
    }
}
