//! The REST API, and its description.

use axum::{
    Json, Router,
    extract::{OriginalUri, Request, State},
    http::{HeaderMap, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use countersign_store::outbox::OutboxStore;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Server,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Caller, carried,
    late::in_time,
    operator::Operator,
    origin::{Site, only_reads},
    problem::Problem,
    refusal::{Refusal, RefusalKind},
    router::{no_method, no_route},
};

mod api_keys;
mod cancellations;
mod deliveries;
mod endpoints;
mod event_types;
mod messages;
mod paging;
mod refused;
mod replays;
mod stats;
mod tenants;
pub(crate) mod viewer;

/// The API, below `/api/v1`.
pub(crate) fn router<S: OutboxStore>(operator: Operator<S>) -> Router {
    let (api, document) = routes().split_for_parts();
    let guard = middleware::from_fn_with_state(operator.clone(), authenticate);
    api.route_layer(middleware::from_fn(carried::change))
        .route_layer(guard)
        .route_layer(middleware::from_fn_with_state(operator.clone(), in_time::<S, Refusal>))
        .with_state(operator)
        .route("/openapi.json", get(move |uri: OriginalUri| describe(document, uri)))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
}

fn routes<S: OutboxStore>() -> OpenApiRouter<Operator<S>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(endpoints::list, endpoints::create))
        .routes(routes!(endpoints::show, endpoints::change, endpoints::delete))
        .routes(routes!(endpoints::enable))
        .routes(routes!(endpoints::disable))
        .routes(routes!(endpoints::rotate))
        .routes(routes!(endpoints::test))
        .routes(routes!(event_types::list))
        .routes(routes!(event_types::show))
        .routes(routes!(messages::list, messages::create))
        .routes(routes!(messages::show))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::show))
        .routes(routes!(deliveries::attempts))
        .routes(routes!(deliveries::redeliver))
        .routes(routes!(deliveries::cancel))
        .routes(routes!(cancellations::count))
        .routes(routes!(cancellations::start))
        .routes(routes!(replays::count))
        .routes(routes!(replays::start))
        .routes(routes!(stats::depth))
        .routes(routes!(stats::activity))
        .routes(routes!(tenants::list))
        .routes(routes!(tenants::show, tenants::forget))
        .routes(routes!(api_keys::list, api_keys::create))
        .routes(routes!(api_keys::remove))
}

/// Lets through whom a key of theirs, or the application, says that they are. What the application knows them by may
/// be a cookie, which comes with the request of another origin's page too; a key never does.
pub(crate) async fn authenticate<S: OutboxStore>(
    State(operator): State<Operator<S>>,
    original: OriginalUri,
    mut request: Request,
    next: Next,
) -> Response {
    if request.extensions().get::<Caller>().is_none() {
        match caller(&operator, request.headers()).await {
            Ok(caller) => request.extensions_mut().insert(caller),
            Err(refusal) => return refusal.into_response(),
        };
    } else if !only_reads(request.method()) && Site::of(&original, request.headers()) == Site::Foreign {
        return foreign().into_response();
    }
    next.run(request).await
}

/// The refusal of what a page of another origin wants changed, or may.
pub(crate) fn foreign() -> Refusal {
    Refusal::new(
        RefusalKind::Forbidden,
        "the request comes from a page of another origin, or may: send it with a key of this server",
    )
}

async fn caller<S: OutboxStore>(operator: &Operator<S>, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let key = bearer(headers).ok_or_else(unauthenticated)?;
    operator.caller_of(key).await?.ok_or_else(unauthenticated)
}

/// The key of an `Authorization: Bearer` header, where there is one such header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, key) = values.next()?.to_str().ok()?.split_once(' ')?;
    (values.next().is_none() && scheme.eq_ignore_ascii_case("bearer")).then_some(key)
}

fn unauthenticated() -> Refusal {
    Refusal::new(RefusalKind::Unauthenticated, "send `Authorization: Bearer csk_…` with a key of this server")
}

/// The description, with the path under which this API is mounted.
async fn describe(
    mut document: utoipa::openapi::OpenApi,
    OriginalUri(uri): OriginalUri,
) -> impl IntoResponse {
    let base = uri.path().trim_end_matches("/openapi.json");
    document.servers = Some(vec![Server::new(base)]);
    Json(document)
}

/// What the description says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "Endpoints, messages and deliveries of webhooks.\n\n\
            Send `Authorization: Bearer csk_…` with each request. Lists come in pages: send the `next` of one as the \
            `cursor` of the next. What was refused is answered with `application/problem+json`, whose `type` never \
            changes. What is another tenant's is answered as what doesn't exist."
    ),
    components(schemas(Problem)),
    security(("key" = [])),
    modifiers(&Security),
    tags(
        (name = "endpoints", description = "Where messages are delivered."),
        (name = "event types", description = "What the application sends."),
        (name = "messages", description = "What is to be delivered."),
        (name = "deliveries", description = "Messages on their way to endpoints, and the attempts at them."),
        (name = "cancellations", description = "Many deliveries that are not made."),
        (name = "replays", description = "Many deliveries made again."),
        (name = "stats", description = "How much waits, and how it has been going."),
        (name = "tenants", description = "Whose endpoints and messages there are."),
        (name = "keys", description = "Who is let in, beside the keys of the server's configuration."),
    )
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("csk_…").build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
    }
}
