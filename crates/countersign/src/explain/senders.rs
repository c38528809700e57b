//! The schemes whose headers a request has.

use alloc::{string::String, vec::Vec};

use crate::{
    HeaderView, Lookup, Scheme, catalog,
    scheme::{Source, Syntax, Text, strip_prefix_ignore_case},
};

/// The names of those of the catalogue whose signature header is there: of several that share it, those of which the
/// most other headers are there too, or the one that providers share.
pub(super) fn senders(headers: &dyn HeaderView) -> Vec<Text> {
    let signed = catalog::ALL.iter().filter(|scheme| !scheme.is_unsigned() && !is_anybodys(scheme));
    let found: Vec<(usize, &Text)> = signed
        .flat_map(|scheme| families(scheme).map(move |family| (scheme, family)))
        .filter(|(_, family)| has_signature(family, headers) && has_fixed(family, headers))
        .map(|(scheme, family)| (count(family, headers), &scheme.name))
        .collect();
    let most = found.iter().map(|(count, _)| *count).max();
    let mut names: Vec<Text> =
        found.into_iter().filter(|(count, _)| Some(*count) == most).map(|(_, name)| name.clone()).collect();
    if let Some(shared) = catalog::SHARED.into_iter().find(|shared| names.iter().any(|name| name == shared)) {
        names.retain(|name| name == shared);
    }
    names
}

/// Whether the signature's header is there, by whichever family of names.
pub(super) fn is_signed_by(scheme: &Scheme, headers: &dyn HeaderView) -> bool {
    families(scheme).any(|family| has_signature(&family, headers))
}

/// Whether the signature stands where any HTTP client puts credentials.
fn is_anybodys(scheme: &Scheme) -> bool {
    matches!(scheme.signature.syntax, Syntax::Authorization(_))
}

/// The scheme in each of its families of header names.
fn families(scheme: &Scheme) -> impl Iterator<Item = Scheme> + '_ {
    let families = &scheme.delivery.families;
    let first = families.first().map_or("", |first| first);
    let others = families.iter().skip(1).map(move |other| scheme.with_family(first, other));
    core::iter::once_with(|| scheme.clone()).chain(others)
}

fn has_signature(scheme: &Scheme, headers: &dyn HeaderView) -> bool {
    match &scheme.signature.source {
        Source::Header(name) | Source::Repeated(name) => is_there(headers, name),
        Source::PerKey(names) => names.iter().any(|name| is_there(headers, name)),
        Source::Numbered(prefix) => {
            let mut any = false;
            headers.each(&mut |name, _| any |= strip_prefix_ignore_case(name, prefix).is_some());
            any
        }
    }
}

/// Whether no header shows that it is another version of the scheme.
fn has_fixed(scheme: &Scheme, headers: &dyn HeaderView) -> bool {
    scheme.delivery.fixed.iter().all(|fixed| match headers.lookup(&fixed.name) {
        Lookup::Missing => fixed.optional,
        Lookup::One(value) => value == fixed.value.as_bytes(),
        Lookup::Repeated => true,
    })
}

/// How many of the headers that the scheme reads are there.
fn count(mut scheme: Scheme, headers: &dyn HeaderView) -> usize {
    let mut names: Vec<String> = Vec::new();
    scheme.for_each_header(|name| names.push(name.to_ascii_lowercase()));
    names.sort_unstable();
    names.dedup();
    names.iter().filter(|name| is_there(headers, name)).count()
}

fn is_there(headers: &dyn HeaderView, name: &str) -> bool {
    headers.lookup(name) != Lookup::Missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn named(headers: &[&str], names: &[&str]) {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|header| header.split_once(": ").unwrap_or((header, "a value"))).collect();
        assert_eq!(senders(&headers), names);
    }

    #[test]
    fn a_scheme_is_known_by_its_headers() {
        named(&["Stripe-Signature", "Host"], &["stripe"]);
        named(&["x-slack-signature", "X-Slack-Request-Timestamp"], &["slack"]);
        named(&["X-DocuSign-Signature-1"], &["docusign"]);
        named(&["X-Gitlab-Token"], &["gitlab-token"]);
        named(&["Host", "Authorization: Bearer token", "X-Unknown"], &[]);
    }

    #[test]
    fn of_schemes_that_share_a_header_those_are_named_that_the_others_fit() {
        named(&["X-Hub-Signature-256"], &["github", "meta"]);
        named(&["X-Hub-Signature-256", "X-GitHub-Event", "X-GitHub-Delivery"], &["github"]);
        named(&["X-HubSpot-Signature", "X-HubSpot-Signature-Version: v2"], &["hubspot-v2"]);
        named(&["webhook-id", "webhook-timestamp", "webhook-signature"], &["standard-webhooks"]);
        named(&["svix-id", "svix-timestamp", "svix-signature"], &["svix"]);
    }
}
