//! Where a signature stands, how it is written, and by which algorithm it is made.

use alloc::borrow::Cow;

use super::{List, Text};

/// Where the signature stands and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields))]
pub struct Signature {
    /// The header or headers that hold it.
    pub source: Source,
    /// How the header's text holds one or several signatures.
    #[cfg_attr(feature = "toml", serde(default))]
    pub syntax: Syntax,
    /// The labels that the scheme knows, each with its algorithm. A signature under any other
    /// label is passed over. This is an allow-list: the message can pick from it, never add to it.
    pub versions: List<Version>,
    /// How the signature's bytes are written.
    pub encoding: Encoding,
}

impl Signature {
    pub(crate) const BASE: Signature = Signature {
        source: Source::Header(Cow::Borrowed("X-Signature")),
        syntax: Syntax::Bare,
        versions: Cow::Borrowed(BARE_HMAC_SHA256),
        encoding: Encoding::Hex,
    };
}

const BARE_HMAC_SHA256: &[Version] = &[Version::bare(Algorithm::HmacSha256)];

/// The header or headers that hold the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(rename_all = "kebab-case"))]
pub enum Source {
    /// One header, which must not be repeated.
    Header(Text),
    /// One header, which the provider repeats while a secret is rotated.
    Repeated(Text),
    /// One header a key, with a number from 1 behind the name: `X-DocuSign-Signature-` stands for
    /// `X-DocuSign-Signature-1`, `X-DocuSign-Signature-2` and so on, none of which may be repeated.
    Numbered(Text),
    /// One header a key, in the keyring's order: the first key checks only the first header.
    PerKey(List<Text>),
}

/// How a header's text holds one or several signatures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(rename_all = "kebab-case"))]
pub enum Syntax {
    /// The whole value is the signature.
    #[default]
    Bare,
    /// One signature behind its label: `sha256=…` (delimiter `=`).
    Labelled(char),
    /// A list of labelled values, signatures and other fields: `t=…,v1=…,v1=…`, `v1,… v1a,…`.
    List {
        /// What stands between two entries.
        separator: Separator,
        /// What stands between a label and its value.
        delimiter: char,
    },
    /// A list without labels: first the named fields in order, then the signatures.
    Positional {
        /// What stands between two entries.
        separator: Separator,
        /// The names of the leading entries that are not signatures: the field of the content, if any.
        fields: List<Text>,
    },
    /// Behind the name of an HTTP authentication scheme, which is case-insensitive:
    /// `Basic …`, `Bearer …` (RFC 9110 §11.1).
    Authorization(Text),
}

/// What stands between the entries of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(rename_all = "kebab-case"))]
pub enum Separator {
    /// `,`, with optional spaces around it.
    Comma,
    /// `;`, with optional spaces around it.
    Semicolon,
    /// One or more spaces.
    Space,
    /// One or more spaces, before which an entry may end with a `,` that isn't part of it.
    CommaSpace,
    /// Spaces and commas, in any number.
    SpaceOrComma,
}

/// A label and the algorithm it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields))]
pub struct Version {
    /// The label, compared byte for byte. Empty where signatures have none; and, in a syntax with
    /// labels, for those that may come without, which are verified and never made.
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "str::is_empty"))]
    pub label: Text,
    /// The algorithm.
    pub algorithm: Algorithm,
}

impl Version {
    /// A signature without a label.
    #[must_use]
    pub const fn bare(algorithm: Algorithm) -> Self {
        Version { label: Cow::Borrowed(""), algorithm }
    }

    /// A signature under `label`.
    #[must_use]
    pub const fn labelled(label: &'static str, algorithm: Algorithm) -> Self {
        Version { label: Cow::Borrowed(label), algorithm }
    }
}

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC-SHA1 (RFC 2104). For providers that offer nothing better; needs feature `sha1`.
    HmacSha1,
    /// HMAC-SHA256.
    HmacSha256,
    /// HMAC-SHA384.
    HmacSha384,
    /// HMAC-SHA512.
    HmacSha512,
    /// SHA-256 of the secret followed by the content: not a MAC (its output can be extended), kept
    /// for the provider that documents it.
    Sha256SecretPrefix,
    /// Ed25519 (RFC 8032), verified strictly; needs feature `ed25519`.
    Ed25519,
    /// ECDSA over P-256 with SHA-256 (FIPS 186-5), its two numbers in DER (RFC 3279); needs feature `ecdsa`.
    EcdsaP256Sha256,
    /// The secret itself stands in the header: nothing is signed, neither body nor time.
    Token,
    /// Nothing authenticates the sender.
    None,
}

impl Algorithm {
    /// The length of a signature in bytes, before encoding; `None` where that differs: of a token, and of ECDSA, whose
    /// numbers may begin with zeros.
    #[must_use]
    pub const fn signature_len(self) -> Option<usize> {
        match self {
            Algorithm::HmacSha1 => Some(20),
            Algorithm::HmacSha256 | Algorithm::Sha256SecretPrefix => Some(32),
            Algorithm::HmacSha384 => Some(48),
            Algorithm::HmacSha512 | Algorithm::Ed25519 => Some(64),
            Algorithm::EcdsaP256Sha256 | Algorithm::Token | Algorithm::None => None,
        }
    }

    /// Whether it takes a pair of keys, of which the receiver has the public one.
    #[must_use]
    pub const fn is_asymmetric(self) -> bool {
        matches!(self, Algorithm::Ed25519 | Algorithm::EcdsaP256Sha256)
    }

    /// The name that TOML, tables and messages use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::HmacSha1 => "hmac-sha1",
            Algorithm::HmacSha256 => "hmac-sha256",
            Algorithm::HmacSha384 => "hmac-sha384",
            Algorithm::HmacSha512 => "hmac-sha512",
            Algorithm::Sha256SecretPrefix => "sha256-secret-prefix",
            Algorithm::Ed25519 => "ed25519",
            Algorithm::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Algorithm::Token => "token",
            Algorithm::None => "none",
        }
    }
}

/// How a signature's bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(rename_all = "kebab-case"))]
pub enum Encoding {
    /// Lower-case hexadecimal.
    Hex,
    /// Hexadecimal that is accepted in either case, and written in lower case.
    HexAnyCase,
    /// The standard base64 alphabet, padded, canonical (RFC 4648 §4).
    Base64,
    /// The URL-safe base64 alphabet, unpadded, canonical (RFC 4648 §5).
    Base64Url,
    /// The bytes as they are: a token in a header.
    Raw,
}

impl Encoding {
    /// The name that TOML, tables and messages use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Encoding::Hex => "hex",
            Encoding::HexAnyCase => "hex-any-case",
            Encoding::Base64 => "base64",
            Encoding::Base64Url => "base64-url",
            Encoding::Raw => "raw",
        }
    }
}
