//! Deliveries: seen, made again, replayed, cancelled, counted.

use std::time::Duration;

use axum::http::StatusCode;
use countersign_store::outbox::{Attempt, Claimed, Effect, OutboxStore, SettleDelivery, Verdict};
use serde_json::{Value, json};

use crate::support::{Api, api, api_with};

const PATH: &str = "/api/v1/deliveries";

/// Settles everything that is due with this verdict, as a dispatcher would.
async fn settle(api: &Api, verdict: Verdict) {
    let store = api.outbox.store();
    loop {
        let claimed = store.claim(1000, Duration::from_secs(60)).await.unwrap();
        if claimed.is_empty() {
            return;
        }
        let settled: Vec<_> = claimed.iter().map(|claimed| settled(claimed, verdict)).collect();
        store.settle(&settled).await.unwrap();
    }
}

fn settled(claimed: &Claimed, verdict: Verdict) -> SettleDelivery {
    let mut attempt = Attempt::new(claimed.attempt, 1_764_000_000_000_000, claimed.trigger);
    attempt.request_headers = vec![("webhook-id".to_owned(), claimed.message.id.clone())];
    attempt.response_body = b"<img onerror=alert(1)>".as_slice().into();
    attempt.payload_digest = Some([7; 32]);
    (attempt.status, attempt.latency) = (Some(500), Duration::from_micros(1234));
    attempt.error = (verdict == Verdict::Dead).then(|| "answered 500".to_owned());
    SettleDelivery {
        id: claimed.id,
        fence: claimed.fence,
        endpoint: claimed.endpoint.clone(),
        verdict,
        effect: Effect::None,
        attempt: Some(attempt),
    }
}

async fn items(api: &Api, path: &str) -> Vec<Value> {
    let answer = api.get(&api.keys.a, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text);
    answer.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn deliveries_are_listed_by_endpoint_message_type_status_and_time() {
    let api = api();
    let key = &api.keys.a;
    let (first, second) = (api.endpoint(key).await, api.endpoint(key).await);
    let message = api.message(key, "invoice.paid").await;
    settle(&api, Verdict::Delivered).await;
    api.message(key, "invoice.created").await;
    let cases = [
        (String::new(), 4),
        (format!("?endpoint={first}"), 2),
        (format!("?endpoint={second}&status=delivered"), 1),
        (format!("?message={message}"), 2),
        ("?type=invoice.created".to_owned(), 2),
        ("?status=pending".to_owned(), 2),
        ("?status=dead".to_owned(), 0),
        ("?until=2001-01-01T00:00:00Z".to_owned(), 0),
        ("?from=2001-01-01T00:00:00Z".to_owned(), 4),
        ("?endpoint=ep_other".to_owned(), 0),
    ];
    for (query, expected) in cases {
        assert_eq!(items(&api, &format!("{PATH}{query}")).await.len(), expected, "{query}");
    }
    let page = api.get(key, &format!("{PATH}?limit=3")).await.json();
    let ids: Vec<i64> =
        page["items"].as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap()).collect();
    assert_eq!((ids.as_slice(), &page["next"]), ([4, 3, 2].as_slice(), &json!("2")));
    assert_eq!(items(&api, &format!("{PATH}?limit=3&cursor=2")).await.len(), 1);
}

#[tokio::test]
async fn a_delivery_is_shown_with_its_attempts() {
    let api = api();
    let key = &api.keys.a;
    api.endpoint(key).await;
    let message = api.message(key, "invoice.paid").await;
    settle(&api, Verdict::Dead).await;
    let shown = api.get(key, &format!("{PATH}/1")).await.json();
    assert_eq!((&shown["status"], &shown["attempts"]), (&json!("dead"), &json!(1)));
    assert_eq!((&shown["last_status"], &shown["last_error"]), (&json!(500), &json!("answered 500")));
    assert_eq!(shown["message"], json!(message));
    let attempts = items(&api, &format!("{PATH}/1/attempts")).await;
    let expected = json!({
        "number": 1,
        "at": "2025-11-24T16:00:00.000000Z",
        "trigger": "schedule",
        "latency_micros": 1234,
        "request_headers": [{ "name": "webhook-id", "value": message }],
        "payload_sha256": "07".repeat(32),
        "payload_base64": null,
        "status": 500,
        "response_headers": [],
        "response_body": "<img onerror=alert(1)>",
        "error": "answered 500",
    });
    assert_eq!(attempts, [expected]);
}

