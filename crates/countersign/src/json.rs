//! Reading one value out of a JSON text without parsing the rest into memory.

use alloc::{borrow::Cow, string::String, vec, vec::Vec};
use core::{cell::Cell, fmt};

use serde_core::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

pub use self::read::read_json;
use self::read::unreadable;
pub(crate) use self::{
    read::{nothing_at, parse},
    unique::check_unique_keys,
};
use crate::{Error, ErrorKind};

mod read;
mod unique;

/// The value at `pointer` (RFC 6901). A key on the way that its object holds twice is refused, since
/// two readers could take two different values.
pub(crate) fn find<'b>(body: &'b [u8], pointer: &str) -> Result<Option<&'b RawValue>, Error> {
    let duplicate = Cell::new(false);
    let mut json = serde_json::Deserializer::from_slice(body);
    let found = Walk { path: pointer, duplicate: &duplicate }.deserialize(&mut json);
    let found = found.and_then(|found| json.end().map(|()| found));
    found.map_err(|error| refused(&error, &duplicate, body))
}

/// The values at several pointers, found in one pass where the body is an object.
pub(crate) fn find_all<'b>(body: &'b [u8], pointers: &[&str]) -> Result<Vec<Option<&'b RawValue>>, Error> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return pointers.iter().map(|pointer| find(body, pointer)).collect();
    }
    let duplicate = Cell::new(false);
    let mut json = serde_json::Deserializer::from_slice(body);
    let found = Members { pointers, duplicate: &duplicate }.deserialize(&mut json);
    let found = found.and_then(|found| json.end().map(|()| found));
    let mut found = found.map_err(|error| refused(&error, &duplicate, body))?;
    for (found, _) in found.iter_mut().zip(pointers).filter(|(_, pointer)| pointer.is_empty()) {
        *found = find(body, "")?;
    }
    Ok(found)
}

/// Why a walk through the whole body ended early.
fn refused(error: &serde_json::Error, duplicate: &Cell<bool>, body: &[u8]) -> Error {
    match duplicate.get() {
        true => Error::new(ErrorKind::DuplicateKey)
            .because(alloc::format!("the second at {}", read::position(error, b""))),
        false => not_json(error, body),
    }
}

/// Why a whole body can't be read.
pub(crate) fn not_json(error: &serde_json::Error, body: &[u8]) -> Error {
    match read::is_form(body) {
        true => Error::new(ErrorKind::MalformedBody).because(FORM),
        false => unreadable(error, b"", ""),
    }
}

const FORM: &str =
    "the body looks like a form, not JSON: let the provider send JSON, or read the bytes as a form";

/// The first token of a pointer, unescaped, and the pointer behind it; `None` for the whole document.
fn split_pointer(pointer: &str) -> Option<(Cow<'_, str>, &str)> {
    let path = pointer.strip_prefix('/')?;
    let (token, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
    let token = match token.contains('~') {
        true => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
        false => Cow::Borrowed(token),
    };
    Some((token, rest))
}

/// Goes down several pointers from one object. Those to the whole document find nothing here.
struct Members<'p> {
    pointers: &'p [&'p str],
    duplicate: &'p Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let tokens: Vec<_> = self.pointers.iter().map(|pointer| split_pointer(pointer)).collect();
        let mut seen = vec![false; tokens.len()];
        let mut found = vec![None; tokens.len()];
        while let Some(key) = map.next_key_seed(AnyKey)? {
            let mut wanting = tokens.iter().enumerate().filter_map(|(index, token)| {
                let (token, path) = token.as_ref()?;
                (*token == key).then_some((index, Walk { path, duplicate: self.duplicate }))
            });
            let Some((first, walk)) = wanting.next() else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if core::mem::replace(&mut seen[first], true) {
                self.duplicate.set(true);
                return Err(A::Error::custom("duplicate key"));
            }
            let Some((second, other)) = wanting.next() else {
                found[first] = map.next_value_seed(walk)?;
                continue;
            };
            let value = map.next_value::<&RawValue>()?;
            for (index, walk) in [(first, walk), (second, other)].into_iter().chain(wanting) {
                found[index] = walk.down(value).map_err(A::Error::custom)?;
            }
        }
        Ok(found)
    }
}

/// The text of a string, or of a number as it is written: ids are never rounded through a float.
pub(crate) fn scalar(value: &RawValue) -> Option<Cow<'_, str>> {
    let text = value.get();
    match text.as_bytes().first()? {
        b'"' => match serde_json::from_str::<&str>(text) {
            Ok(plain) => Some(Cow::Borrowed(plain)),
            Err(_) => serde_json::from_str::<String>(text).ok().map(Cow::Owned),
        },
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(text)),
        _ => None,
    }
}

/// The string or number at `pointer`.
pub(crate) fn text<'b>(body: &'b [u8], pointer: &str) -> Result<Option<Cow<'b, str>>, Error> {
    Ok(find(body, pointer)?.and_then(scalar))
}

/// Goes down one pointer.
struct Walk<'p> {
    path: &'p str,
    duplicate: &'p Cell<bool>,
}

impl<'p> Walk<'p> {
    /// The value at the path below `value`.
    fn down(self, value: &RawValue) -> Result<Option<&RawValue>, serde_json::Error> {
        self.deserialize(&mut serde_json::Deserializer::from_str(value.get()))
    }

