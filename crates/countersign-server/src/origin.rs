//! Whose page a request comes from.

use axum::http::{HeaderMap, HeaderValue, Method, Uri, header, uri::Authority};

/// Whose page a request comes from, as far as browsers say. No page can forge either header.
///
/// 1. `Sec-Fetch-Site`, where there is one, must be `same-origin`.
/// 2. Else `Origin` must name the host that was asked.
/// 3. What has neither is a program's, or a `GET` of a browser that is old or asks by plain `http`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    Own,
    Foreign,
    Unsaid,
}

impl Site {
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let is_own = match (headers.get("sec-fetch-site"), headers.get(header::ORIGIN)) {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => named(origin)
                .zip(asked(uri, headers))
                .is_some_and(|(origin, asked)| origin.eq_ignore_ascii_case(asked)),
            (None, None) => return Site::Unsaid,
        };
        if is_own { Site::Own } else { Site::Foreign }
    }
}

/// Whether a method changes nothing, where nothing else is said.
pub(crate) fn only_reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// The host and port of `Origin`, where it is one of the web.
fn named(origin: &HeaderValue) -> Option<&str> {
    let origin = origin.to_str().ok()?;
    origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))
}

/// The host and port that were asked.
fn asked<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let host = || headers.get(header::HOST).and_then(|host| host.to_str().ok());
    uri.authority().map(Authority::as_str).or_else(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(pairs: &[(&'static str, &str)]) -> Site {
        let headers = pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().expect("a value")));
        Site::of(&Uri::from_static("/x"), &headers.collect())
    }

    #[test]
    fn adv_95_what_another_origin_sends_is_told_by_its_headers() {
        let host = ("host", "example.com:8443");
        for own in [
            [host, ("sec-fetch-site", "same-origin")],
            [host, ("origin", "https://example.com:8443")],
            [host, ("origin", "https://EXAMPLE.com:8443")],
        ] {
            assert_eq!(page(&own), Site::Own, "{own:?}");
        }
        for foreign in [
            [host, ("sec-fetch-site", "cross-site")],
            [host, ("sec-fetch-site", "same-site")],
            [host, ("sec-fetch-site", "none")],
            [host, ("origin", "null")],
            [host, ("origin", "https://example.com")],
            [host, ("origin", "https://example.com:8443.evil.example")],
            [host, ("origin", "https://evil.example")],
        ] {
            assert_eq!(page(&foreign), Site::Foreign, "{foreign:?}");
        }
        let both = [("sec-fetch-site", "cross-site"), ("origin", "https://example.com:8443"), host];
        assert_eq!(page(&both), Site::Foreign);
        for unsaid in [&[host, ("referer", "https://example.com:8443/")][..], &[host], &[]] {
            assert_eq!(page(unsaid), Site::Unsaid, "{unsaid:?}");
        }
    }
}
