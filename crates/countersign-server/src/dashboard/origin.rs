//! Which page a request comes from.

use axum::http::{HeaderMap, Method, Uri, header, uri::Authority};

/// Whether a request changes nothing, or comes from a page of the same origin, as far as browsers say.
///
/// 1. `GET` and `HEAD` change nothing here.
/// 2. Where there is `Sec-Fetch-Site`, which no page can forge, it must be `same-origin`.
/// 3. Else `Origin` must name the host that was asked. A browser that says neither is too old.
pub(super) fn is_own(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD) {
        return true;
    }
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => match (origin(headers), asked(uri, headers)) {
            (Some(origin), Some(asked)) => origin.eq_ignore_ascii_case(asked),
            _ => false,
        },
    }
}

/// The host and port of `Origin`, where it is one of the web.
fn origin(headers: &HeaderMap) -> Option<&str> {
    let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
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

    fn posted(pairs: &[(&'static str, &str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().expect("a value")));
        is_own(&Method::POST, &Uri::from_static("/x"), &headers.collect())
    }

    #[test]
    fn adv_95_what_another_origin_sends_is_told_by_its_headers() {
        let host = ("host", "example.com:8443");
        for own in [
            [host, ("sec-fetch-site", "same-origin")],
            [host, ("origin", "https://example.com:8443")],
            [host, ("origin", "https://EXAMPLE.com:8443")],
        ] {
            assert!(posted(&own), "{own:?}");
        }
        for foreign in [
            [host, ("sec-fetch-site", "cross-site")],
            [host, ("sec-fetch-site", "same-site")],
            [host, ("sec-fetch-site", "none")],
            [host, ("origin", "null")],
            [host, ("origin", "https://example.com")],
            [host, ("origin", "https://example.com:8443.evil.example")],
            [host, ("origin", "https://evil.example")],
            [host, ("referer", "https://example.com:8443/")],
        ] {
            assert!(!posted(&foreign), "{foreign:?}");
        }
        assert!(!posted(&[("sec-fetch-site", "cross-site"), ("origin", "https://example.com:8443"), host]));
        assert!(!posted(&[host]) && !posted(&[]));
    }
}
