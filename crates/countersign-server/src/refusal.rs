//! Why something was not done, for whoever asked.

use std::{borrow::Cow, time::Duration};

use countersign_store::{StoreError, StoreErrorKind};
use serde::Serialize;
use utoipa::ToSchema;

/// Why something was not done. Holds no secret, and no value that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: RefusalKind,
    pub(crate) detail: Cow<'static, str>,
    pub(crate) fields: Vec<FieldError>,
    pub(crate) retry_after: Option<Duration>,
}

/// What is wrong with one field of what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The field, such as `url` or `limits.in_flight`; empty where it is the whole.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) message: String,
}

/// Kinds of refusal. Each has one status, and one name that never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RefusalKind {
    Invalid,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    TooSlow,
    Conflict,
    KeyReused,
    TooLarge,
    UnsupportedMediaType,
    RateLimited,
    Internal,
    Unavailable,
}

impl RefusalKind {
    /// The status, the name, and the title of the kind.
    pub(crate) const fn describe(self) -> (u16, &'static str, &'static str) {
        match self {
            RefusalKind::Invalid => (400, "invalid", "Something in the request is not valid"),
            RefusalKind::Unauthenticated => (401, "unauthenticated", "A valid key is missing"),
            RefusalKind::Forbidden => (403, "forbidden", "This key may not do that"),
            RefusalKind::NotFound => (404, "not-found", "There is no such thing"),
            RefusalKind::MethodNotAllowed => (405, "method-not-allowed", "There is no such method here"),
            RefusalKind::TooSlow => (408, "too-slow", "The body came too slowly"),
            RefusalKind::Conflict => (409, "conflict", "That can't be done as things are now"),
            RefusalKind::KeyReused => {
                (409, "idempotency-key-reused", "The idempotency key was used before, with another message")
            }
            RefusalKind::TooLarge => (413, "too-large", "The body is too large"),
            RefusalKind::UnsupportedMediaType => {
                (415, "unsupported-media-type", "The body is not of the right type")
            }
            RefusalKind::RateLimited => (429, "rate-limited", "Too much was asked for"),
            RefusalKind::Internal => (500, "internal", "The server failed"),
            RefusalKind::Unavailable => (503, "unavailable", "The store can't be reached"),
        }
    }
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Refusal { kind, detail: detail.into(), fields: Vec::new(), retry_after: None }
    }

    pub(crate) fn invalid(fields: Vec<FieldError>) -> Self {
        Refusal { fields, ..Refusal::new(RefusalKind::Invalid, "correct the fields that are named") }
    }

    /// What is wrong with one field.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Refusal::invalid(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }

    /// The whole in one line.
    pub(crate) fn in_words(&self) -> String {
        let fields = self.fields.iter().map(|error| format!("{}: {}", error.field, error.message));
        match self.fields.is_empty() {
            true => self.detail.to_string(),
            false => fields.collect::<Vec<_>>().join("; "),
        }
    }

    /// The answer to an id that doesn't exist, or that is another tenant's: the two look the same.
    pub(crate) fn not_found() -> Self {
        Refusal::new(RefusalKind::NotFound, "nothing of this id is visible to this key")
    }

    /// The same with the field that names what doesn't exist; any other refusal as it is.
    pub(crate) fn named_by(self, field: &str) -> Self {
        match self.kind {
            RefusalKind::NotFound => Refusal { fields: Refusal::field(field, UNSEEN).fields, ..self },
            _ => self,
        }
    }

    pub(crate) fn changed_meanwhile() -> Self {
        Refusal::new(RefusalKind::Conflict, "it was changed meanwhile: look at it again, then change it")
    }

    pub(crate) fn rate_limited(wait: Duration) -> Self {
        let refusal = Refusal::new(RefusalKind::RateLimited, "come back after the time in Retry-After");
        Refusal { retry_after: Some(wait), ..refusal }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        if error.kind() == StoreErrorKind::Changed {
            return Refusal::changed_meanwhile();
        }
        tracing::error!(target: "countersign", error = %error, "the store failed an operator");
        match error.kind() {
            StoreErrorKind::Invalid => Refusal::new(RefusalKind::Internal, "the log says more"),
            _ => Refusal {
                retry_after: Some(Duration::from_secs(1)),
                ..Refusal::new(RefusalKind::Unavailable, "the store can't be reached: try again shortly")
            },
        }
    }
}

const UNSEEN: &str = "there is none of this id";

/// What is wrong with the fields of one request, gathered.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<FieldError>);

impl Faults {
    /// Notes what is wrong with a field.
    pub(crate) fn note<T, E: ToString>(&mut self, field: &str, checked: Result<T, E>) {
        if let Err(error) = checked {
            self.add(field, error.to_string());
        }
    }

    /// Notes what is not valid, and goes on without its value.
    ///
    /// # Errors
    /// A refusal for another reason.
    pub(crate) fn take<T: Default>(&mut self, checked: Result<T, Refusal>) -> Result<T, Refusal> {
        match checked {
            Err(refusal) if refusal.kind == RefusalKind::Invalid => {
                self.0.extend(refusal.fields);
                Ok(T::default())
            }
            checked => checked,
        }
    }

    pub(crate) fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError { field: field.to_owned(), message: message.into() });
    }

    /// # Errors
    /// All that was noted.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Refusal::invalid(self.0)),
        }
    }
}
