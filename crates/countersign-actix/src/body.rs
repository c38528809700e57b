//! Headers and bodies as the receiver sees them.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    dev::Payload,
    error::PayloadError,
    http::header::{CONTENT_LENGTH, HeaderMap},
};
use bytes::Bytes;
use countersign::{ErrorKind, HeaderView};
use countersign_receive::BodySource;
use futures_core::Stream;

/// actix-web's headers, which are of another version of `http` than the rest.
pub(crate) struct Headers<'r>(pub(crate) &'r HeaderMap);

impl HeaderView for Headers<'_> {
    fn each<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.0.iter().for_each(|(name, value)| see(name.as_str(), value.as_bytes()));
    }
}

impl Headers<'_> {
    /// How many bytes the request says that its body has, at least.
    pub(crate) fn declared_length(&self) -> u64 {
        let header = self.0.get(CONTENT_LENGTH);
        header.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0)
    }
}

/// The payload as it arrives: neither inflated nor limited by actix-web.
pub(crate) struct Pieces<'p>(pub(crate) &'p mut Payload);

impl BodySource for Pieces<'_> {
    fn poll_piece(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ErrorKind>>> {
        Pin::new(&mut *self.0).poll_next(cx).map_err(kind_of)
    }
}

/// Why a body broke off: a limit that stands before this middleware, or the connection.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn kind_of(error: PayloadError) -> ErrorKind {
    match error {
        PayloadError::Overflow => ErrorKind::BodyTooLarge,
        _ => ErrorKind::BodyIncomplete,
    }
}