#[tokio::test]
async fn adv_99_a_redelivery_keeps_the_message_and_its_id_and_is_audited() {
    let api = api();
    let key = &api.keys.a;
    api.endpoint(key).await;
    let message = api.message(key, "invoice.paid").await;
    settle(&api, Verdict::Dead).await;
    let again = api.call(key, "POST", &format!("{PATH}/1/redeliver"), None).await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    assert_eq!((&again.json()["id"], &again.json()["status"]), (&json!(1), &json!("pending")));
    settle(&api, Verdict::Delivered).await;
    let attempts = items(&api, &format!("{PATH}/1/attempts")).await;
    let seen: Vec<_> =
        attempts.iter().map(|it| (it["number"].as_u64().unwrap(), it["trigger"].clone())).collect();
    assert_eq!(seen, [(2, json!("redelivery")), (1, json!("schedule"))]);
    assert!(attempts.iter().all(|it| it["request_headers"][0]["value"] == json!(message)));
    assert_eq!(items(&api, "/api/v1/messages").await.len(), 1);
    let audited = api.audited.lock().unwrap();
    let last = audited.last().unwrap();
    assert_eq!((last.0.as_str(), last.1, last.2.as_str()), ("app-a", "delivery.redelivered", "1"));
}

#[tokio::test]
async fn attempts_come_in_pages_the_last_first() {
    let api = api();
    let key = &api.keys.a;
    api.endpoint(key).await;
    api.message(key, "invoice.paid").await;
    for _ in 0..5 {
        settle(&api, Verdict::Dead).await;
        let again = api.call(key, "POST", &format!("{PATH}/1/redeliver"), None).await;
        assert_eq!(again.status, StatusCode::ACCEPTED);
    }
    let page = api.get(key, &format!("{PATH}/1/attempts?limit=3")).await.json();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (3, &json!("3")));
    let rest = items(&api, &format!("{PATH}/1/attempts?limit=3&cursor=3")).await;
    assert_eq!(rest.iter().map(|it| it["number"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 1]);
    let wrong = api.get(key, &format!("{PATH}/1/attempts?cursor=x")).await;
    assert_eq!(wrong.fields(), ["cursor"]);
}

#[tokio::test]
async fn adv_99_a_thousand_resends_are_limited_to_so_many_a_minute() {
    let api = api();
    let (a, b) = (&api.keys.a, &api.keys.b);
    for key in [a, b] {
        api.endpoint(key).await;
        api.message(key, "invoice.paid").await;
    }
    settle(&api, Verdict::Dead).await;
    for _ in 0..100 {
        let mistyped = json!({ "filter": { "message": "x" } });
        let answer = api.post(a, "/api/v1/replays", mistyped).await;
        assert_eq!(answer.problem(), "not-found", "it uses nothing up");
    }
    let mut answered = (0, 0);
    for _ in 0..1000 {
        let answer = api.call(a, "POST", &format!("{PATH}/1/redeliver"), None).await;
        match answer.status {
            StatusCode::TOO_MANY_REQUESTS => {
                assert_eq!(answer.problem(), "rate-limited");
                assert!((1..=2).contains(&answer.header("retry-after").parse::<u32>().unwrap()));
                answered.1 += 1;
            }
            _ => answered.0 += 1,
        }
    }
    // A few more than 60 where the thousand took more than a second.
    assert!((60..200).contains(&answered.0) && answered.0 + answered.1 == 1000, "{answered:?}");
    assert_eq!(api.call(b, "POST", &format!("{PATH}/2/redeliver"), None).await.status, StatusCode::ACCEPTED);
    let endpoint = api.get(a, "/api/v1/endpoints").await.json()["items"][0]["id"].clone();
    let replay = json!({ "filter": { "endpoint": endpoint } });
    assert_eq!(api.post(a, "/api/v1/replays", replay).await.problem(), "rate-limited");
    let test = format!("/api/v1/endpoints/{}/test", endpoint.as_str().unwrap());
    assert_eq!(api.call(a, "POST", &test, None).await.problem(), "rate-limited");
}

