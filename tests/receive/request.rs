//! Signed requests, as bytes.

use countersign::{Keyring, Message, Scheme, Signer, catalog};

/// When requests are signed and verified, where a case says nothing else.
pub(crate) const NOW: i64 = 1_764_000_000;
pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub(crate) const BODY: &[u8] = br#"{"type":"invoice.paid","data":{"amount":42}}"#;

/// The head of an HTTP/1.1 request, to be written in any way.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    /// A `POST` with these headers, the last on its connection.
    pub(crate) fn new(headers: impl IntoIterator<Item = (String, String)>) -> Request {
        let own = [("Host", "localhost"), ("Connection", "close")];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = own.into_iter().chain(headers).map(|(name, value)| (name, value.into_bytes()));
        Request { method: "POST".to_owned(), target: "/".to_owned(), headers: headers.collect() }
    }

    /// A delivery of the event `msg_1`.
    pub(crate) fn signed(body: &[u8]) -> Request {
        Request::signed_at(body, NOW)
    }

    pub(crate) fn signed_at(body: &[u8], now: i64) -> Request {
        Request::of(&Message::new("msg_1", body), now)
    }

    /// A delivery of the event `id`.
    pub(crate) fn event(id: &str, body: &[u8]) -> Request {
        Request::of(&Message::new(id, body), NOW)
    }

    fn of(message: &Message<'_>, now: i64) -> Request {
        Request::new(sign(&catalog::STANDARD_WEBHOOKS, SECRET, message, now))
    }

    pub(crate) fn method(mut self, method: &str) -> Request {
        method.clone_into(&mut self.method);
        self
    }

    pub(crate) fn to(mut self, target: &str) -> Request {
        target.clone_into(&mut self.target);
        self
    }

    /// With one more header, behind the others.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Request {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// With one more header, before the others.
    pub(crate) fn before(mut self, name: &str, value: impl AsRef<[u8]>) -> Request {
        self.headers.insert(0, (name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Request {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn set(self, name: &str, value: impl AsRef<[u8]>) -> Request {
        self.without(name).with(name, value)
    }

    /// Not the last on its connection.
    pub(crate) fn keep_alive(self) -> Request {
        self.without("Connection")
    }

    pub(crate) fn header(&self, name: &str) -> Vec<u8> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| panic!("no {name}")).1.clone()
    }

    /// The head, with the lines that say how the body is framed, and the blank line.
    pub(crate) fn head(&self, framing: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            head.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        head.extend_from_slice(framing.as_bytes());
        head.extend_from_slice(b"\r\n");
        head
    }

    /// The request with its length and its body.
    pub(crate) fn whole(&self, body: &[u8]) -> Vec<u8> {
        self.announcing(body.len(), body)
    }

    /// The request with any length, and a body.
    pub(crate) fn announcing(&self, length: usize, body: &[u8]) -> Vec<u8> {
        [self.head(&format!("Content-Length: {length}\r\n")), body.to_vec()].concat()
    }

    /// The request with its body in chunks of `size` bytes.
    pub(crate) fn in_chunks(&self, body: &[u8], size: usize) -> Vec<u8> {
        [self.head(CHUNKED), chunks(body, size), b"0\r\n\r\n".to_vec()].concat()
    }

    /// The request with its body in one chunk, and lines behind it.
    pub(crate) fn with_trailers(&self, body: &[u8], trailers: &str) -> Vec<u8> {
        [self.head(CHUNKED), chunks(body, body.len()), format!("0\r\n{trailers}\r\n").into_bytes()].concat()
    }
}

pub(crate) const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// A body in chunks of `size` bytes, without the last one.
pub(crate) fn chunks(body: &[u8], size: usize) -> Vec<u8> {
    let chunk = |piece: &[u8]| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
    body.chunks(size).flat_map(chunk).collect()
}

/// The headers of a message under any scheme.
pub(crate) fn sign(scheme: &Scheme, secret: &str, message: &Message<'_>, now: i64) -> Vec<(String, String)> {
    let keys = Keyring::new(scheme, [secret]).unwrap();
    Signer::new(scheme, keys).unwrap().sign(message, now).unwrap().headers
}
