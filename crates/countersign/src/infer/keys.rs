//! How a secret may be read.

use alloc::{borrow::Cow, borrow::ToOwned, vec::Vec};

use crate::{
    explain::secret::prefix,
    scheme::{KeyForm, KeyKind, KeyRule, SecretEncoding},
};

/// The rules by which this secret may be read: whole, or behind a prefix such as `whsec_`, as text or decoded.
pub(super) fn rules(secret: &str) -> Vec<KeyRule> {
    let prefixes = [""].into_iter().chain(Some(prefix(secret)).filter(|prefix| !prefix.is_empty()));
    prefixes.flat_map(|prefix| ENCODINGS.map(|encoding| rule(prefix, encoding, secret))).collect()
}

const ENCODINGS: [SecretEncoding; 3] = [SecretEncoding::Text, SecretEncoding::Base64, SecretEncoding::Hex];

/// As strict as a scheme of one's own is without more, unless the secret is shorter.
fn rule(prefix: &str, encoding: SecretEncoding, secret: &str) -> KeyRule {
    let form = KeyForm { prefix: prefix.to_owned().into(), ..KeyForm::new("", encoding, KeyKind::Symmetric) };
    let rule = KeyRule { forms: Cow::Owned(alloc::vec![form]), ..KeyRule::TEXT };
    let length = secret.len() - prefix.len();
    let bytes = match encoding {
        SecretEncoding::Hex => length / 2,
        // Up to two of the last digits are padding.
        SecretEncoding::Base64 => (length * 3 / 4).saturating_sub(2),
        _ => length,
    };
    rule.min(u16::try_from(bytes).unwrap_or(u16::MAX).clamp(1, KeyRule::DEFAULT_MIN_BYTES))
}
