//! Texts of strangers in headers and subjects.

/// Percent-encodes what a header can't hold or would lose: everything but printable ASCII, spaces, and `%`.
pub(crate) fn header(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_graphic() && byte != b'%')
}

/// Percent-encodes what the name of a header can't hold besides: the colon.
pub(crate) fn header_name(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_graphic() && !b"%:".contains(&byte))
}

/// One token of a subject.
pub(crate) fn token(text: &str) -> String {
    match text {
        "" => String::from(EMPTY),
        text => encode(text, |byte| byte.is_ascii_graphic() && !b"%.*>".contains(&byte)),
    }
}

/// Tokens of a subject, separated by dots.
pub(crate) fn tokens(text: &str) -> String {
    text.split('.').map(token).collect::<Vec<_>>().join(".")
}

fn encode(text: &str, stays: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match stays(byte) {
            true => encoded.push(char::from(byte)),
            false => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// What stands for nothing: a subject has no empty tokens.
const EMPTY: &str = "_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_one_line_of_ascii() {
        assert_eq!(header("evt_1:a.b>c*"), "evt_1:a.b>c*");
        assert_eq!(
            header(" a\r\nNats-Rollup: all%\0\u{e9}\u{7f}"),
            "%20a%0D%0ANats-Rollup:%20all%25%00%C3%A9%7F"
        );
    }

    #[test]
    fn a_headers_name_ends_before_no_colon_of_its_own() {
        assert_eq!(header_name("x-shop-domain"), "x-shop-domain");
        assert_eq!(header_name("a: b\r\n"), "a%3A%20b%0D%0A");
    }

    #[test]
    fn different_texts_stay_different() {
        assert_ne!(header("a b"), header("a%20b"));
        assert_ne!(token("a.b"), token("a%2Eb"));
    }

    #[test]
    fn a_token_holds_no_dot_and_no_wildcard() {
        assert_eq!(token("acme.example"), "acme%2Eexample");
        assert_eq!(token(">"), "%3E");
        assert_eq!(token("*"), "%2A");
        assert_eq!(token(""), "_");
    }

    #[test]
    fn a_type_keeps_its_dots_and_has_no_empty_token() {
        assert_eq!(tokens("invoice.paid"), "invoice.paid");
        assert_eq!(tokens(".a..b."), "_.a._.b._");
        assert_eq!(tokens("a\tb.>"), "a%09b.%3E");
    }
}
