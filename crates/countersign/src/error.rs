//! Why a request was refused.
//!
//! An [`Error`] is opaque. Its [`kind`](Error::kind) is for programs, its `Display` for the person
//! who reads the log: it says what is wrong, where, and what to do. Neither ever holds a secret, a
//! signature or a piece of the body. What goes back to the sender is the [status](Error::status)
//! alone, which is the same for every way in which a request can fail to be authentic, so that an
//! answer tells an attacker nothing.

use alloc::{borrow::Cow, boxed::Box};
use core::fmt;

/// Why a request was refused.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    place: Option<Cow<'static, str>>,
    age: Option<Age>,
    retry_after: Option<u64>,
    status: Option<u16>,
    detail: Option<Box<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Age {
    seconds: i64,
    limit: u32,
}

/// The kinds of refusal.
///
/// Every kind maps to one status in one place, [`ErrorKind::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A header that the scheme needs is absent or empty.
    MissingHeader,
    /// A header that must stand once stands several times.
    DuplicateHeader,
    /// A header is not written as the scheme writes it.
    MalformedHeader,
    /// The signature header, or another, is longer than the limit.
    HeaderTooLarge,
    /// The request holds more signatures than the limit.
    TooManySignatures,
    /// The body is a form with more fields than the limit.
    TooManyFields,
    /// The signature is under a label or algorithm that the scheme doesn't allow.
    UnsupportedVersion,
    /// The timestamp is not written as the scheme writes it, or lies where no time can.
    InvalidTimestamp,
    /// The timestamp is older than the tolerance.
    TimestampTooOld,
    /// The timestamp is further ahead than the tolerance.
    TimestampTooNew,
    /// No key is valid at this time for the algorithms of the request's signatures.
    NoUsableKey,
    /// No signature of the request was made by any key over these bytes.
    NoMatchingSignature,
    /// The request came by a method that the scheme doesn't use.
    MethodNotAllowed,
    /// A handshake doesn't agree with the application's settings.
    HandshakeRefused,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The body ended before its end, or its transfer was malformed.
    BodyIncomplete,
    /// The body is authentic, but isn't the JSON that was asked for.
    MalformedBody,
    /// The body is authentic, but an object in it holds one key twice, so that two readers could
    /// see two different events.
    DuplicateKey,
    /// The request's tenant has no keys.
    UnknownTenant,
    /// The application is set up wrongly; no request can succeed.
    Misconfigured,
    /// A copy of the event is being handled at this moment.
    InFlight,
    /// Something that the application needs to judge the request, such as its store of keys, can't
    /// be asked now. Nothing is known about the request: it may be sent again.
    Unavailable,
}