    /// The first token, and a walk down what is left of the path.
    fn step(&self) -> (Cow<'p, str>, Walk<'p>) {
        let (token, path) = split_pointer(self.path).unwrap_or((Cow::Borrowed(self.path), ""));
        (token, Walk { path, duplicate: self.duplicate })
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        match self.path {
            "" => <&RawValue>::deserialize(from).map(Some),
            _ => from.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (token, rest) = self.step();
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(KeyIs(&token))? {
            match (is_it, &found) {
                (false, _) => {
                    map.next_value::<IgnoredAny>()?;
                }
                (true, None) => {
                    found = Some(map.next_value_seed(Walk { path: rest.path, duplicate: rest.duplicate })?);
                }
                (true, Some(_)) => {
                    self.duplicate.set(true);
                    return Err(A::Error::custom("duplicate key"));
                }
            }
        }
        Ok(found.flatten())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let (token, rest) = self.step();
        let canonical = token == "0" || !token.starts_with('0');
        let mut left = token.parse::<usize>().ok().filter(|_| canonical);
        let mut found = None;
        while left != Some(0) && seq.next_element::<IgnoredAny>()?.is_some() {
            left = left.map(|left| left - 1);
        }
        if left == Some(0) {
            found = seq.next_element_seed(rest)?;
            while seq.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(found.flatten())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Whether an object's key is a given text.
struct KeyIs<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for KeyIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

/// An object's key, copied only where it is escaped.
struct AnyKey;

impl<'de> DeserializeSeed<'de> for AnyKey {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cow<'de, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for AnyKey {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(key.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(body: &str, pointer: &str) -> Option<String> {
        find(body.as_bytes(), pointer).expect("JSON").map(|value| value.get().into())
    }

    #[test]
    fn a_pointer_finds_its_value() {
        let body = r#"{"a":{"b/c":[10,{"d~":"x"}]},"n":18446744073709551616}"#;
        assert_eq!(get(body, "/a/b~1c/1/d~0").as_deref(), Some("\"x\""));
        assert_eq!(get(body, "/a/b~1c/0").as_deref(), Some("10"));
        assert_eq!(get(body, "/a/b~1c/00"), None);
        assert_eq!(get(body, "/a/b~1c/2"), None);
        assert_eq!(get(body, "/n").as_deref(), Some("18446744073709551616"));
        assert_eq!(get(body, "/n/x"), None);
        assert_eq!(get(body, "").as_deref(), Some(body));
    }

    #[test]
    fn several_pointers_find_what_each_would() {
        let body = r#" {"id":"e","a~b":{"c/d":[1,{"x":2}]},"n":null,"data":{"id":"no"}}"#;
        let pointers = ["/id", "/a~0b/c~1d/1/x", "/n", "", "/none", "/data", "/data/id", "/id/x", "/id"];
        for body in [body, "[{\"id\":1}]", "\"text\"", "{}"] {
            let found = find_all(body.as_bytes(), &pointers).expect("JSON");
            for (pointer, found) in pointers.iter().zip(found) {
                let alone = find(body.as_bytes(), pointer).expect("JSON");
                assert_eq!(found.map(RawValue::get), alone.map(RawValue::get), "{pointer} of {body}");
            }
        }
        let kind =
            |body: &str| find_all(body.as_bytes(), &pointers).map(|_| ()).map_err(|error| error.kind());
        assert_eq!(kind(r#"{"id":1,"id":1}"#), Err(ErrorKind::DuplicateKey));
        assert_eq!(kind(r#"{"data":{"id":1,"id":1}}"#), Err(ErrorKind::DuplicateKey));
        for bad in ["{", "{}x", "", "{\"id\":}"] {
            assert_eq!(kind(bad), Err(ErrorKind::MalformedBody), "{bad}");
        }
    }

    #[test]
    fn adv_35_a_key_twice_is_refused_at_any_depth() {
        let kind = |body: &str| check_unique_keys(body.as_bytes()).map(drop).map_err(|error| error.kind());
        assert_eq!(kind(r#"{"amount":1,"amount":-1}"#), Err(ErrorKind::DuplicateKey));
        assert_eq!(kind(r#"{"amount":1,"\u0061mount":-1}"#), Err(ErrorKind::DuplicateKey));
        assert_eq!(kind(r#"[{"a":{"b":[{"c":1,"c":1}]}}]"#), Err(ErrorKind::DuplicateKey));
        assert_eq!(kind(r#"{"a":{"c":1},"b":{"c":1}}"#), Ok(()));
        let found = find(br#"{"id":1,"id":2}"#, "/id").map_err(|error| error.kind());
        assert_eq!(found.map(|_| ()), Err(ErrorKind::DuplicateKey));
    }

    #[test]
    fn adv_36_what_is_no_json_is_an_error_and_nothing_overflows() {
        let deep = "[".repeat(100_000);
        let lone = r#"{"id":"\ud800"}"#;
        for body in [&deep, "\u{feff}{}", "{}\0", "{} x", "", "{", "nul", "{\"a\":01}"] {
            let kind = check_unique_keys(body.as_bytes()).map_err(|error| error.kind());
            assert_eq!(kind, Err(ErrorKind::MalformedBody));
        }
        assert_eq!(text(lone.as_bytes(), "/id"), Ok(None));
        assert_eq!(text(br#"{"id":18446744073709551616}"#, "/id"), Ok(Some("18446744073709551616".into())));
        assert!(text(&[b'"', 0xff, b'"'], "").is_err());
    }

    #[test]
    fn adv_37_any_shape_in_any_place_is_a_value_or_nothing() {
        for shape in ["null", "[]", "{}", "0", "\"\"", "true", "1.5e3"] {
            for pointer in ["", "/a", "/a/b", "/0"] {
                assert!(text(shape.as_bytes(), pointer).is_ok());
                assert!(text(alloc::format!("{{\"a\":{shape}}}").as_bytes(), pointer).is_ok());
            }
        }
    }
}
