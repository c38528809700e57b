//! URLs as proxies and people write them otherwise.

use alloc::{
    borrow::{Cow, ToOwned},
    format,
    string::String,
    vec::Vec,
};

use super::{Change, trial::Trial};
use crate::{
    content::{origin, with_other_port},
    headers::Lookup,
};

/// The trial with another URL of the endpoint, or with another path and query of the request.
pub(super) fn variants<'a>(trial: &Trial<'a>) -> Vec<(Change, Trial<'a>)> {
    let known = trial.url.as_deref();
    let likely = known.map(String::from).into_iter().chain(completed(trial)).chain(called(trial));
    let urls = once(likely.flat_map(|url| around(&url)), known.unwrap_or_default());
    let with_url = urls.into_iter().map(|url| {
        let change = Change::Url(url.clone());
        (change, Trial { url: Some(Cow::Owned(url)), ..trial.clone() })
    });
    let targets = once(targets(trial).into_iter(), &trial.target);
    let with_target = targets.into_iter().map(|target| {
        let change = Change::Target(target.clone());
        (change, Trial { target: Cow::Owned(target), ..trial.clone() })
    });
    with_url.chain(with_target).collect()
}

/// Each once, and not what is known.
fn once(all: impl Iterator<Item = String>, known: &str) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for text in all {
        if text != known && !once.contains(&text) {
            once.push(text);
        }
    }
    once
}

/// The URL with the path and query of the request: its origin alone may have been given.
fn completed(trial: &Trial<'_>) -> Option<String> {
    Some(format!("{}{}", origin(trial.url.as_deref()?), trial.target))
}

/// The URL that was called, as the request itself says.
fn called(trial: &Trial<'_>) -> Option<String> {
    let Lookup::One(host) = trial.headers.lookup("host") else { return None };
    Some(format!("https://{}{}", core::str::from_utf8(host).ok()?, trial.target))
}

/// A URL and what is easily taken for it: by the other protocol, with or without a port that goes without saying, a
/// slash at its end, or a query.
fn around(url: &str) -> Vec<String> {
    let mut all = alloc::vec![url.to_owned()];
    let mut add = |change: fn(&str) -> Option<String>| {
        let more: Vec<String> = all.iter().filter_map(|url| change(url)).collect();
        all.extend(more);
    };
    add(|url| url.split_once('?').map(|(path, _)| path.into()));
    add(|url| Some(with_other_slash(url)));
    add(|url| match url.strip_prefix("https://") {
        Some(rest) => Some(format!("http://{rest}")),
        None => url.strip_prefix("http://").map(|rest| format!("https://{rest}")),
    });
    add(with_other_port);
    all
}

/// With or without a slash at the end of the path.
fn with_other_slash(url: &str) -> String {
    let (path, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    match path.strip_suffix('/') {
        Some(path) => format!("{path}{query}"),
        None => format!("{path}/{query}"),
    }
}

/// Other paths and queries of the request: with or without a slash or a query, and the URL's own, of which a proxy may
/// have taken the beginning away.
fn targets(trial: &Trial<'_>) -> Vec<String> {
    let target = &*trial.target;
    let url = trial.url.as_deref().unwrap_or_default();
    let own = &url[origin(url).len()..];
    let query = target.find('?').map_or("", |at| &target[at..]);
    let with_query = format!("{}{query}", path(own));
    let own = [own.to_owned(), with_query].into_iter().filter(|own| own.starts_with('/'));
    let likely = [path(target).to_owned(), with_other_slash(target), with_other_slash(path(target))];
    likely.into_iter().chain(own.flat_map(|own| [own.clone(), with_other_slash(&own)])).collect()
}

fn path(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}
