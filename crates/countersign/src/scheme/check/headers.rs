//! Whether each header means one thing, and can be sent as it is written.

use super::{SchemeError, is_token};
use crate::scheme::{AnswerValue, Part, Scheme, Source, Text, strip_prefix_ignore_case};

impl Scheme {
    /// Checks the names of the headers that are the signature's, and their families.
    pub(super) fn check_source(&self) -> Result<(), SchemeError> {
        let names = self.signature_names();
        let wrong = |field: &str, why: &str| Err(SchemeError::new(field, why));
        if names.is_empty() || !names.iter().all(|name| is_token(name)) {
            return wrong("signature.source", "must name a header (RFC 9110 §5.1)");
        }
        if has_twice(names.iter()) {
            return wrong("signature.source", "names one header twice: give each key its own");
        }
        let Some(family) = self.delivery.families.first() else { return Ok(()) };
        if !matches!(self.signature.source, Source::Header(_)) {
            return wrong("delivery.families", "go only with a signature in one header");
        }
        if !names.iter().all(|name| strip_prefix_ignore_case(name, family).is_some()) {
            return wrong("delivery.families", "must begin with the prefix of the signature header");
        }
        Ok(())
    }

    /// Checks that the content names headers that can be signed, each once.
    pub(super) fn check_signed_headers(&self) -> Result<(), SchemeError> {
        let mut names = self.signed_headers();
        let why = if !names.clone().all(|name| is_token(name)) {
            "names a header that can't exist"
        } else if has_twice(names.clone()) {
            "names one {header:…} twice: leave one out"
        } else if names.any(|name| self.holds_signature(name)) {
            "names the signature's own header: a signature can't be part of what it signs"
        } else {
            return Ok(());
        };
        Err(SchemeError::new("content", why))
    }

    /// Checks that what deliveries and their refusals carry can be sent.
    pub(super) fn check_delivery(&self) -> Result<(), SchemeError> {
        if !self.delivery.methods.iter().all(|method| is_token(method)) {
            return Err(SchemeError::new("delivery.methods", "names a method that can't exist"));
        }
        if !self.delivery.challenge.iter().all(|challenge| is_value(challenge)) {
            return Err(SchemeError::new("delivery.challenge", NO_VALUE));
        }
        self.check_fixed_headers()
    }

    /// Checks that the fixed headers can be sent, and that none is written for another reason too.
    fn check_fixed_headers(&self) -> Result<(), SchemeError> {
        let fixed = &self.delivery.fixed;
        let mut names = fixed.iter().map(|fixed| &fixed.name);
        let is_signed = |name: &Text| self.signed_headers().any(|other| other.eq_ignore_ascii_case(name));
        let why = if !names.clone().all(|name| is_token(name)) {
            "names a header that can't exist"
        } else if !fixed.iter().all(|fixed| is_value(&fixed.value) && fixed.value.trim() == fixed.value) {
            "has a value with a control character or an outer space: leave it out"
        } else if has_twice(names.clone()) {
            "names one header twice: leave one out"
        } else if names.clone().any(|name| self.holds_signature(name)) {
            "names the signature's own header, whose value is never fixed"
        } else if names.any(is_signed) {
            "names a header of the content: write the fixed value itself into the content instead"
        } else {
            return Ok(());
        };
        Err(SchemeError::new("delivery.fixed", why))
    }

    /// Checks that the headers of each handshake's answer can be sent.
    pub(super) fn check_answers(&self) -> Result<(), SchemeError> {
        let wrong = |field: &str, why: &str| Err(SchemeError::new(field, why));
        for answer in self.handshakes.iter().map(|handshake| &handshake.answer) {
            if !answer.headers.iter().all(|header| is_token(&header.name)) {
                return wrong("handshake.answer.headers", "names a header that can't exist");
            }
            let sound = |value: &AnswerValue| !matches!(value, AnswerValue::Fixed(text) if !is_value(text));
            if !answer.headers.iter().all(|header| sound(&header.value)) {
                return wrong("handshake.answer.headers", NO_VALUE);
            }
            if !answer.content_type.iter().all(|text| is_value(text)) {
                return wrong("handshake.answer.content_type", NO_VALUE);
            }
        }
        Ok(())
    }

    /// Whether a signature stands in the header `name`.
    pub(super) fn holds_signature(&self, name: &str) -> bool {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match &self.signature.source {
            _ if self.is_unsigned() => false,
            Source::Numbered(prefix) => strip_prefix_ignore_case(name, prefix).is_some_and(is_number),
            _ => self.signature_names().iter().any(|other| other.eq_ignore_ascii_case(name)),
        }
    }

    fn signature_names(&self) -> &[Text] {
        match &self.signature.source {
            Source::Header(name) | Source::Repeated(name) | Source::Numbered(name) => {
                core::slice::from_ref(name)
            }
            Source::PerKey(names) => names,
        }
    }

    fn signed_headers(&self) -> impl Iterator<Item = &Text> + Clone {
        self.content.iter().filter_map(|part| match part {
            Part::Header(name) => Some(name),
            _ => None,
        })
    }
}

/// Whether one name stands among `names` twice, as header names are compared.
fn has_twice<'a>(names: impl Iterator<Item = &'a Text> + Clone) -> bool {
    let same = |name: &Text| names.clone().filter(|other| other.eq_ignore_ascii_case(name)).count();
    names.clone().any(|name| same(name) > 1)
}

/// Whether `text` can stand in a header's value (RFC 9110 §5.5).
fn is_value(text: &str) -> bool {
    !text.contains(char::is_control)
}

const NO_VALUE: &str = "has a control character, which no header can hold: leave it out";
