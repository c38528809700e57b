//! Secrets that are sealed before they are stored.

use std::fmt;

use base64ct::{Base64, Encoding};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use countersign_store::{
    StoreError,
    outbox::{Endpoint, OutboxStore},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Seals the secrets of endpoints (XChaCha20-Poly1305), so that who reads the database has none.
///
/// The newest key seals, and any opens: to change keys, put the new one first, seal the secrets again, and
/// remove the old one. A sealed secret belongs to its endpoint and label, and is refused anywhere else.
#[derive(Clone)]
pub struct Sealer {
    keys: Vec<(String, Key)>,
}

/// Why a secret can't be sealed or opened. Shows no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealError {
    /// A key is not 32 bytes in base64, or there is none.
    Key,
    /// The operating system gives no random numbers.
    Random,
    /// The secret is sealed, and there is no sealer.
    NoSealer,
    /// The secret was sealed with a key that isn't here.
    UnknownKey,
    /// The secret was changed, or sealed for another endpoint or label.
    Tampered,
}

/// How a sealed secret begins: behind it, the key's name and the nonce with the ciphertext in base64.
const PREFIX: &str = "sealed:v1:";
const NONCE: usize = 24;

impl Sealer {
    /// A sealer with these keys, 32 bytes in base64 each, the newest first: from the environment or a
    /// secret store, never from the database itself.
    ///
    /// # Errors
    /// [`SealError::Key`].
    pub fn new<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Result<Self, SealError> {
        let keys = keys.into_iter().map(|key| read_key(key.as_ref())).collect::<Result<Vec<_>, _>>()?;
        match keys.is_empty() {
            true => Err(SealError::Key),
            false => Ok(Sealer { keys }),
        }
    }

    /// Seals the secret of an endpoint's key.
    ///
    /// # Errors
    /// [`SealError::Random`].
    pub fn seal(&self, endpoint: &str, label: &str, secret: &str) -> Result<String, SealError> {
        let (name, key) = self.keys.first().ok_or(SealError::Key)?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::Random)?;
        let bound = bound(endpoint, label);
        let payload = Payload { msg: secret.as_bytes(), aad: &bound };
        let cipher = XChaCha20Poly1305::new(key);
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Tampered)?;
        Ok(format!("{PREFIX}{name}:{}", Base64::encode_string(&[nonce.as_slice(), &sealed].concat())))
    }

    fn open(&self, endpoint: &str, label: &str, sealed: &str) -> Result<Zeroizing<String>, SealError> {
        let (name, text) = sealed.split_once(':').ok_or(SealError::Tampered)?;
        let (_, key) = self.keys.iter().find(|(other, _)| other == name).ok_or(SealError::UnknownKey)?;
        let bytes = Base64::decode_vec(text).map_err(|_| SealError::Tampered)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE>().ok_or(SealError::Tampered)?;
        let bound = bound(endpoint, label);
        let payload = Payload { msg: ciphertext, aad: &bound };
        let opened = XChaCha20Poly1305::new(key).decrypt(&XNonce::from(*nonce), payload);
        let text = String::from_utf8(opened.map_err(|_| SealError::Tampered)?);
        text.map(Zeroizing::new).map_err(|_| SealError::Tampered)
    }
}

/// Checks that an endpoint's secrets can be opened, where they are sealed: to find out at the start that a key is missing,
/// and not from deliveries that wait.
///
/// # Errors
/// [`SealError::NoSealer`], [`SealError::UnknownKey`] and [`SealError::Tampered`].
pub fn check_sealed(endpoint: &Endpoint, sealer: Option<&Sealer>) -> Result<(), SealError> {
    endpoint.keys.iter().try_for_each(|key| open(sealer, &endpoint.id, &key.label, &key.secret).map(drop))
}

/// Whether the secret of any endpoint is sealed: then none belongs beside it in clear, for whoever sealed it counts on
/// that.
///
/// # Errors
/// Where the store can't be reached.
pub async fn any_sealed(store: &impl OutboxStore) -> Result<bool, StoreError> {
    store.any_secret_begins(PREFIX).await
}

