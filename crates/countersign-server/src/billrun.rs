//! BillRun's API of webhooks, on the same endpoints.
//!
//! `/plugins/webhooks/{create,read,update,delete}`, each with or without the webhook's id behind it. Parameters stand
//! in the query or in a form; the answer is `{"status": 1, …}`, or `{"status": 0, "message": …}` for what was not
//! done.

use axum::{
    Extension, Json, Router,
    extract::{FromRequest, OriginalUri, Path, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use countersign_store::outbox::OutboxStore;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    Caller,
    api::{authenticate, foreign},
    carried, input,
    late::in_time,
    operator::{Operator, webhooks::WebhookDraft},
    origin::{Site, only_reads},
    refusal::{Refusal, RefusalKind},
    router::{no_method, no_route},
};

pub(crate) fn router<S: OutboxStore>(operator: Operator<S>) -> Router {
    let guard = middleware::from_fn_with_state(operator.clone(), authenticate);
    let changes = Router::new()
        .route("/create", get(create).post(create))
        .route("/create/{id}", get(create).post(create))
        .route("/update", get(update).post(update))
        .route("/update/{id}", get(update).post(update))
        .route("/delete", get(delete).post(delete))
        .route("/delete/{id}", get(delete).post(delete))
        .route_layer(middleware::from_fn(carried::through))
        .route_layer(guard.clone())
        .route_layer(middleware::from_fn(own));
    let reads = Router::new().route("/read", get(read).post(read)).route("/read/{id}", get(read).post(read));
    changes
        .merge(reads.route_layer(guard))
        .route_layer(middleware::from_fn_with_state(operator.clone(), in_time::<S, Failed>))
        .with_state(operator)
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
}

/// Refuses a `GET` for whom the application has let in, unless a page of ours asks: here it changes something, and a
/// browser can be made to send one that doesn't say whose page asks.
async fn own(
    trusted: Option<Extension<Caller>>,
    original: OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let may_be_foreign = trusted.is_some()
        && only_reads(request.method())
        && Site::of(&original, request.headers()) != Site::Own;
    match may_be_foreign {
        true => foreign().into_response(),
        false => next.run(request).await,
    }
}

async fn create<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Parameters(draft): Parameters,
) -> Result<Json<Value>, Failed> {
    let webhook = operator.create_webhook(&caller, draft).await?;
    Ok(Json(json!({ "status": 1, "webhook": webhook })))
}

async fn read<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Parameters(draft): Parameters,
) -> Result<Json<Value>, Failed> {
    let webhook = operator.webhook(&caller, &id_of(&draft)?).await?;
    Ok(Json(json!({ "status": 1, "webhook": webhook })))
}

async fn update<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Parameters(draft): Parameters,
) -> Result<Json<Value>, Failed> {
    let webhook = operator.change_webhook(&caller, &id_of(&draft)?, draft).await?;
    Ok(Json(json!({ "status": 1, "webhook": webhook })))
}

async fn delete<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    Extension(caller): Extension<Caller>,
    Parameters(draft): Parameters,
) -> Result<Json<Value>, Failed> {
    let id = id_of(&draft)?;
    operator.delete_webhook(&caller, &id).await?;
    Ok(Json(json!({ "status": 1, "webhook_id": id })))
}

fn id_of(draft: &WebhookDraft) -> Result<String, Refusal> {
    draft.id.clone().ok_or_else(|| Refusal::field("webhook_id", "is missing"))
}

/// The parameters of a request: of its path, its query, and its form.
struct Parameters(WebhookDraft);

impl<S: OutboxStore> FromRequest<Operator<S>> for Parameters {
    type Rejection = Failed;

    async fn from_request(mut request: Request, operator: &Operator<S>) -> Result<Self, Failed> {
        let path: Option<Path<String>> = axum::RequestExt::extract_parts(&mut request).await.ok();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let form = input::read(request.into_body(), operator).await?;
        let mut draft = WebhookDraft { id: path.map(|Path(id)| id), ..WebhookDraft::default() };
        for (name, value) in [query.as_bytes(), &form].into_iter().flat_map(form_urlencoded::parse) {
            put(&mut draft, &name, value.into_owned())?;
        }
        Ok(Parameters(draft))
    }
}

/// Notes a parameter. Others than BillRun's are passed over, and one that has two values is refused.
fn put(draft: &mut WebhookDraft, name: &str, value: String) -> Result<(), Refusal> {
    let field = match name {
        "webhook_id" => &mut draft.id,
        "webhook_module" => &mut draft.module,
        "webhook_action" => &mut draft.action,
        "webhook_url" => &mut draft.url,
        _ => return Ok(()),
    };
    if field.as_ref().is_some_and(|known| *known != value) {
        return Err(Refusal::field(name, "stands twice, with two values"));
    }
    *field = Some(value);
    Ok(())
}

/// What was not done, as BillRun says it: with status 200 where it is the caller's to correct.
struct Failed(Refusal);

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Failed(refusal)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        match self.0.kind {
            RefusalKind::Invalid | RefusalKind::NotFound | RefusalKind::Conflict => {
                Json(json!({ "status": 0, "message": self.0.in_words() })).into_response()
            }
            _ => self.0.into_response(),
        }
    }
}
