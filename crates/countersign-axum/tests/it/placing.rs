//! Where the layer stands in an axum application.

use std::sync::Arc;

use axum::{
    Form, RequestPartsExt, Router,
    body::Body,
    extract::{Path, rejection::PathRejection},
    http::{Request, request::Parts},
    middleware,
    response::Response,
    routing::post as on_post,
};
use countersign::{Keyring, Message, Scheme, Verifier, catalog, scheme::Part};
use countersign_axum::{Rejection, VerifiedBody, WebhookLayer, original_uri};
use tower::ServiceBuilder;

use crate::support::{BODY, ask, keys, layer, layer_of, post, send, sign, signed};

async fn handler(verified: VerifiedBody) -> String {
    verified.tenant().unwrap_or("verified").to_owned()
}

#[tokio::test]
async fn it_goes_on_routers_routes_and_methods() {
    let apps: [Router; 4] = [
        Router::new().route("/", on_post(handler)).layer(layer()),
        Router::new().route("/", on_post(handler)).route_layer(layer()),
        Router::new().route("/", on_post(handler).layer(layer())),
        Router::new().route("/", on_post(handler)).layer(ServiceBuilder::new().layer(layer())),
    ];
    for app in apps {
        assert_eq!(ask(&app, post("/", &signed(BODY), BODY)).await, (200, "verified".to_owned()));
        assert_eq!(ask(&app, post("/", &[], BODY)).await, (401, String::new()));
    }
}

/// What Twilio sends of a message.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sms {
    from: String,
    body: String,
}

#[tokio::test]
async fn behind_it_axums_own_extractor_reads_a_form() {
    async fn handler(_: VerifiedBody, Form(sms): Form<Sms>) -> String {
        format!("{}: {}", sms.from, sms.body)
    }
    let (url, form) = ("https://example.com/sms", "From=%2B1415&Body=hello+there");
    let keys = || Keyring::new(&catalog::TWILIO, ["0123456789abcdef"]).unwrap();
    let verifier = Verifier::builder(catalog::TWILIO).keys(keys()).public_url(url).build().unwrap();
    let app = Router::new().route("/sms", on_post(handler).layer(WebhookLayer::new(verifier)));
    let message = Message { url, ..Message::new("1", form.as_bytes()) };
    let mut headers = sign(&catalog::TWILIO, keys(), &message);
    headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    assert_eq!(ask(&app, post("/sms", &headers, form)).await, (200, "+1415: hello there".to_owned()));
    assert_eq!(ask(&app, post("/sms", &headers, "From=%2B1415&Body=bye")).await.0, 401);
}

#[tokio::test]
async fn under_route_layer_an_unknown_path_stays_404() {
    let app = Router::new().route("/", on_post(handler)).route_layer(layer());
    assert_eq!(ask(&app, post("/other", &[], BODY)).await.0, 404);
}

#[tokio::test]
async fn middleware_stands_on_either_side() {
    async fn inside(request: Request<Body>, next: middleware::Next) -> Response {
        assert!(request.extensions().get::<countersign_axum::Verified>().is_some());
        next.run(request).await
    }
    async fn outside(request: Request<Body>, next: middleware::Next) -> Response {
        let mut response = next.run(request).await;
        let reason = response.extensions().get::<Rejection>().map(|rejection| rejection.kind().as_str());
        response.headers_mut().insert("x-reason", reason.unwrap_or("none").parse().unwrap());
        response
    }
    let stack = ServiceBuilder::new()
        .layer(middleware::from_fn(outside))
        .layer(layer())
        .layer(middleware::from_fn(inside));
    let app = Router::new().route("/", on_post(handler)).route_layer(stack);
    assert_eq!(send(&app, post("/", &signed(BODY), BODY)).await.headers()["x-reason"], "none");
    assert_eq!(send(&app, post("/", &[], BODY)).await.headers()["x-reason"], "missing_header");
}

/// The method router is inside of the layer, so that a `GET` reaches the layer on a route that has
/// only a `post` handler.
#[tokio::test]
async fn a_handshake_by_get_is_answered_on_a_route_without_a_get_handler() {
    let secret = Keyring::new(&catalog::DROPBOX, ["a-secret-of-some-length"]).unwrap();
    let layer = || layer_of(Verifier::builder(catalog::DROPBOX).keys(secret.clone()).build().unwrap());
    let apps: [Router; 2] = [
        Router::new().route("/", on_post(handler)).route_layer(layer()),
        Router::new().route("/", on_post(handler).layer(layer())),
    ];
    for app in apps {
        let request = Request::get("/?challenge=abc").body(Body::empty()).unwrap();
        assert_eq!(ask(&app, request).await, (200, "abc".to_owned()));
    }
}

/// A scheme that signs the URL that arrived.
fn url_scheme() -> Scheme {
    Scheme { name: "acme".into(), content: vec![Part::RequestUrl, Part::Body].into(), ..Scheme::BASE }
}

#[tokio::test]
async fn adv_39_a_nested_router_doesnt_hide_the_signed_url() {
    let scheme = url_scheme();
    let keys = Keyring::new(&scheme, ["a-secret-of-32-bytes-or-even-more"]).unwrap();
    let verifier = Verifier::builder(scheme.clone())
        .keys(keys.clone())
        .public_url("https://example.com")
        .build()
        .unwrap();
    let url = "https://example.com/hooks/acme/in?x=1";
    let headers = sign(&scheme, keys, &Message { url, ..Message::new("evt_1", BODY.as_bytes()) });
    let nested = |layer: WebhookLayer| {
        Router::new().nest("/hooks/acme", Router::new().route("/in", on_post(handler)).route_layer(layer))
    };
    let aware = nested(layer_of(verifier.clone()).original_uri(original_uri));
    assert_eq!(ask(&aware, post("/hooks/acme/in?x=1", &headers, BODY)).await.0, 200);
    assert_eq!(ask(&aware, post("/hooks/acme/in?x=2", &headers, BODY)).await.0, 401);
    let unaware = nested(layer_of(verifier));
    assert_eq!(ask(&unaware, post("/hooks/acme/in?x=1", &headers, BODY)).await.0, 401);
}

#[tokio::test]
async fn adv_45_keys_are_those_of_the_tenant_in_the_path() {
    let none = Keyring::by_request(&catalog::STANDARD_WEBHOOKS).unwrap();
    let verifier = Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(none).build().unwrap();
    let layer = layer_of(verifier).resolve_keys(|request: &Parts| {
        let mut request = request.clone();
        async move {
            let Path(tenant) = request.extract::<Path<String>>().await?;
            let known = (tenant == "acme").then(|| Arc::new(keys()));
            Ok::<_, PathRejection>(known)
        }
    });
    let app = Router::new().route("/hooks/{tenant}", on_post(handler)).route_layer(layer);
    assert_eq!(ask(&app, post("/hooks/acme", &signed(BODY), BODY)).await.0, 200);
    assert_eq!(ask(&app, post("/hooks/other", &signed(BODY), BODY)).await.0, 401);
}
