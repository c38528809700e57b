//! The candidate signatures of a request: where they stand and how they are written.

use alloc::vec::Vec;

use memchr::{memchr, memchr2};

use super::{
    head::required,
    plan::{Found, Plan},
};
use crate::{
    Error, ErrorKind, HeaderView, Lookup,
    scheme::{Separator, Signature, Source, Syntax, Version, strip_prefix_ignore_case},
};

/// The values of the signature headers, by key where the scheme has one header a key.
#[derive(Clone)]
pub(crate) enum Signatures<'a> {
    None,
    One(&'a [u8]),
    Several(Vec<(Option<usize>, &'a [u8])>),
}

impl<'a> Signatures<'a> {
    /// Takes the signature headers that the plan has found, or finds those whose number varies.
    pub(crate) fn read(
        plan: &Plan,
        found: &Found<'a>,
        headers: &'a dyn HeaderView,
        limit: usize,
    ) -> Result<Self, Error> {
        let mut several = Vec::new();
        match &plan.scheme.signature.source {
            Source::Header(name) => {
                let value = found[plan.signatures[0]];
                return required(name, value).map(Signatures::One);
            }
            Source::Repeated(name) => headers.each(&mut |other, value| {
                if other.eq_ignore_ascii_case(name) && several.len() <= limit {
                    several.push((None, value));
                }
            }),
            Source::Numbered(prefix) => {
                let mut numbers = Vec::new();
                headers.each(&mut |name, value| {
                    let number = strip_prefix_ignore_case(name, prefix).and_then(number);
                    if let (Some(number), true) = (number, several.len() <= limit) {
                        numbers.push(number);
                        several.push((None, value));
                    }
                });
                numbers.sort_unstable();
                if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
                    return Err(Error::header(ErrorKind::DuplicateHeader, prefix));
                }
            }
            Source::PerKey(names) => {
                for (key, name) in names.iter().enumerate() {
                    match found[plan.signatures[key]] {
                        Lookup::One(value) => several.push((Some(key), value)),
                        Lookup::Missing => {}
                        Lookup::Repeated => return Err(Error::header(ErrorKind::DuplicateHeader, name)),
                    }
                }
            }
        }
        if several.iter().all(|(_, value)| value.trim_ascii().is_empty()) {
            return Err(Error::header(ErrorKind::MissingHeader, first_name(&plan.scheme.signature.source)));
        }
        Ok(Signatures::Several(several))
    }

    /// The headers' values, each with the key that it belongs to, if to one alone.
    pub(crate) fn values(&self) -> impl Iterator<Item = (Option<usize>, &'a [u8])> {
        let (one, several) = match self {
            Signatures::None => (None, [].as_slice()),
            Signatures::One(value) => (Some((None, *value)), [].as_slice()),
            Signatures::Several(values) => (None, values.as_slice()),
        };
        one.into_iter().chain(several.iter().copied())
    }
}

impl<'a> Signatures<'a> {
    /// The value of a field of the signature header, where it stands there once and isn't empty.
    pub(crate) fn field(&self, signature: &Signature, name: &str) -> Option<&'a [u8]> {
        let values = self.values();
        let all = values.flat_map(|(_, value)| entries(&signature.syntax, &signature.versions, value));
        let mut named = all.filter_map(|entry| match entry {
            Entry::Field { index, label, text } if is_field(&signature.syntax, index, label, name) => {
                Some(text)
            }
            _ => None,
        });
        let text = named.next().filter(|text| !text.is_empty());
        text.filter(|_| named.next().is_none())
    }
}

/// The name of the header by whose presence a family is chosen, and which errors name.
pub(crate) fn first_name(source: &Source) -> &str {
    match source {
        Source::Header(name) | Source::Repeated(name) | Source::Numbered(name) => name,
        Source::PerKey(names) => names.first().map_or("", |name| name),
    }
}