impl ErrorKind {
    /// The status that the sender is answered.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            ErrorKind::MissingHeader
            | ErrorKind::DuplicateHeader
            | ErrorKind::MalformedHeader
            | ErrorKind::UnsupportedVersion
            | ErrorKind::InvalidTimestamp
            | ErrorKind::TimestampTooOld
            | ErrorKind::TimestampTooNew
            | ErrorKind::NoUsableKey
            | ErrorKind::NoMatchingSignature
            | ErrorKind::UnknownTenant => 401,
            ErrorKind::HandshakeRefused => 403,
            ErrorKind::MethodNotAllowed => 405,
            ErrorKind::BodyTimeout => 408,
            ErrorKind::InFlight => 409,
            ErrorKind::BodyTooLarge => 413,
            ErrorKind::HeaderTooLarge
            | ErrorKind::TooManySignatures
            | ErrorKind::TooManyFields
            | ErrorKind::BodyIncomplete
            | ErrorKind::MalformedBody
            | ErrorKind::DuplicateKey => 400,
            ErrorKind::Misconfigured => 500,
            ErrorKind::Unavailable => 503,
        }
    }

    /// The name that logs, metrics and the command line use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorKind::MissingHeader => "missing_header",
            ErrorKind::DuplicateHeader => "duplicate_header",
            ErrorKind::MalformedHeader => "malformed_header",
            ErrorKind::HeaderTooLarge => "header_too_large",
            ErrorKind::TooManySignatures => "too_many_signatures",
            ErrorKind::TooManyFields => "too_many_fields",
            ErrorKind::UnsupportedVersion => "unsupported_version",
            ErrorKind::InvalidTimestamp => "invalid_timestamp",
            ErrorKind::TimestampTooOld => "timestamp_too_old",
            ErrorKind::TimestampTooNew => "timestamp_too_new",
            ErrorKind::NoUsableKey => "no_usable_key",
            ErrorKind::NoMatchingSignature => "no_matching_signature",
            ErrorKind::MethodNotAllowed => "method_not_allowed",
            ErrorKind::HandshakeRefused => "handshake_refused",
            ErrorKind::BodyTooLarge => "body_too_large",
            ErrorKind::BodyTimeout => "body_timeout",
            ErrorKind::BodyIncomplete => "body_incomplete",
            ErrorKind::MalformedBody => "malformed_body",
            ErrorKind::DuplicateKey => "duplicate_key",
            ErrorKind::UnknownTenant => "unknown_tenant",
            ErrorKind::Misconfigured => "misconfigured",
            ErrorKind::InFlight => "in_flight",
            ErrorKind::Unavailable => "unavailable",
        }
    }

    /// What is wrong and what to do about it.
    const fn advice(self) -> &'static str {
        match self {
            ErrorKind::MissingHeader => {
                "is missing or empty: the request isn't from the provider, its endpoint has no secret set, or a proxy \
                 removed the header"
            }
            ErrorKind::DuplicateHeader => {
                "is repeated, but may have one value only: a proxy may add the header where it should replace it"
            }
            ErrorKind::MalformedHeader => {
                "doesn't have the form that the scheme prescribes: check that it is the right scheme"
            }
            ErrorKind::HeaderTooLarge => "is longer than the limit",
            ErrorKind::TooManySignatures => "holds more signatures than the limit",
            ErrorKind::TooManyFields => {
                "the form holds more fields than the limit: raise the limit if the provider sends so many"
            }
            ErrorKind::UnsupportedVersion => {
                "holds only signatures of versions or algorithms that the scheme doesn't allow"
            }
            ErrorKind::InvalidTimestamp => {
                "isn't a time as the scheme writes it: check the unit, seconds or milliseconds"
            }
            ErrorKind::TimestampTooOld => {
                "is older than the tolerance: a replay, a late delivery, or this machine's clock is ahead"
            }
            ErrorKind::TimestampTooNew => {
                "is ahead of the tolerance: this machine's clock is behind, or the sender's ahead"
            }
            ErrorKind::NoUsableKey => {
                "no key of the keyring is valid now for the algorithm of the request's signature"
            }
            ErrorKind::NoMatchingSignature => {
                "no key made this signature over these bytes: check that the secret is this endpoint's, that \
                 nothing changed the body before it was verified, and, where the URL is signed, that the \
                 configured URL is the registered one"
            }
            ErrorKind::MethodNotAllowed => "isn't a method by which the scheme delivers",
            ErrorKind::HandshakeRefused => {
                "differs from what the handshake says: check that the provider was given the same value"
            }
            ErrorKind::BodyTooLarge => {
                "the body is larger than the limit: raise the limit if the provider sends bodies of this size"
            }
            ErrorKind::BodyTimeout => "the body did not arrive in time",
            ErrorKind::BodyIncomplete => "the body broke off before its end",
            ErrorKind::MalformedBody => "the body is authentic, but isn't the JSON that was asked for",
            ErrorKind::DuplicateKey => "the body is authentic, but an object in it holds one key twice",
            ErrorKind::UnknownTenant => "no keys are known for the tenant of the request",
            ErrorKind::Misconfigured => "the application is set up wrongly",
            ErrorKind::InFlight => "a copy of this event is being handled now: it may be sent again",
            ErrorKind::Unavailable => "can't be reached now: the request may be sent again",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error {
    /// An error of this kind, for adapters that refuse a request for a reason of their own.
    #[must_use]
    pub const fn new(kind: ErrorKind) -> Self {
        Error { kind, place: None, age: None, retry_after: None, status: None, detail: None }
    }

    /// The same, naming what it concerns: a header, a setting, a field.
    #[must_use]
    pub fn at(mut self, place: impl Into<Cow<'static, str>>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// The same, saying after how many seconds the request may come again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn header(kind: ErrorKind, name: &str) -> Self {
        Error::new(kind).at(alloc::string::String::from(name))
    }

    pub(crate) fn age(kind: ErrorKind, seconds: i64, limit: u32) -> Self {
        Error { age: Some(Age { seconds, limit }), ..Error::new(kind) }
    }

    /// The same, saying what exactly is wrong. It goes to the log: it must hold no secret, no signature and no
    /// piece of the body.
    #[must_use]
    pub fn because(mut self, detail: impl Into<Box<str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// What kind of refusal it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The status that the sender is answered: that of the kind, or the one that the scheme's
    /// handshake names.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.unwrap_or_else(|| self.kind.status())
    }

    /// The header, setting or field that the error concerns.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// How old the request was in seconds, by the verifier's clock (negative: in the future), where
    /// that is why it was refused.
    #[must_use]
    pub fn age_seconds(&self) -> Option<i64> {
        self.age.map(|age| age.seconds)
    }

    /// After how many seconds the request may come again, where that is known.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, advice) = (self.kind, self.kind.advice());
        match (&self.place, self.age) {
            (Some(place), _) => write!(f, "{kind}: {place} {advice}"),
            (None, Some(Age { seconds, limit })) => {
                let (seconds, side) = (seconds.unsigned_abs(), if seconds < 0 { "ahead" } else { "old" });
                write!(f, "{kind}: the timestamp, {seconds} s {side} (limit {limit} s), {advice}")
            }
            (None, None) => write!(f, "{kind}: {advice}"),
        }?;
        self.detail.iter().try_for_each(|detail| write!(f, ": {detail}"))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl core::error::Error for Error {}
