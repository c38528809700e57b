//! The secrets of an endpoint.
//!
//! A [`Keyring`] is read from the provider's own text, in the form that the
//! [scheme](crate::Scheme::key) says, and refuses every secret that can't protect anything: an
//! empty or blank one, one that is a prefix and nothing else, one that doesn't decode, zeros alone,
//! one that is too short. There is no verifier without a keyring, so there is no way to skip the
//! check by leaving a secret out.
//!
//! ```
//! use countersign::{Key, Keyring, catalog};
//!
//! let keys = Keyring::builder(&catalog::STRIPE)
//!     .key(Key::new("2026-11", "whsec_current"))
//!     .key(Key::new("2026-05", "whsec_previous").valid_until(1_795_000_000))
//!     .build()?;
//! assert_eq!(keys.labels().collect::<Vec<_>>(), ["2026-11", "2026-05"]);
//!
//! let error = Keyring::new(&catalog::STRIPE, ["whsec_"]).unwrap_err();
//! assert_eq!(error.to_string(), "scheme `stripe`: key-1 is a prefix with nothing behind it: copy the whole secret");
//! # Ok::<(), countersign::KeyError>(())
//! ```

use alloc::{format, sync::Arc, vec::Vec};
use core::fmt;

pub use self::error::{KeyError, KeyErrorKind};
use self::parse::parse;
use crate::{
    asymmetric::AsymmetricKey,
    encoding::encode,
    mac::Mac,
    scheme::{Algorithm, KeyKind, Scheme, SecretEncoding, Text},
    secret::Secret,
};

mod error;
mod parse;

/// The secrets of an endpoint: what a [`Verifier`](crate::Verifier) accepts and a
/// [`Signer`](crate::Signer) signs with.
///
/// Secrets are wiped when the keyring is dropped, as far as safe Rust can, and `Debug` shows labels
/// alone. Two keyrings can't be compared, since a comparison that stops at the first difference tells
/// where it is:
///
/// ```compile_fail,E0369
/// use countersign::{Keyring, catalog};
///
/// let [a, b] = ["whsec_one", "whsec_two"].map(|secret| Keyring::new(&catalog::STRIPE, [secret]).unwrap());
/// assert!(a == b);
/// ```
///
/// HMAC itself takes some different texts for one key: a key is padded with zeros, and one that is
/// longer than a block of its hash is hashed first (RFC 2104 §2). `abc` and `abc\0` are one key.
#[derive(Clone)]
pub struct Keyring {
    pub(crate) scheme: Text,
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) entries: Vec<Entry>,
    /// Whether the application said that it accepts what nobody signed.
    accepts_unsigned: bool,
}

/// A key as the core uses it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) label: Arc<str>,
    from: Option<i64>,
    until: Option<i64>,
    pub(crate) material: Material,
}

#[derive(Clone)]
pub(crate) enum Material {
    /// A secret, with a keyed state for each of the scheme's algorithms.
    Symmetric { macs: Vec<(Algorithm, Mac)>, hmac_sha256: Option<Mac> },
    /// The text that stands in the header.
    Token(Secret),
    /// One of a pair.
    Asymmetric(AsymmetricKey),
}

impl Keyring {
    /// The most keys of a keyring.
    pub const MAX_KEYS: usize = 16;

    /// Reads secrets as the scheme's provider writes them, the current one first. They are labelled
    /// `key-1`, `key-2` and so on, and valid at any time.
    ///
    /// # Errors
    /// No secret at all, or one that can't protect anything; see [`KeyErrorKind`].
    pub fn new<S: AsRef<str>>(
        scheme: &Scheme,
        secrets: impl IntoIterator<Item = S>,
    ) -> Result<Keyring, KeyError> {
        let mut builder = Keyring::builder(scheme);
        for secret in secrets {
            for secret in split(secret.as_ref(), scheme.key.joined_by) {
                let label = format!("key-{}", builder.count() + 1);
                builder = builder.key(Key::new(&label, secret));
            }
        }
        builder.build()
    }

    /// Begins a keyring of keys with labels and times of validity.
    pub fn builder(scheme: &Scheme) -> KeyringBuilder {
        KeyringBuilder { scheme: scheme.clone(), tenant: None, entries: Vec::new(), failed: None }
    }

    /// The keyring of a scheme that authenticates nothing: whoever calls this says that anybody may
    /// send events to this endpoint, and that what they say will be checked by other means.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotUnsigned`] where the scheme does sign.
    pub fn accept_unsigned(scheme: &Scheme) -> Result<Keyring, KeyError> {
        if !scheme.is_unsigned() {
            return Err(KeyError::of(scheme, "", KeyErrorKind::NotUnsigned));
        }
        Ok(Keyring::empty(scheme, true))
    }

    /// The keyring of a verifier that is given its keys request by request
    /// ([`Verifier::with_keys`](crate::Verifier::with_keys)), or by a handshake. It holds none, so that
    /// nothing is authentic without.
    ///
    /// # Errors
    /// [`KeyErrorKind::Unsigned`] where the scheme signs nothing.
    pub fn by_request(scheme: &Scheme) -> Result<Keyring, KeyError> {
        if scheme.is_unsigned() {
            return Err(KeyError::of(scheme, "", KeyErrorKind::Unsigned));
        }
        Ok(Keyring::empty(scheme, false))
    }

