//! Forms, as pages show them: the fields, what was typed, and what is wrong with it.

use axum::http::StatusCode;
use countersign::catalog;

use super::fields::Fields;
use crate::refusal::{FieldError, Refusal, RefusalKind};

/// What stands in a form.
pub(super) struct Form {
    pub(super) fields: Fields,
    pub(super) mistakes: Vec<FieldError>,
}

/// A field, as the form shows it.
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) kind: Kind,
    pub(super) value: String,
    /// What is wrong with it; empty, where it is right.
    pub(super) mistake: String,
}

/// How a field is filled in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Line,
    Url,
    Number,
    Lines,
    Box,
    /// A time in UTC.
    Time,
    Scheme,
    /// One of these: each with its value, and in words.
    Choice(&'static [(&'static str, &'static str)]),
    /// A text that is not shown when the form comes back.
    Hidden,
    HiddenLines,
}

impl Form {
    /// A form that nobody has sent.
    pub(super) fn new(fields: Fields) -> Self {
        Form { fields, mistakes: Vec::new() }
    }

    /// A form that comes back.
    ///
    /// # Errors
    /// A refusal that has nothing to do with what was typed.
    pub(super) fn refused(fields: Fields, refusal: Refusal) -> Result<Self, Refusal> {
        match refusal.kind {
            RefusalKind::Invalid => Ok(Form { fields, mistakes: refusal.fields }),
            _ => Err(refusal),
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self.mistakes.is_empty() {
            true => StatusCode::OK,
            false => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// A field, with what was typed into it and what is wrong with that.
    pub(super) fn input(
        &self,
        kind: Kind,
        name: &'static str,
        label: &'static str,
        hint: &'static str,
    ) -> Input {
        let mistakes = self.mistakes.iter().filter(|mistake| mistake.field == name);
        let mistake = mistakes.map(|mistake| mistake.message.as_str()).collect::<Vec<_>>().join("; ");
        let value = match kind {
            Kind::Hidden | Kind::HiddenLines => String::new(),
            _ => self.fields.get(name).to_owned(),
        };
        Input { name, label, hint, kind, value, mistake }
    }
}

/// The names of the schemes that there are.
pub(super) fn schemes() -> impl Iterator<Item = &'static str> {
    catalog::ALL.iter().map(|scheme| &*scheme.name)
}
