//! The verdict is that of a reference, written from each specification by itself: Standard Webhooks
//! (`v1`) and Stripe.
//!
//! Where the specifications are silent the reference says what the project's own page says: one writing
//! of each number and id, no header twice, at most 16 signatures in at most 8 KiB, of which 4 by Ed25519.

use arbitrary::{Arbitrary, Unstructured};
use base64ct::{Base64, Encoding as _};
use countersign::{RequestView, catalog};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    forge::Forgery,
    known::{endpoint, key},
};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    stripe: bool,
    now: u32,
    forgery: Forgery<'a>,
}

type Headers = [(String, Vec<u8>)];

/// Whether a request is authentic; `None`, like `false`, where it isn't.
type Reference = fn(&Headers, &[u8], i64) -> Option<bool>;

/// Forges a request, and has both judge it.
///
/// # Panics
/// Where they disagree.
pub fn target(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let (endpoint, reference): (_, Reference) = match input.stripe {
        true => (endpoint("stripe"), stripe),
        false => (endpoint("standard-webhooks"), standard_webhooks),
    };
    let (now, body) = (i64::from(input.now), input.forgery.body);
    let headers = input.forgery.headers(endpoint.scheme, now);
    let verdict = endpoint.verifier.verify(&RequestView::post(&headers), body, now);
    let expected = reference(&headers, body, now).unwrap_or(false);
    assert_eq!(verdict.is_ok(), expected, "{:?}, {verdict:?}", endpoint.scheme.name);
}

/// Standard Webhooks 1.0: `webhook-signature: v1,BASE64 v1,BASE64` over `id.time.body`.
fn standard_webhooks(headers: &Headers, body: &[u8], now: i64) -> Option<bool> {
    let (id, time) = (only(headers, "webhook-id")?, only(headers, "webhook-timestamp")?);
    let is_id = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let good_id = (1..=255).contains(&id.len()) && id.iter().all(is_id);
    let good_time = (now - seconds(time)?).abs() <= 300;

    let value = only(headers, "webhook-signature")?;
    let entries = || value.split(|byte| *byte == b' ');
    let under = |label: &[u8]| entries().filter(|entry| entry.starts_with(label)).count();
    let few = value.len() <= 8192 && under(b"v1,") + under(b"v1a,") <= 16 && under(b"v1a,") <= 4;

    let tag = tag(&key(&catalog::STANDARD_WEBHOOKS), &[id, b".", time, b".", body]);
    let good = format!("v1,{}", Base64::encode_string(&tag));
    Some(good_id && good_time && few && entries().any(|entry| entry == good.as_bytes()))
}

/// Stripe: `Stripe-Signature: t=TIME,v1=HEX,v1=HEX` over `time.body`.
fn stripe(headers: &Headers, body: &[u8], now: i64) -> Option<bool> {
    let value = only(headers, "Stripe-Signature")?;
    let entries = || value.split(|byte| *byte == b',').map(trim);
    let times: Vec<&[u8]> = entries().filter_map(|entry| entry.strip_prefix(b"t=")).collect();
    let [time] = times[..] else { return None };
    let good_time = (-31_536_000..=300).contains(&(now - seconds(time)?));

    let few = value.len() <= 8192 && entries().filter(|entry| entry.starts_with(b"v1=")).count() <= 16;

    let tag = tag(&key(&catalog::STRIPE), &[time, b".", body]);
    let good = format!("v1={}", hex::encode(tag));
    Some(good_time && few && entries().any(|entry| entry == good.as_bytes()))
}

/// The value of a header that stands once.
fn only<'h>(headers: &'h Headers, name: &str) -> Option<&'h [u8]> {
    let mut named = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    let (_, value) = named.next()?;
    named.next().is_none().then_some(value)
}

/// A number in the one way that it is printed.
fn seconds(text: &[u8]) -> Option<i64> {
    let text = str::from_utf8(text).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text && number >= 0).then_some(number)
}

fn trim(entry: &[u8]) -> &[u8] {
    let start = entry.iter().position(|byte| *byte != b' ').unwrap_or(entry.len());
    let end = entry.iter().rposition(|byte| *byte != b' ').map_or(start, |at| at + 1);
    &entry[start..end]
}

fn tag(key: &[u8], content: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    content.iter().for_each(|piece| mac.update(piece));
    mac.finalize().into_bytes().into()
}
