//! HMAC and SHA-256 by RustCrypto.

use hmac::{KeyInit, Mac as _};
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

/// A running HMAC.
#[derive(Clone)]
pub(super) enum Hmac {
    Sha1(HmacSha1),
    Sha256(hmac::Hmac<Sha256>),
    Sha384(hmac::Hmac<Sha384>),
    Sha512(hmac::Hmac<Sha512>),
}

impl Hmac {
    /// One by `algorithm` under `key`; `None` where that is no HMAC, or this build doesn't have it.
    pub(super) fn new(algorithm: Algorithm, key: &[u8]) -> Option<Hmac> {
        Some(match algorithm {
            Algorithm::HmacSha1 => Hmac::Sha1(HmacSha1::new_from_slice(key).ok()?),
            Algorithm::HmacSha256 => Hmac::Sha256(KeyInit::new_from_slice(key).ok()?),
            Algorithm::HmacSha384 => Hmac::Sha384(KeyInit::new_from_slice(key).ok()?),
            Algorithm::HmacSha512 => Hmac::Sha512(KeyInit::new_from_slice(key).ok()?),
            Algorithm::Sha256SecretPrefix
            | Algorithm::Ed25519
            | Algorithm::EcdsaP256Sha256
            | Algorithm::Token
            | Algorithm::None => {
                return None;
            }
        })
    }

    #[inline]
    pub(super) fn tag_of(&self, feed: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Tag {
        match self {
            Hmac::Sha256(mac) => tag_of(mac, feed),
            Hmac::Sha384(mac) => tag_of(mac, feed),
            Hmac::Sha512(mac) => tag_of(mac, feed),
            Hmac::Sha1(_) => {
                let mut mac = self.clone();
                feed(&mut |bytes| mac.update(bytes));
                mac.finish()
            }
        }
    }

    #[inline]
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Hmac::Sha1(mac) => mac.update(bytes),
            Hmac::Sha256(mac) => mac.update(bytes),
            Hmac::Sha384(mac) => mac.update(bytes),
            Hmac::Sha512(mac) => mac.update(bytes),
        }
    }

    #[inline]
    pub(super) fn finish(self) -> Tag {
        match self {
            Hmac::Sha1(mac) => Tag::new(&mac.finalize().into_bytes()),
            Hmac::Sha256(mac) => Tag::new(&mac.finalize().into_bytes()),
            Hmac::Sha384(mac) => Tag::new(&mac.finalize().into_bytes()),
            Hmac::Sha512(mac) => Tag::new(&mac.finalize().into_bytes()),
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
