//! Messages and event types.

use axum::http::StatusCode;
use countersign_store::outbox::{NewMessage, OutboxStore, Payload};
use serde_json::{Value, json};

use crate::support::{Answer, Api, api, request};

const PATH: &str = "/api/v1/messages";

async fn enqueue(api: &Api, key: &str, idempotency_key: Option<&str>, body: Value) -> Answer {
    let mut request = request(key, "POST", PATH, Some(body));
    if let Some(value) = idempotency_key {
        request.headers_mut().insert("idempotency-key", value.parse().unwrap());
    }
    api.send(request).await
}

#[tokio::test]
async fn a_message_is_enqueued_for_the_endpoints_that_want_it_and_shown() {
    let api = api();
    let key = &api.keys.a;
    api.endpoint(key).await;
    api.endpoint(&api.keys.b).await;
    let made = enqueue(&api, key, None, json!({ "type": "invoice.paid", "payload": { "amount": 42 } })).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.json(), json!({ "id": id, "deliveries": 1, "duplicate": false }));
    assert_eq!(made.header("location"), format!("messages/{id}"));
    let shown = api.get(key, &format!("{PATH}/{id}")).await.json();
    assert_eq!((&shown["type"], &shown["payload"]), (&json!("invoice.paid"), &json!({ "amount": 42 })));
    assert_eq!((&shown["tenant"], &shown["content_type"]), (&json!("a"), &json!("application/json")));
    let listed = api.get(key, PATH).await.json();
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["payload"]), (&json!(id), &Value::Null));
}

