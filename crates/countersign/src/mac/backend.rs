//! Tags by RustCrypto's hashes.

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::{Digest, Sha256, Sha384, Sha512};

use self::sha1::HmacSha1;
use super::Tag;
use crate::scheme::Algorithm;

#[cfg(not(feature = "sha1"))]
#[path = "sha1_off.rs"]
mod sha1;
#[cfg(feature = "sha1")]
#[path = "sha1_on.rs"]
mod sha1;

/// A running tag. Cloning a fresh one saves the key schedule.
#[derive(Clone)]
pub(crate) struct Mac(State);

#[derive(Clone)]
enum State {
    HmacSha1(HmacSha1),
    HmacSha256(Hmac<Sha256>),
    HmacSha384(Hmac<Sha384>),
    HmacSha512(Hmac<Sha512>),
    Sha256SecretPrefix(Sha256),
}

impl Mac {
    /// A tag by `algorithm` under `key`; `None` where the algorithm makes none, or this build
    /// doesn't have it.
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Option<Mac> {
        let state = match algorithm {
            Algorithm::HmacSha1 => State::HmacSha1(HmacSha1::new_from_slice(key).ok()?),
            Algorithm::HmacSha256 => State::HmacSha256(Hmac::new_from_slice(key).ok()?),
            Algorithm::HmacSha384 => State::HmacSha384(Hmac::new_from_slice(key).ok()?),
            Algorithm::HmacSha512 => State::HmacSha512(Hmac::new_from_slice(key).ok()?),
            Algorithm::Sha256SecretPrefix => State::Sha256SecretPrefix(Sha256::new_with_prefix(key)),
            Algorithm::Ed25519 | Algorithm::Token | Algorithm::None => return None,
        };
        Some(Mac(state))
    }

    /// The tag of what `feed` feeds to a copy of this. It costs less than a clone, its
    /// [`update`](Mac::update)s and [`finish`](Mac::finish): what is known to be of one algorithm is
    /// smaller, and is moved less.
    #[inline]
    pub(crate) fn tag_of(&self, feed: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Tag {
        match &self.0 {
            State::HmacSha256(mac) => tag_of(mac, feed),
            State::HmacSha384(mac) => tag_of(mac, feed),
            State::HmacSha512(mac) => tag_of(mac, feed),
            State::HmacSha1(_) | State::Sha256SecretPrefix(_) => {
                let mut mac = self.clone();
                feed(&mut |bytes| mac.update(bytes));
                mac.finish()
            }
        }
    }

    #[inline]
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::HmacSha1(mac) => mac.update(bytes),
            State::HmacSha256(mac) => mac.update(bytes),
            State::HmacSha384(mac) => mac.update(bytes),
            State::HmacSha512(mac) => mac.update(bytes),
            State::Sha256SecretPrefix(hash) => Digest::update(hash, bytes),
        }
    }

    #[inline]
    pub(crate) fn finish(self) -> Tag {
        match self.0 {
            State::HmacSha1(mac) => Tag::new(&mac.finalize().into_bytes()),
            State::HmacSha256(mac) => Tag::new(&mac.finalize().into_bytes()),
            State::HmacSha384(mac) => Tag::new(&mac.finalize().into_bytes()),
            State::HmacSha512(mac) => Tag::new(&mac.finalize().into_bytes()),
            State::Sha256SecretPrefix(hash) => Tag::new(&hash.finalize()),
        }
    }
}

fn tag_of<M: hmac::Mac + Clone>(fresh: &M, feed: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Tag {
    let mut mac = fresh.clone();
    feed(&mut |bytes| mac.update(bytes));
    Tag::new(&mac.finalize().into_bytes())
}

/// SHA-256 of `bytes`, by the same hash that signs: what is recorded of a payload, and what an event without an id
/// is known by.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
