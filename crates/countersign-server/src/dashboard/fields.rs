//! What a form of the dashboard says, in its body or in a query.

use std::convert::Infallible;

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{header, request::Parts},
};
use countersign_store::outbox::OutboxStore;
use jiff::civil::DateTime;
use url::form_urlencoded;

use super::page::Failed;
use crate::{
    input,
    operator::Operator,
    refusal::{Refusal, RefusalKind},
    time::Time,
};

/// The fields of a form: keys and secrets among them, so they have no `Debug`.
#[derive(Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

/// The fields in a request's body.
pub(super) struct Posted(pub(super) Fields);

/// The fields in a request's query.
pub(super) struct Asked(pub(super) Fields);

impl Fields {
    pub(super) fn read(text: &[u8]) -> Self {
        Fields(form_urlencoded::parse(text).into_owned().collect())
    }

    /// What a field says, without white space around it; nothing, where it isn't there.
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// What a field says, where it says something.
    pub(super) fn given(&self, name: &str) -> Option<String> {
        Some(self.get(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Whether a box is checked.
    pub(super) fn is_set(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// The lines of a field, but for those that are empty.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.get(name).lines().map(str::trim);
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// The time in UTC that a field says.
    ///
    /// # Errors
    /// A text that is none.
    pub(super) fn time(&self, name: &str) -> Result<Option<Time>, Refusal> {
        let Some(text) = self.given(name) else { return Ok(None) };
        let wrong = |_| Refusal::field(name, "is not a time such as 2026-11-21T08:00");
        text.parse().map(|time: DateTime| Some(Time::in_utc(time))).map_err(wrong)
    }

    /// How many a field says, where it says that.
    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.get(name).parse().ok()
    }

    /// The fields as a query, but for those that are empty.
    pub(super) fn query(&self) -> String {
        let pairs = self.0.iter().filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    /// The fields with another value of one of them.
    pub(super) fn with(&self, name: &str, value: impl ToString) -> Self {
        let mut others: Vec<_> = self.0.iter().filter(|(known, _)| known != name).cloned().collect();
        others.push((name.to_owned(), value.to_string()));
        Fields(others)
    }

    /// The fields with so many more in one of them.
    pub(super) fn adding(&self, name: &str, more: u64) -> Self {
        self.with(name, self.count(name).unwrap_or(0).saturating_add(more))
    }
}

impl FromIterator<(&'static str, String)> for Fields {
    fn from_iter<I: IntoIterator<Item = (&'static str, String)>>(pairs: I) -> Self {
        Fields(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

impl<S: OutboxStore> FromRequest<Operator<S>> for Posted {
    type Rejection = Failed;

    async fn from_request(request: Request, operator: &Operator<S>) -> Result<Self, Failed> {
        if !is_form(&request) {
            let what = "send the form of a page";
            return Err(Refusal::new(RefusalKind::UnsupportedMediaType, what).into());
        }
        Ok(Posted(Fields::read(&input::read(request.into_body(), operator).await?)))
    }
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Asked(Fields::read(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

fn is_form(request: &Request) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_empty_are_passed_over() {
        let fields = Fields::read(b"events=invoice.*%0D%0A%0D%0Aa,+b+%0A&name=+x+&events=later");
        assert_eq!(fields.lines("events"), ["invoice.*", "a, b"]);
        assert_eq!((fields.get("name"), fields.given("none"), fields.is_set("name")), ("x", None, true));
    }

    #[test]
    fn a_time_is_read_as_browsers_write_it() {
        let time = |text: &str| Fields::from_iter([("from", text.to_owned())]).time("from");
        assert_eq!(time("1970-01-01T00:01"), Ok(Some(Time(60_000_000))));
        assert_eq!(time("9999-12-31T23:59"), Ok(Some(Time(253_402_300_740_000_000))));
        assert_eq!(time(""), Ok(None));
        assert!(time("yesterday").is_err() && time("9999-99-99T00:00").is_err());
    }
}
