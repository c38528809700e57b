//! What is signed verifies; and with one bit of it changed, anywhere, it doesn't.
//!
//! Changed are the body, the method, the path and query, the signature headers, the headers that are
//! signed and those that are fixed, each where the scheme covers it. Two kinds of bits may be either,
//! and are found to be: the case of a hexadecimal digit where the provider writes either
//! ([`Encoding::HexAnyCase`]), and the case of the name of an HTTP authentication scheme (RFC 9110
//! §11.1). Paths are made without escapes: where a provider signs them decoded, the case of an escape's
//! digits would be a third.

use arbitrary::{Arbitrary, Unstructured};
use countersign::{
    Message, RequestView, Scheme, Timestamp,
    scheme::{Encoding, Part, Place, Syntax, TimestampRule},
};

use crate::known::{ENDPOINTS, Endpoint, ORIGIN, TARGET, pick, signature_headers, signed_headers};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    scheme: u8,
    now: u32,
    place: u8,
    bit: u16,
    id: &'a [u8],
    path: &'a [u8],
    body: &'a [u8],
}

/// A request that its provider has signed.
struct Request {
    now: i64,
    method: Vec<u8>,
    target: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// What is changed.
#[derive(Clone, Copy, Debug)]
enum Changed {
    Method,
    Target,
    Header(usize),
    Body,
}

/// Signs a request, and changes one bit of it.
///
/// # Panics
/// Where the request isn't accepted, or the changed one is.
pub fn target(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let endpoint = pick(&ENDPOINTS, input.scheme);
    let mut request = Request::signed(endpoint, &input);
    assert_eq!(request.verify(endpoint), Some(true), "{}: refused unchanged", endpoint.scheme.name);

    let changed = *pick(&request.covered(endpoint.scheme), input.place);
    let bits = 8 * request.bytes(changed).len();
    if bits == 0 {
        return;
    }
    let bit = usize::from(input.bit) % bits;
    let free = request.is_free(endpoint.scheme, changed, bit);
    request.bytes(changed)[bit / 8] ^= 1 << (bit % 8);
    if let Some(accepted) = request.verify(endpoint) {
        assert_eq!(accepted, free, "{}: bit {bit} of {changed:?}", endpoint.scheme.name);
    }
}

impl Request {
    fn signed(endpoint: &Endpoint, input: &Input<'_>) -> Request {
        let now = FIRST + i64::from(input.now % SPAN);
        let body = body(endpoint.scheme, input.body, now);
        let target = path(endpoint.scheme, input.path);
        let (url, id) = (format!("{ORIGIN}{target}"), plain(input.id));
        let message = Message { url: &url, event_type: Some("push"), ..Message::new(&id, &body) };
        let headers = endpoint.signer.sign(&message, now).expect("signed").headers;
        let headers = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        Request { now, method: b"POST".to_vec(), target: target.into_bytes(), headers, body }
    }

    /// Whether the request is accepted; `None` where its method or path is no text any more, so that no
    /// server would hand it over.
    fn verify(&self, endpoint: &Endpoint) -> Option<bool> {
        let (method, target) = (str::from_utf8(&self.method).ok()?, str::from_utf8(&self.target).ok()?);
        let request = RequestView { method, target, headers: &self.headers };
        Some(endpoint.verifier.verify(&request, &self.body, self.now).is_ok())
    }

    /// What must not be changed.
    fn covered(&self, scheme: &Scheme) -> Vec<Changed> {
        let fixed = scheme.delivery.fixed.iter().map(|fixed| fixed.name.to_string());
        let mut names = signature_headers(scheme);
        names.extend(signed_headers(scheme).chain(fixed));
        let is_covered = |header: &str| names.iter().any(|name| name.eq_ignore_ascii_case(header));
        let headers = (0..self.headers.len()).filter(|place| is_covered(&self.headers[*place].0));
        let mut covered: Vec<Changed> = headers.map(Changed::Header).collect();
        covered.push(Changed::Method);
        covered.extend(signs_path(scheme).then_some(Changed::Target));
        covered.extend(scheme.covers_body().then_some(Changed::Body));
        covered
    }

    fn bytes(&mut self, changed: Changed) -> &mut Vec<u8> {
        match changed {
            Changed::Method => &mut self.method,
            Changed::Target => &mut self.target,
            Changed::Header(place) => &mut self.headers[place].1,
            Changed::Body => &mut self.body,
        }
    }

    /// Whether a bit is the case of a letter of which both cases mean the same.
    fn is_free(&self, scheme: &Scheme, changed: Changed, bit: usize) -> bool {
        let Changed::Header(place) = changed else { return false };
        let (name, value) = &self.headers[place];
        let is_signature = signature_headers(scheme).iter().any(|other| other == name);
        let letters = match &scheme.signature.syntax {
            Syntax::Authorization(name) => 0..name.len(),
            _ if scheme.signature.encoding == Encoding::HexAnyCase => digits(value)..value.len(),
            _ => 0..0,
        };
        let is_case = bit % 8 == 5 && value[bit / 8].is_ascii_alphabetic();
        is_signature && is_case && letters.contains(&(bit / 8))
    }
}

/// Where the hexadecimal digits begin that a signature header ends with.
fn digits(value: &[u8]) -> usize {
    value.iter().rposition(|byte| !byte.is_ascii_hexdigit()).map_or(0, |at| at + 1)
}

/// A body in which the time stands, where the scheme reads it there.
fn body(scheme: &Scheme, bytes: &[u8], now: i64) -> Vec<u8> {
    match &scheme.timestamp {
        Some(TimestampRule { at: Place::Json(pointer), format, .. }) => {
            let (key, time) = (&pointer[1..], Timestamp::from_unix_seconds(now).render(*format));
            format!(r#"{{"{key}":{time},"more":"{}"}}"#, hex::encode(bytes)).into_bytes()
        }
        // Of a form one field, written in the one way there is: what it says is signed.
        _ if scheme.content.contains(&Part::Form) => format!("field={}", plain(bytes)).into_bytes(),
        _ => bytes.to_vec(),
    }
}

/// The path and query: any, where they are signed as they are called.
fn path(scheme: &Scheme, bytes: &[u8]) -> String {
    match signs_path(scheme) {
        true => format!("/{}?tenant=7", plain(bytes)),
        false => TARGET.to_owned(),
    }
}

fn signs_path(scheme: &Scheme) -> bool {
    use Part::{RequestUrl, RequestUrlAnyPort, RequestUrlDecoded};
    let is_url = |part: &Part| matches!(part, RequestUrl | RequestUrlAnyPort | RequestUrlDecoded(_));
    scheme.content.iter().any(is_url)
}

/// Text of the characters that can stand anywhere, 1 to 255 of them.
fn plain(bytes: &[u8]) -> String {
    let text: String = bytes.iter().take(255).map(|byte| char::from(*pick(PLAIN, *byte))).collect();
    if text.is_empty() { "evt_1".to_owned() } else { text }
}

const PLAIN: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// From 2023 on, for most of a century: times that every scheme takes.
const FIRST: i64 = 1_700_000_000;
const SPAN: u32 = 2_500_000_000;
