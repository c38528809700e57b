//! Requests by somebody who holds the key and keeps to no writing: what they sign is really signed, and
//! what it is may be anything.

use arbitrary::Arbitrary;
use countersign::{
    Scheme, Timestamp,
    scheme::{Algorithm, Part, Place, Separator, Source, Syntax},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::known::{encode, key};

/// How a request differs from what the scheme's own signer would write.
#[derive(Arbitrary, Debug)]
pub(crate) struct Forgery<'a> {
    /// Seconds from the verifier's clock to the signed time.
    age: i16,
    time: Nearly<'a>,
    id: Nearly<'a>,
    /// The entries of the signature header; where there are none, those of a usual one.
    entries: Vec<Entry<'a>>,
    between: Nearly<'a>,
    left_out: Option<u8>,
    twice: Option<u8>,
    pub(crate) body: &'a [u8],
}

/// An entry of a signature header.
#[derive(Arbitrary, Debug)]
enum Entry<'a> {
    Time,
    Signature { label: Nearly<'a>, text: Nearly<'a> },
    Unlabelled(Nearly<'a>),
    Any(&'a [u8]),
}

/// A text that is right, or nearly.
#[derive(Arbitrary, Debug)]
pub(crate) enum Nearly<'a> {
    Right,
    Before(&'a [u8]),
    After(&'a [u8]),
    Without(u8),
    With(u8, u8),
    Any(&'a [u8]),
}

impl Nearly<'_> {
    fn of(&self, right: &str) -> Vec<u8> {
        let mut text = right.as_bytes().to_vec();
        let at = |place: u8| usize::from(place) % right.len().max(1);
        match self {
            Nearly::Right => {}
            Nearly::Before(more) => drop(text.splice(0..0, more.iter().copied())),
            Nearly::After(more) => text.extend_from_slice(more),
            Nearly::Without(place) if !text.is_empty() => drop(text.remove(at(*place))),
            Nearly::With(place, byte) if !text.is_empty() => text[at(*place)] = *byte,
            Nearly::Without(_) | Nearly::With(..) => {}
            Nearly::Any(other) => text = other.to_vec(),
        }
        text
    }
}

impl Forgery<'_> {
    /// The request's headers, signed for a verifier whose clock says `now`.
    pub(crate) fn headers(&self, scheme: &Scheme, now: i64) -> Vec<(String, Vec<u8>)> {
        let (id, time) = (self.id.of("evt_1"), self.time(scheme, now));
        let signature = encode(scheme.signature.encoding, &tag(scheme, &self.content(scheme, &id, &time)));
        let signed = scheme.content.iter().filter_map(|part| match part {
            Part::Header(name) if is_time(scheme, name) => Some((name.to_string(), time.clone())),
            Part::Header(name) => Some((name.to_string(), id.clone())),
            _ => None,
        });
        let mut headers: Vec<_> = signed.collect();
        headers.push((header_name(scheme).to_owned(), self.value(scheme, &time, &signature)));
        let fixed = scheme.delivery.fixed.iter();
        headers.extend(fixed.map(|fixed| (fixed.name.to_string(), fixed.value.as_bytes().to_vec())));
        self.spoil(headers)
    }

    fn time(&self, scheme: &Scheme, now: i64) -> Vec<u8> {
        let Some(rule) = &scheme.timestamp else { return Vec::new() };
        let time = Timestamp::from_unix_seconds(now - i64::from(self.age) % 512);
        self.time.of(&time.render(rule.format))
    }

    /// The signed bytes, put together as the scheme says.
    fn content(&self, scheme: &Scheme, id: &[u8], time: &[u8]) -> Vec<u8> {
        let part = |part: &Part| match part {
            Part::Literal(text) => text.as_bytes().to_vec(),
            Part::Header(name) if !is_time(scheme, name) => id.to_vec(),
            Part::Header(_) | Part::Field(_) => time.to_vec(),
            Part::Body => self.body.to_vec(),
            other => panic!("{other:?} is forged nowhere"),
        };
        scheme.content.iter().flat_map(part).collect()
    }

    /// The value of the signature header.
    fn value(&self, scheme: &Scheme, time: &[u8], signature: &str) -> Vec<u8> {
        let usual = [Entry::Time, Entry::Signature { label: Nearly::Right, text: Nearly::Right }];
        let entries = if self.entries.is_empty() { &usual[..] } else { &self.entries };
        let entries = entries.iter().filter_map(|entry| entry.write(scheme, time, signature));
        let separator = match &scheme.signature.syntax {
            Syntax::List { separator, .. } | Syntax::Positional { separator, .. } => {
                separator_text(*separator)
            }
            _ => "",
        };
        entries.collect::<Vec<_>>().join(&*self.between.of(separator))
    }

    /// Leaves a header out, or writes one twice.
    fn spoil(&self, mut headers: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
        if let Some(place) = self.twice {
            headers.push(headers[usize::from(place) % headers.len()].clone());
        }
        if let Some(place) = self.left_out {
            headers.remove(usize::from(place) % headers.len());
        }
        headers
    }
}

impl Entry<'_> {
    /// The entry's text; `None` for a time where the signature header holds none.
    fn write(&self, scheme: &Scheme, time: &[u8], signature: &str) -> Option<Vec<u8>> {
        let label = &scheme.signature.versions[0].label;
        let delimiter = match scheme.signature.syntax {
            Syntax::Labelled(delimiter) | Syntax::List { delimiter, .. } => delimiter.to_string(),
            _ => String::new(),
        };
        let field = scheme.content.iter().find_map(|part| match part {
            Part::Field(name) => Some(&**name),
            _ => None,
        });
        match self {
            Entry::Time => match &scheme.signature.syntax {
                Syntax::Positional { .. } => Some(time.to_vec()),
                _ => Some([field?.as_bytes(), delimiter.as_bytes(), time].concat()),
            },
            Entry::Signature { label: nearly, text } => {
                Some([nearly.of(label), delimiter.into_bytes(), text.of(signature)].concat())
            }
            Entry::Unlabelled(text) => Some(text.of(signature)),
            Entry::Any(text) => Some(text.to_vec()),
        }
    }
}

/// Whether requests by this scheme can be forged here: one HMAC-SHA256 in one header, and nothing but
/// headers, time and body under it.
pub(crate) fn can_forge(scheme: &Scheme) -> bool {
    let parts =
        |part: &Part| matches!(part, Part::Literal(_) | Part::Header(_) | Part::Field(_) | Part::Body);
    scheme.signature.versions[0].algorithm == Algorithm::HmacSha256
        && matches!(scheme.signature.source, Source::Header(_))
        && scheme.content.iter().all(parts)
        && !scheme.reads_body()
}

/// The name of the header that holds the signature.
pub(crate) fn header_name(scheme: &Scheme) -> &str {
    match &scheme.signature.source {
        Source::Header(name) => name,
        other => panic!("{other:?} is forged nowhere"),
    }
}

/// Whether the signed header of this name is the time.
pub(crate) fn is_time(scheme: &Scheme, name: &str) -> bool {
    scheme.timestamp.as_ref().is_some_and(|rule| matches!(&rule.at, Place::Header(time) if time == name))
}

fn tag(scheme: &Scheme, content: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(scheme)).expect("a key of any length");
    mac.update(content);
    mac.finalize().into_bytes().into()
}

fn separator_text(separator: Separator) -> &'static str {
    match separator {
        Separator::Comma | Separator::SpaceOrComma => ",",
        Separator::Semicolon => ";",
        Separator::Space => " ",
        Separator::CommaSpace => ", ",
    }
}
