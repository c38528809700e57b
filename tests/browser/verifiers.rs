//! The programs in Rust that the dashboard offers to receivers: compiled as they are shown, and asked.

use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::{App, test};
use axum::{body::Body, http::Request};
use countersign::{Keyring, Message, Signer, catalog};
use tower::ServiceExt;

mod on_axum {
    include!("../../crates/countersign-server/assets/verify/axum.rs");

    pub(super) fn app(secret: &str) -> Router {
        webhooks(secret).unwrap()
    }
}

mod on_actix {
    include!("../../crates/countersign-server/assets/verify/actix.rs");

    pub(super) fn configured(secret: &str) -> impl FnOnce(&mut web::ServiceConfig) {
        routes(webhooks(secret).unwrap())
    }
}

#[tokio::test]
async fn the_program_for_axum_lets_in_what_was_signed_and_nothing_else() {
    for (body, expected) in BODIES {
        let request = signed()
            .into_iter()
            .fold(Request::post("/hooks"), |request, (name, value)| request.header(name, value));
        let answer = on_axum::app(SECRET).oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{body}");
    }
}

#[actix_web::test]
async fn the_program_for_actix_web_lets_in_what_was_signed_and_nothing_else() {
    let app = test::init_service(App::new().configure(on_actix::configured(SECRET))).await;
    for (body, expected) in BODIES {
        let request = signed()
            .into_iter()
            .fold(test::TestRequest::post().uri("/hooks"), |request, header| request.insert_header(header));
        let answer = test::call_service(&app, request.set_payload(body).to_request()).await;
        assert_eq!(answer.status().as_u16(), expected, "{body}");
    }
}

/// The headers of the first body, signed now.
fn signed() -> Vec<(String, String)> {
    let scheme = catalog::STANDARD_WEBHOOKS;
    let signer = Signer::new(&scheme, Keyring::new(&scheme, [SECRET]).unwrap()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let message = Message::new("msg_1", BODIES[0].0.as_bytes());
    signer.sign(&message, i64::try_from(now).unwrap()).unwrap().headers
}

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// What is sent, and what is answered.
const BODIES: [(&str, u16); 2] = [(r#"{"type":"invoice.paid"}"#, 200), (r#"{"type":"invoice.void"}"#, 401)];
