//! The verified body.

use std::ops::Deref;

use axum::{
    extract::FromRequestParts,
    http::{Extensions, request::Parts},
};
use bytes::Bytes;

use crate::{MissingLayer, Verified};

/// Extractor of the verified body, and of everything that is known about it.
///
/// It is a [`Verified`]: event, id, type, time, label of the key, tenant and idempotency key are its
/// methods.
///
/// ```
/// use countersign_axum::VerifiedBody;
///
/// async fn handler(verified: VerifiedBody) -> String {
///     let key = verified.idempotency_key();
///     format!("{} bytes of event {}", verified.bytes().len(), key.as_str())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct VerifiedBody(Verified);

impl VerifiedBody {
    /// The body, byte for byte as it arrived.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        self.0.body_ref()
    }

    /// The proof itself.
    #[must_use]
    pub fn into_verified(self) -> Verified {
        self.0
    }
}

impl Deref for VerifiedBody {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for VerifiedBody {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, MissingLayer> {
        verified_in(&parts.extensions).cloned().map(VerifiedBody)
    }
}

/// What the layer has put into the request's extensions, and nobody else can have.
pub(crate) fn verified_in(extensions: &Extensions) -> Result<&Verified, MissingLayer> {
    extensions.get().ok_or_else(MissingLayer::logged)
}
