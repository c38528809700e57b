//! The secret path: everything that computes or compares a tag from a secret is in this file and the ones beneath it.
//!
//! A comparison takes the same time wherever two tags differ; their length is not secret.
//!
//! The hashes are RustCrypto's. Compiled for an x86-64 processor with both AVX-512 and the SHA instructions (`-C
//! target-cpu=native` on a server of Intel's), its SHA-256 was seen a hundred times slower, so such a build takes `ring`,
//! whose code is assembled beforehand. `--cfg countersign_backend="ring"` or `"rustcrypto"` chooses for any build;
//! `Cargo.toml` holds the same condition.

use alloc::vec::Vec;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

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

pub(crate) use self::backend::Mac;
pub use self::backend::sha256;

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
    use crate::scheme::Algorithm;

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
