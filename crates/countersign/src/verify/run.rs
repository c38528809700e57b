//! One key at work on one request.

use alloc::vec::Vec;

use super::{
    Verifier,
    head::Head,
    signatures::{Entry, entries},
};
use crate::{
    encoding::Decoded,
    keyring::{self, Material},
    mac::{Mac, same_text},
    scheme::{Algorithm, Signature},
};

/// One key at work on one request, or all Ed25519 keys together: fed the signed bytes once, however
/// many signatures there are.
pub(crate) struct Run {
    algorithm: Algorithm,
    state: State,
}

enum State {
    /// A tag in the making, by the key at this place.
    Mac(usize, Mac),
    /// A token needs no content.
    Token(usize),
    /// Ed25519 needs the message whole, once for all keys.
    Message(Vec<usize>, Vec<u8>),
}

impl Run {
    /// Gives a run for each key that is valid at `now` and each algorithm that the request has a
    /// signature by; nothing is fed yet.
    #[inline]
    pub(crate) fn each(verifier: &Verifier, head: &Head<'_>, now: i64, mut give: impl FnMut(Run)) {
        for algorithm in head.algorithms(verifier.scheme()) {
            let fitting = verifier.keys.valid_at(now).filter(|(_, entry)| entry.fits(algorithm));
            if algorithm == Algorithm::Ed25519 {
                let keys: Vec<usize> = fitting.map(|(key, _)| key).collect();
                if !keys.is_empty() {
                    give(Run { algorithm, state: State::Message(keys, Vec::new()) });
                }
                continue;
            }
            for (key, entry) in fitting {
                give(Run::new(key, entry, algorithm));
            }
        }
    }

    #[inline]
    fn new(key: usize, entry: &keyring::Entry, algorithm: Algorithm) -> Run {
        let state = match entry.mac(algorithm) {
            Some(mac) => State::Mac(key, mac.clone()),
            None => State::Token(key),
        };
        Run { algorithm, state }
    }

    /// Feeds what stands before the body.
    #[inline]
    pub(crate) fn begin(&mut self, verifier: &Verifier, head: &Head<'_>) {
        let scheme = verifier.scheme_of(head.family);
        head.content.feed_before(scheme, &verifier.rules.url, &mut |bytes| self.update(bytes));
    }

    /// Feeds a piece of the body, where that is signed.
    #[inline]
    pub(crate) fn feed_body(&mut self, verifier: &Verifier, head: &Head<'_>, bytes: &[u8]) {
        if verifier.scheme_of(head.family).covers_body() {
            self.update(bytes);
        }
    }

    /// Feeds a piece of the signed content.
    #[inline]
    fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Mac(_, mac) => mac.update(bytes),
            State::Message(_, message) => message.extend_from_slice(bytes),
            State::Token(_) => {}
        }
    }

    /// Feeds what stands behind the body, and gives the key that made one of the signatures.
    #[inline]
    pub(crate) fn finish(mut self, verifier: &Verifier, head: &Head<'_>) -> Option<usize> {
        let scheme = verifier.scheme_of(head.family);
        head.content.feed_after(scheme, &verifier.rules.url, &mut |bytes| self.update(bytes));
        let candidates = Candidates { head, signature: &scheme.signature, algorithm: self.algorithm };
        let entries = &verifier.keys.entries;
        match self.state {
            State::Mac(key, mac) => {
                let tag = mac.finish();
                candidates.any_decoded(key, |bytes| tag.matches(bytes)).then_some(key)
            }
            State::Token(key) => {
                let Material::Token(token) = &entries[key].material else { return None };
                candidates.any(key, |text| same_text(token.expose(), text)).then_some(key)
            }
            State::Message(keys, message) => keys.into_iter().find(|key| {
                let verifies = |bytes: &[u8]| entries[*key].material.verifies(&message, bytes);
                candidates.any_decoded(*key, verifies)
            }),
        }
    }
}

/// The signatures of a request by one algorithm.
struct Candidates<'c> {
    head: &'c Head<'c>,
    signature: &'c Signature,
    algorithm: Algorithm,
}

impl Candidates<'_> {
    /// Whether one that may be the key's is accepted, as it is written.
    #[inline]
    fn any(&self, key: usize, accepts: impl Fn(&[u8]) -> bool) -> bool {
        let Signature { syntax, versions, .. } = self.signature;
        let may_be_its = |owner: Option<usize>| owner.is_none_or(|owner| owner == key);
        let by_it = |version: usize| versions[version].algorithm == self.algorithm;
        if let Some((owner, version, text)) = self.head.only {
            return may_be_its(owner) && by_it(version) && accepts(text);
        }
        let values = self.head.signatures.values().filter(|(owner, _)| may_be_its(*owner));
        values.flat_map(|(_, value)| entries(syntax, versions, value)).any(|entry| match entry {
            Entry::Signature { version, text } => by_it(version) && accepts(text),
            _ => false,
        })
    }

    /// Whether one that may be the key's is accepted, decoded.
    #[inline]
    fn any_decoded(&self, key: usize, accepts: impl Fn(&[u8]) -> bool) -> bool {
        let encoding = self.signature.encoding;
        self.any(key, |text| {
            Decoded::parse(encoding, text).is_some_and(|candidate| accepts(candidate.as_bytes()))
        })
    }
}
