//! Any request can be judged, by every scheme: nothing panics, and nothing is accepted that no holder
//! of the key has signed.

use arbitrary::{Arbitrary, Unstructured};
use countersign::{
    ErrorKind, Outcome, RequestView, Scheme, Timestamp, Verified,
    scheme::{Algorithm, Separator, Syntax, TimeFormat},
};

use crate::known::{ENDPOINTS, Endpoint, encode, pick, signature_headers, signed_headers};

/// A request, near to what the scheme expects.
#[derive(Arbitrary, Debug)]
struct Input<'a> {
    scheme: u8,
    now: Clock,
    method: Method<'a>,
    target: &'a str,
    headers: Vec<Header<'a>>,
    body: &'a [u8],
}

#[derive(Arbitrary, Debug)]
enum Clock {
    Usual,
    Any(i64),
}

#[derive(Arbitrary, Debug)]
enum Method<'a> {
    Post,
    Get,
    Head,
    Other(&'a str),
}

#[derive(Arbitrary, Debug)]
struct Header<'a> {
    name: Name<'a>,
    value: Vec<Piece<'a>>,
}

/// The name of a header: one that the scheme reads, or nearly.
#[derive(Arbitrary, Debug)]
enum Name<'a> {
    Read(u8),
    ReadInCapitals(u8),
    ReadWith(u8, &'a str),
    Other(&'a str),
}

/// A piece of a header's value.
#[derive(Arbitrary, Debug)]
enum Piece<'a> {
    Label(u8),
    Delimiter,
    Separator,
    Time(i16),
    Fixed(u8),
    Signature([u8; 4]),
    Bytes(&'a [u8]),
    Many(u8, u16),
}

/// Judges the request in every way that there is.
///
/// # Panics
/// Where it is accepted, or two ways disagree.
pub fn target(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let endpoint = pick(&ENDPOINTS, input.scheme);
    let now = match input.now {
        Clock::Usual => NOW,
        Clock::Any(seconds) => seconds,
    };
    let headers: Vec<(String, Vec<u8>)> =
        input.headers.iter().map(|header| header.of(endpoint.scheme)).collect();
    let method = match input.method {
        Method::Post => "POST",
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Other(method) => method,
    };
    let request = RequestView { method, target: input.target, headers: &headers };
    let refused = refusal(endpoint.verifier.verify(&request, input.body, now));
    assert_eq!(streamed(endpoint, &request, input.body, now), refused);
    check_outcome(endpoint, &request, input.body, now);
}

const NOW: i64 = 1_700_000_000;

/// Why the request is refused, as it must be.
fn refusal<B>(verdict: Result<Verified<'_, B>, countersign::Error>) -> ErrorKind {
    match verdict {
        Ok(verified) => panic!("accepted: {verified:?}"),
        Err(error) => {
            assert!((400..500).contains(&error.status()), "{error}");
            error.kind()
        }
    }
}

/// Why the request is refused whose body comes in two pieces.
fn streamed(endpoint: &Endpoint, request: &RequestView<'_>, body: &[u8], now: i64) -> ErrorKind {
    let (first, second) = body.split_at(body.len() / 2);
    let check = endpoint.verifier.begin_with(request, Vec::new(), now);
    refusal(check.and_then(|mut check| {
        check.update(first.to_vec());
        check.update(second.to_vec());
        check.finish()
    }))
}

/// A handshake may be answered, but only one that its provider doesn't sign.
fn check_outcome(endpoint: &Endpoint, request: &RequestView<'_>, body: &[u8], now: i64) {
    match endpoint.verifier.receive(request, body, now) {
        Ok(Outcome::Event(verified)) => panic!("accepted: {verified:?}"),
        Ok(Outcome::Handshake(greeting)) => {
            let mut unsigned = endpoint.scheme.handshakes.iter().filter(|handshake| !handshake.signed);
            assert!(unsigned.any(|handshake| !handshake.enrolment), "answered: {greeting:?}");
            assert_eq!(greeting.secret, None);
        }
        Err(error) => assert!((400..500).contains(&error.status()), "{error}"),
    }
}

impl Header<'_> {
    fn of(&self, scheme: &Scheme) -> (String, Vec<u8>) {
        let mut value = Vec::new();
        self.value.iter().for_each(|piece| piece.write(scheme, &mut value));
        (self.name.of(scheme), value)
    }
}

impl Name<'_> {
    fn of(&self, scheme: &Scheme) -> String {
        let read = |number: u8| pick(&headers_read(scheme), number).clone();
        match self {
            Name::Read(number) => read(*number),
            Name::ReadInCapitals(number) => read(*number).to_ascii_uppercase(),
            Name::ReadWith(number, more) => read(*number) + more,
            Name::Other(name) => (*name).to_owned(),
        }
    }
}

/// The names of the headers that a scheme reads, in all its families.
fn headers_read(scheme: &Scheme) -> Vec<String> {
    let fixed = scheme.delivery.fixed.iter().map(|fixed| fixed.name.to_string());
    let mut names = signature_headers(scheme);
    names.extend(signed_headers(scheme).chain(fixed));
    if let [first, second, ..] = &*scheme.delivery.families {
        let others = names.iter().map(|name| name.replacen(&**first, second, 1));
        names.extend(others.collect::<Vec<_>>());
    }
    names
}

impl Piece<'_> {
    fn write(&self, scheme: &Scheme, value: &mut Vec<u8>) {
        let (separator, delimiter) = marks(&scheme.signature.syntax);
        match self {
            Piece::Label(number) => {
                value.extend_from_slice(pick(&scheme.signature.versions, *number).label.as_bytes());
            }
            Piece::Delimiter => value.push(delimiter),
            Piece::Separator => value.push(separator),
            Piece::Time(offset) => value.extend_from_slice(time(scheme, *offset).as_bytes()),
            Piece::Fixed(number) if !scheme.delivery.fixed.is_empty() => {
                value.extend_from_slice(pick(&scheme.delivery.fixed, *number).value.as_bytes());
            }
            Piece::Fixed(_) => {}
            Piece::Signature(bytes) => {
                let len = scheme.algorithms().find_map(Algorithm::signature_len).unwrap_or(32);
                let bytes: Vec<u8> = bytes.iter().copied().cycle().take(len).collect();
                value.extend_from_slice(encode(scheme.signature.encoding, &bytes).as_bytes());
            }
            Piece::Bytes(bytes) => value.extend_from_slice(bytes),
            Piece::Many(byte, count) => value.resize(value.len() + usize::from(count % 10_000), *byte),
        }
    }
}

/// What separates the entries of a list, and a label from its value.
fn marks(syntax: &Syntax) -> (u8, u8) {
    let mark = |separator: &Separator| match separator {
        Separator::Comma => b',',
        Separator::Semicolon => b';',
        Separator::Space | Separator::CommaSpace | Separator::SpaceOrComma => b' ',
    };
    let byte = |delimiter: &char| u8::try_from(*delimiter).expect("ASCII");
    match syntax {
        Syntax::Labelled(delimiter) => (b',', byte(delimiter)),
        Syntax::List { separator, delimiter } => (mark(separator), byte(delimiter)),
        Syntax::Positional { separator, .. } => (mark(separator), b'='),
        Syntax::Bare | Syntax::Authorization(_) => (b' ', b'='),
    }
}

/// A time as the scheme writes it, near to the usual clock.
fn time(scheme: &Scheme, offset: i16) -> String {
    let format = scheme.timestamp.as_ref().map_or(TimeFormat::UnixSeconds, |rule| rule.format);
    Timestamp::from_unix_seconds(NOW + i64::from(offset)).render(format)
}
