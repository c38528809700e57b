//! Ed25519 (RFC 8032), in builds that ask for it.

use alloc::vec::Vec;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};

/// A public key.
#[derive(Clone)]
pub(crate) struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads 32 bytes. `None` where they are no point of the curve, or a weak one.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
        (!key.is_weak()).then_some(PublicKey(key))
    }

    /// Whether `signature` is this key's over `message`; strictly, so that one message has one
    /// signature and no key of small order has any.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(bytes) = <&[u8; 64]>::try_from(signature) else { return false };
        let signature = ed25519_dalek::Signature::from_bytes(bytes);
        self.0.verify_strict(message, &signature).is_ok()
    }
}

/// A secret key, wiped when dropped.
#[derive(Clone)]
pub(crate) struct SecretKey(SigningKey);

impl SecretKey {
    /// Reads a seed of 32 bytes, or a seed and its public key, 64 bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            32 => Some(SecretKey(SigningKey::from_bytes(bytes.try_into().ok()?))),
            64 => SigningKey::from_keypair_bytes(bytes.try_into().ok()?).ok().map(SecretKey),
            _ => None,
        }
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(self.0.sign(message).to_bytes().to_vec())
    }
}
