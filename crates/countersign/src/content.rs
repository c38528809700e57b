//! The signed bytes, fed part by part: the one place where a signer and a verifier put them together.

use alloc::{borrow::Cow, format, string::String, vec::Vec};
use core::ops::Range;

use crate::{
    form,
    scheme::{Part, Scheme},
};

/// What stands in the content beside literals and the body.
#[derive(Clone, Copy)]
pub(crate) struct Content<'a> {
    pub(crate) method: &'a str,
    /// The path and query of the request as they arrived.
    pub(crate) target: &'a str,
    /// The value of each part that is a header or a field, at the part's place.
    pub(crate) values: [&'a [u8]; Scheme::MAX_PARTS],
}

impl Content<'_> {
    /// Feeds all of it. `body` is what is signed of the body: see [`Scheme::signed_body`].
    pub(crate) fn feed(&self, scheme: &Scheme, url: &str, body: &[u8], sink: &mut dyn FnMut(&[u8])) {
        self.feed_before(scheme, url, sink);
        if scheme.covers_body() {
            sink(body);
        }
        self.feed_after(scheme, url, sink);
    }

    /// Feeds the parts that stand before the body, short ones together. `url` is the endpoint's as it is registered with the
    /// provider.
    pub(crate) fn feed_before(&self, scheme: &Scheme, url: &str, sink: &mut (impl FnMut(&[u8]) + ?Sized)) {
        let body = body_at(scheme).unwrap_or(scheme.content.len());
        let mut gathered = Gathered { bytes: [0; 64], len: 0 };
        self.feed_parts(scheme, url, 0..body, &mut |bytes| gathered.add(bytes, sink));
        gathered.flush(sink);
    }

    /// Feeds the parts that stand behind the body.
    pub(crate) fn feed_after(&self, scheme: &Scheme, url: &str, sink: &mut (impl FnMut(&[u8]) + ?Sized)) {
        if let Some(body) = body_at(scheme) {
            self.feed_parts(scheme, url, body + 1..scheme.content.len(), sink);
        }
    }

    fn feed_parts(
        &self,
        scheme: &Scheme,
        url: &str,
        range: Range<usize>,
        sink: &mut (impl FnMut(&[u8]) + ?Sized),
    ) {
        for (part, value) in scheme.content.iter().zip(&self.values).take(range.end).skip(range.start) {
            match part {
                Part::Literal(text) => sink(text.as_bytes()),
                Part::Header(_) | Part::Field(_) => sink(value),
                Part::Body | Part::Form => {}
                Part::Method => sink(self.method.as_bytes()),
                Part::ConfiguredUrl => sink(url.as_bytes()),
                Part::RequestUrl | Part::RequestUrlAnyPort => {
                    sink(origin(url).as_bytes());
                    sink(self.target.as_bytes());
                }
                Part::RequestUrlDecoded(set) => {
                    sink(origin(url).as_bytes());
                    feed_decoded(self.target, set, sink);
                }
            }
        }
    }
}

impl Scheme {
    /// What is signed of a body: its bytes, or the fields of the form that it is.
    pub(crate) fn signed_body<'b>(&self, body: &'b [u8]) -> Cow<'b, [u8]> {
        match self.signs_form() {
            true => Cow::Owned(form::sorted_fields(body)),
            false => Cow::Borrowed(body),
        }
    }

    /// What is signed of a request's path, query and body, by which events are told apart that have no id. Who sends a
    /// request again can move a border between the two where nothing stands there, and changes nothing of this.
    pub(crate) fn signed_of_event<'b>(&self, target: &str, body: &'b [u8]) -> Cow<'b, [u8]> {
        let signed_body = self.signed_body(body);
        if !self.signs_target() {
            return signed_body;
        }
        let mut all = Vec::with_capacity(target.len() + signed_body.len());
        for part in self.content.iter() {
            match part {
                Part::Body | Part::Form => all.extend_from_slice(&signed_body),
                Part::RequestUrl | Part::RequestUrlAnyPort => all.extend_from_slice(target.as_bytes()),
                Part::RequestUrlDecoded(set) => {
                    feed_decoded(target, set, &mut |bytes| all.extend_from_slice(bytes));
                }
                Part::Literal(_) | Part::Header(_) | Part::Field(_) | Part::Method | Part::ConfiguredUrl => {}
            }
        }
        Cow::Owned(all)
    }

    /// Whether path and query of the request are signed.
    pub(crate) fn signs_target(&self) -> bool {
        let is_target = |part: &Part| {
            matches!(part, Part::RequestUrl | Part::RequestUrlAnyPort | Part::RequestUrlDecoded(_))
        };
        self.content.iter().any(is_target)
    }
}

