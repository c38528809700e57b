//! The host of an endpoint's URL, whose path and query are often a credential.

use url::Url;

/// A URL without its path and query.
pub(crate) fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => format!("{}/…", url.origin().ascii_serialization()),
        Err(_) => "…".to_owned(),
    }
}

/// Whether two URLs lead to one host, by one protocol and port.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_what_is_a_credential() {
        assert_eq!(shown("https://example.com/T0K?x=1"), "https://example.com/…");
        assert_eq!(shown("https://example.com:8443/T0K"), "https://example.com:8443/…");
        assert_eq!(shown("nonsense"), "…");
    }

    #[test]
    fn another_path_is_the_same_host_and_another_port_is_not() {
        assert!(is_same("https://example.com/a", "https://EXAMPLE.com:443/b"));
        let others =
            ["https://example.com:8443/a", "http://example.com/a", "https://example.com.evil.example/a", ""];
        for other in others {
            assert!(!is_same("https://example.com/a", other), "{other}");
        }
    }
}
