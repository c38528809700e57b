//! Requests that are signed on their way out, and verified by the other layer.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use countersign::{Scheme, Signer, Verifier, catalog};
use countersign_tower::{Outgoing, SignLayer};
use http::{Request, Response};
use http_body_util::Full;
use tower::{BoxError, Layer, ServiceExt, service_fn};

use crate::support::{BODY, NOW, keys, layer_of, send};

/// What comes out of the layer.
async fn signed(scheme: &Scheme, request: Request<Full<Bytes>>) -> Result<Request<Full<Bytes>>, BoxError> {
    let sent = Arc::new(Mutex::new(None));
    let keep = sent.clone();
    let keys = countersign::Keyring::new(scheme, ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])?;
    let client = service_fn(move |request: Request<Full<Bytes>>| {
        *keep.lock().unwrap() = Some(request);
        async { Ok::<_, BoxError>(Response::new(())) }
    });
    SignLayer::new(Signer::new(scheme, keys)?).clock(|| NOW).layer(client).oneshot(request).await?;
    let sent = sent.lock().unwrap().take();
    sent.ok_or_else(|| "nothing was sent".into())
}

fn outgoing() -> http::request::Builder {
    Request::post("https://example.com/hooks?tenant=7")
        .extension(Outgoing::new("msg_1").event_type("invoice.paid"))
}

#[tokio::test]
async fn what_is_signed_is_verified_by_the_same_scheme() {
    for scheme in [&catalog::STANDARD_WEBHOOKS, &catalog::STRIPE, &catalog::GITHUB, &catalog::SQUARE] {
        let request = outgoing().body(Full::from(BODY)).unwrap();
        let request = signed(scheme, request).await.unwrap();
        let keys = countersign::Keyring::new(scheme, ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]).unwrap();
        let verifier =
            Verifier::builder(scheme.clone()).keys(keys).public_url("https://example.com/hooks?tenant=7");
        let (response, calls) = send(&layer_of(verifier.build().unwrap()), request).await;
        assert_eq!((response.status().as_u16(), calls.count()), (200, 1), "{}", scheme.name);
        assert_eq!(calls.last().body, BODY);
    }
}

#[tokio::test]
async fn headers_of_the_scheme_that_were_there_are_replaced() {
    let request = outgoing().header("webhook-id", "forged").header("content-length", "1");
    let request = signed(&catalog::STANDARD_WEBHOOKS, request.body(Full::from(BODY)).unwrap()).await.unwrap();
    let ids: Vec<_> = request.headers().get_all("webhook-id").iter().collect();
    assert_eq!(ids, ["msg_1"]);
    assert_eq!(request.headers()["content-length"], BODY.len().to_string());
    let (response, _) =
        send(&layer_of(Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys()).build().unwrap()), request)
            .await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_message_without_an_id_or_with_one_that_cannot_be_signed_is_not_sent() {
    let nameless = Request::post("https://example.com/").body(Full::from(BODY)).unwrap();
    let error = signed(&catalog::STANDARD_WEBHOOKS, nameless).await.unwrap_err();
    assert!(error.to_string().contains("Outgoing"), "{error}");
    let split = Request::post("https://example.com/").extension(Outgoing::new("evt.1"));
    assert!(signed(&catalog::STANDARD_WEBHOOKS, split.body(Full::from(BODY)).unwrap()).await.is_err());
}
