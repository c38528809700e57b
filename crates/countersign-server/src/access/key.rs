//! Keys of the API.

use std::{fmt, str::FromStr};

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::AccessError;

/// A key of the API: `csk_` and 256 random bits. Shown once, to who is given it, and never kept.
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Makes a key.
    ///
    /// # Errors
    /// [`AccessError::Random`].
    pub fn generate() -> Result<Self, AccessError> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| AccessError::Random)?;
        let text = Zeroizing::new(Base64UrlUnpadded::encode_string(bytes.as_slice()));
        Ok(ApiKey(Zeroizing::new(format!("{PREFIX}{}", *text))))
    }

    /// Reads a key that was made before, from the environment for instance. One that somebody chose is
    /// refused by its form.
    ///
    /// # Errors
    /// [`AccessError::NotAKey`].
    pub fn parse(text: &str) -> Result<Self, AccessError> {
        let rest = text.strip_prefix(PREFIX).ok_or(AccessError::NotAKey)?;
        let bytes = Zeroizing::new(Base64UrlUnpadded::decode_vec(rest).map_err(|_| AccessError::NotAKey)?);
        match bytes.len() == BYTES {
            true => Ok(ApiKey(Zeroizing::new(text.to_owned()))),
            false => Err(AccessError::NotAKey),
        }
    }

    /// The key's text.
    ///
    /// # Security
    /// Show it once, to who is given the key, and keep the [digest](ApiKey::digest).
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of the key. It is enough to know the key by, and not to make it.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest(Sha256::digest(self.expose()).into())
    }
}

/// Shows no character of the key.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(csk_…)")
    }
}

/// The SHA-256 of a key, written as `sha256:` and 64 hexadecimal digits.
///
/// A fast hash is enough, because a key is 256 random bits and can't be guessed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{DIGEST}{}", hex::encode(self.0))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyDigest({DIGEST}…)")
    }
}

impl FromStr for KeyDigest {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        let digits = text.strip_prefix(DIGEST).ok_or(AccessError::NotADigest)?;
        let mut digest = [0; 32];
        hex::decode_to_slice(digits, &mut digest).map_err(|_| AccessError::NotADigest)?;
        Ok(KeyDigest(digest))
    }
}

const PREFIX: &str = "csk_";
const DIGEST: &str = "sha256:";
const BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adv_97_a_key_is_256_random_bits_and_shows_itself_once() {
        let (key, other) = (ApiKey::generate().expect("a key"), ApiKey::generate().expect("a key"));
        assert_ne!(key.expose(), other.expose());
        assert_eq!(key.expose().len(), 47);
        assert!(ApiKey::parse(key.expose()).is_ok());
        assert!(!format!("{key:?} {:?}", key.digest()).contains(&key.expose()[4..8]));
    }

    #[test]
    fn a_key_that_somebody_chose_is_refused() {
        for chosen in ["", "csk_", "secret", "csk_secret", "csk_AAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(ApiKey::parse(chosen).map(drop), Err(AccessError::NotAKey), "{chosen}");
        }
    }

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = ApiKey::generate().expect("a key").digest();
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for bad in ["", "sha256:", "sha256:00", &digest.to_string()[7..]] {
            assert_eq!(bad.parse::<KeyDigest>(), Err(AccessError::NotADigest), "{bad}");
        }
    }
}
