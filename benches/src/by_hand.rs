//! What a careful person writes by hand: the baseline of the servers.

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

use crate::event::{SECRET, unix_seconds};

/// Stripe's scheme.
#[derive(Clone)]
pub(crate) struct ByHand(Hmac<Sha256>);

impl ByHand {
    pub(crate) fn new() -> Self {
        ByHand(Hmac::new_from_slice(SECRET.as_bytes()).expect("a key"))
    }

    /// Whether Stripe signed `body` not long ago, by the text of its header.
    pub(crate) fn accepts(&self, header: Option<&str>, body: &[u8]) -> bool {
        header.is_some_and(|header| self.check(header, body).unwrap_or(false))
    }

    fn check(&self, header: &str, body: &[u8]) -> Option<bool> {
        let mut time = None;
        let mut signatures = Vec::new();
        for item in header.split(',') {
            match item.split_once('=')? {
                ("t", value) => time = Some(value),
                ("v1", value) => signatures.push(hex::decode(value).ok()?),
                _ => {}
            }
        }
        let time = time?;
        if (unix_seconds() - time.parse::<i64>().ok()?).abs() > 300 {
            return None;
        }
        let mac = self.0.clone().chain_update(time).chain_update(b".").chain_update(body);
        Some(signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok()))
    }
}

/// The part of the event's data that a handler may want.
#[derive(Deserialize)]
pub(crate) struct Object {
    object: String,
}

impl Object {
    pub(crate) fn is_invoice(&self) -> bool {
        self.object == "invoice"
    }
}

/// Whether the data of the event in `body` is an invoice; none where it isn't such an event.
pub(crate) fn is_invoice(body: &[u8]) -> Option<bool> {
    let event: Event = serde_json::from_slice(body).ok()?;
    Some(event.data.object.is_invoice())
}

#[derive(Deserialize)]
struct Event {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}
