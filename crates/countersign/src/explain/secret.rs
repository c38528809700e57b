//! Secrets read in another form.

use alloc::{borrow::Cow, borrow::ToOwned, string::String, vec::Vec};

use zeroize::Zeroizing;

use super::{SecretChange, trial::Trial};
use crate::scheme::{KeyForm, KeyKind, KeyRule, SecretEncoding};

/// The trial with its secrets taken otherwise: without what was copied with them, with the prefix that was not, without
/// a prefix, decoded or not.
pub(super) fn variants<'a>(trial: &Trial<'a>) -> Vec<(SecretChange, Trial<'a>)> {
    let mut all = Vec::new();
    for (change, take) in COPIED {
        let secrets = taken(trial, take);
        if secrets != trial.secrets {
            all.push((change, Trial { secrets, ..trial.clone() }));
        }
    }
    for form in trial.scheme.key.forms.iter().filter(|form| !form.prefix.is_empty()) {
        let secrets = trial.secrets.iter().map(|secret| behind(&form.prefix, secret)).collect();
        if secrets != trial.secrets {
            all.push((SecretChange::Prefixed, Trial { secrets, ..trial.clone() }));
        }
    }
    for without_prefix in [false, true] {
        for encoding in [SecretEncoding::Text, SecretEncoding::Base64, SecretEncoding::Hex] {
            let secrets = if without_prefix { taken(trial, behind_prefix) } else { trial.secrets.clone() };
            let mut changed = Trial { secrets, ..trial.clone() };
            changed.scheme.to_mut().key = rule(encoding);
            all.push((SecretChange::Read { without_prefix, encoding }, changed));
        }
    }
    all
}

type Take = fn(&str) -> &str;

const COPIED: [(SecretChange, Take); 3] =
    [(SecretChange::Trimmed, trimmed), (SecretChange::Unquoted, unquoted), (SecretChange::Unnamed, unnamed)];

fn taken(trial: &Trial<'_>, take: Take) -> Vec<Zeroizing<String>> {
    trial.secrets.iter().map(|secret| Zeroizing::new(take(secret).to_owned())).collect()
}

/// Without white space and what nobody sees: a byte order mark, a space of no width.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'))
}

fn unquoted(text: &str) -> &str {
    let inner = |quote| trimmed(text).strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).map_or(text, trimmed)
}

/// The value of a line such as `export SECRET="…"`.
fn unnamed(text: &str) -> &str {
    let line = trimmed(text);
    let line = line.strip_prefix("export ").unwrap_or(line);
    let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match line.split_once('=') {
        Some((name, value)) if is_name(name.trim()) => unquoted(trimmed(value)),
        _ => text,
    }
}

/// Behind its prefix, where it isn't already.
fn behind(prefix: &str, secret: &str) -> Zeroizing<String> {
    let prefix = if secret.starts_with(prefix) { "" } else { prefix };
    Zeroizing::new([prefix, secret].concat())
}

fn behind_prefix(text: &str) -> &str {
    &text[prefix(text).len()..]
}

/// What may be a prefix such as `whsec_`, if anything.
pub(crate) fn prefix(text: &str) -> &str {
    text.find('_').filter(|at| *at <= LONGEST_PREFIX).map_or("", |at| &text[..=at])
}

/// Without its `_`.
const LONGEST_PREFIX: usize = 10;

/// Any secret of this encoding, however short.
fn rule(encoding: SecretEncoding) -> KeyRule {
    let form = KeyForm::new("", encoding, KeyKind::Symmetric);
    KeyRule { forms: Cow::Owned(alloc::vec![form]), min_bytes: 1, max_bytes: u16::MAX, joined_by: None }
}
