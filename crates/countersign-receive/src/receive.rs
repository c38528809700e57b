//! The way of a request, from its headers to the proof or the refusal.

use bytes::Bytes;
use countersign::{Error, ErrorKind, Greeting, Outcome, RequestView, Verifier};
use http::request::Parts;
use http_body::Body;
use tracing::Span;

use crate::{
    body::{Frames, declared_length},
    hooks::BoxError,
    layer::Settings,
};

impl Settings {
    /// Reads and verifies a request. Nothing of the body is read before the headers are found good.
    pub(crate) async fn receive<B>(
        &self,
        parts: &Parts,
        body: B,
        now: i64,
        span: &Span,
    ) -> Result<Outcome<'static, Bytes>, Error>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        let declared = declared_length(&parts.headers, &body);
        self.limits.check(declared)?;
        let verifier = self.verifier_for(parts, span).await?;
        let request = self.view(parts);
        let mut check = verifier.begin_with(&request, Frames::new(self.limits.bytes), now)?;
        self.limits.read(body, declared, |frame| check.update(frame)).await?;
        match check.outcome()? {
            Outcome::Event(verified) => Ok(Outcome::Event(verified.into_owned())),
            Outcome::Handshake(greeting) => self.enrolled(parts, greeting).await.map(Outcome::Handshake),
        }
    }

    async fn verifier_for(&self, parts: &Parts, span: &Span) -> Result<Verifier, Error> {
        let Some(keys) = &self.keys else { return Ok(self.verifier.clone()) };
        let keys = keys.call(parts).await?;
        span.record("tenant", keys.tenant());
        self.verifier.with_keys(keys)
    }

    fn view<'a>(&self, parts: &'a Parts) -> RequestView<'a> {
        let uri = (self.original_uri)(parts);
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        RequestView { method: parts.method.as_str(), target, headers: &parts.headers }
    }

    /// The greeting once its secret, where it has one, is stored.
    async fn enrolled(&self, parts: &Parts, mut greeting: Greeting) -> Result<Greeting, Error> {
        let Some(secret) = greeting.secret.take() else { return Ok(greeting) };
        let Some(enrol) = &self.enrol else {
            return Err(Error::new(ErrorKind::Misconfigured).at("on_enrolment"));
        };
        enrol.call(parts, secret).await?;
        Ok(greeting)
    }
}