    /// The labels of all keys, in order.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.label)
    }

    /// The tenant that these keys belong to.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Whether these keys were read for `scheme`, and for one that signs or doesn't as it does.
    pub(crate) fn belongs_to(&self, scheme: &Scheme) -> bool {
        self.scheme == scheme.name && self.accepts_unsigned == scheme.is_unsigned()
    }

    fn empty(scheme: &Scheme, accepts_unsigned: bool) -> Keyring {
        Keyring { scheme: scheme.name.clone(), tenant: None, entries: Vec::new(), accepts_unsigned }
    }

    /// The keys that are valid at `now` (Unix seconds), with their places in the keyring.
    pub(crate) fn valid_at(&self, now: i64) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().filter(move |(_, entry)| entry.is_valid_at(now))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("scheme", &self.scheme)
            .field("tenant", &self.tenant)
            .field("labels", &self.labels().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Entry {
    fn is_valid_at(&self, now: i64) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }

    /// The keyed state for `algorithm`, to be cloned.
    pub(crate) fn mac(&self, algorithm: Algorithm) -> Option<&Mac> {
        match &self.material {
            Material::Symmetric { macs, .. } => {
                macs.iter().find(|(other, _)| *other == algorithm).map(|(_, mac)| mac)
            }
            _ => None,
        }
    }

    /// Whether this key can be used with `algorithm`.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        match &self.material {
            Material::Symmetric { macs, .. } => macs.iter().any(|(other, _)| *other == algorithm),
            Material::Token(_) => algorithm == Algorithm::Token,
            Material::Asymmetric(key) => key.algorithm() == algorithm,
        }
    }

    /// Whether this key can sign by `algorithm`.
    pub(crate) fn can_sign(&self, algorithm: Algorithm) -> bool {
        let can_sign = match &self.material {
            Material::Asymmetric(key) => key.can_sign(),
            Material::Symmetric { .. } | Material::Token(_) => true,
        };
        can_sign && self.fits(algorithm)
    }
}

/// A secret as it is written, with its label and the time in which it is valid.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    label: &'a str,
    secret: &'a str,
    from: Option<i64>,
    until: Option<i64>,
}

impl<'a> Key<'a> {
    /// A secret with a label, by which logs name it; the label is not secret.
    #[must_use]
    pub fn new(label: &'a str, secret: &'a str) -> Self {
        Key { label, secret, from: None, until: None }
    }

    /// Valid from this time on (Unix seconds, inclusive).
    #[must_use]
    pub fn valid_from(mut self, seconds: i64) -> Self {
        self.from = Some(seconds);
        self
    }

    /// Valid until this time (Unix seconds, exclusive).
    #[must_use]
    pub fn valid_until(mut self, seconds: i64) -> Self {
        self.until = Some(seconds);
        self
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("label", &self.label).finish_non_exhaustive()
    }
}

/// Builds a [`Keyring`].
#[derive(Debug)]
#[must_use]
pub struct KeyringBuilder {
    scheme: Scheme,
    tenant: Option<Arc<str>>,
    entries: Vec<Entry>,
    failed: Option<KeyError>,
}

impl KeyringBuilder {
    /// Adds a key; the current one first.
    pub fn key(mut self, key: Key<'_>) -> Self {
        if self.failed.is_none() && !self.scheme.is_unsigned() {
            match self.read(key) {
                Ok(entry) => self.entries.push(entry),
                Err(kind) => self.failed = Some(KeyError::of(&self.scheme, key.label, kind)),
            }
        }
        self
    }

    /// Names the tenant that the keys belong to, so that what they verify carries its name and no
    /// event of one tenant is taken for another's.
    pub fn tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(Arc::from(tenant));
        self
    }

    /// The keyring.
    ///
    /// # Errors
    /// No key at all, or one that can't protect anything; see [`KeyErrorKind`].
    pub fn build(self) -> Result<Keyring, KeyError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let error = |kind| Err(KeyError::of(&self.scheme, "", kind));
        match self.entries.len() {
            _ if self.scheme.is_unsigned() => error(KeyErrorKind::Unsigned),
            0 => error(KeyErrorKind::NoKeys),
            1..=Keyring::MAX_KEYS => Ok(Keyring {
                scheme: self.scheme.name,
                tenant: self.tenant,
                entries: self.entries,
                accepts_unsigned: false,
            }),
            _ => error(KeyErrorKind::TooManyKeys),
        }
    }

    fn count(&self) -> usize {
        self.entries.len()
    }

    fn read(&self, key: Key<'_>) -> Result<Entry, KeyErrorKind> {
        let (kind, encoding, secret) = parse(&self.scheme.key, key.secret)?;
        let material = match kind {
            KeyKind::Symmetric => self.symmetric(encoding, secret)?,
            kind => Material::Asymmetric(AsymmetricKey::parse(kind, secret.expose())?),
        };
        Ok(Entry { label: Arc::from(key.label), from: key.from, until: key.until, material })
    }

    fn symmetric(&self, encoding: SecretEncoding, secret: Secret) -> Result<Material, KeyErrorKind> {
        if self.scheme.algorithms().any(|algorithm| algorithm == Algorithm::Token) {
            let written = match encoding {
                SecretEncoding::BasicCredentials => {
                    encode(self.scheme.signature.encoding, secret.expose()).into_bytes()
                }
                _ => secret.expose().to_vec(),
            };
            return Ok(Material::Token(Secret::new(written)));
        }
        let keyed = |algorithm| Mac::new(algorithm, secret.expose()).map(|mac| (algorithm, mac));
        let macs: Vec<_> = self.scheme.algorithms().filter_map(keyed).collect();
        if macs.is_empty() {
            return Err(KeyErrorKind::MissingFeature);
        }
        let hmac_sha256 = Mac::new(Algorithm::HmacSha256, secret.expose());
        Ok(Material::Symmetric { macs, hmac_sha256 })
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("label", &self.label).finish_non_exhaustive()
    }
}

/// The secrets of a text, where the provider joins several; else the text.
fn split(text: &str, separator: Option<char>) -> impl Iterator<Item = &str> {
    text.split(move |c| Some(c) == separator)
}
