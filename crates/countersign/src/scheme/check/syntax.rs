//! Whether a verifier reads from the signature header what a signer has written there.

use super::{SchemeError, is_token};
use crate::scheme::{Part, Scheme, Separator, Source, Syntax, Text, Version};

impl Scheme {
    /// Checks that the entries of the signature header can be told apart.
    pub(super) fn check_syntax(&self) -> Result<(), SchemeError> {
        let why = match &self.signature.syntax {
            Syntax::Labelled(delimiter) | Syntax::List { delimiter, .. }
                if !delimiter.is_ascii_punctuation() =>
            {
                "needs an ASCII punctuation mark as its delimiter"
            }
            Syntax::List { delimiter, .. } if self.separates(*delimiter) => {
                "separates entries by the delimiter of labels: write another delimiter, such as `=`"
            }
            Syntax::Authorization(name) if !is_token(name) => {
                "must name an authentication scheme, such as `Basic` (RFC 9110 §11.1)"
            }
            Syntax::Positional { fields, .. } if !fields.iter().eq(self.signed_field()) => {
                "must hold the one {field:…} of the content and no other field: a signer writes no other"
            }
            _ => return Ok(()),
        };
        Err(SchemeError::new("signature.syntax", why))
    }

    /// Checks that each version's label can be read back, and is written where there must be one.
    pub(super) fn check_labels(&self) -> Result<(), SchemeError> {
        let versions = &*self.signature.versions;
        let labelled = matches!(self.signature.syntax, Syntax::Labelled(_) | Syntax::List { .. });
        let why = match versions {
            [Version { label, .. }] if label.is_empty() && labelled => {
                "needs a label for each version, since the syntax is labelled"
            }
            [Version { label, .. }] if !label.is_empty() && !labelled => ONE_UNLABELLED,
            [_, _, ..] if !labelled => ONE_UNLABELLED,
            _ if labelled && !versions.iter().all(|version| self.can_be_label(&version.label)) => {
                "has a label that would not be read back: leave out the delimiter, the separator, control \
                 characters and outer spaces"
            }
            _ if signs_unlabelled(versions) => {
                "has a version without label that a signer would write: put one with a label before it"
            }
            _ => return Ok(()),
        };
        Err(SchemeError::new("signature.versions", why))
    }

    /// Checks that a signer can write the field that is part of the content.
    pub(super) fn check_signed_field(&self) -> Result<(), SchemeError> {
        let Some(name) = self.signed_field() else { return Ok(()) };
        let why = match &self.signature.source {
            _ if !self.has_field(name) => {
                "names a {field:…} that the signature's syntax can't hold: name a field of the list, without \
                 its delimiter, separator or outer spaces, that is no version's label"
            }
            Source::Header(_) => return Ok(()),
            _ => {
                "names a {field:…}, which goes only with a signature in one header: sign a {header:…} instead"
            }
        };
        Err(SchemeError::new("content", why))
    }

    /// Whether the signature header can hold a field of this name.
    pub(super) fn has_field(&self, name: &str) -> bool {
        match &self.signature.syntax {
            Syntax::List { .. } => {
                self.can_be_label(name) && !self.signature.versions.iter().any(|v| v.label == name)
            }
            Syntax::Positional { fields, .. } => fields.iter().any(|field| field == name),
            _ => false,
        }
    }

    /// Whether `text` stays whole as part of an entry of the signature header.
    pub(super) fn stays_whole(&self, text: &str) -> bool {
        !text.contains(|c: char| c.is_control() || self.separates(c))
    }

    /// Whether what stands before a delimiter is read back as `text`.
    fn can_be_label(&self, text: &str) -> bool {
        let delimiter = match self.signature.syntax {
            Syntax::Labelled(delimiter) | Syntax::List { delimiter, .. } => Some(delimiter),
            _ => None,
        };
        let delimited = delimiter.is_some_and(|delimiter| text.contains(delimiter));
        self.stays_whole(text) && !delimited && text.trim() == text
    }

    /// Whether an entry of the signature header ends at `c`.
    fn separates(&self, c: char) -> bool {
        let (Syntax::List { separator, .. } | Syntax::Positional { separator, .. }) = &self.signature.syntax
        else {
            return false;
        };
        match separator {
            Separator::Comma => c == ',',
            Separator::Semicolon => c == ';',
            Separator::Space | Separator::CommaSpace => c == ' ',
            Separator::SpaceOrComma => c == ' ' || c == ',',
        }
    }

    fn signed_field(&self) -> Option<&Text> {
        self.content.iter().find_map(|part| match part {
            Part::Field(name) => Some(name),
            _ => None,
        })
    }
}

/// Whether a key would sign by a version without label among those with one: it signs by the first that
/// it fits.
fn signs_unlabelled(versions: &[Version]) -> bool {
    let pair = |version: &Version| Some(version.algorithm).filter(|its| its.is_asymmetric());
    let unlabelled = versions.iter().position(|version| version.label.is_empty());
    unlabelled.filter(|_| versions.len() > 1).is_some_and(|at| {
        let (before, found) = (&versions[..at], &versions[at]);
        !before.iter().any(|version| pair(version) == pair(found))
    })
}

const ONE_UNLABELLED: &str = "must be one version without a label, since the syntax has none";
