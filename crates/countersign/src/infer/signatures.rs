//! Where a signature may stand, and how it is written.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use super::seen::Seen;
use crate::scheme::{Algorithm, Encoding, Separator, Signature, Source, Syntax, Version};

/// A field that stands beside a signature: its name and value.
pub(super) type Field = (String, String);

/// What may be a signature in one of the headers, with the fields beside it.
pub(super) fn signatures(seen: &Seen) -> Vec<(Signature, Vec<Field>)> {
    seen.headers.iter().flat_map(|(name, value)| in_header(name, value)).collect()
}

fn in_header(name: &str, value: &str) -> Vec<(Signature, Vec<Field>)> {
    let mut all = Vec::new();
    let mut add = |syntax: &Syntax, label: &str, digest: &str, fields: &[Field]| {
        for (algorithm, encoding) in digests(digest) {
            let signature = Signature {
                source: Source::Header(name.to_owned().into()),
                syntax: syntax.clone(),
                versions: alloc::vec![Version { label: label.to_owned().into(), algorithm }].into(),
                encoding,
            };
            all.push((signature, fields.to_vec()));
        }
    };
    add(&Syntax::Bare, "", value, &[]);
    if let Some((label, digest)) = value.split_once('=').filter(|(label, _)| is_label(label)) {
        add(&Syntax::Labelled('='), label, digest, &[]);
    }
    for (separator, sign, delimiter) in LISTS {
        let entries: Option<Vec<_>> =
            value.split(sign).map(|entry| entry.trim().split_once(delimiter)).collect();
        let Some(entries) = entries.filter(|entries| entries.iter().all(|(label, _)| is_label(label))) else {
            continue;
        };
        let is_digest = |text: &str| !digests(text).is_empty();
        let fields: Vec<Field> = entries
            .iter()
            .filter(|(_, text)| !is_digest(text))
            .map(|(label, text)| ((*label).to_owned(), (*text).to_owned()))
            .collect();
        for (label, digest) in entries.iter().filter(|(_, text)| is_digest(text)) {
            add(&Syntax::List { separator, delimiter }, label, digest, &fields);
        }
    }
    all
}

fn is_label(text: &str) -> bool {
    (1..=16).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// The algorithms whose output a text may be, by its length and alphabet, and how it is written.
fn digests(text: &str) -> Vec<(Algorithm, Encoding)> {
    let is_of = |more: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    let mut all = Vec::new();
    for algorithm in ALGORITHMS {
        let Some(bytes) = algorithm.signature_len() else { continue };
        let unpadded = (bytes * 4).div_ceil(3);
        if text.len() == bytes * 2 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            let has_upper = text.bytes().any(|b| b.is_ascii_uppercase());
            all.push((algorithm, if has_upper { Encoding::HexAnyCase } else { Encoding::Hex }));
        }
        if text.len() == bytes.div_ceil(3) * 4 && is_of(b"+/=") {
            all.push((algorithm, Encoding::Base64));
        }
        if text.len() == unpadded && is_of(b"-_") {
            all.push((algorithm, Encoding::Base64Url));
        }
    }
    all
}

const ALGORITHMS: [Algorithm; 5] = [
    Algorithm::HmacSha256,
    Algorithm::HmacSha512,
    Algorithm::HmacSha1,
    Algorithm::HmacSha384,
    Algorithm::Sha256SecretPrefix,
];

const LISTS: [(Separator, char, char); 4] = [
    (Separator::Comma, ',', '='),
    (Separator::Semicolon, ';', '='),
    (Separator::Space, ' ', '='),
    (Separator::Space, ' ', ','),
];
