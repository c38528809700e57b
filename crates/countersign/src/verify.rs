//! Verifying: from a request to the proof that it is authentic.
//!
//! The path is short. `Head::read` reads the headers, chooses the candidate signatures and checks
//! the time; each key that could have made one of them is fed the signed bytes in order; and one
//! comparison a candidate, in constant time, decides. [`Verified`] has no other constructor.
//!
//! ```
//! use countersign::{Keyring, RequestView, Verifier, catalog};
//!
//! let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])?;
//! let verifier = Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys).build()?;
//!
//! let headers = [
//!     ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
//!     ("webhook-timestamp", "1614265330"),
//!     ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
//! ];
//! let now = 1_614_265_340; // Unix seconds
//! let verified = verifier.verify(&RequestView::post(&headers), br#"{"test": 2432232314}"#, now)?;
//! assert_eq!(verified.event_id()?.as_deref(), Some("msg_p5jXN8AQM9LWM0D4loKWxJek"));
//!
//! let refused = verifier.verify(&RequestView::post(&headers), br#"{"test": 2432232315}"#, now).unwrap_err();
//! assert_eq!(refused.kind(), countersign::ErrorKind::NoMatchingSignature);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::{borrow::Cow, sync::Arc};

pub use self::{
    builder::{ConfigError, VerifierBuilder},
    check::{BodyBuffer, Check, Discard},
};
use self::{head::Head, run::Maker};
use crate::{
    Error, ErrorKind, Keyring, RequestView, Verified, form,
    handshake::{Greeting, Outcome},
    scheme::Scheme,
    tolerance::Tolerance,
    verified::{Evidence, Headers},
};

mod builder;
mod check;
mod head;
mod plan;
mod run;
pub(crate) mod signatures;

/// Verifies requests by one scheme. Cheap to clone; made once, by [`Verifier::builder`].
#[derive(Clone, Debug)]
pub struct Verifier {
    pub(crate) rules: Arc<Rules>,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) endpoint: Option<Arc<str>>,
}

/// Everything about verifying that is not a key.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The scheme, once for each of its header families.
    pub(crate) families: alloc::vec::Vec<plan::Plan>,
    pub(crate) tolerance: Tolerance,
    pub(crate) url: alloc::string::String,
    /// How the URL may be written in what is signed, too.
    pub(crate) other_url: Option<alloc::string::String>,
    pub(crate) settings: builder::Settings,
    pub(crate) limits: builder::Limits,
    pub(crate) strict_json: bool,
    pub(crate) trust_unsigned_ids: bool,
    pub(crate) enrolling: bool,
}

impl Verifier {
    /// Begins a verifier for `scheme`.
    pub fn builder(scheme: Scheme) -> VerifierBuilder {
        VerifierBuilder::new(scheme)
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.rules.families[0].scheme
    }

    /// For how many seconds one request can be accepted, from the earliest moment to the latest: who
    /// remembers events for less can be sent a copy of a forgotten one. `None` where a copy of any age
    /// is accepted, because the scheme signs no time or nobody limits its age.
    ///
    /// Where nobody limits how far ahead a time may be, as far ahead as behind is counted. A clock that is further
    /// ahead signs what is accepted for longer: until its [time](crate::Verified::timestamp) is past and too old.
    #[must_use]
    pub fn replay_window(&self) -> Option<u64> {
        let rules = self.rules.families.iter().map(|plan| plan.scheme.timestamp.as_ref());
        let windows = rules.map(|rule| self.rules.tolerance.window(rule?));
        windows.collect::<Option<alloc::vec::Vec<u64>>>()?.into_iter().max()
    }

