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
    mac::{Mac, Tag, same_text},
    scheme::{Algorithm, Encoding},
};

/// One key at work on one request: fed the signed bytes once, however many signatures there are.
pub(crate) struct Run {
    pub(crate) key: usize,
    algorithm: Algorithm,
    state: State,
}

enum State {
    /// A tag in the making.
    Mac(Mac),
    /// Ed25519 needs the message whole.
    Message(Vec<u8>),
    /// A token needs no content.
    Token,
}

impl Run {
    /// A run of the key at place `key`, which fits the algorithm; nothing is fed yet.
    #[inline]
    pub(crate) fn new(key: usize, entry: &keyring::Entry, algorithm: Algorithm) -> Run {
        Run { key, algorithm, state: State::of(entry, algorithm) }
    }

    /// Feeds what stands before the body.
    #[inline]
    pub(crate) fn begin(&mut self, verifier: &Verifier, head: &Head<'_>) {
        let scheme = verifier.scheme_of(head.family);
        head.content.feed_before(scheme, &verifier.rules.url, &mut |bytes| self.update(bytes));
    }

    /// Feeds a piece of the signed content.
    #[inline]
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Mac(mac) => mac.update(bytes),
            State::Message(message) => message.extend_from_slice(bytes),
            State::Token => {}
        }
    }

    /// Feeds what stands behind the body, and says whether this key made one of the signatures.
    #[inline]
    pub(crate) fn finish(mut self, verifier: &Verifier, head: &Head<'_>) -> bool {
        let scheme = verifier.scheme_of(head.family);
        head.content.feed_after(scheme, &verifier.rules.url, &mut |bytes| self.update(bytes));
        let Run { key, algorithm, state } = self;
        let judge = Judge::new(state, &verifier.keys.entries[key]);
        let signature = &scheme.signature;
        let mine_by = |version: usize| signature.versions[version].algorithm == algorithm;
        let mine = |owner: Option<usize>| owner.is_none_or(|owner| owner == key);
        let values = head.signatures.values().filter(|(owner, _)| mine(*owner));
        values.flat_map(|(_, value)| entries(&signature.syntax, &signature.versions, value)).any(|entry| {
            match entry {
                Entry::Signature { version, text } if mine_by(version) => {
                    judge.accepts(signature.encoding, text)
                }
                _ => false,
            }
        })
    }
}

impl State {
    #[inline]
    fn of(entry: &keyring::Entry, algorithm: Algorithm) -> State {
        match (algorithm, entry.mac(algorithm)) {
            (_, Some(mac)) => State::Mac(mac.clone()),
            (Algorithm::Ed25519, _) => State::Message(Vec::new()),
            _ => State::Token,
        }
    }
}

/// What decides over a candidate signature.
enum Judge<'k> {
    Tag(Tag),
    PublicKey(crate::ed25519::PublicKey, Vec<u8>),
    Token(&'k [u8]),
    Nobody,
}

impl<'k> Judge<'k> {
    #[inline]
    fn new(state: State, entry: &'k keyring::Entry) -> Self {
        match (state, &entry.material) {
            (State::Mac(mac), _) => Judge::Tag(mac.finish()),
            (State::Message(message), Material::Ed25519Public(key)) => Judge::PublicKey(key.clone(), message),
            (State::Message(message), Material::Ed25519Secret(key)) => {
                Judge::PublicKey(key.public(), message)
            }
            (State::Token, Material::Token(token)) => Judge::Token(token.expose()),
            _ => Judge::Nobody,
        }
    }

    fn accepts(&self, encoding: Encoding, text: &[u8]) -> bool {
        match self {
            Judge::Tag(tag) => {
                Decoded::parse(encoding, text).is_some_and(|candidate| tag.matches(candidate.as_bytes()))
            }
            Judge::PublicKey(key, message) => Decoded::parse(encoding, text)
                .is_some_and(|candidate| key.verifies(message, candidate.as_bytes())),
            Judge::Token(token) => same_text(token, text),
            Judge::Nobody => false,
        }
    }
}
