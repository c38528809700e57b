//! What was found to be otherwise, in words.

use alloc::string::String;
use core::fmt::{self, Display};

use crate::scheme::{Algorithm, Encoding, SecretEncoding, Text, TimeFormat};

/// What has to be otherwise for a request to be valid. `Display` says in sentences what it is and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The body.
    Body(BodyChange),
    /// How the secret is read.
    Secret(SecretChange),
    /// The algorithm.
    Algorithm(Algorithm),
    /// How the signature is written.
    Encoding(Encoding),
    /// Where the signature stands.
    Header {
        /// The header's name.
        name: String,
        /// The label before the signature, where the scheme has another; empty for none.
        label: Option<String>,
    },
    /// What is signed: the body alone.
    BodyAlone,
    /// What is signed: the same with another sign between or in another order, as a template.
    Content(String),
    /// The endpoint's URL.
    Url(String),
    /// The path and query of the request.
    Target(String),
    /// How the time is written.
    TimeFormat(TimeFormat),
    /// The scheme.
    Scheme {
        /// Its name in the catalogue.
        name: Text,
        /// The provider's name.
        title: Text,
    },
    /// The time: it is too old, or ahead of the clock.
    Clock {
        /// How many seconds the request is old; below zero where it is ahead.
        age_seconds: i64,
    },
}

impl Change {
    /// The place of the kind among those that are tried, which each come before the later ones.
    pub(super) fn kind(&self) -> usize {
        match self {
            Change::Body(_) => 0,
            Change::Secret(_) => 1,
            Change::Algorithm(_) => 2,
            Change::Encoding(_) => 3,
            Change::Header { .. } => 4,
            Change::BodyAlone | Change::Content(_) => 5,
            Change::Url(_) | Change::Target(_) => 6,
            Change::TimeFormat(_) | Change::Scheme { .. } | Change::Clock { .. } => 7,
        }
    }
}

/// How the body that was signed differs from the one that was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyChange {
    /// It has less white space at its end, or none.
    WithoutEnd,
    /// It has a line feed at its end.
    WithLineFeed,
    /// It has a carriage return and a line feed at its end.
    WithCrLf,
    /// Its lines end with a line feed alone.
    LineFeeds,
    /// Its lines end with a carriage return and a line feed.
    CrLfs,
    /// It has no byte order mark before it.
    WithoutMark,
    /// It is the same JSON, written otherwise.
    Json(JsonStyle),
    /// It is the same JSON with its keys in alphabetical order.
    Sorted(JsonStyle),
    /// It is the text that the body holds as a JSON string.
    Unwrapped,
    /// It is a JSON string that holds the body.
    Wrapped,
    /// It is the same text in ISO 8859-1.
    Latin1,
    /// It is the same text, taken for ISO 8859-1 and encoded once more.
    Twice,
    /// It is empty.
    Empty,
}

/// How JSON is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonStyle {
    /// Between its tokens.
    pub spaces: Spaces,
    /// Characters beyond ASCII: `Some(true)` where they are written as `\u00e9`, `Some(false)` as they are.
    pub escaped: Option<bool>,
    /// Slashes: `Some(true)` where they are written as `\/`, `Some(false)` as they are.
    pub slashes: Option<bool>,
    /// Whether numbers are written as JavaScript does: `1`, not `1.0`.
    pub short_numbers: bool,
}

/// What stands between the tokens of JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spaces {
    /// What is there.
    #[default]
    Kept,
    /// Nothing.
    None,
    /// A space behind each comma and colon.
    One,
    /// Lines that are indented by so many spaces.
    Lines(u8),
}

/// How the secret that was used differs from the one that is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretChange {
    /// It has no white space around it.
    Trimmed,
    /// It has no quotation marks around it.
    Unquoted,
    /// It has no variable's name and `=` before it.
    Unnamed,
    /// It has a prefix such as `whsec_`, as the provider shows it.
    Prefixed,
    /// It is read so.
    Read {
        /// Whether what stands before the first `_` is left out.
        without_prefix: bool,
        /// How the rest is read.
        encoding: SecretEncoding,
    },
}

