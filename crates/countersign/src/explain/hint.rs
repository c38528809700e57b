//! What a request shows by itself, where nothing that was tried makes it valid.

use alloc::vec::Vec;
use core::fmt::{self, Display};

use super::{
    Case,
    senders::{is_signed_by, senders},
    trial::Trial,
};
use crate::{ErrorKind, Lookup, RequestView, scheme::Text};

/// What can be seen and not be tried. `Display` says in sentences what it is and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// The scheme's signature header is missing, and the headers of these schemes of the catalogue are there.
    HeadersOf(Vec<Text>),
    /// The body is empty.
    EmptyBody,
    /// The body is compressed by gzip.
    Compressed,
    /// The body is no longer compressed, as its header says.
    Decompressed,
}

/// What a request shows by itself that is refused: no proof that this is why.
#[must_use]
pub fn hints(case: &Case<'_>) -> Vec<Hint> {
    let headers = case.request.headers;
    match Trial::new(case).refusal() {
        Some(ErrorKind::MissingHeader) if !is_signed_by(case.scheme, headers) => {
            let others: Vec<Text> =
                senders(headers).into_iter().filter(|name| *name != case.scheme.name).collect();
            (!others.is_empty()).then_some(Hint::HeadersOf(others)).into_iter().collect()
        }
        Some(ErrorKind::NoMatchingSignature) if case.scheme.covers_body() => {
            of_body(&case.request, case.body).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn of_body(request: &RequestView<'_>, body: &[u8]) -> Option<Hint> {
    let says_gzip = matches!(
        request.headers.lookup("content-encoding"),
        Lookup::One(coding) if coding.eq_ignore_ascii_case(b"gzip")
    );
    match (body.is_empty(), body.starts_with(GZIP)) {
        (true, _) => Some(Hint::EmptyBody),
        (false, true) => Some(Hint::Compressed),
        (false, false) => says_gzip.then_some(Hint::Decompressed),
    }
}

/// What gzip begins with (RFC 1952 §2.3.1).
const GZIP: &[u8] = b"\x1f\x8b";

impl Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Hint::HeadersOf(names) => {
                return write!(
                    f,
                    "The request has the headers of: {}. Verify it by its sender's scheme, or look why it came to this \
                     endpoint.",
                    names.join(", ")
                );
            }
            Hint::EmptyBody => {
                "The body is empty: was it read before it was kept? Verify the bytes as they arrive, before anything \
                 reads them."
            }
            Hint::Compressed => {
                "The body is compressed by gzip: where something on the way did that, verify the bytes as they were \
                 before; where the sender did, it may sign what it compresses: verify that."
            }
            Hint::Decompressed => {
                "The header Content-Encoding says gzip, and the body isn't compressed any more: where the sender signs \
                 what it sends, verify the bytes as they arrived, before anything decompresses them."
            }
        };
        f.write_str(text)
    }
}
