//! Tags by `ring`'s hashes.
//!
//! It wipes no state when it drops one, so what begins with a secret itself stays with RustCrypto, which does.

use ring::{
    digest,
    hmac::{Context, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, Key},
};
use sha2::{Digest, Sha256};

use super::Tag;
use crate::scheme::Algorithm;

/// A running tag. Cloning a fresh one saves the key schedule.
#[derive(Clone)]
pub(crate) struct Mac(State);

#[derive(Clone)]
enum State {
    Hmac(Context),
    Sha256SecretPrefix(Sha256),
}

impl Mac {
    /// A tag by `algorithm` under `key`; `None` where the algorithm makes none, or this build
    /// doesn't have it.
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Option<Mac> {
        let hash = match algorithm {
            Algorithm::HmacSha1 if cfg!(feature = "sha1") => HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::HmacSha256 => HMAC_SHA256,
            Algorithm::HmacSha384 => HMAC_SHA384,
            Algorithm::HmacSha512 => HMAC_SHA512,
            Algorithm::Sha256SecretPrefix => {
                return Some(Mac(State::Sha256SecretPrefix(Sha256::new_with_prefix(key))));
            }
            Algorithm::HmacSha1 | Algorithm::Ed25519 | Algorithm::Token | Algorithm::None => return None,
        };
        Some(Mac(State::Hmac(Context::with_key(&Key::new(hash, key)))))
    }

    /// The tag of what `feed` feeds to a copy of this.
    #[inline]
    pub(crate) fn tag_of(&self, feed: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Tag {
        let mut mac = self.clone();
        feed(&mut |bytes| mac.update(bytes));
        mac.finish()
    }

    #[inline]
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Hmac(mac) => mac.update(bytes),
            State::Sha256SecretPrefix(hash) => Digest::update(hash, bytes),
        }
    }

    #[inline]
    pub(crate) fn finish(self) -> Tag {
        match self.0 {
            State::Hmac(mac) => Tag::new(mac.sign().as_ref()),
            State::Sha256SecretPrefix(hash) => Tag::new(&hash.finalize()),
        }
    }
}

/// SHA-256 of `bytes`, by the same hash that signs: what is recorded of a payload, and what an event without an id
/// is known by.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}
