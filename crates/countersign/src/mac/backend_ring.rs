//! HMAC and SHA-256 by `ring`. It wipes no state when it drops one.

use ring::{
    digest,
    hmac::{Context, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, Key},
};

use super::Tag;
use crate::scheme::Algorithm;

/// A running HMAC.
#[derive(Clone)]
pub(super) struct Hmac(Context);

impl Hmac {
    /// One by `algorithm` under `key`; `None` where that is no HMAC, or this build doesn't have it.
    pub(super) fn new(algorithm: Algorithm, key: &[u8]) -> Option<Hmac> {
        let hash = match algorithm {
            Algorithm::HmacSha1 if cfg!(feature = "sha1") => HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::HmacSha256 => HMAC_SHA256,
            Algorithm::HmacSha384 => HMAC_SHA384,
            Algorithm::HmacSha512 => HMAC_SHA512,
            _ => return None,
        };
        Some(Hmac(Context::with_key(&Key::new(hash, key))))
    }

    #[inline]
    pub(super) fn tag_of(&self, feed: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Tag {
        let mut mac = self.clone();
        feed(&mut |bytes| mac.update(bytes));
        mac.finish()
    }

    #[inline]
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    #[inline]
    pub(super) fn finish(self) -> Tag {
        Tag::new(self.0.sign().as_ref())
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
