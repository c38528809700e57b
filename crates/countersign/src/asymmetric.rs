//! Keys in pairs, of which the receiver has the public one: it verifies and can't sign.

use alloc::vec::Vec;

use crate::{
    keyring::KeyErrorKind,
    scheme::{Algorithm, KeyKind},
};

#[cfg(feature = "ecdsa")]
mod ecdsa;
#[cfg(feature = "ed25519")]
mod ed25519;
#[cfg(not(all(feature = "ecdsa", feature = "ed25519")))]
mod off;
#[cfg(not(feature = "ecdsa"))]
use off as ecdsa;
#[cfg(not(feature = "ed25519"))]
use off as ed25519;

/// One key of a pair. A secret one knows its public one.
#[derive(Clone)]
pub(crate) enum AsymmetricKey {
    Ed25519Public(ed25519::PublicKey),
    Ed25519Secret(ed25519::SecretKey),
    EcdsaP256Public(ecdsa::PublicKey),
    EcdsaP256Secret(ecdsa::SecretKey),
}

impl AsymmetricKey {
    /// Reads a key of this kind.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn parse(kind: KeyKind, bytes: &[u8]) -> Result<Self, KeyErrorKind> {
        let key = match kind {
            KeyKind::Symmetric => None,
            KeyKind::Ed25519Public => ed25519::PublicKey::parse(bytes).map(Self::Ed25519Public),
            KeyKind::Ed25519Secret => ed25519::SecretKey::parse(bytes).map(Self::Ed25519Secret),
            KeyKind::EcdsaP256Public => ecdsa::PublicKey::parse(bytes).map(Self::EcdsaP256Public),
            KeyKind::EcdsaP256Secret => ecdsa::SecretKey::parse(bytes).map(Self::EcdsaP256Secret),
        };
        key.ok_or_else(|| unusable(kind, bytes.len()))
    }

    /// The algorithm that it is for.
    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519Public(_) | Self::Ed25519Secret(_) => Algorithm::Ed25519,
            Self::EcdsaP256Public(_) | Self::EcdsaP256Secret(_) => Algorithm::EcdsaP256Sha256,
        }
    }

    pub(crate) fn can_sign(&self) -> bool {
        matches!(self, Self::Ed25519Secret(_) | Self::EcdsaP256Secret(_))
    }

    /// Whether `signature` is the pair's over `message`.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519Public(key) => key.verifies(message, signature),
            Self::Ed25519Secret(key) => key.public().verifies(message, signature),
            Self::EcdsaP256Public(key) => key.verifies(message, signature),
            Self::EcdsaP256Secret(key) => key.public().verifies(message, signature),
        }
    }

    /// The signature of `message`; `None` by a public key.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ed25519Secret(key) => key.sign(message),
            Self::EcdsaP256Secret(key) => key.sign(message),
            Self::Ed25519Public(_) | Self::EcdsaP256Public(_) => None,
        }
    }
}

/// Why bytes, so many of them, are no key of this kind.
fn unusable(kind: KeyKind, len: usize) -> KeyErrorKind {
    let (built_in, has_a_length, otherwise) = match kind {
        KeyKind::Symmetric => return KeyErrorKind::WrongKind,
        KeyKind::Ed25519Public => (cfg!(feature = "ed25519"), len == 32, KeyErrorKind::Weak),
        KeyKind::Ed25519Secret => (cfg!(feature = "ed25519"), [32, 64].contains(&len), KeyErrorKind::Weak),
        KeyKind::EcdsaP256Public | KeyKind::EcdsaP256Secret => {
            (cfg!(feature = "ecdsa"), true, KeyErrorKind::Undecodable)
        }
    };
    match (has_a_length, built_in) {
        (false, _) => KeyErrorKind::Undecodable,
        (true, true) => otherwise,
        (true, false) => KeyErrorKind::MissingFeature,
    }
}