/// The number behind the name of a numbered header: from 1, without leading zeros.
fn number(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

/// One entry of a signature header.
#[derive(Clone, Copy)]
pub(crate) enum Entry<'a> {
    /// A signature under the version at this place of the scheme's list.
    Signature { version: usize, text: &'a [u8] },
    /// Another value: its place in the list, its label (empty in a list without labels), its text.
    Field { index: usize, label: &'a [u8], text: &'a [u8] },
    /// What is not written as the syntax says.
    Malformed,
}

/// Reads the entries of a signature header's value, in one pass and without copying.
pub(crate) fn entries<'a>(
    syntax: &Syntax,
    versions: &[Version],
    value: &'a [u8],
) -> impl Iterator<Item = Entry<'a>> {
    let separator = match syntax {
        Syntax::List { separator, .. } | Syntax::Positional { separator, .. } => Some(*separator),
        Syntax::Bare | Syntax::Labelled(_) | Syntax::Authorization(_) => None,
    };
    split(separator, value).enumerate().map(move |(index, entry)| match syntax {
        Syntax::Bare => Entry::Signature { version: 0, text: entry },
        Syntax::Labelled(delimiter) | Syntax::List { delimiter, .. } => {
            labelled(*delimiter, versions, index, entry)
        }
        Syntax::Positional { fields, .. } if index < fields.len() => {
            Entry::Field { index, label: &[], text: entry }
        }
        Syntax::Positional { .. } => Entry::Signature { version: 0, text: entry },
        Syntax::Authorization(name) => match after_scheme(name, entry) {
            Some(text) => Entry::Signature { version: 0, text },
            None => Entry::Malformed,
        },
    })
}

/// Whether the field at `index` with `label` is the one that the scheme calls `name`.
pub(super) fn is_field(syntax: &Syntax, index: usize, label: &[u8], name: &str) -> bool {
    match syntax {
        Syntax::Positional { fields, .. } => fields.get(index).is_some_and(|field| field == name),
        _ => label == name.as_bytes(),
    }
}

fn labelled<'a>(delimiter: char, versions: &[Version], index: usize, entry: &'a [u8]) -> Entry<'a> {
    let delimiter = u8::try_from(delimiter).unwrap_or(b'=');
    let version_of = |label: &[u8]| versions.iter().position(|version| version.label.as_bytes() == label);
    let Some(at) = memchr(delimiter, entry) else {
        return version_of(b"").map_or(Entry::Malformed, |version| Entry::Signature { version, text: entry });
    };
    let (label, text) = (&entry[..at], &entry[at + 1..]);
    match version_of(label).filter(|_| !label.is_empty()) {
        Some(version) => Entry::Signature { version, text },
        None => Entry::Field { index, label, text },
    }
}

/// What stands behind the name of an authentication scheme and its spaces.
fn after_scheme<'a>(name: &str, value: &'a [u8]) -> Option<&'a [u8]> {
    let (head, rest) = value.split_at_checked(name.len())?;
    let text = trim_spaces(rest);
    (head.eq_ignore_ascii_case(name.as_bytes()) && text.len() < rest.len()).then_some(text)
}

/// Splits a list. Empty entries are passed over; without a separator the value is one entry.
fn split(separator: Option<Separator>, value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    core::iter::from_fn(move || {
        loop {
            let text = rest.take()?;
            let Some(separator) = separator else { return Some(text) };
            let entry = match find_separator(separator, text) {
                Some(at) => {
                    rest = Some(&text[at + 1..]);
                    &text[..at]
                }
                None => text,
            };
            let entry = trim(separator, entry);
            if !entry.is_empty() {
                return Some(entry);
            }
        }
    })
}

fn find_separator(separator: Separator, text: &[u8]) -> Option<usize> {
    match separator {
        Separator::Comma => memchr(b',', text),
        Separator::Semicolon => memchr(b';', text),
        Separator::Space | Separator::CommaSpace => memchr(b' ', text),
        Separator::SpaceOrComma => memchr2(b' ', b',', text),
    }
}

fn trim(separator: Separator, entry: &[u8]) -> &[u8] {
    match separator {
        Separator::CommaSpace => entry.strip_suffix(b",").unwrap_or(entry),
        _ => trim_spaces(entry),
    }
}

/// Without the spaces at both ends: spaces alone, so that no other white space is ever passed over.
fn trim_spaces(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text.strip_prefix(b" ") {
        text = rest;
    }
    while let Some(rest) = text.strip_suffix(b" ") {
        text = rest;
    }
    text
}