impl Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Body(change) => change.fmt(f),
            Change::Secret(change) => change.fmt(f),
            Change::Algorithm(algorithm) => {
                write!(f, "The signature is {}: set the scheme's algorithm to that.", algorithm.as_str())
            }
            Change::Encoding(encoding) => {
                write!(
                    f,
                    "The signature is written in {}: set the scheme's encoding to that.",
                    encoding.as_str()
                )
            }
            Change::Header { name, label: None } => {
                write!(f, "The signature stands in the header {name}: set the scheme's source to that.")
            }
            Change::Header { name, label: Some(label) } if label.is_empty() => {
                write!(
                    f,
                    "The header {name} holds the signature alone, without a label: set the syntax to bare."
                )
            }
            Change::Header { name, label: Some(label) } => {
                write!(
                    f,
                    "In the header {name} the signature stands behind `{label}=`: set the syntax and label so."
                )
            }
            Change::BodyAlone => f.write_str(
                "The body alone was signed: the sender leaves out what the scheme signs beside it, such as the id and \
                 the time.",
            ),
            Change::Content(template) => {
                write!(f, "What was signed is `{}`: set the scheme's content to that.", template.escape_debug())
            }
            Change::Url(url) => write!(
                f,
                "The URL that is signed is {url}: configure it so, as it is registered with the provider, whatever \
                 proxies make of it."
            ),
            Change::Target(target) => write!(
                f,
                "The path and query that were signed are {target}: a proxy on the way, or a nested router, has changed \
                 them. Verify them as the sender called them."
            ),
            Change::TimeFormat(format) => {
                let format = match format {
                    TimeFormat::UnixSeconds => "Unix seconds",
                    TimeFormat::UnixMillis => "Unix milliseconds",
                    TimeFormat::Rfc3339 => "RFC 3339",
                };
                write!(f, "The time is written in {format}: set the scheme's format to that.")
            }
            Change::Scheme { name, title } => {
                write!(f, "It is valid by the scheme {name} ({title}): verify it by that.")
            }
            Change::Clock { age_seconds } if *age_seconds < 0 => write!(
                f,
                "The signature is right, and was made {} s ahead of the receiver's clock: set the clock, here or there.",
                age_seconds.unsigned_abs()
            ),
            Change::Clock { age_seconds } => write!(
                f,
                "The signature is right, and is {age_seconds} s old: the request was kept somewhere, the receiver's \
                 clock is wrong, or it is a copy that somebody sends again."
            ),
        }
    }
}

impl Display for BodyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            BodyChange::WithoutEnd => {
                "has less white space at its end, which something has added: an editor, `echo`"
            }
            BodyChange::WithLineFeed => "has a line break at its end, which something has removed",
            BodyChange::WithCrLf => "has CR and LF at its end, which something has removed",
            BodyChange::LineFeeds => "has lines that end with LF, in place of CR and LF",
            BodyChange::CrLfs => "has lines that end with CR and LF, in place of LF",
            BodyChange::WithoutMark => "has no byte order mark before it",
            BodyChange::Json(style) => return write!(f, "What was signed is the same JSON, {style}. {RAW}"),
            BodyChange::Sorted(style) => {
                return write!(f, "What was signed is the same JSON with its keys in order, {style}. {RAW}");
            }
            BodyChange::Unwrapped => {
                "is the text that this body holds as a JSON string: it was encoded once more"
            }
            BodyChange::Wrapped => "is a JSON string that holds this body: it was decoded once too often",
            BodyChange::Latin1 => {
                "is this text in ISO 8859-1: the sender or something on the way converts it"
            }
            BodyChange::Twice => "is this text in UTF-8 twice over: the sender takes UTF-8 for ISO 8859-1",
            BodyChange::Empty => {
                "is empty: the sender signs before it has the body, or another one, or the body's digest in the URL, as \
                 Twilio does by `bodySHA256`"
            }
        };
        write!(f, "The body that was signed {what}. {RAW}")
    }
}

const RAW: &str = "Verify the bytes as they arrive, before anything parses or changes them; where the sender signs \
     another text than it sends, it is the sender that is wrong.";

impl Display for JsonStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = false;
        let mut say = |text: &dyn Display| {
            let before = if core::mem::replace(&mut said, true) { ", " } else { "" };
            write!(f, "{before}{text}")
        };
        match self.spaces {
            Spaces::Kept => {}
            Spaces::None => say(&"without spaces between its tokens")?,
            Spaces::One => say(&"with a space behind each comma and colon")?,
            Spaces::Lines(indent) => say(&format_args!("in lines that are indented by {indent}"))?,
        }
        match self.escaped {
            None => {}
            Some(true) => say(&"with characters beyond ASCII written as \\u….")?,
            Some(false) => say(&"with characters beyond ASCII as they are")?,
        }
        match self.slashes {
            None => {}
            Some(true) => say(&"with slashes written as \\/")?,
            Some(false) => say(&"with slashes as they are")?,
        }
        if self.short_numbers {
            say(&"with numbers as JavaScript writes them, 1 for 1.0")?;
        }
        Ok(())
    }
}

impl Display for SecretChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretChange::Trimmed => f.write_str(
                "The secret has white space around it that was copied with it, or a line break or byte order mark of \
                 its file: remove it.",
            ),
            SecretChange::Unquoted => {
                f.write_str("The secret has quotation marks around it that are not part of it: remove them.")
            }
            SecretChange::Unnamed => f.write_str(
                "The secret is a whole line, with the name of a variable before it: keep what stands behind the `=`.",
            ),
            SecretChange::Prefixed => f.write_str(
                "The secret lacks what it begins with at the provider, such as `whsec_`: that is part of it. Copy it \
                 whole.",
            ),
            SecretChange::Read { without_prefix, encoding } => {
                let how = match encoding {
                    SecretEncoding::Hex => "decoded from hexadecimal",
                    SecretEncoding::Base64 => "decoded from base64",
                    _ => "taken as text, not decoded",
                };
                let part = if *without_prefix { "secret without its prefix" } else { "whole secret, with its prefix" };
                write!(f, "The key is the {part}, {how}: set the scheme's key to that.")
            }
        }
    }
}
