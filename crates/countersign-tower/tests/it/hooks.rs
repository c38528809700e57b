//! Keys chosen by request.

use std::{collections::HashMap, convert::Infallible, io, sync::Arc};

use countersign::{ErrorKind, Keyring, Message, Verifier, catalog, keyring::Key};
use countersign_tower::WebhookLayer;
use http::request::Parts;

use crate::support::{BODY, NOW, layer_of, refusal, request_to, send, sign};

const SECRETS: [(&str, &str); 2] =
    [("a", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), ("b", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")];

fn keys_of(tenant: &str) -> Option<Keyring> {
    let secret = HashMap::from(SECRETS).get(tenant).copied()?;
    let key = Key::new("2026-11", secret);
    Some(Keyring::builder(&catalog::STANDARD_WEBHOOKS).key(key).tenant(tenant).build().unwrap())
}

fn verifier() -> Verifier {
    let none = Keyring::by_request(&catalog::STANDARD_WEBHOOKS).unwrap();
    Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(none).build().unwrap()
}

fn by_path() -> WebhookLayer {
    layer_of(verifier()).resolve_keys(|request: &Parts| {
        let tenant = request.uri.path()[1..].to_owned();
        async move {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(keys_of(&tenant).map(Arc::new))
        }
    })
}

fn signed_by(tenant: &str) -> Vec<(String, String)> {
    let keys = keys_of(tenant).unwrap();
    sign(&catalog::STANDARD_WEBHOOKS, keys, &Message::new("msg_1", BODY), NOW)
}

#[tokio::test]
async fn keys_are_those_of_the_tenant_in_the_path() {
    for tenant in ["a", "b"] {
        let path = format!("/{tenant}");
        let (response, calls) = send(&by_path(), request_to(&path, &signed_by(tenant), BODY)).await;
        assert_eq!(response.status(), 200);
        let verified = calls.last().verified;
        assert_eq!((verified.tenant(), verified.key_label()), (Some(tenant), Some("2026-11")));
    }
}

#[tokio::test]
async fn adv_12_a_tenant_without_keys_is_401_and_never_500() {
    let (status, kind) = refusal(&by_path(), request_to("/nobody", &signed_by("a"), BODY)).await;
    assert_eq!((status.as_u16(), kind), (401, ErrorKind::UnknownTenant));
}

#[tokio::test]
async fn adv_45_a_delivery_to_one_tenant_is_refused_by_another() {
    let (status, kind) = refusal(&by_path(), request_to("/b", &signed_by("a"), BODY)).await;
    assert_eq!((status.as_u16(), kind), (401, ErrorKind::NoMatchingSignature));
}

#[tokio::test]
async fn adv_46_the_tenant_is_the_endpoints_whatever_the_body_says() {
    let body = br#"{"type":"invoice.paid","tenant":"b","data":{}}"#;
    let headers = sign(&catalog::STANDARD_WEBHOOKS, keys_of("a").unwrap(), &Message::new("msg_1", body), NOW);
    let (_, calls) = send(&by_path(), request_to("/a", &headers, body.as_slice())).await;
    assert_eq!(calls.last().verified.tenant(), Some("a"));
    assert_eq!(calls.last().verified.idempotency_key().as_str(), "standard-webhooks@a/msg_1");
    assert_eq!(refusal(&by_path(), request_to("/b", &headers, body.as_slice())).await.0, 401);
}

#[tokio::test]
async fn adv_44_a_forgery_doesnt_use_up_the_id_of_its_victim() {
    let mut forged = signed_by("a");
    forged.iter_mut().find(|(name, _)| name == "webhook-signature").unwrap().1 =
        "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
    let layer = by_path();
    assert_eq!(refusal(&layer, request_to("/a", &forged, BODY)).await.0, 401);
    let (response, calls) = send(&layer, request_to("/a", &signed_by("a"), BODY)).await;
    assert_eq!((response.status().as_u16(), calls.count()), (200, 1));
}

#[tokio::test]
async fn a_store_of_keys_that_fails_is_503_and_refuses() {
    let failing = |_: &Parts| async { Err::<Option<Arc<Keyring>>, _>(io::Error::other("no connection")) };
    let layer = layer_of(verifier()).resolve_keys(failing);
    let (response, calls) = send(&layer, request_to("/a", &signed_by("a"), BODY)).await;
    assert_eq!((response.status().as_u16(), calls.count()), (503, 0));
    assert_eq!(response.headers()["retry-after"], "30");
}

#[tokio::test]
async fn without_a_resolver_a_keyring_by_request_accepts_nothing() {
    let (status, kind) = refusal(&layer_of(verifier()), request_to("/a", &signed_by("a"), BODY)).await;
    assert_eq!((status.as_u16(), kind), (401, ErrorKind::NoUsableKey));
}

#[tokio::test]
async fn keys_of_another_scheme_are_a_mistake_of_the_application() {
    let stripe = Arc::new(Keyring::new(&catalog::STRIPE, ["whsec_some_secret"]).unwrap());
    let layer = layer_of(verifier()).resolve_keys(move |_: &Parts| {
        let stripe = stripe.clone();
        async move { Ok::<_, Infallible>(Some(stripe)) }
    });
    let (status, kind) = refusal(&layer, request_to("/a", &signed_by("a"), BODY)).await;
    assert_eq!((status.as_u16(), kind), (500, ErrorKind::Misconfigured));
}
