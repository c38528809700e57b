//! Signed requests, as they go over the wire.

use std::time::{SystemTime, UNIX_EPOCH};

use countersign::{Keyring, Message, Scheme, Signer, catalog};

/// The secret of every receiver.
pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A request to `path` that was signed just now, with a body of `size` bytes. No two events of different
/// numbers are copies of each other. Stripe signs it, or, below `/standard`, Standard Webhooks does, where
/// the event's id stands in a header.
///
/// # Panics
/// Where an event has no room in so few bytes.
#[must_use]
pub fn request(path: &str, size: usize, number: usize) -> Vec<u8> {
    let scheme = if path.starts_with("/standard") { &catalog::STANDARD_WEBHOOKS } else { &catalog::STRIPE };
    let (id, body) = (format!("evt_{number:024}"), body(size, number));
    let signer = Signer::new(scheme, keys(scheme)).expect("a signer");
    let signed = signer.sign(&Message::new(&id, body.as_bytes()), unix_seconds()).expect("signed");
    let signed: String = signed.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: hooks.example.com\r\nuser-agent: Stripe/1.0\r\naccept: */*\r\n\
         content-type: application/json; charset=utf-8\r\ncontent-length: {size}\r\n{signed}\r\n"
    );
    (head + &body).into_bytes()
}

pub(crate) fn keys(scheme: &Scheme) -> Keyring {
    Keyring::new(scheme, [SECRET]).expect("a secret")
}

/// The first half of such a request's body, with the head in front.
///
/// # Panics
/// As [`request`].
#[must_use]
pub fn unfinished(path: &str, size: usize) -> Vec<u8> {
    let mut request = request(path, size, 0);
    request.truncate(request.len() - size / 2);
    request
}

/// An event of Stripe's form, of many small members as real ones are.
fn body(size: usize, number: usize) -> String {
    let mut body = format!(
        r#"{{"id":"evt_{number:024}","type":"invoice.paid","data":{{"object":{{"object":"invoice","lines":["#
    );
    let tail = r#""end"]}}}"#;
    for line in 1.. {
        let item = format!(r#"{{"id":"il_{line:06}","amount":4200,"currency":"eur","paid":true}},"#);
        if body.len() + item.len() + tail.len() > size {
            break;
        }
        body += &item;
    }
    body += &" ".repeat(size - body.len() - tail.len());
    body + tail
}

pub(crate) fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("a time")
}
