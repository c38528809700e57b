//! The form that makes an API key, which is shown once.

use askama::Template;
use axum::{Extension, extract::State};
use countersign_store::{api_keys::StoredKey, outbox::OutboxStore};

use super::{
    fields::{Fields, Posted},
    filters,
    form::{Form, Input, Kind},
    frame::{Frame, Visit},
    page::{Answer, page, page_with, see},
    words,
};
use crate::{
    operator::{
        Operator,
        api_keys::{KeyDraft, ScopeName},
    },
    refusal::{Refusal, RefusalKind},
};

#[derive(Template)]
#[template(path = "api_key_form.html")]
struct FormPage {
    frame: Frame,
    form: Form,
}

impl FormPage {
    fn inputs(&self) -> impl Iterator<Item = Input> {
        ASKED.iter().map(|(kind, name, label, hint)| self.form.input(*kind, name, label, hint))
    }
}

#[derive(Template)]
#[template(path = "api_key.html")]
struct KeyPage<'a> {
    frame: Frame,
    key: StoredKey,
    text: &'a str,
}

/// Shows an empty form.
pub(super) async fn blank<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, .. }): Extension<Visit>,
) -> Answer {
    match operator.has_stored_keys() {
        true => show(frame, Form::new(Fields::default())),
        false => Ok(see(frame.at("/keys"))),
    }
}

/// Makes a key, and shows it once. The page answers the form itself: were it a page of its own, the key would have to
/// be kept for it.
pub(super) async fn create<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Posted(fields): Posted,
) -> Answer {
    let created = match draft(&fields) {
        Ok(draft) => operator.create_api_key(&caller, draft).await,
        Err(refusal) => Err(refusal),
    };
    match created {
        Ok((key, text)) => page(&KeyPage { frame, key, text: text.expose() }),
        Err(taken) if taken.kind == RefusalKind::Conflict => {
            show(frame, Form::refused(fields, Refusal::field("label", taken.detail))?)
        }
        Err(refusal) => show(frame, Form::refused(fields, refusal)?),
    }
}

fn show(frame: Frame, form: Form) -> Answer {
    page_with(form.status(), &FormPage { frame, form })
}

/// The new key that a form describes.
fn draft(fields: &Fields) -> Result<KeyDraft, Refusal> {
    Ok(KeyDraft {
        label: fields.get("label").to_owned(),
        scope: scope(fields.get("scope"))?,
        tenant: fields.given("tenant"),
        expires_at: fields.time("expires_at")?,
    })
}

fn scope(name: &str) -> Result<ScopeName, Refusal> {
    match name {
        "admin" => Ok(ScopeName::Admin),
        "app" => Ok(ScopeName::App),
        "read" => Ok(ScopeName::Read),
        _ => Err(Refusal::field("scope", "is none of those that there are")),
    }
}

/// What is asked: kind, name, label and hint.
const ASKED: [(Kind, &str, &str, &str); 4] = [
    (
        Kind::Line,
        "label",
        "Label",
        "Who or what has the key. The log calls it so; no other key has the same.",
    ),
    (
        Kind::Choice(&words::SCOPES),
        "scope",
        "Its holder may do",
        "Whoever may do everything can sign in here too.",
    ),
    (
        Kind::Line,
        "tenant",
        "Tenant",
        "Whose endpoints and messages the holder sees: all, where it is empty. One tenant's key needs it; for one \
         that may do everything leave it empty.",
    ),
    (Kind::Time, "expires_at", "Expires (UTC)", "From then on it lets nobody in; never, where it is empty."),
];