/// Short pieces that are fed as one: each call into a hash costs as much as some dozens of bytes.
struct Gathered {
    bytes: [u8; 64],
    len: usize,
}

impl Gathered {
    fn add(&mut self, piece: &[u8], sink: &mut (impl FnMut(&[u8]) + ?Sized)) {
        if self.len + piece.len() > self.bytes.len() {
            self.flush(sink);
        }
        match self.bytes.get_mut(self.len..self.len + piece.len()) {
            Some(free) => {
                free.copy_from_slice(piece);
                self.len += piece.len();
            }
            None => sink(piece),
        }
    }

    fn flush(&mut self, sink: &mut (impl FnMut(&[u8]) + ?Sized)) {
        if self.len > 0 {
            sink(&self.bytes[..core::mem::take(&mut self.len)]);
        }
    }
}

fn body_at(scheme: &Scheme) -> Option<usize> {
    scheme.content.iter().position(Part::is_body)
}

/// The scheme and authority of a URL: everything before its path.
pub(crate) fn origin(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url[authority..].find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
    &url[..end]
}

/// Whether a text can be a URL with a host. It is signed as it stands, so that white space around it would be, too.
pub(crate) fn is_url(text: &str) -> bool {
    let (protocol, authority) = origin(text).split_once("://").unwrap_or_default();
    let is_named = !protocol.is_empty() && protocol.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_named && !authority.is_empty() && !text.contains(char::is_whitespace)
}

/// A URL without its port, or with the one of its protocol where it has none.
pub(crate) fn with_other_port(url: &str) -> Option<String> {
    let origin = origin(url);
    let (protocol, authority) = origin.split_once("://")?;
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let path = &url[origin.len()..];
    match authority.rsplit_once(':').filter(|(_, port)| is_port(port)) {
        Some((host, _)) => Some(format!("{protocol}://{host}{path}")),
        None => {
            let is_tls = ["https", "wss"].iter().any(|tls| protocol.eq_ignore_ascii_case(tls));
            let port = if is_tls { 443 } else { 80 };
            Some(format!("{origin}:{port}{path}"))
        }
    }
}

/// Feeds `text` with the percent-escapes of the ASCII characters in `set` decoded.
fn feed_decoded(text: &str, set: &str, sink: &mut (impl FnMut(&[u8]) + ?Sized)) {
    let mut from = 0;
    for (at, _) in text.match_indices('%') {
        let mut byte = [0];
        let digits = text.as_bytes().get(at + 1..at + 3).unwrap_or_default();
        // Hexadecimal digits are no `%`, so that none that was decoded comes again.
        if hex::decode_to_slice(digits, &mut byte).is_ok() && set.as_bytes().contains(&byte[0]) {
            sink(&text.as_bytes()[from..at]);
            sink(&byte);
            from = at + 3;
        }
    }
    sink(&text.as_bytes()[from..]);
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn decoded(text: &str) -> String {
        let mut out = Vec::new();
        feed_decoded(text, ":/?@!$'()*,;", &mut |bytes| out.extend_from_slice(bytes));
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn only_the_listed_escapes_are_decoded() {
        assert_eq!(decoded("/a?r=https%3A%2F%2Fb%3f&s=a%20b"), "/a?r=https://b?&s=a%20b");
        assert_eq!(decoded("%253A%"), "%253A%");
        assert_eq!(decoded("%3"), "%3");
        assert_eq!(decoded("é%3A"), "é:");
    }

    #[test]
    fn an_origin_ends_where_the_path_begins() {
        assert_eq!(origin("https://a.example:8443/x/y?z"), "https://a.example:8443");
        assert_eq!(origin("https://a.example?x"), "https://a.example");
        assert_eq!(origin("https://a.example"), "https://a.example");
    }

    #[test]
    fn a_port_is_left_out_or_added() {
        let other = |url| with_other_port(url).expect("a URL");
        assert_eq!(other("https://a.example/x?y:1"), "https://a.example:443/x?y:1");
        assert_eq!(other("http://a.example"), "http://a.example:80");
        assert_eq!(other("HTTPS://a.example"), "HTTPS://a.example:443");
        assert_eq!(other("https://a.example:8443/x"), "https://a.example/x");
        assert_eq!(other("https://user:123@a.example/"), "https://user:123@a.example:443/");
        assert_eq!(other("https://[::1]/"), "https://[::1]:443/");
        assert_eq!(other("https://[::1]:9/"), "https://[::1]/");
        assert_eq!(with_other_port("a.example"), None);
    }
}
