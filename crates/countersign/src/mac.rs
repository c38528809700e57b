//! The secret path: everything that computes or compares a tag from a secret is in this file and the ones beneath it.
//!
//! A comparison takes the same time wherever two tags differ; their length is not secret.
//!
//! The hashes are RustCrypto's. Compiled for an x86-64 processor with both AVX-512 and the SHA instructions (`-C
//! target-cpu=native` on a server of Intel's), its SHA-256 was seen a hundred times slower, so such a build takes `ring`,
//! whose code is assembled beforehand. `--cfg countersign_backend="ring"` or `"rustcrypto"` chooses for any build;
//! `Cargo.toml` holds the same condition.

use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::scheme::Algorithm;

#[cfg_attr(
    any(
        countersign_backend = "ring",
        all(
            target_arch = "x86_64",
            target_feature = "avx512f",
            target_feature = "sha",
            not(countersign_backend = "rustcrypto")
        )
    ),
    path = "mac/backend_ring.rs"
)]
mod backend;

use self::backend::Hmac;
pub use self::backend::sha256;

/// A running tag. Cloning a fresh one saves the key schedule.
#[derive(Clone)]
pub(crate) struct Mac(State);

#[derive(Clone)]
enum State {
    Hmac(Hmac),
    /// By RustCrypto in every build: it begins with the secret itself, and must be wiped.
    Sha256SecretPrefix(Sha256),
}

impl Mac {
    /// A tag by `algorithm` under `key`; `None` where the algorithm makes none, or this build
    /// doesn't have it.
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Option<Mac> {
        let state = match algorithm {
            Algorithm::Sha256SecretPrefix => State::Sha256SecretPrefix(Sha256::new_with_prefix(key)),
            _ => State::Hmac(Hmac::new(algorithm, key)?),
        };
        Some(Mac(state))
    }

    /// The tag of what `feed` feeds to a copy of this. It costs less than a clone, its
    /// [`update`](Mac::update)s and [`finish`](Mac::finish): what is known to be of one algorithm is
    /// smaller, and is moved less.
    #[inline]
    pub(crate) fn tag_of(&self, feed: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Tag {
        match &self.0 {
            State::Hmac(mac) => mac.tag_of(feed),
            State::Sha256SecretPrefix(hash) => {
                let mut hash = hash.clone();
                feed(&mut |bytes| Digest::update(&mut hash, bytes));
                Tag::new(&hash.finalize())
            }
        }
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
            State::Hmac(mac) => mac.finish(),
            State::Sha256SecretPrefix(hash) => Tag::new(&hash.finalize()),
        }
    }
}

/// A tag that the secret's holder alone could have made. Kept in words, of which a comparison needs
/// fewer than of bytes.
pub(crate) struct Tag {
    words: [u64; 8],
    len: usize,
}

impl Tag {
    fn new(bytes: &[u8]) -> Tag {
        Tag { words: words(bytes), len: bytes.len() }
    }

    /// Whether `candidate` is this tag, whole.
    pub(crate) fn matches(&self, candidate: &[u8]) -> bool {
        let used = self.len.div_ceil(8);
        candidate.len() == self.len && self.words[..used].ct_eq(&words(candidate)[..used]).into()
    }

    /// The tag itself, to be sent: for the signer alone.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_ne_bytes()).take(self.len).collect()
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        self.words.zeroize();
    }
}

/// At most 64 bytes as words; what is missing is zero.
fn words(bytes: &[u8]) -> [u64; 8] {
    let mut words = [0; 8];
    let (whole, rest) = bytes.as_chunks();
    for (word, bytes) in words.iter_mut().zip(whole) {
        *word = u64::from_ne_bytes(*bytes);
    }
    if let (Some(word), false) = (words.get_mut(whole.len()), rest.is_empty()) {
        let mut padded = [0; 8];
        padded[..rest.len()].copy_from_slice(rest);
        *word = u64::from_ne_bytes(padded);
    }
    words
}

/// Whether two texts are equal, in a time that depends on their lengths alone: both are hashed
/// first, so that not even the common length of their beginnings shows.
pub(crate) fn same_text(expected: &[u8], candidate: &[u8]) -> bool {
    sha256(expected).ct_eq(&sha256(candidate)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(algorithm: Algorithm, key: &[u8], parts: &[&[u8]]) -> Tag {
        let mut mac = Mac::new(algorithm, key).expect("an algorithm of this build");
        parts.iter().for_each(|part| mac.update(part));
        mac.finish()
    }

    #[test]
    fn rfc_4231_case_2() {
        let tag = tag(Algorithm::HmacSha256, b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex::encode(tag.to_vec()), expected);
    }

    #[test]
    fn adv_01_02_03_no_prefix_and_no_extension_of_a_tag_matches() {
        for algorithm in [Algorithm::HmacSha256, Algorithm::HmacSha384, Algorithm::HmacSha512] {
            let tag = tag(algorithm, b"key", &[b"content"]);
            let mut bytes = tag.to_vec();
            assert!(tag.matches(&bytes));
            assert!((0..bytes.len()).all(|len| !tag.matches(&bytes[..len])));
            for _ in 0..64 {
                bytes.push(0);
                assert!(!tag.matches(&bytes));
            }
        }
    }

    #[test]
    fn text_is_the_same_only_whole() {
        assert!(same_text(b"token", b"token"));
        assert!(!same_text(b"token", b"toke"));
        assert!(!same_text(b"token", b"token\0"));
        assert!(!same_text(b"token", b""));
    }
}