#[tokio::test]
async fn a_replay_is_counted_first_and_goes_on_where_it_stopped() {
    let api = api();
    let key = &api.keys.a;
    let endpoint = api.endpoint(key).await;
    api.fill(Some("a"), 25).await;
    settle(&api, Verdict::Dead).await;
    let count = format!("/api/v1/replays/count?endpoint={endpoint}");
    assert_eq!(api.get(key, &count).await.json()["count"], 25);
    let mut steps = Vec::new();
    let mut after = Value::Null;
    loop {
        let step = json!({ "filter": { "endpoint": endpoint }, "after": after, "limit": 10 });
        let answer = api.post(key, "/api/v1/replays", step).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        steps.push(answer.json()["redelivered"].as_u64().unwrap());
        // What dies again meanwhile isn't begun with anew.
        settle(&api, Verdict::Dead).await;
        after = answer.json()["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(steps, [10, 10, 5]);
    assert_eq!(items(&api, &format!("{PATH}/1/attempts")).await.len(), 2);
    assert_eq!(api.get(key, &format!("{count}&status=delivered")).await.json()["count"], 0);
    let audited = api.audited.lock().unwrap();
    assert_eq!(audited.last().unwrap().2, format!("endpoint={endpoint} count=5"));
}

#[tokio::test]
async fn a_replay_names_what_it_means_and_how_much() {
    let api = api();
    let key = &api.keys.a;
    assert_eq!(api.get(key, "/api/v1/replays/count").await.fields(), ["endpoint"]);
    assert_eq!(api.get(key, "/api/v1/replays/count?message=x&status=leased").await.fields(), ["status"]);
    assert_eq!(api.get(key, "/api/v1/replays/count?from=2026-01-01T00:00:00Z").await.status, StatusCode::OK);
    let cases = [
        (json!({ "filter": {} }), "endpoint"),
        (json!({ "filter": { "message": "x" }, "limit": 0 }), "limit"),
        (json!({ "filter": { "message": "x" }, "limit": 1001 }), "limit"),
        (json!({ "filter": { "message": "x", "staus": "dead" } }), "filter.staus"),
        (json!({}), "filter"),
    ];
    for (body, field) in cases {
        assert_eq!(api.post(key, "/api/v1/replays", body.clone()).await.fields(), [field], "{body}");
    }
}

#[tokio::test]
async fn a_delivery_that_waits_is_cancelled_and_can_be_made_again() {
    let api = api();
    let key = &api.keys.a;
    api.endpoint(key).await;
    api.message(key, "invoice.paid").await;
    let call = async |action: &str| api.call(key, "POST", &format!("{PATH}/1/{action}"), None).await;
    let cancelled = call("cancel").await;
    assert_eq!((cancelled.status, &cancelled.json()["status"]), (StatusCode::OK, &json!("cancelled")));
    assert_eq!(cancelled.json()["due_at"], Value::Null);
    settle(&api, Verdict::Delivered).await;
    assert_eq!(items(&api, &format!("{PATH}/1/attempts")).await.len(), 0, "nothing was sent");
    let twice = call("cancel").await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    assert!(twice.text.contains("settled already"), "{}", twice.text);
    assert_eq!(call("redeliver").await.json()["status"], "pending");
    let claimed = api.outbox.store().claim(1, Duration::from_secs(60)).await.unwrap();
    let shown = api.get(key, &format!("{PATH}/1")).await.json();
    assert_eq!((&shown["status"], &shown["due_at"]), (&json!("leased"), &Value::Null));
    for action in ["cancel", "redeliver"] {
        let under_way = call(action).await;
        assert_eq!((under_way.status, under_way.problem().as_str()), (StatusCode::CONFLICT, "conflict"));
        assert!(under_way.text.contains("under way"), "{}", under_way.text);
    }
    let ended = settled(&claimed[0], Verdict::Retry { after: Duration::from_secs(3600) });
    api.outbox.store().settle(&[ended]).await.unwrap();
    assert_eq!(call("cancel").await.json()["status"], "cancelled");
    let audited = api.audited.lock().unwrap();
    let actions: Vec<&str> = audited.iter().map(|(_, action, _)| *action).skip(1).collect();
    assert_eq!(actions, ["delivery.cancelled", "delivery.redelivered", "delivery.cancelled"]);
}

/// As of an endpoint that is well again, where the next attempt is hours away.
#[tokio::test]
async fn what_waits_for_a_later_attempt_is_made_at_once() {
    let api = api();
    let key = &api.keys.a;
    let endpoint = api.endpoint(key).await;
    api.message(key, "invoice.paid").await;
    let hours_away = Verdict::Retry { after: Duration::from_secs(36_000) };
    let replay = json!({ "filter": { "endpoint": endpoint, "status": "pending" } });
    for number in 1..4 {
        settle(&api, hours_away).await;
        assert!(api.outbox.store().claim(1, Duration::from_secs(60)).await.unwrap().is_empty());
        let again = match number {
            1 => api.call(key, "POST", &format!("{PATH}/1/redeliver"), None).await,
            _ => api.post(key, "/api/v1/replays", replay.clone()).await,
        };
        assert!(again.status.is_success(), "{}", again.text);
    }
    settle(&api, Verdict::Delivered).await;
    let attempts = items(&api, &format!("{PATH}/1/attempts")).await;
    let triggers: Vec<_> = attempts.iter().map(|attempt| attempt["trigger"].as_str().unwrap()).collect();
    assert_eq!(triggers, ["redelivery", "redelivery", "redelivery", "schedule"]);
}

#[tokio::test]
async fn many_deliveries_are_counted_and_cancelled_in_steps() {
    let api = api();
    let key = &api.keys.a;
    let (endpoint, _other) = (api.endpoint(key).await, api.endpoint(key).await);
    api.fill(Some("a"), 25).await;
    let count = format!("/api/v1/cancellations/count?endpoint={endpoint}");
    assert_eq!(api.get(key, &count).await.json()["count"], 25);
    let step = json!({ "filter": { "endpoint": endpoint }, "limit": 10 });
    for (cancelled, more) in [(10, true), (10, true), (5, false), (0, false)] {
        let answer = api.post(key, "/api/v1/cancellations", step.clone()).await;
        assert_eq!(answer.json(), json!({ "cancelled": cancelled, "more": more }));
    }
    assert_eq!(api.get(key, &count).await.json()["count"], 0);
    assert_eq!(api.get(key, "/api/v1/stats").await.json()["pending"], 25, "the other endpoint's");
    let audited = api.audited.lock().unwrap().last().cloned().unwrap();
    assert_eq!((audited.1, audited.2), ("deliveries.cancelled", format!("endpoint={endpoint} count=0")));
    let cases = [
        (json!({ "filter": {} }), "endpoint"),
        (json!({ "filter": { "type": "invoice.paid" } }), "endpoint"),
        (json!({ "filter": { "message": "x" }, "limit": 1001 }), "limit"),
        (json!({ "filter": { "message": "x", "status": "dead" } }), "filter.status"),
        (json!({ "filter": { "message": "x" }, "after": 3 }), "after"),
    ];
    for (body, field) in cases {
        assert_eq!(api.post(key, "/api/v1/cancellations", body.clone()).await.fields(), [field], "{body}");
    }
    assert_eq!(api.get(key, "/api/v1/cancellations/count").await.fields(), ["endpoint"]);
}

#[tokio::test]
async fn what_waits_and_what_was_made_is_counted() {
    let now = 1_764_000_000_000_000;
    let api = api_with(|server| server.clock_micros(move || now + 60_000_000));
    let (admin, key) = (&api.keys.admin, &api.keys.a);
    let endpoint = api.endpoint(key).await;
    api.fill(Some("a"), 2).await;
    settle(&api, Verdict::Delivered).await;
    api.fill(Some("a"), 3).await;
    assert_eq!(api.get(key, "/api/v1/stats").await.json()["pending"], 3);
    let depth = api.get(admin, "/api/v1/stats").await.json();
    assert_eq!((&depth["pending"], &depth["leased"]), (&json!(3), &json!(0)));
    assert!(depth["oldest_due_seconds"].as_f64().unwrap() >= 0.0);
    let query = format!("endpoint={endpoint}&from=2025-11-24T15:30:00Z&step_seconds=900");
    let steps = items(&api, &format!("/api/v1/stats/activity?{query}")).await;
    assert_eq!(steps, [json!({ "at": "2025-11-24T16:00:00.000000Z", "succeeded": 2, "failed": 0 })]);
    let wrong = [
        ("from=2026-01-01T00:00:00Z&until=2025-01-01T00:00:00Z", "until"),
        ("step_seconds=0", "step_seconds"),
        ("step_seconds=1", "step_seconds"),
        ("step_seconds=31536001", "step_seconds"),
        ("step_seconds=x", "step_seconds"),
    ];
    for (query, field) in wrong {
        assert_eq!(
            api.get(key, &format!("/api/v1/stats/activity?{query}")).await.fields(),
            [field],
            "{query}"
        );
    }
}