#[tokio::test]
async fn a_payload_is_stored_byte_for_byte() {
    let api = api();
    let payload = r#"{"b": 1.0,  "a":10000000000000000001, "text":"\u00e9/"}"#;
    let mut request = request(&api.keys.a, "POST", PATH, Some(Value::Null));
    *request.body_mut() = format!(r#"{{"type":"x","payload":{payload}}}"#).into();
    let made = api.send(request).await.json();
    let stored = api.outbox.store().message(made["id"].as_str().unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.payload, Payload::from(payload.to_owned()));
    let shown = api.get(&api.keys.a, &format!("{PATH}/{}", stored.id)).await;
    assert!(shown.text.contains(payload), "{}", shown.text);
}

#[tokio::test]
async fn a_payload_that_is_not_json_is_shown_in_base64_and_one_that_is_made_later_by_its_reference() {
    let api = api();
    let mut reference = NewMessage::new("x", Payload::Reference("invoice/7".to_owned()));
    reference.id = Some("msg_reference".to_owned());
    let mut bytes = NewMessage::new("x", vec![0xFF, 0]);
    bytes.id = Some("msg_bytes".to_owned());
    api.outbox.store().enqueue(&[reference, bytes]).await.unwrap();
    let show = async |id: &str| api.get(&api.keys.admin, &format!("{PATH}/{id}")).await.json();
    assert_eq!(show("msg_reference").await["payload_reference"], "invoice/7");
    assert_eq!(show("msg_bytes").await["payload_base64"], "/wA=");
}

#[tokio::test]
async fn who_enqueues_again_under_the_same_key_is_given_the_first() {
    let api = api();
    let key = &api.keys.a;
    api.endpoint(key).await;
    let body = json!({ "type": "invoice.paid", "payload": { "amount": 42 } });
    let first = enqueue(&api, key, Some("\"order-7\""), body.clone()).await;
    assert_eq!(first.status, StatusCode::CREATED);
    for same in ["\"order-7\"", "order-7"] {
        let again = enqueue(&api, key, Some(same), body.clone()).await;
        assert_eq!(again.status, StatusCode::OK);
        assert_eq!(again.json(), json!({ "id": first.json()["id"], "deliveries": 1, "duplicate": true }));
    }
    for other in
        [json!({ "type": "invoice.paid", "payload": 1 }), json!({ "type": "x", "payload": { "amount": 42 } })]
    {
        let reused = enqueue(&api, key, Some("\"order-7\""), other).await;
        assert_eq!(
            (reused.status, reused.problem().as_str()),
            (StatusCode::CONFLICT, "idempotency-key-reused")
        );
    }
    assert_eq!(api.get(key, PATH).await.json()["items"].as_array().unwrap().len(), 1);
    for wrong in ["", "\"", "a b", &"x".repeat(256)] {
        assert_eq!(
            enqueue(&api, key, Some(wrong), body.clone()).await.fields(),
            ["Idempotency-Key"],
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn each_mistake_is_named_by_its_field() {
    let api = api();
    let cases = [
        (json!({ "payload": {} }), "type"),
        (json!({ "type": "x" }), "payload"),
        (json!({ "type": "invoice.*", "payload": {} }), "type"),
        (json!({ "type": "", "payload": {} }), "type"),
        (json!({ "type": "x\u{1}", "payload": {} }), "type"),
        (json!({ "type": "x", "payload": {}, "due_at": "tomorrow" }), "due_at"),
        (json!({ "type": "x", "payload": {}, "channels": [""] }), "channels"),
        (json!({ "type": "x", "payload": {}, "id": "msg_mine" }), "id"),
    ];
    for (body, field) in cases {
        assert_eq!(enqueue(&api, &api.keys.a, None, body.clone()).await.fields(), [field], "{body}");
    }
}

#[tokio::test]
async fn a_message_can_be_due_later_and_carries_its_trace() {
    let api = api();
    api.endpoint(&api.keys.a).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let body = json!({ "type": "x", "payload": {}, "due_at": "2030-01-01T00:00:00Z" });
    let mut request = request(&api.keys.a, "POST", PATH, Some(body));
    request.headers_mut().insert("traceparent", trace.parse().unwrap());
    let id = api.send(request).await.json()["id"].as_str().unwrap().to_owned();
    let stored = api.outbox.store().message(&id).await.unwrap().unwrap();
    assert_eq!(stored.traceparent.as_deref(), Some(trace));
    let delivery = api.get(&api.keys.a, "/api/v1/deliveries").await.json()["items"][0].clone();
    assert_eq!(delivery["due_at"], "2030-01-01T00:00:00.000000Z");
}

#[tokio::test]
async fn the_last_day_of_the_year_9999_is_a_time() {
    let api = api();
    let key = &api.keys.a;
    api.endpoint(key).await;
    let draft = json!({ "type": "x", "payload": {}, "due_at": "9999-12-31T23:59:59Z" });
    let made = api.post(key, PATH, draft).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let delivery = api.get(key, "/api/v1/deliveries?until=9999-12-31T00:00:00Z").await.json();
    assert_eq!(delivery["items"][0]["due_at"], "9999-12-31T23:59:59.000000Z");
    let beyond = json!({ "type": "x", "payload": {}, "due_at": "10000-01-01T00:00:00Z" });
    assert_eq!(api.post(key, PATH, beyond).await.fields(), ["due_at"]);
}

#[tokio::test]
async fn messages_are_listed_the_newest_first_by_type_and_time_in_pages() {
    let api = api();
    let key = &api.keys.a;
    let mut ids = Vec::new();
    for kind in ["a", "b", "a", "b", "a"] {
        ids.push(api.message(key, kind).await);
    }
    ids.reverse();
    let list = async |query: &str| {
        let page = api.get(key, &format!("{PATH}?{query}")).await.json();
        let items = page["items"].as_array().unwrap().clone();
        let ids: Vec<String> = items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
        (ids, page["next"].as_str().unwrap_or_default().to_owned())
    };
    let (first, next) = list("limit=3").await;
    assert_eq!((first.as_slice(), next.as_str()), (&ids[..3], ids[2].as_str()));
    let (second, next) = list(&format!("limit=3&cursor={next}")).await;
    assert_eq!((second.as_slice(), next.as_str()), (&ids[3..], ""));
    assert_eq!(list("type=b").await.0.len(), 2);
    assert_eq!(list("from=2000-01-01T00:00:00Z&until=2001-01-01T00:00:00Z").await.0.len(), 0);
    assert_eq!(list("from=2000-01-01T00:00:00%2B02:00").await.0.len(), 5);
    assert_eq!(api.get(key, &format!("{PATH}?cursor=msg_gone")).await.fields(), ["cursor"]);
}

#[tokio::test]
async fn event_types_are_listed_and_described() {
    let api = api();
    let listed = api.get(&api.keys.read, "/api/v1/event-types").await.json();
    assert_eq!(listed["items"][0]["name"], "/invoice/update/state");
    let shown = api.get(&api.keys.read, "/api/v1/event-types/%2Finvoice%2Fupdate%2Fstate").await.json();
    assert_eq!(shown, listed["items"][0]);
    assert_eq!(shown["schema"]["properties"]["body"]["properties"]["path"]["const"], "/invoice/update/state");
    assert_eq!(api.get(&api.keys.read, "/api/v1/event-types/x").await.problem(), "not-found");
}
