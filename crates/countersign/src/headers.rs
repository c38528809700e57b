//! The seam between the core and any HTTP library: how a header is looked up.

/// A request's headers, whichever library holds them.
///
/// Header names are compared without regard to case (RFC 9110 §5.1).
pub trait HeaderView {
    /// Calls `see` with the name and value of each header, in the order of arrival.
    fn each<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8]));

    /// The value of the header `name`, where it stands once.
    fn lookup(&self, name: &str) -> Lookup<'_> {
        let mut found = Lookup::Missing;
        self.each(&mut |other, value| {
            if other.eq_ignore_ascii_case(name) {
                found.add(value);
            }
        });
        found
    }
}

/// What a lookup found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// No header of that name.
    Missing,
    /// One header, with this value: raw bytes, which need not be UTF-8.
    One(&'a [u8]),
    /// Several headers of that name. There is no "first wins".
    Repeated,
}

impl<'a> Lookup<'a> {
    /// Notes one more header of the name.
    pub(crate) fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Lookup::Missing => Lookup::One(value),
            Lookup::One(_) | Lookup::Repeated => Lookup::Repeated,
        };
    }
}

impl<T: HeaderView + ?Sized> HeaderView for &T {
    fn each<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        (**self).each(see);
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> HeaderView for [(N, V)] {
    fn each<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.iter().for_each(|(name, value)| see(name.as_ref(), value.as_ref()));
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> HeaderView for alloc::vec::Vec<(N, V)> {
    fn each<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.as_slice().each(see);
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>, const LEN: usize> HeaderView for [(N, V); LEN] {
    fn each<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.as_slice().each(see);
    }
}

#[cfg(feature = "http")]
impl HeaderView for http::HeaderMap {
    fn each<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.iter().for_each(|(name, value)| see(name.as_str(), value.as_bytes()));
    }
}

/// What the core needs to know of a request beside its body.
#[derive(Clone, Copy)]
pub struct RequestView<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// The path and query as they arrived: `/hooks/stripe?tenant=7`. Nothing is decoded.
    pub target: &'a str,
    /// The headers. They are `Sync` so that a [`Check`](crate::Check) may move between threads while
    /// it waits for the body.
    pub headers: &'a (dyn HeaderView + Sync),
}

impl<'a> RequestView<'a> {
    /// A `POST` to `/` with these headers: enough for the schemes that sign no URL.
    #[must_use]
    pub fn post(headers: &'a (dyn HeaderView + Sync)) -> Self {
        RequestView { method: "POST", target: "/", headers }
    }

    /// The query parameter `name`, still percent-encoded.
    pub(crate) fn query(&self, name: &str) -> Option<&'a str> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }
}

impl core::fmt::Debug for RequestView<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RequestView").field("method", &self.method).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_repetition_is_seen() {
        let headers = [("X-One", "1"), ("x-two", "a"), ("X-Two", "b")];
        assert_eq!(headers.lookup("x-one"), Lookup::One(b"1"));
        assert_eq!(headers.lookup("X-TWO"), Lookup::Repeated);
        assert_eq!(headers.lookup("x-three"), Lookup::Missing);
    }

    #[test]
    fn a_query_parameter_is_found_by_its_whole_name() {
        let headers: [(&str, &str); 0] = [];
        let request = RequestView { method: "GET", target: "/x?ab=1&a=2&flag", headers: &headers };
        assert_eq!(request.query("a"), Some("2"));
        assert_eq!(request.query("flag"), Some(""));
        assert_eq!(request.query("b"), None);
    }
}
