//! Where the time of sending stands, how it is written, and how far it may be off.

use super::Place;

/// Where the time of sending stands and how far it may be off.
///
/// A time outside the signed content proves nothing, so [`Scheme::check`](super::Scheme::check)
/// refuses a rule for one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(deny_unknown_fields))]
pub struct TimestampRule {
    /// Where it stands.
    pub at: Place,
    /// How it is written.
    pub format: TimeFormat,
    /// The greatest age in seconds, inclusive; `None` where the provider names no limit.
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "Option::is_none"))]
    pub past: Option<u32>,
    /// How far ahead of the verifier's clock it may be in seconds, inclusive; `None`
    /// for no limit but a year.
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "Option::is_none"))]
    pub future: Option<u32>,
    /// The earliest time that can be meant, in Unix seconds, checked even where age is not.
    #[cfg_attr(feature = "toml", serde(default, skip_serializing_if = "Option::is_none"))]
    pub not_before: Option<u32>,
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "toml", serde(rename_all = "kebab-case"))]
pub enum TimeFormat {
    /// Decimal Unix seconds.
    UnixSeconds,
    /// Decimal Unix milliseconds.
    UnixMillis,
    /// RFC 3339 with an upper-case `T` and `Z` or a numeric offset, up to nine fractional digits.
    Rfc3339,
}
