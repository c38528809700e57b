//! How a provider writes its secrets.

use alloc::borrow::Cow;

use super::{Algorithm, List, Text};

/// How a provider writes its secrets, and how short they may be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields, default))]
pub struct KeyRule {
    /// The written forms, tried in order: the first whose prefix the secret begins with is the one.
    pub forms: List<KeyForm>,
    /// The fewest bytes of key material, after decoding and without the prefix.
    pub min_bytes: u16,
    /// The most bytes of key material.
    pub max_bytes: u16,
    /// What stands between several secrets in one text, where the provider joins them so.
    #[cfg_attr(feature = "toml", serde(skip_serializing_if = "Option::is_none"))]
    pub joined_by: Option<char>,
}

impl KeyRule {
    /// The fewest bytes that a secret of unknown origin must have.
    pub const DEFAULT_MIN_BYTES: u16 = 16;
    /// The most bytes that a secret may have.
    pub const DEFAULT_MAX_BYTES: u16 = 1024;

    /// The secret's text as it stands is the key.
    pub const TEXT: KeyRule = KeyRule::of(TEXT);

    /// These forms, with the default limits.
    #[must_use]
    pub const fn of(forms: &'static [KeyForm]) -> Self {
        KeyRule {
            forms: Cow::Borrowed(forms),
            min_bytes: KeyRule::DEFAULT_MIN_BYTES,
            max_bytes: KeyRule::DEFAULT_MAX_BYTES,
            joined_by: None,
        }
    }

    /// As before, with another lower limit in bytes: for providers that issue, or let their users
    /// choose, shorter secrets.
    #[must_use]
    pub const fn min(mut self, bytes: u16) -> Self {
        self.min_bytes = bytes;
        self
    }
}

const TEXT: &[KeyForm] = &[KeyForm::TEXT];

impl Default for KeyRule {
    fn default() -> Self {
        KeyRule::TEXT
    }
}

/// One written form of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields))]
pub struct KeyForm {
    /// The text that secrets of this form begin with; empty for any.
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "str::is_empty"))]
    pub prefix: Text,
    /// Whether the prefix is part of the key (`true`: the whole text is) or only announces it.
    #[cfg_attr(feature = "toml", serde(default))]
    pub keep_prefix: bool,
    /// How the rest is decoded.
    pub encoding: SecretEncoding,
    /// What kind of key it is.
    #[cfg_attr(feature = "toml", serde(default))]
    pub kind: KeyKind,
}

impl KeyForm {
    /// The text as it stands, UTF-8.
    pub const TEXT: KeyForm = KeyForm::new("", SecretEncoding::Text, KeyKind::Symmetric);

    /// A form whose prefix is not part of the key.
    #[must_use]
    pub const fn new(prefix: &'static str, encoding: SecretEncoding, kind: KeyKind) -> Self {
        KeyForm { prefix: Cow::Borrowed(prefix), keep_prefix: false, encoding, kind }
    }

    /// Text of which the prefix is part; with nothing behind the prefix it is refused.
    #[must_use]
    pub const fn text_with_prefix(prefix: &'static str) -> Self {
        KeyForm {
            prefix: Cow::Borrowed(prefix),
            keep_prefix: true,
            encoding: SecretEncoding::Text,
            kind: KeyKind::Symmetric,
        }
    }
}

/// How the text of a secret becomes key bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(rename_all = "kebab-case"))]
pub enum SecretEncoding {
    /// Its UTF-8 bytes.
    Text,
    /// Hexadecimal, either case.
    Hex,
    /// Standard base64, with or without padding.
    Base64,
    /// `user:password`, of which the whole text is compared (RFC 7617).
    BasicCredentials,
}

/// What a key can be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(rename_all = "kebab-case"))]
pub enum KeyKind {
    /// One secret for both ends: MACs and tokens.
    #[default]
    Symmetric,
    /// An Ed25519 public key of 32 bytes: verifies only.
    Ed25519Public,
    /// An Ed25519 secret key: a seed of 32 bytes, or a seed and its public key, 64 bytes.
    Ed25519Secret,
    /// A P-256 public key, a `SubjectPublicKeyInfo` in DER (RFC 5480): verifies only.
    EcdsaP256Public,
    /// A P-256 secret key, PKCS #8 in DER (RFC 5208).
    EcdsaP256Secret,
}

impl KeyKind {
    /// The algorithm of a key that is one of a pair; `None` of a secret that both ends have.
    #[must_use]
    pub const fn algorithm(self) -> Option<Algorithm> {
        match self {
            KeyKind::Symmetric => None,
            KeyKind::Ed25519Public | KeyKind::Ed25519Secret => Some(Algorithm::Ed25519),
            KeyKind::EcdsaP256Public | KeyKind::EcdsaP256Secret => Some(Algorithm::EcdsaP256Sha256),
        }
    }

    /// Whether such a key signs, and not verifies alone.
    #[must_use]
    pub const fn signs(self) -> bool {
        !matches!(self, KeyKind::Ed25519Public | KeyKind::EcdsaP256Public)
    }
}
