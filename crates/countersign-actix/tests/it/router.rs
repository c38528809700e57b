//! Many types on one URL.

use actix_web::{App, HttpResponse, test as actix, web};
use countersign_actix::{EventRouter, VerifiedBody, Webhook};
use serde_json::Value;

use crate::support::*;

async fn paid(_: Webhook<Value>) -> &'static str {
    "paid"
}

async fn invoices(_: VerifiedBody, raw: web::Bytes) -> String {
    format!("invoices, {} bytes", raw.len())
}

async fn given(events: EventRouter, body: &str) -> (u16, String) {
    let app = App::new().service(web::resource("/").wrap(webhooks()).to(events));
    let app = actix::init_service(app).await;
    let response = actix::call_service(&app, delivery("msg_1", body).to_request()).await;
    let status = response.status().as_u16();
    (status, String::from_utf8(actix::read_body(response).await.to_vec()).unwrap())
}

fn event(kind: &str) -> String {
    format!(r#"{{"type":"{kind}","data":{{}}}}"#)
}

#[actix_web::test]
async fn the_most_specific_pattern_wins_whatever_the_order() {
    let events = || EventRouter::new().on("invoice.*", invoices).on("invoice.paid", paid);
    assert_eq!(given(events(), &event("invoice.paid")).await, (200, "paid".to_owned()));
    assert_eq!(given(events(), &event("invoice.sent")).await, (200, "invoices, 33 bytes".to_owned()));
}

#[actix_web::test]
async fn what_nobody_handles_is_acknowledged_or_goes_to_the_fallback() {
    let events = || EventRouter::new().on("invoice.paid", paid);
    assert_eq!(given(events(), &event("other")).await, (200, String::new()));
    let events = events().fallback(|| async { HttpResponse::Accepted().finish() });
    assert_eq!(given(events.clone(), &event("other")).await.0, 202);
    assert_eq!(given(events, r#"{"data":{}}"#).await.0, 202);
}

#[actix_web::test]
async fn a_body_that_is_no_json_is_400_and_no_middleware_500() {
    let events = EventRouter::new().on("invoice.paid", paid);
    assert_eq!(given(events.clone(), "no json").await.0, 400);
    let app = actix::init_service(App::new().route("/", web::post().to(events))).await;
    assert_eq!(answer(&app, delivery("msg_1", BODY)).await, (500, Some("misconfigured")));
}

#[test]
#[should_panic(expected = "invoice*")]
fn a_bad_pattern_is_refused_when_it_is_written() {
    let _ = EventRouter::new().on("invoice*", paid);
}

#[test]
#[should_panic(expected = "one fallback")]
fn a_second_fallback_is_refused() {
    let _ = EventRouter::new().fallback(paid).fallback(paid);
}
