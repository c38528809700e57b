//! What handlers take.

use actix_web::{App, HttpResponse, test, web};
use countersign_actix::{VerifiedBody, Webhook};
use serde_json::Value;

use crate::support::*;

#[derive(serde::Deserialize)]
struct Invoice {
    amount: u64,
}

async fn typed(Webhook(event): Webhook<Invoice>) -> HttpResponse {
    HttpResponse::Ok().insert_header(("amount", event.data.amount.to_string())).finish()
}

#[actix_web::test]
async fn a_handler_gets_the_event_the_body_and_what_is_known() {
    async fn handler(verified: VerifiedBody, Webhook(event): Webhook<Value>, raw: web::Bytes) -> String {
        assert_eq!(*verified.bytes(), raw);
        format!("{} {} {}", verified.idempotency_key(), event.event_type.unwrap(), event.data["amount"])
    }
    let app = App::new().service(web::resource("/").wrap(webhooks()).to(handler));
    let app = test::init_service(app).await;
    let body = test::call_and_read_body(&app, delivery("msg_1", BODY).to_request()).await;
    assert_eq!(body, "standard-webhooks/msg_1 invoice.paid 42");
}

#[actix_web::test]
async fn data_of_another_type_is_400_and_no_middleware_500() {
    let app = App::new()
        .service(web::resource("/").wrap(webhooks()).to(typed))
        .service(web::resource("/open").to(typed))
        .service(web::resource("/body").to(|_: VerifiedBody| async { "unreachable" }));
    let app = test::init_service(app).await;
    let other = r#"{"type":"invoice.paid","data":{"amount":"all of it"}}"#;
    assert_eq!(answer(&app, delivery("msg_1", other)).await, (400, Some("malformed_body")));
    let twice = r#"{"type":"invoice.paid","data":{"amount":1,"amount":2}}"#;
    assert_eq!(answer(&app, delivery("msg_1", twice)).await, (400, Some("duplicate_key")));
    for path in ["/open", "/body"] {
        assert_eq!(answer(&app, delivery("msg_1", BODY).uri(path)).await, (500, Some("misconfigured")));
    }
    assert_eq!(answer(&app, delivery("msg_1", BODY)).await, (200, None));
}

#[actix_web::test]
async fn adv_52_a_compressed_body_is_verified_and_handed_over_as_it_was_sent() {
    let compressed = [0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0xff, 1, 0, 0, 0xff, 0xff];
    let app = App::new().service(web::resource("/").wrap(webhooks()).to(
        |verified: VerifiedBody, payload: web::Payload| async move {
            let mut payload = payload.into_inner();
            let next = std::future::poll_fn(|cx| {
                futures_core::Stream::poll_next(std::pin::Pin::new(&mut payload), cx)
            });
            assert_eq!(next.await.unwrap().unwrap(), *verified.bytes());
            HttpResponse::Ok().body(verified.bytes().clone())
        },
    ));
    let app = test::init_service(app).await;
    let request = delivery_of_bytes("msg_1", &compressed).insert_header(("content-encoding", "gzip"));
    assert_eq!(test::call_and_read_body(&app, request.to_request()).await, compressed.as_slice());
}