/// The secret of an endpoint's key as its scheme reads it. One that isn't sealed is taken as it is.
pub(crate) fn open(
    sealer: Option<&Sealer>,
    endpoint: &str,
    label: &str,
    stored: &str,
) -> Result<Zeroizing<String>, SealError> {
    match (stored.strip_prefix(PREFIX), sealer) {
        (None, _) => Ok(Zeroizing::new(stored.to_owned())),
        (Some(sealed), Some(sealer)) => sealer.open(endpoint, label, sealed),
        (Some(_), None) => Err(SealError::NoSealer),
    }
}

/// What a secret is bound to; the length keeps the two texts apart.
fn bound(endpoint: &str, label: &str) -> Vec<u8> {
    [&(endpoint.len() as u64).to_be_bytes(), endpoint.as_bytes(), label.as_bytes()].concat()
}

/// A key and its name: the beginning of its digest.
fn read_key(text: &str) -> Result<(String, Key), SealError> {
    let bytes = Zeroizing::new(Base64::decode_vec(text.trim()).map_err(|_| SealError::Key)?);
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| SealError::Key)?;
    let name = Base64::encode_string(&Sha256::digest(key)[..6]);
    Ok((name, Key::from(key)))
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SealError::Key => "a key for sealing is 32 bytes in base64: `openssl rand -base64 32` makes one",
            SealError::Random => "the operating system gives no random numbers",
            SealError::NoSealer => "the secret is sealed, and no key for it is configured",
            SealError::UnknownKey => "the secret was sealed with a key that isn't configured any more",
            SealError::Tampered => "the sealed secret was changed, or belongs to another endpoint",
        })
    }
}

impl std::error::Error for SealError {}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const NEW: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

    fn opened(sealer: &Sealer, endpoint: &str, label: &str, sealed: &str) -> Result<String, SealError> {
        open(Some(sealer), endpoint, label, sealed).map(|text| text.to_string())
    }

    #[test]
    fn what_is_sealed_opens_for_its_endpoint_and_label_alone() {
        let sealer = Sealer::new([OLD]).expect("a key");
        let sealed = sealer.seal("ep_1", "2026", "whsec_secret").expect("sealed");
        assert!(!sealed.contains("whsec") && !format!("{sealer:?}").contains("AAEC"));
        assert_ne!(sealed, sealer.seal("ep_1", "2026", "whsec_secret").expect("sealed"));
        assert_eq!(opened(&sealer, "ep_1", "2026", &sealed).as_deref(), Ok("whsec_secret"));
        for (endpoint, label) in [("ep_2", "2026"), ("ep_1", "2027"), ("ep_12", "026")] {
            assert_eq!(opened(&sealer, endpoint, label, &sealed), Err(SealError::Tampered));
        }
        let changed = format!("{}A", &sealed[..sealed.len() - 1]);
        assert_eq!(opened(&sealer, "ep_1", "2026", &changed), Err(SealError::Tampered));
    }

    #[test]
    fn keys_can_be_changed() {
        let old = Sealer::new([OLD]).expect("a key");
        let sealed = old.seal("ep_1", "a", "secret").expect("sealed");
        let both = Sealer::new([NEW, OLD]).expect("keys");
        assert_eq!(opened(&both, "ep_1", "a", &sealed).as_deref(), Ok("secret"));
        let again = both.seal("ep_1", "a", "secret").expect("sealed");
        assert_eq!(opened(&old, "ep_1", "a", &again), Err(SealError::UnknownKey));
    }

    #[test]
    fn a_plain_secret_stays_plain_and_a_sealed_one_needs_its_key() {
        assert_eq!(open(None, "e", "l", "whsec_x").map(|text| text.to_string()).as_deref(), Ok("whsec_x"));
        assert_eq!(open(None, "e", "l", "sealed:v1:x:y").map(drop), Err(SealError::NoSealer));
        for bad in [vec![], vec!["short"], vec!["AAEC"]] {
            assert_eq!(Sealer::new(bad).map(drop), Err(SealError::Key));
        }
    }
}