    /// The tenant that its keys belong to.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.keys.tenant()
    }

    /// The same verifier with other keys: for keys that are chosen by request.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] where the keys were read for another scheme.
    pub fn with_keys(&self, keys: Arc<Keyring>) -> Result<Verifier, Error> {
        if !keys.belongs_to(self.scheme()) {
            let other =
                alloc::format!("keys of scheme {}, and a verifier of {}", keys.scheme, self.scheme().name);
            return Err(Error::new(ErrorKind::Misconfigured).because(other));
        }
        Ok(Verifier { keys, ..self.clone() })
    }

    /// The same verifier for one of several endpoints, by its name: the
    /// [keys](crate::Verified::idempotency_key) of what it verifies are of this endpoint alone.
    #[must_use]
    pub fn at_endpoint(self, name: impl Into<Arc<str>>) -> Verifier {
        Verifier { endpoint: Some(name.into()), ..self }
    }

    /// The name of the endpoint, where it has been given one.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Verifies a request whose body is at hand. `now` is Unix seconds. Handshakes are not answered:
    /// a signed one is verified like any request, an unsigned one is refused; see
    /// [`receive`](Verifier::receive).
    ///
    /// # Errors
    /// Why the request isn't authentic, or not acceptable; see [`ErrorKind`].
    pub fn verify<'a>(
        &'a self,
        request: &RequestView<'a>,
        body: &'a [u8],
        now: i64,
    ) -> Result<Verified<'a, &'a [u8]>, Error> {
        let mut head = Head::read(self, request, now)?;
        let key = self.find_key(&head, body, now)?;
        head.read_time_in_body(self, body, now)?;
        Ok(conclude(Cow::Borrowed(self), request, head, key, body))
    }

    /// Verifies a request whose body is at hand, or answers it where it is a handshake of the scheme.
    ///
    /// # Errors
    /// As [`verify`](Verifier::verify); and [`ErrorKind::HandshakeRefused`].
    pub fn receive<'a>(
        &'a self,
        request: &RequestView<'a>,
        body: &'a [u8],
        now: i64,
    ) -> Result<Outcome<'a, &'a [u8]>, Error> {
        if let Some(greeting) = Greeting::unsigned(self, request, body)? {
            return Ok(Outcome::Handshake(greeting));
        }
        let verified = self.verify(request, body, now)?;
        let greeting = Greeting::signed(self, request, body, verified.key())?;
        Ok(greeting.map_or(Outcome::Event(verified), Outcome::Handshake))
    }

    /// Begins to verify a request whose body arrives in pieces, without keeping the pieces.
    ///
    /// # Errors
    /// As [`verify`](Verifier::verify), for everything that the headers alone show; and
    /// [`ErrorKind::Misconfigured`] where the scheme reads the body, so that it must be kept.
    pub fn begin<'a>(&self, request: &RequestView<'a>, now: i64) -> Result<Check<'a, Discard>, Error> {
        if self.scheme().reads_body() {
            return Err(check::not_kept());
        }
        self.begin_with(request, Discard, now)
    }

    /// Begins to verify a request whose body arrives in pieces, which `buffer` keeps.
    ///
    /// # Errors
    /// As [`verify`](Verifier::verify), for everything that the headers alone show.
    pub fn begin_with<'a, B: BodyBuffer>(
        &self,
        request: &RequestView<'a>,
        buffer: B,
        now: i64,
    ) -> Result<Check<'a, B>, Error> {
        Check::begin(self.clone(), *request, buffer, now)
    }

    /// The first valid key that made one of the request's signatures; `None` where none is needed.
    fn find_key(&self, head: &Head<'_>, body: &[u8], now: i64) -> Result<Option<usize>, Error> {
        let rules = &self.rules;
        let fields;
        let body = match rules.families[head.family].signs_form {
            true => {
                form::check_count(body, rules.limits.form_fields)?;
                fields = form::sorted_fields(body);
                &fields
            }
            false => body,
        };
        let (mut tried, mut found) = (false, None);
        let mut look = |url: &str| {
            Maker::each(self, head, now, |maker| {
                tried = true;
                if found.is_none() {
                    found = maker.find_key(self, head, url, body);
                }
            });
        };
        look(&rules.url);
        rules.other_url.iter().for_each(|url| look(url));
        self.judge(found, tried)
    }

    /// The key that was found. Only an unsigned scheme may have none. `tried` is whether any key
    /// could have been it.
    fn judge(&self, found: Option<usize>, tried: bool) -> Result<Option<usize>, Error> {
        match found {
            None if self.scheme().is_unsigned() => Ok(None),
            None if tried => Err(Error::new(ErrorKind::NoMatchingSignature)),
            None if self.keys.entries.is_empty() => Err(Error::new(ErrorKind::Misconfigured).because(
                "keys are chosen by request, and none were: a receiver chooses them by `resolve_keys`, and else \
                 `Verifier::with_keys` does",
            )),
            None => Err(Error::new(ErrorKind::NoUsableKey)),
            found => Ok(found),
        }
    }

    pub(crate) fn scheme_of(&self, family: usize) -> &Scheme {
        &self.rules.families[family].scheme
    }
}

/// Puts the proof together, once a key has been found and, where the time stands in the body, the
/// time has been checked.
fn conclude<'a, B>(
    verifier: Cow<'a, Verifier>,
    request: &RequestView<'a>,
    head: Head<'a>,
    key: Option<usize>,
    body: B,
) -> Verified<'a, B> {
    let (family, timestamp) = (head.family, head.timestamp);
    let headers = Headers::Request { headers: request.headers, signatures: head.signatures };
    let target = Cow::Borrowed(request.target);
    Verified::new(Evidence { verifier, family, key, timestamp, headers, target }, body)
}
