//! What is wrong with a secret.

use alloc::{
    borrow::{Cow, ToOwned as _},
    string::String,
};
use core::fmt;

use crate::Scheme;

/// A secret that a keyring refuses.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyError {
    pub(super) scheme: Cow<'static, str>,
    pub(super) label: String,
    pub(super) kind: KeyErrorKind,
    /// The fewest bytes of a key.
    min_bytes: u16,
}

/// What is wrong with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyErrorKind {
    /// There is no key at all.
    NoKeys,
    /// There are more than [`Keyring::MAX_KEYS`](super::Keyring::MAX_KEYS).
    TooManyKeys,
    /// The scheme signs nothing, so that a secret would be ignored.
    Unsigned,
    /// The scheme signs, so that it can't be used without a secret.
    NotUnsigned,
    /// The secret is empty.
    Empty,
    /// The secret is white space alone.
    Blank,
    /// White space or a line break stands before or behind the secret.
    SurroundingSpace,
    /// The secret is a prefix with nothing behind it.
    PrefixOnly,
    /// The secret doesn't begin as any of the provider's does.
    UnknownForm,
    /// The secret can't be decoded, or has a length that no key of its kind has.
    Undecodable,
    /// The key is PEM, where its base64 alone must stand.
    Pem,
    /// A public key, or a key of another kind, stands where a secret must.
    WrongKind,
    /// The key is zeros alone, or a weak point of its curve.
    Weak,
    /// The key is shorter than the scheme allows.
    TooShort,
    /// The key is longer than the scheme allows.
    TooLong,
    /// The key's algorithm needs a feature that this build doesn't have: `sha1`, `ed25519` or `ecdsa`.
    MissingFeature,
}

impl KeyErrorKind {
    const fn advice(self) -> &'static str {
        match self {
            KeyErrorKind::NoKeys => "there is no key: give at least one secret",
            KeyErrorKind::TooManyKeys => {
                "there are more than 16 keys: remove those that no sender uses any more"
            }
            KeyErrorKind::Unsigned => {
                "the scheme signs nothing and would ignore a secret: call Keyring::accept_unsigned to say so"
            }
            KeyErrorKind::NotUnsigned => "the scheme signs: give its secret",
            KeyErrorKind::Empty => "is empty: check that the variable or file it is read from is set",
            KeyErrorKind::Blank => "is white space alone",
            KeyErrorKind::SurroundingSpace => {
                "has white space or a line break before or behind it: remove it where the secret is stored"
            }
            KeyErrorKind::PrefixOnly => "is a prefix with nothing behind it: copy the whole secret",
            KeyErrorKind::UnknownForm => {
                "doesn't begin as this provider's secrets do: check that it is the right one"
            }
            KeyErrorKind::Undecodable => {
                "can't be decoded, or has a length that no such key has: copy the whole secret"
            }
            KeyErrorKind::Pem => "is PEM: give what stands between its BEGIN and END lines, as one line",
            KeyErrorKind::WrongKind => "is a public key or another kind of key, not the secret",
            KeyErrorKind::Weak => "is all zeros, or a weak key",
            KeyErrorKind::TooShort => "is shorter than the scheme allows",
            KeyErrorKind::TooLong => "is longer than the scheme allows",
            KeyErrorKind::MissingFeature => {
                "needs an algorithm that is not built in: enable feature `sha1`, `ed25519` or `ecdsa`"
            }
        }
    }
}

impl KeyError {
    pub(super) fn of(scheme: &Scheme, label: &str, kind: KeyErrorKind) -> Self {
        KeyError {
            scheme: scheme.name.clone(),
            label: label.to_owned(),
            kind,
            min_bytes: scheme.key.min_bytes,
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> KeyErrorKind {
        self.kind
    }

    /// The label of the key that it is wrong with; empty where it is none in particular.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scheme `{}`: ", self.scheme)?;
        if !self.label.is_empty() {
            write!(f, "{} ", self.label)?;
        }
        f.write_str(self.kind.advice())?;
        match self.kind {
            KeyErrorKind::TooShort => {
                write!(f, ": use one of at least {} bytes, decoded and without its prefix", self.min_bytes)
            }
            _ => Ok(()),
        }
    }
}

/// As a sentence, for `main` prints an error so.
impl fmt::Debug for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyError({self})")
    }
}

impl core::error::Error for KeyError {}
