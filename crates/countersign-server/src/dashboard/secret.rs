//! The secrets of an endpoint: changed, and shown once.

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use countersign_store::outbox::{Endpoint, EndpointKey, OutboxStore};

use super::{
    fields::{Fields, Posted},
    filters,
    frame::{Frame, Visit},
    page::{Answer, page, page_with},
};
use crate::{
    operator::{
        Operator,
        secrets::{self, Rotation, Secret},
    },
    refusal::{Refusal, RefusalKind},
};

#[derive(Template)]
#[template(path = "secret_form.html")]
struct SecretForm {
    frame: Frame,
    endpoint: Endpoint,
    /// Whether the old secrets can sign beside the new one.
    overlaps: bool,
    mistake: String,
}

impl SecretForm {
    fn new(frame: Frame, endpoint: Endpoint, mistake: String) -> Self {
        SecretForm { frame, overlaps: secrets::has_overlaps(&endpoint), endpoint, mistake }
    }
}

#[derive(Template)]
#[template(path = "secret.html")]
struct SecretPage<'a> {
    frame: Frame,
    endpoint: Endpoint,
    secret: &'a str,
}

/// Asks how the secret is to be changed.
pub(super) async fn form<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    let endpoint = operator.endpoint(&caller, &id).await?;
    page(&SecretForm::new(frame, endpoint, String::new()))
}

/// Changes the secret, and shows the new one once.
pub(super) async fn rotate<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(Visit { frame, caller }): Extension<Visit>,
    Path(id): Path<String>,
    Posted(fields): Posted,
) -> Answer {
    let rotated = match rotation(&fields) {
        Ok(rotation) => operator.rotate_secret(&caller, &id, rotation).await,
        Err(refusal) => Err(refusal),
    };
    match rotated {
        Ok((endpoint, secret)) => shown_once(frame, endpoint, &secret),
        Err(refusal) if matches!(refusal.kind, RefusalKind::Invalid | RefusalKind::Conflict) => {
            let endpoint = operator.endpoint(&caller, &id).await?;
            let again = SecretForm::new(frame, endpoint, refusal.in_words());
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &again)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// The page with a secret that is new. It answers the form itself: were it a page of its own, the secret would have
/// to be kept for it.
pub(super) fn shown_once(frame: Frame, endpoint: Endpoint, secret: &Secret) -> Answer {
    page(&SecretPage { frame, endpoint, secret: secret.expose() })
}

/// How a secret of an endpoint is shown: by its end.
pub(super) fn hint(key: &EndpointKey) -> &str {
    secrets::hint(key).unwrap_or("…")
}

fn rotation(fields: &Fields) -> Result<Rotation, Refusal> {
    let seconds = fields.get("overlap_seconds").parse();
    let wrong = |_| Refusal::field("overlap_seconds", "is not a whole number");
    Ok(Rotation { secret: fields.given("secret"), overlap_seconds: Some(seconds.map_err(wrong)?) })
}
