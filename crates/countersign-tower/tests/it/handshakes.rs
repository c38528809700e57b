//! A provider's tests of an endpoint.

use std::{
    io,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use countersign::{ErrorKind, Keyring, Message, Scheme, Verifier, catalog};
use countersign_tower::WebhookLayer;
use http::{Request, request::Parts};
use http_body_util::Full;

use crate::support::{NOW, layer_of, refusal, request, send, sign, text};

const SECRET: &str = "a-secret-of-some-length";

fn keys(scheme: &Scheme) -> Keyring {
    Keyring::new(scheme, [SECRET]).unwrap()
}

fn layer_for(scheme: Scheme) -> WebhookLayer {
    layer_of(Verifier::builder(scheme.clone()).keys(keys(&scheme)).build().unwrap())
}

fn get(target: &str) -> Request<Full<Bytes>> {
    Request::get(target).body(Full::default()).unwrap()
}

#[tokio::test]
async fn slacks_signed_challenge_is_answered() {
    let body = br#"{"token":"t","challenge":"3eZbrw1aB10","type":"url_verification"}"#;
    let headers = sign(&catalog::SLACK, keys(&catalog::SLACK), &Message::new("x", body), NOW);
    let (response, calls) = send(&layer_for(catalog::SLACK), request(&headers, body.as_slice())).await;
    assert_eq!((response.status().as_u16(), calls.count()), (200, 0));
    assert_eq!(response.headers()["content-type"], "text/plain");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(text(response).await, "3eZbrw1aB10");
}

#[tokio::test]
async fn slacks_challenge_without_a_signature_is_refused() {
    let body = br#"{"challenge":"3eZbrw1aB10","type":"url_verification"}"#;
    let (status, _) = refusal(&layer_for(catalog::SLACK), request(&[], body.as_slice())).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn dropboxs_get_is_answered_with_its_challenge_as_text() {
    let layer = layer_for(catalog::DROPBOX);
    let (response, calls) = send(&layer, get("/hooks/dropbox?challenge=%3Cscript%3E+1")).await;
    assert_eq!((response.status().as_u16(), calls.count()), (200, 0));
    assert_eq!(response.headers()["content-type"], "text/plain");
    assert_eq!(text(response).await, "<script> 1");

    let (response, calls) = send(&layer, get("/hooks/dropbox")).await;
    assert_eq!((response.status().as_u16(), calls.count()), (405, 0));
    assert_eq!(response.headers()["allow"], "POST, GET");
}

fn enrolling() -> WebhookLayer {
    let none = Keyring::by_request(&catalog::ASANA).unwrap();
    layer_of(Verifier::builder(catalog::ASANA).keys(none).enrolling(true).build().unwrap())
}

fn enrolment() -> Request<Full<Bytes>> {
    request(&[("X-Hook-Secret".to_owned(), SECRET.to_owned())], Bytes::new())
}

#[tokio::test]
async fn an_enrolment_is_answered_once_its_secret_is_stored() {
    let stored = Arc::new(Mutex::new(Vec::new()));
    let store = stored.clone();
    let layer = enrolling().on_enrolment(move |request: &Parts, secret| {
        let (store, path) = (store.clone(), request.uri.path().to_owned());
        async move {
            store.lock().unwrap().push((path, secret));
            Ok::<_, io::Error>(())
        }
    });
    let (response, calls) = send(&layer, enrolment()).await;
    assert_eq!((response.status().as_u16(), calls.count()), (200, 0));
    assert_eq!(response.headers()["x-hook-secret"], SECRET);
    assert_eq!(*stored.lock().unwrap(), [("/".to_owned(), SECRET.to_owned())]);
}

#[tokio::test]
async fn an_enrolment_whose_secret_cant_be_stored_is_503() {
    let layer = enrolling().on_enrolment(|_: &Parts, _| async { Err(io::Error::other("disk full")) });
    let (response, _) = send(&layer, enrolment()).await;
    assert_eq!(response.status(), 503);
    assert!(!response.headers().contains_key("x-hook-secret"));
}

#[tokio::test]
async fn an_enrolment_that_nobody_stores_is_a_mistake_of_the_application() {
    let (status, kind) = refusal(&enrolling(), enrolment()).await;
    assert_eq!((status.as_u16(), kind), (500, ErrorKind::Misconfigured));
}

#[tokio::test]
async fn an_enrolment_that_nobody_expects_is_refused() {
    let (status, _) = refusal(&layer_for(catalog::ASANA), enrolment()).await;
    assert_eq!(status, 401);
}
