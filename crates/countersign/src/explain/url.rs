//! URLs as proxies and people write them otherwise.

use alloc::{
    borrow::{Cow, ToOwned},
    format,
    string::String,
    vec::Vec,
};

use super::{Change, trial::Trial};
use crate::headers::Lookup;

/// The trial with another URL of the endpoint, or with another path and query of the request.
pub(super) fn variants<'a>(trial: &Trial<'a>) -> Vec<(Change, Trial<'a>)> {
    let known = trial.url.as_deref().map(String::from);
    let mut urls: Vec<String> = known.iter().chain(&called(trial)).flat_map(|url| around(url)).collect();
    urls.retain(|url| Some(url) != known.as_ref());
    let with_url = urls.into_iter().map(|url| {
        let change = Change::Url(url.clone());
        (change, Trial { url: Some(Cow::Owned(url)), ..trial.clone() })
    });
    let with_target = targets(&trial.target).into_iter().map(|target| {
        let change = Change::Target(target.clone());
        (change, Trial { target: Cow::Owned(target), ..trial.clone() })
    });
    with_url.chain(with_target).collect()
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

/// With or without the protocol's own port.
fn with_other_port(url: &str) -> Option<String> {
    let (protocol, rest) = url.split_once("://")?;
    let port = if protocol == "https" { ":443" } else { ":80" };
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    match host.strip_suffix(port) {
        Some(host) => Some(format!("{protocol}://{host}{path}")),
        None if host.contains(':') => None,
        None => Some(format!("{protocol}://{host}{port}{path}")),
    }
}

/// Other paths and queries of the request.
fn targets(target: &str) -> Vec<String> {
    let path = target.split_once('?').map(|(path, _)| path.to_owned());
    let slashes = [with_other_slash(target)].into_iter().chain(path.as_deref().map(with_other_slash));
    path.iter().cloned().chain(slashes).collect()
}
