//! Endpoints: made, seen, changed, deleted.

use axum::http::StatusCode;
use countersign_store::outbox::{DisabledBecause, EndpointState, OutboxStore as _};
use serde_json::{Value, json};

use crate::support::api;

const PATH: &str = "/api/v1/endpoints";

#[tokio::test]
async fn an_endpoint_is_made_shown_changed_and_deleted() {
    let api = api();
    let key = &api.keys.admin;
    let draft = json!({
        "url": "https://example.com/hooks",
        "name": "Billing",
        "events": ["invoice.*", "payment.received"],
        "channels": ["eu"],
        "headers": [{ "name": "Authorization", "value": "Bearer hidden" }],
        "limits": { "in_flight": 3, "per_second": 7 },
        "sends_trace": true,
    });
    let made = api.post(key, PATH, draft).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("endpoints/{id}"));
    assert!(id.starts_with("ep_"));

    let path = format!("{PATH}/{id}");
    let shown = api.get(key, &path).await;
    assert!(!shown.text.contains("hidden"));
    let shown = shown.json();
    assert_eq!(shown["name"], "Billing");
    assert_eq!(shown["scheme"], "standard-webhooks");
    assert_eq!(shown["events"], json!(["invoice.*", "payment.received"]));
    assert_eq!(shown["headers"], json!(["Authorization"]));
    assert_eq!(shown["limits"], json!({ "in_flight": 3, "per_second": 7 }));
    assert_eq!((&shown["enabled"], &shown["disabled_because"]), (&json!(true), &Value::Null));

    let change = json!({ "name": "Billing EU", "events": ["*"], "headers": [] });
    let changed = api.call(key, "PATCH", &path, Some(change)).await.json();
    assert_eq!((&changed["name"], &changed["events"]), (&json!("Billing EU"), &json!(["*"])));
    assert_eq!((&changed["headers"], &changed["channels"]), (&json!([]), &json!(["eu"])));
    assert_eq!(changed["url"], "https://example.com/hooks");

    assert_eq!(api.call(key, "DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
    for (method, path) in
        [("GET", path.clone()), ("DELETE", path.clone()), ("POST", format!("{path}/enable"))]
    {
        assert_eq!(api.call(key, method, &path, None).await.problem(), "not-found", "{method} {path}");
    }
    let audited: Vec<_> =
        api.audited.lock().unwrap().iter().map(|(who, what, _)| (who.clone(), *what)).collect();
    let by_admin = |what| ("admin".to_owned(), what);
    assert_eq!(audited, ["endpoint.created", "endpoint.changed", "endpoint.deleted"].map(by_admin));
}

#[tokio::test]
async fn an_endpoint_is_disabled_and_enabled() {
    let api = api();
    let key = &api.keys.a;
    let path = format!("{PATH}/{}", api.endpoint(key).await);
    let disabled = api.call(key, "POST", &format!("{path}/disable"), None).await.json();
    assert_eq!((&disabled["enabled"], &disabled["disabled_because"]), (&json!(false), &json!("operator")));
    let enabled = api.call(key, "POST", &format!("{path}/enable"), None).await.json();
    assert_eq!((&enabled["enabled"], &enabled["disabled_because"]), (&json!(true), &Value::Null));
    let draft = json!({ "url": "https://example.com/", "enabled": false });
    assert_eq!(api.post(key, PATH, draft).await.json()["enabled"], false);
}

#[tokio::test]
async fn a_change_of_nothing_keeps_the_revision_and_is_not_audited() {
    let api = api();
    let key = &api.keys.a;
    let path = format!("{PATH}/{}", api.endpoint(key).await);
    let act = async |action: &str| {
        let shown = api.call(key, "POST", &format!("{path}/{action}"), None).await.json();
        (shown["enabled"].clone(), shown["revision"].clone())
    };
    let made = api.get(key, &path).await.json()["revision"].clone();
    assert_eq!(act("enable").await, (json!(true), made));
    let disabled = act("disable").await;
    assert_eq!((act("disable").await, &disabled.0), (disabled.clone(), &json!(false)));
    let enabled = act("enable").await;
    assert_eq!((act("enable").await, &enabled.0), (enabled.clone(), &json!(true)));
    assert_ne!(enabled.1, disabled.1);
    let audited: Vec<_> = api.audited.lock().unwrap().iter().map(|entry| entry.1).collect();
    assert_eq!(audited, ["endpoint.created", "endpoint.disabled", "endpoint.enabled"]);

    let same = json!({ "url": api.get(key, &path).await.json()["url"], "revision": enabled.1 });
    let changed = api.call(key, "PATCH", &path, Some(same)).await.json();
    assert_eq!((&changed["revision"], api.audited.lock().unwrap().len()), (&enabled.1, 3));

    let id = path.rsplit('/').next().unwrap();
    let failing = EndpointState::Disabled(DisabledBecause::Failing);
    api.outbox.store().set_state(id, failing).await.unwrap();
    act("disable").await;
    assert_eq!(api.get(key, &path).await.json()["disabled_because"], "operator", "it is disabled for good");
}

#[tokio::test]
async fn a_limit_that_a_change_does_not_name_stays_and_null_takes_one_away() {
    let api = api();
    let key = &api.keys.a;
    let path = format!("{PATH}/{}", api.endpoint(key).await);
    let steps = [
        (json!({ "per_second": 2 }), json!({ "in_flight": 10, "per_second": 2 })),
        (json!({ "in_flight": 3 }), json!({ "in_flight": 3, "per_second": 2 })),
        (json!({}), json!({ "in_flight": 3, "per_second": 2 })),
        (json!({ "per_second": null }), json!({ "in_flight": 3, "per_second": null })),
    ];
    for (limits, expected) in steps {
        let change = json!({ "limits": limits });
        let changed = api.call(key, "PATCH", &path, Some(change.clone())).await;
        assert_eq!(changed.json()["limits"], expected, "{change}");
    }
    let without = json!({ "limits": { "in_flight": null } });
    assert_eq!(api.call(key, "PATCH", &path, Some(without)).await.fields(), ["limits.in_flight"]);
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_at_once() {
    let api = api();
    let draft = json!({
        "url": "http://169.254.169.254/latest",
        "name": "",
        "tenant": "b",
        "scheme": "acme",
        "events": [],
        "channels": ["x\u{202E}y"],
        "headers": [{ "name": "Host", "value": "x" }],
        "limits": { "in_flight": 0, "per_second": 0 },
    });
    let mut fields = api.post(&api.keys.a, PATH, draft).await.fields();
    fields.sort();
    let all = [
        "channels",
        "events",
        "headers",
        "limits.in_flight",
        "limits.per_second",
        "name",
        "scheme",
        "tenant",
        "url",
    ];
    assert_eq!(fields, all);
    assert!(api.get(&api.keys.admin, PATH).await.json()["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn each_mistake_is_named_by_its_field() {
    let api = api();
    let url = "https://example.com/";
    let cases = [
        (json!({}), "url"),
        (json!({ "url": 7 }), "url"),
        (json!({ "url": url, "secert": "x" }), "secert"),
        (json!({ "url": url, "limits": { "in_flight": "many" } }), "limits.in_flight"),
        (json!({ "url": url, "limits": [5, 6] }), "limits"),
        (json!({ "url": url, "headers": [["x-team", "billing"]] }), "headers[0]"),
        (json!({ "url": url, "headers": [{ "name": "x-team" }] }), "headers[0].value"),
        (json!({ "url": "https://localhost/" }), "url"),
        (json!({ "url": "https://10.0.0.1/" }), "url"),
        (json!({ "url": "https://user:pw@example.com/" }), "url"),
        (json!({ "url": "ftp://example.com/" }), "url"),
        (json!({ "url": "https://example.com:22/" }), "url"),
        (json!({ "url": url, "events": ["invoice*"] }), "events"),
        (json!({ "url": url, "headers": [{ "name": "webhook-signature", "value": "v1,x" }] }), "headers"),
        (json!({ "url": url, "secret": "whsec_" }), "secret"),
        (json!({ "url": url, "secret": "short" }), "secret"),
        (json!({ "url": url, "scheme": "billrun", "secret": "C2FVsBQIhrscChlQIMV+b5sSYspob7oD" }), "secret"),
        (json!({ "url": url, "scheme": "name = 1\n" }), "scheme"),
        (json!({ "url": url, "scheme": "discord" }), "secret"),
        (json!({ "url": url, "tenant": "x\u{0}" }), "tenant"),
    ];
    for (draft, field) in cases {
        let answer = api.post(&api.keys.admin, PATH, draft.clone()).await;
        assert_eq!(answer.fields(), [field], "{draft} {}", answer.text);
    }
    let path = format!("{PATH}/{}", api.endpoint(&api.keys.admin).await);
    let cases = [
        (json!({ "scheme": "stripe" }), "scheme"),
        (json!({ "tenant": "b" }), "tenant"),
        (json!({ "url": "https://[::1]/", "keep_secrets": true }), "url"),
        (json!({ "headers": [{ "name": "Webhook_Id", "value": "x" }] }), "headers"),
        (json!({ "limits": { "in_flight": 101 } }), "limits.in_flight"),
    ];
    for (change, field) in cases {
        let answer = api.call(&api.keys.admin, "PATCH", &path, Some(change.clone())).await;
        assert_eq!(answer.fields(), [field], "{change} {}", answer.text);
    }
}

/// One that the scheme writes while two secrets sign is refused before there are two, and a trace before one is sent.
#[tokio::test]
async fn a_header_that_the_scheme_may_write_later_is_refused_now() {
    let api = api();
    for (scheme, name) in [
        ("docusign", "X-DocuSign-Signature-2"),
        ("docusign", "x_docusign_signature_10"),
        ("box", "Box-Signature-Secondary"),
        ("mollie", "X-Mollie-Signature"),
        ("standard-webhooks", "traceparent"),
    ] {
        let draft = json!({ "url": "https://example.com/", "scheme": scheme });
        let path = format!(
            "{PATH}/{}",
            api.post(&api.keys.a, PATH, draft.clone()).await.json()["id"].as_str().unwrap()
        );
        let headers = json!([{ "name": name, "value": "x" }]);
        let changed = api.call(&api.keys.a, "PATCH", &path, Some(json!({ "headers": headers }))).await;
        assert_eq!(changed.fields(), ["headers"], "{name} {}", changed.text);
        let mut draft = draft;
        draft["headers"] = headers;
        assert_eq!(api.post(&api.keys.a, PATH, draft).await.fields(), ["headers"], "{name}");
    }
}

#[tokio::test]
async fn adv_81_another_host_is_given_neither_the_headers_nor_unasked_the_signatures_of_the_one_before() {
    let api = api();
    let key = &api.keys.a;
    let headers = json!([{ "name": "Authorization", "value": "Bearer hidden" }]);
    let draft = json!({ "url": "https://example.com/a", "headers": headers });
    let made = api.post(key, PATH, draft).await.json();
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let change = async |change: Value| api.call(key, "PATCH", &path, Some(change)).await;
    // Another path of the host is no move.
    assert_eq!(
        change(json!({ "url": "https://example.com/b" })).await.json()["headers"],
        json!(["Authorization"])
    );
    for elsewhere in ["https://other.example/", "https://example.com.other.example/b"] {
        for unasked in [json!({ "url": elsewhere }), json!({ "url": elsewhere, "keep_secrets": false })] {
            assert_eq!(change(unasked).await.fields(), ["keep_secrets"]);
        }
    }
    assert_eq!(api.get(key, &path).await.json()["url"], "https://example.com/b");
    let moved = change(json!({ "url": "https://other.example/", "keep_secrets": true })).await.json();
    assert_eq!((&moved["url"], &moved["headers"]), (&json!("https://other.example/"), &json!([])));
    let back = json!({ "url": "https://example.com/", "keep_secrets": true, "headers": headers });
    assert_eq!(change(back).await.json()["headers"], json!(["Authorization"]));
    // Where nothing is signed there is nothing to keep.
    let unsigned = json!({ "url": "https://example.com/", "scheme": "snapbill" });
    let unsigned = api.post(key, PATH, unsigned).await.json();
    let path = format!("{PATH}/{}", unsigned["id"].as_str().unwrap());
    let moved = api.call(key, "PATCH", &path, Some(json!({ "url": "https://other.example/" }))).await;
    assert_eq!(moved.status, StatusCode::OK);
}

#[tokio::test]
async fn a_change_of_what_was_changed_meanwhile_is_refused_where_it_says_what_it_read() {
    let api = api();
    let key = &api.keys.a;
    let made = api.post(key, PATH, json!({ "url": "https://example.com/" })).await.json();
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let change = async |name: &str, revision: &Value| {
        let change = json!({ "name": name, "revision": revision });
        api.call(key, "PATCH", &path, Some(change)).await
    };
    let first = change("first", &made["revision"]).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    let second = change("second", &made["revision"]).await;
    assert_eq!((second.status, second.problem().as_str()), (StatusCode::CONFLICT, "conflict"));
    let now = api.get(key, &path).await.json();
    assert_eq!((&now["name"], &now["revision"]), (&json!("first"), &first.json()["revision"]));
    assert_eq!(change("third", &now["revision"]).await.status, StatusCode::OK);
    // Who doesn't say what they read means it whatever it was.
    assert_eq!(change("fourth", &Value::Null).await.json()["name"], "fourth");
}

#[tokio::test]
async fn a_scheme_can_be_written_as_toml() {
    let api = api();
    let scheme = countersign::catalog::GITHUB.to_toml();
    let draft = json!({ "url": "https://example.com/", "scheme": scheme });
    let made = api.post(&api.keys.a, PATH, draft).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.json()["scheme"], scheme);
    assert_eq!(made.json()["secret"].as_str().unwrap().len(), 64);
    // But it writes no header that an endpoint's owner may not set.
    let scheme = scheme.replace("X-Hub-Signature-256", "Metadata-Flavor");
    let draft = json!({ "url": "https://example.com/", "scheme": scheme });
    assert_eq!(api.post(&api.keys.a, PATH, draft).await.fields(), ["scheme"]);
}

#[tokio::test]
async fn endpoints_are_listed_in_pages_that_end() {
    let api = api();
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(api.endpoint(&api.keys.a).await);
    }
    api.endpoint(&api.keys.b).await;
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    for expected in [3, 3, 1] {
        let page = api.get(&api.keys.a, &format!("{PATH}?limit=3{cursor}")).await.json();
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), expected);
        listed.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        cursor = page["next"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
    }
    made.sort();
    assert_eq!((listed, cursor.as_str()), (made, ""));
    assert_eq!(api.get(&api.keys.admin, PATH).await.json()["items"].as_array().unwrap().len(), 8);
    let of_b = api.get(&api.keys.admin, &format!("{PATH}?tenant=b")).await.json();
    assert_eq!(of_b["items"].as_array().unwrap().len(), 1);
}
