//! A request with what it is judged by, each of which can be changed.

use alloc::{
    borrow::{Cow, ToOwned},
    string::String,
    vec::Vec,
};

use zeroize::Zeroizing;

use super::{Case, Change};
use crate::{ErrorKind, Keyring, RequestView, Scheme, Tolerance, Verifier, headers::HeaderView};

#[derive(Clone)]
pub(crate) struct Trial<'a> {
    pub(super) scheme: Cow<'a, Scheme>,
    pub(super) secrets: Vec<Zeroizing<String>>,
    pub(super) body: Cow<'a, [u8]>,
    pub(super) target: Cow<'a, str>,
    pub(super) url: Option<Cow<'a, str>>,
    pub(super) method: &'a str,
    pub(super) headers: &'a (dyn HeaderView + Sync),
}

impl<'a> Trial<'a> {
    pub(crate) fn new(case: &Case<'a>) -> Self {
        Trial {
            scheme: Cow::Borrowed(case.scheme),
            secrets: case.secrets.iter().map(|text| Zeroizing::new((*text).to_owned())).collect(),
            body: Cow::Borrowed(case.body),
            target: Cow::Borrowed(case.request.target),
            url: case.url.map(Cow::Borrowed),
            method: case.request.method,
            headers: case.request.headers,
        }
    }

    /// Whether a receiver with this clock would accept it.
    pub(super) fn is_valid(&self, now: i64, tolerance: Tolerance) -> bool {
        self.verify(now, tolerance) == Some(None)
    }

    /// Whether it would be accepted at some time.
    pub(crate) fn is_authentic(&self) -> bool {
        self.is_valid(EPOCH, Tolerance::UNCHECKED)
    }

    /// Why it would be refused at any time, where it can be judged.
    pub(super) fn refusal(&self) -> Option<ErrorKind> {
        self.verify(EPOCH, Tolerance::UNCHECKED)?.map(|(kind, _)| kind)
    }

    /// What is to be said of the clock, where the time alone is wrong.
    pub(super) fn clock(&self, now: i64) -> Option<Change> {
        match self.verify(now, Tolerance::default())?? {
            (ErrorKind::TimestampTooOld | ErrorKind::TimestampTooNew, Some(age_seconds)) => {
                Some(Change::Clock { age_seconds })
            }
            _ => None,
        }
    }

    /// `Some(None)` where it is accepted, and else why it isn't, with its age; `None` where nothing can be judged by
    /// such a scheme or such secrets.
    fn verify(&self, now: i64, tolerance: Tolerance) -> Option<Option<(ErrorKind, Option<i64>)>> {
        let secrets = self.secrets.iter().map(|secret| secret.as_str());
        let keys = Keyring::new(&self.scheme, secrets).ok()?;
        let builder = Verifier::builder(self.scheme.clone().into_owned()).keys(keys).tolerance(tolerance);
        let builder = match &self.url {
            Some(url) => builder.public_url(&**url),
            None => builder,
        };
        let verifier = builder.build().ok()?;
        let request = RequestView { method: self.method, target: &self.target, headers: self.headers };
        let refused = verifier.verify(&request, &self.body, now).err();
        Some(refused.map(|error| (error.kind(), error.age_seconds())))
    }
}

/// A clock that is not looked at.
const EPOCH: i64 = 0;
