//! Any body can be read as an event; a key that an object holds twice is refused exactly where a simple
//! reader finds one; and what is read is what that reader finds. The input is the body.

use std::{borrow::Cow, collections::HashSet, fmt, sync::LazyLock};

use countersign::{
    Envelope, ErrorKind, Keyring, RequestView, Scheme, Verifier, catalog,
    scheme::{EventRule, Place},
};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Reads the body by each rule, strictly and not.
///
/// # Panics
/// Where it is read otherwise than by the reference.
pub fn target(data: &[u8]) {
    for rule in &*RULES {
        check_strict(rule, data);
        let _ = read(&rule.lenient, data, |_| ());
    }
}

/// A place of the event's id, type and data, with a verifier that accepts whatever comes.
struct Rule {
    id: &'static str,
    kind: &'static str,
    data: &'static str,
    strict: Verifier,
    lenient: Verifier,
}

static RULES: LazyLock<[Rule; 3]> = LazyLock::new(|| {
    [
        Rule::new("/id", "/type", "/data"),
        Rule::new("/data/id", "/data/type", ""),
        Rule::new("/0/id", "/a~1b", "/0"),
    ]
});

impl Rule {
    fn new(id: &'static str, kind: &'static str, data: &'static str) -> Rule {
        let verifier = |strict| {
            let place = |pointer: &'static str| Place::Json(Cow::Borrowed(pointer));
            let event = EventRule {
                id: vec![place(id)].into(),
                event_type: vec![place(kind)].into(),
                time: Some(place("/data/time")),
                data: data.into(),
            };
            let scheme = Scheme { event, ..catalog::BILLRUN };
            let keys = Keyring::accept_unsigned(&scheme).expect("an unsigned scheme");
            Verifier::builder(scheme).keys(keys).strict_json(strict).build().expect("a verifier")
        };
        Rule { id, kind, data, strict: verifier(true), lenient: verifier(false) }
    }
}

/// Reads the body's event in every way that there is.
fn read<T>(verifier: &Verifier, body: &[u8], see: impl FnOnce(&Envelope<'_>) -> T) -> Result<T, ErrorKind> {
    let headers: [(&str, &str); 0] = [];
    let request = RequestView::post(&headers);
    let verified = verifier.verify(&request, body, 0).expect("an unsigned scheme accepts everything");
    let key = verified.idempotency_key();
    assert!((1..=512).contains(&key.as_str().len()) && !key.is_authenticated());
    let (_, _) = (verified.event_id(), verified.event_type());
    let _ = verified.json::<Value>();
    let envelope = verified.envelope().map_err(|error| error.kind())?;
    let _ = (envelope.timestamp(), envelope.parse::<Value>());
    Ok(see(&envelope))
}

fn check_strict(rule: &Rule, body: &[u8]) {
    let seen = |envelope: &Envelope<'_>| {
        let text = |text: Option<&str>| text.map(str::to_owned);
        (text(envelope.id()), text(envelope.event_type()), envelope.raw_data().to_owned())
    };
    let read = read(&rule.strict, body, seen);
    let Ok(tree) = serde_json::from_slice::<Tree>(body) else {
        assert!(read.is_err(), "what is no JSON was read");
        return;
    };
    if tree.has_a_key_twice() {
        return assert_eq!(read, Err(ErrorKind::DuplicateKey));
    }
    let value: Value = serde_json::from_slice(body).expect("JSON");
    let expected = value.pointer(rule.data).ok_or(ErrorKind::MalformedBody);
    let (id, kind, data) = match (read, expected) {
        (Ok((id, kind, data)), Ok(expected)) => {
            assert_eq!(serde_json::from_str::<Value>(&data).as_ref().ok(), Some(expected));
            (id, kind, data)
        }
        (read, expected) => return assert_eq!(read.err(), expected.err()),
    };
    assert!(contains(body, data.as_bytes()), "the data isn't the body's own text");
    check_text(id.as_deref(), value.pointer(rule.id));
    check_text(kind.as_deref(), value.pointer(rule.kind));
}

/// Checks that a text is read where there is one, a number as it is written, and nothing else.
fn check_text(read: Option<&str>, value: Option<&Value>) {
    match value {
        Some(Value::String(text)) => assert_eq!(read.unwrap_or_default(), text),
        Some(Value::Number(_)) => assert!(read.is_some_and(|text| text.parse::<f64>().is_ok())),
        _ => assert_eq!(read, None),
    }
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len()).any(|window| window == text)
}

/// JSON with the keys of its objects as they stand, twice or not; of other values nothing is kept.
enum Tree {
    Object(Vec<(String, Tree)>),
    Array(Vec<Tree>),
    Other,
}

impl Tree {
    fn has_a_key_twice(&self) -> bool {
        match self {
            Tree::Object(members) => {
                let keys: HashSet<&str> = members.iter().map(|(key, _)| &**key).collect();
                keys.len() < members.len() || members.iter().any(|(_, value)| value.has_a_key_twice())
            }
            Tree::Array(items) => items.iter().any(Tree::has_a_key_twice),
            Tree::Other => false,
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::Array(items))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Other)
    }
}
