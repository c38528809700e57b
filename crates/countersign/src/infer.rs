//! The scheme of requests that were captured: offline, for people.
//!
//! For a sender that documents its header and nothing more: [`infer`] takes some of its requests with the secret, and
//! finds how they were signed. The catalogue's schemes are tried first, and then what can be put together: the
//! signature in any header, by any HMAC, over the body alone or with a time, an id, the method or the URL.
//!
//! ```
//! use countersign::{Keyring, Message, RequestView, Scheme, Signer, infer::{Captured, infer}};
//! # use countersign::scheme::{Algorithm, Part, Version};
//!
//! # let mut acme = Scheme::BASE;
//! # acme.content = vec![Part::Header("X-Acme-Time".into()), Part::Literal("\n".into()), Part::Body].into();
//! # acme.signature.versions = vec![Version::bare(Algorithm::HmacSha512)].into();
//! # let signer = Signer::new(&acme, Keyring::new(&acme, ["a secret of some length"])?)?;
//! # let message = Message { headers: &[("X-Acme-Time", "1700000000")], ..Message::new("1", b"{}") };
//! # let headers = signer.sign(&message, 1_700_000_000)?.headers;
//! let captured = [Captured { request: RequestView::post(&headers), body: b"{}" }];
//! let schemes = infer(&captured, "a secret of some length", None);
//! assert_eq!(Part::template(&schemes[0].content), "{header:X-Acme-Time}\n{body}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Security
//! As [`explain`](crate::explain), it isn't for requests that anybody can send.

use alloc::vec::Vec;
use core::fmt;

use self::{contents::contents, keys::rules, seen::Seen, signatures::signatures};
use crate::{
    RequestView, Scheme, catalog,
    explain::{Case, trial::Trial},
    scheme::TimestampRule,
};

mod contents;
mod keys;
mod seen;
mod signatures;

/// A request that was captured, byte for byte.
#[derive(Clone, Copy)]
pub struct Captured<'a> {
    /// The request without its body.
    pub request: RequestView<'a>,
    /// The body.
    pub body: &'a [u8],
}

/// Shows no byte of the body.
impl fmt::Debug for Captured<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured").field("request", &self.request).finish_non_exhaustive()
    }
}

/// The schemes by which all of these requests are authentic under `secret`: those of the catalogue, or else one that
/// was put together, whose limits and places of the event are guesses. None where nothing fits. `url` is the
/// endpoint's, as it is registered with the provider.
#[must_use]
pub fn infer(requests: &[Captured<'_>], secret: &str, url: Option<&str>) -> Vec<Scheme> {
    let Some(first) = requests.first() else { return Vec::new() };
    let fits = |scheme: &Scheme| requests.iter().all(|captured| is_authentic(captured, scheme, secret, url));
    let signing = catalog::ALL.iter().filter(|scheme| !scheme.content.is_empty());
    let known: Vec<Scheme> = signing.filter(|scheme| fits(scheme)).cloned().collect();
    match known.is_empty() {
        true => made(first, secret, url.is_some()).find(fits).into_iter().collect(),
        false => known,
    }
}

fn is_authentic(captured: &Captured<'_>, scheme: &Scheme, secret: &str, url: Option<&str>) -> bool {
    let Captured { request, body } = *captured;
    Trial::new(&Case { scheme, secrets: &[secret], request, body, url, now: 0 }).is_authentic()
}

/// The schemes that can be put together from what a request shows.
fn made(captured: &Captured<'_>, secret: &str, has_url: bool) -> impl Iterator<Item = Scheme> {
    let seen = Seen::of(captured);
    let rules = rules(secret);
    let schemes = signatures(&seen).into_iter().flat_map(move |(signature, fields)| {
        let contents = contents(&seen, &fields, has_url);
        let event = seen.event.clone();
        contents.into_iter().map(move |(content, time)| Scheme {
            name: "captured".into(),
            title: "As captured".into(),
            content: content.into(),
            signature: signature.clone(),
            timestamp: time.map(|(at, format)| TimestampRule {
                at,
                format,
                past: Some(MINUTES),
                future: Some(MINUTES),
                not_before: None,
            }),
            event: event.clone(),
            ..Scheme::BASE
        })
    });
    schemes.flat_map(move |scheme| rules.clone().into_iter().map(move |key| Scheme { key, ..scheme.clone() }))
}

/// How far a time may be off, as most providers say: five minutes.
const MINUTES: u32 = 300;
