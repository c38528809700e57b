//! Signed requests.

use actix_http::Request;
use actix_web::{
    body::MessageBody,
    dev::{Service, ServiceResponse},
    http::header::{HeaderMap, HeaderName, HeaderValue},
    test::TestRequest,
};
use countersign::{Keyring, Message, Signer, Verifier, catalog};
use countersign_actix::{Rejection, Webhooks};

pub(crate) const NOW: i64 = 1_764_000_000;
pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub(crate) const BODY: &str = r#"{"type":"invoice.paid","data":{"amount":42}}"#;

pub(crate) fn webhooks() -> Webhooks {
    let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, [SECRET]).unwrap();
    let verifier = Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys).build().unwrap();
    Webhooks::new(verifier).clock(|| NOW)
}

pub(crate) fn signed(id: &str, body: &[u8]) -> HeaderMap {
    let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, [SECRET]).unwrap();
    let signer = Signer::new(&catalog::STANDARD_WEBHOOKS, keys).unwrap();
    let signed = signer.sign(&Message::new(id, body), NOW).unwrap();
    let header = |(name, value): (String, String)| {
        (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap())
    };
    signed.headers.into_iter().map(header).collect()
}

/// A signed request for `/`.
pub(crate) fn delivery(id: &str, body: &str) -> TestRequest {
    delivery_of_bytes(id, body.as_bytes())
}

pub(crate) fn delivery_of_bytes(id: &str, body: &[u8]) -> TestRequest {
    let request = TestRequest::post().uri("/").set_payload(body.to_vec());
    signed(id, body).into_iter().fold(request, TestRequest::append_header)
}

/// The status, and why it was refused.
pub(crate) async fn answer<S, B, E>(app: &S, request: TestRequest) -> (u16, Option<&'static str>)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = E>,
    B: MessageBody,
    E: std::fmt::Debug,
{
    let response = app.call(request.to_request()).await.unwrap();
    let reason =
        response.response().extensions().get::<Rejection>().map(|rejection| rejection.kind().as_str());
    (response.status().as_u16(), reason)
}
