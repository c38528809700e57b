//! What is accepted has one writing: signed again, at the time that was read, an accepted request has
//! the same signature and the same time, byte for byte.
//!
//! The one freedom is that of lists: entries in any order, spaces around them, entries that are passed
//! over. And letters of either case in a signature, where the provider writes either
//! ([`Encoding::HexAnyCase`]), and no label where the scheme knows of such.

use std::{borrow::Cow, sync::LazyLock};

use arbitrary::{Arbitrary, Unstructured};
use countersign::{
    Message, RequestView, Scheme, Timestamp,
    scheme::{Encoding, Separator, Syntax, TimeFormat},
};

use crate::{
    forge::{Forgery, can_forge, header_name, is_time},
    known::{ENDPOINTS, Endpoint, pick, signed_headers},
};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    scheme: u8,
    forgery: Forgery<'a>,
}

/// The providers whose requests are forged. RFC 3339 has many writings of one time.
static FORGED: LazyLock<Vec<&Endpoint>> = LazyLock::new(|| {
    let is_rfc3339 =
        |scheme: &Scheme| scheme.timestamp.as_ref().is_some_and(|rule| rule.format == TimeFormat::Rfc3339);
    let endpoints = ENDPOINTS.iter();
    endpoints.filter(|endpoint| can_forge(endpoint.scheme) && !is_rfc3339(endpoint.scheme)).collect()
});

/// Forges a request, and compares it with what the signer writes where it is accepted.
///
/// # Panics
/// Where another writing is accepted.
pub fn target(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let Endpoint { scheme, signer, verifier } = *pick(&FORGED, input.scheme);
    let headers = input.forgery.headers(scheme, NOW);
    let request = RequestView::post(&headers);
    let Ok(verified) = verifier.verify(&request, input.forgery.body, NOW) else { return };

    let time = verified.timestamp().unwrap_or(Timestamp::from_unix_seconds(NOW));
    if time.as_unix_millis() % 1000 != 0 {
        return; // The signer writes whole seconds.
    }
    let ids = signed_headers(scheme).filter(|name| !is_time(scheme, name));
    let ids: Vec<_> = ids.map(|name| (text(&headers, &name), name)).collect();
    let ids: Vec<(&str, &str)> = ids.iter().map(|(id, name)| (&**name, &**id)).collect();
    let message = Message { headers: &ids, ..Message::new("evt_1", input.forgery.body) };
    let again = signer.sign(&message, time.as_unix_seconds()).expect("signed").headers;
    for (name, value) in again.iter().filter(|(name, _)| is_signed(scheme, name)) {
        match name == header_name(scheme) {
            true => check_entries(scheme, &text(&headers, name), value),
            false => assert_eq!(text(&headers, name), **value, "{name}"),
        }
    }
}

const NOW: i64 = 1_700_000_000;

fn text<'h>(headers: &'h [(String, Vec<u8>)], name: &str) -> Cow<'h, str> {
    let found = headers.iter().find(|(other, _)| other == name).expect("an accepted request has it");
    String::from_utf8_lossy(&found.1)
}

fn is_signed(scheme: &Scheme, name: &str) -> bool {
    name == header_name(scheme) || signed_headers(scheme).any(|other| other == name)
}

/// Checks that each entry that the signer writes was received.
fn check_entries(scheme: &Scheme, received: &str, written: &str) {
    let received = entries(scheme, received);
    for entry in entries(scheme, written) {
        let unlabelled = without_label(scheme, &entry);
        let found = received.iter().any(|other| *other == entry || Some(&**other) == unlabelled);
        assert!(found, "{}: {entry:?} in {received:?}", scheme.name);
    }
}

fn entries(scheme: &Scheme, value: &str) -> Vec<String> {
    let separator = match &scheme.signature.syntax {
        Syntax::List { separator, .. } | Syntax::Positional { separator, .. } => Some(*separator),
        _ => None,
    };
    let marks: &[char] = match separator {
        None => return vec![folded(scheme, value)],
        Some(Separator::Comma) => &[','],
        Some(Separator::Semicolon) => &[';'],
        Some(Separator::Space) => &[' '],
        Some(Separator::CommaSpace | Separator::SpaceOrComma) => &[' ', ','],
    };
    value.split(marks).map(|entry| folded(scheme, entry.trim_matches(' '))).collect()
}

/// The text in lower case where either is written.
fn folded(scheme: &Scheme, text: &str) -> String {
    match scheme.signature.encoding {
        Encoding::HexAnyCase => text.to_ascii_lowercase(),
        _ => text.to_owned(),
    }
}

/// The signature alone, where the scheme knows of such without a label.
fn without_label<'e>(scheme: &Scheme, entry: &'e str) -> Option<&'e str> {
    scheme.signature.versions.iter().find(|version| version.label.is_empty())?;
    entry.strip_prefix(&*scheme.signature.versions[0].label).map(|rest| &rest[1..])
}
