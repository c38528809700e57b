//! ECDSA over P-256 with SHA-256 (FIPS 186-5), in builds that ask for it.

use alloc::vec::Vec;

use p256::{
    ecdsa::{
        Signature, SigningKey, VerifyingKey,
        signature::{Signer as _, Verifier as _},
    },
    pkcs8::{DecodePrivateKey as _, DecodePublicKey as _},
};

/// A public key.
#[derive(Clone)]
pub(crate) struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo` in DER (RFC 5480). `None` where its point is not on the curve.
    pub(crate) fn parse(der: &[u8]) -> Option<Self> {
        VerifyingKey::from_public_key_der(der).ok().map(PublicKey)
    }

    /// Whether `signature`, an `Ecdsa-Sig-Value` in strict DER (RFC 3279), is this key's over `message`. To every
    /// signature there is another one of the same message, which is as good.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_der(signature).is_ok_and(|signature| self.0.verify(message, &signature).is_ok())
    }
}

/// A secret key, wiped when dropped.
#[derive(Clone)]
pub(crate) struct SecretKey(SigningKey);

impl SecretKey {
    /// Reads PKCS #8 in DER (RFC 5208).
    pub(crate) fn parse(der: &[u8]) -> Option<Self> {
        SigningKey::from_pkcs8_der(der).ok().map(SecretKey)
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey(*self.0.verifying_key())
    }

    /// Signs without a random number: one message has one signature (RFC 6979).
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature: Signature = self.0.try_sign(message).ok()?;
        Some(signature.to_der().as_bytes().to_vec())
    }
}
