//! The near misses of a request, each with what is changed.

use alloc::{borrow::Cow, boxed::Box, string::String, vec::Vec};

use super::{Change, body, joined::joined, secret, trial::Trial, url};
use crate::{
    catalog,
    scheme::{Algorithm, Encoding, Part, Scheme, Source, Syntax, TimeFormat, Version},
};

type Variants<'t, 'a> = Box<dyn Iterator<Item = (Change, Trial<'a>)> + 't>;

/// All that differ in one thing, the likeliest first.
pub(super) fn all<'t, 'a>(trial: &'t Trial<'a>) -> Variants<'t, 'a> {
    let makers = KINDS.iter().map(|make| make(trial));
    Box::new(makers.flatten())
}

/// Those that differ in a thing that comes after this change's.
pub(super) fn after<'t, 'a>(first: &Change, trial: &'t Trial<'a>) -> Variants<'t, 'a> {
    let makers = KINDS[first.kind() + 1..].iter().map(|make| make(trial));
    Box::new(makers.flatten())
}

/// What is tried, in the order of [`Change::kind`].
const KINDS: [for<'t, 'a> fn(&'t Trial<'a>) -> Variants<'t, 'a>; 8] =
    [bodies, secrets, algorithms, encodings, headers, contents, urls, times];

fn bodies<'t, 'a>(trial: &'t Trial<'a>) -> Variants<'t, 'a> {
    Box::new(
        body::variants(&trial.body)
            .into_iter()
            .map(|(change, body)| (Change::Body(change), Trial { body: Cow::Owned(body), ..trial.clone() })),
    )
}

fn secrets<'t, 'a>(trial: &'t Trial<'a>) -> Variants<'t, 'a> {
    Box::new(secret::variants(trial).into_iter().map(|(change, trial)| (Change::Secret(change), trial)))
}

fn algorithms<'t, 'a>(trial: &'t Trial<'a>) -> Variants<'t, 'a> {
    let is_mac = |algorithm: &Algorithm| MACS.contains(algorithm);
    let others = MACS.into_iter().filter(move |_| trial.scheme.algorithms().any(|own| is_mac(&own)));
    Box::new(others.map(move |algorithm| {
        let mut changed = trial.clone();
        let versions = changed.scheme.to_mut().signature.versions.to_mut().iter_mut();
        versions
            .filter(|version| is_mac(&version.algorithm))
            .for_each(|version| version.algorithm = algorithm);
        (Change::Algorithm(algorithm), changed)
    }))
}

fn encodings<'t, 'a>(trial: &'t Trial<'a>) -> Variants<'t, 'a> {
    Box::new([Encoding::HexAnyCase, Encoding::Base64, Encoding::Base64Url].into_iter().map(|encoding| {
        let mut changed = trial.clone();
        changed.scheme.to_mut().signature.encoding = encoding;
        (Change::Encoding(encoding), changed)
    }))
}

/// The signature in another header, with or without a label before it.
fn headers<'t, 'a>(trial: &'t Trial<'a>) -> Variants<'t, 'a> {
    let Source::Header(own) = &trial.scheme.signature.source else { return Box::new([].into_iter()) };
    let mut found = Vec::new();
    trial.headers.each(&mut |name, value| {
        let is_own = name.eq_ignore_ascii_case(own);
        let Some(value) = core::str::from_utf8(value).ok().filter(|value| value.len() >= SHORTEST) else {
            return;
        };
        if !is_own {
            found.push((String::from(name), None));
        }
        let others = other_syntaxes(trial, value).into_iter();
        found.extend(others.map(|syntax| (String::from(name), Some(syntax))));
    });
    Box::new(found.into_iter().map(|(name, syntax)| {
        let mut changed = trial.clone();
        let signature = &mut changed.scheme.to_mut().signature;
        signature.source = Source::Header(Cow::Owned(name.clone()));
        let mut label = None;
        if let Some((syntax, prefix)) = syntax {
            let algorithm =
                signature.versions.first().map_or(Algorithm::HmacSha256, |version| version.algorithm);
            signature.versions = alloc::vec![Version { label: prefix.clone().into(), algorithm }].into();
            signature.syntax = syntax;
            label = Some(prefix);
        }
        (Change::Header { name, label }, changed)
    }))
}

/// A label where the scheme has none; none, or another, where it has one.
fn other_syntaxes(trial: &Trial<'_>, value: &str) -> Vec<(Syntax, String)> {
    let signature = &trial.scheme.signature;
    let behind = |delimiter: char| {
        let (label, digest) = value.split_once(delimiter)?;
        let is_known = label.is_empty() || signature.versions.iter().any(|version| version.label == label);
        (!is_known && digest.len() >= SHORTEST).then(|| (Syntax::Labelled(delimiter), String::from(label)))
    };
    match signature.syntax {
        Syntax::Bare => behind('=').into_iter().collect(),
        Syntax::Labelled(delimiter) => {
            [(Syntax::Bare, String::new())].into_iter().chain(behind(delimiter)).collect()
        }
        _ => Vec::new(),
    }
}

/// The body without what the scheme signs beside it; and all of that, with another sign between or in another order.
fn contents<'t, 'a>(trial: &'t Trial<'a>) -> Variants<'t, 'a> {
    let scheme = &trial.scheme;
    let (body, beside): (Vec<Part>, Vec<Part>) = pieces(scheme).partition(Part::is_body);
    if body.is_empty() || scheme.content.len() == 1 {
        return Box::new([].into_iter());
    }
    let alone = (Change::BodyAlone, alloc::vec![Part::Body]);
    let mut others = joined(&beside, &body);
    others.retain(|parts| !beside.is_empty() && **parts != *scheme.content);
    let others = others.into_iter().map(|parts| (Change::Content(Part::template(&parts)), parts));
    Box::new([alone].into_iter().chain(others).map(|(change, parts)| {
        let mut changed = trial.clone();
        let scheme = changed.scheme.to_mut();
        if change == Change::BodyAlone {
            scheme.timestamp = None;
        }
        scheme.content = parts.into();
        (change, changed)
    }))
}

/// What the scheme signs, without what stands between.
fn pieces(scheme: &Scheme) -> impl Iterator<Item = Part> {
    scheme.content.iter().filter(|part| !matches!(part, Part::Literal(_))).cloned()
}

fn urls<'t, 'a>(trial: &'t Trial<'a>) -> Variants<'t, 'a> {
    match trial.scheme.content.iter().any(Part::is_url) {
        true => Box::new(url::variants(trial).into_iter()),
        false => Box::new([].into_iter()),
    }
}

fn times<'t, 'a>(trial: &'t Trial<'a>) -> Variants<'t, 'a> {
    let formats = [TimeFormat::UnixSeconds, TimeFormat::UnixMillis, TimeFormat::Rfc3339];
    let own = trial.scheme.timestamp.as_ref().map(|rule| rule.format);
    let others = formats.into_iter().filter(move |format| own.is_some_and(|own| own != *format));
    Box::new(others.map(|format| {
        let mut changed = trial.clone();
        changed.scheme.to_mut().timestamp.iter_mut().for_each(|rule| rule.format = format);
        (Change::TimeFormat(format), changed)
    }))
}

/// The same by the other schemes of the catalogue that sign something.
pub(super) fn schemes<'t, 'a>(trial: &'t Trial<'a>) -> Variants<'t, 'a> {
    let shared = catalog::SHARED.into_iter().filter_map(catalog::find);
    let signing = shared.chain(catalog::ALL).filter(|scheme| !scheme.content.is_empty());
    let others = signing.filter(|scheme| scheme.name != trial.scheme.name);
    Box::new(others.map(|scheme| {
        let changed = Trial { scheme: Cow::Borrowed(scheme), ..trial.clone() };
        (Change::Scheme { name: scheme.name.clone(), title: scheme.title.clone() }, changed)
    }))
}

/// What can stand in for one another.
const MACS: [Algorithm; 4] =
    [Algorithm::HmacSha1, Algorithm::HmacSha256, Algorithm::HmacSha384, Algorithm::HmacSha512];
/// The shortest text of a signature: 20 bytes in base64.
const SHORTEST: usize = 27;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RequestView, explain::Case};

    /// What comes after a change is told by its kind.
    #[test]
    fn each_kind_stands_in_its_place() {
        const TEXT: &str = "a text of as many letters as a signature";
        let headers = [("x-square-hmacsha256-signature", TEXT), ("Host", "example.com"), ("X-Other", TEXT)];
        let mut scheme = catalog::SQUARE;
        scheme.timestamp = catalog::SLACK.timestamp;
        let request = RequestView::post(&headers);
        let case = Case { scheme: &scheme, secrets: &["a secret"], request, body: b"{}", url: None, now: 0 };
        let trial = Trial::new(&case);
        for (place, make) in KINDS.iter().enumerate() {
            let kinds: Vec<usize> = make(&trial).map(|(change, _)| change.kind()).collect();
            assert!(!kinds.is_empty(), "{place} makes nothing");
            assert!(kinds.iter().all(|kind| *kind == place), "{place}: {kinds:?}");
        }
    }
}
