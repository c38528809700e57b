//! What one tenant sees of another: nothing.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Api, api, encoded, request};

/// The ids of what a tenant has.
struct Own {
    endpoint: String,
    message: String,
    delivery: String,
    key: String,
    tenant: &'static str,
}

async fn fill(api: &Api, tenant: &'static str) -> Own {
    let key = if tenant == "a" { &api.keys.a } else { &api.keys.b };
    let endpoint = api.endpoint(key).await;
    let message = api.message(key, "invoice.paid").await;
    let deliveries = api.get(key, "/api/v1/deliveries").await.json();
    let draft = json!({ "label": endpoint, "scope": "read" });
    let made = api.post(&api.keys.admin, "/api/v1/keys", draft).await.json();
    let key = made["id"].as_str().unwrap().to_owned();
    Own { endpoint, message, delivery: deliveries["items"][0]["id"].to_string(), key, tenant }
}

/// The routes of the description that name something: method, path, and a body where one is needed.
async fn routes_of_things(api: &Api) -> Vec<(String, String, bool)> {
    let document = api.get("", "/api/v1/openapi.json").await.json();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if path.contains('{') && !path.contains("{name}") {
                let needs_body = operation["requestBody"]["required"] == true;
                routes.push((method.to_uppercase(), format!("/api/v1{path}"), needs_body));
            }
        }
    }
    routes
}

#[tokio::test]
async fn adv_93_what_is_another_tenants_is_answered_as_what_does_not_exist_on_every_route() {
    let api = api();
    let (a, b) = (api.keys.a.clone(), api.keys.b.clone());
    let (own, others) = (fill(&api, "b").await, fill(&api, "a").await);
    let nothing = Own {
        endpoint: "ep_0".into(),
        message: "msg_0".into(),
        delivery: "99".into(),
        key: "key_0".into(),
        tenant: "nobody",
    };
    let routes = routes_of_things(&api).await;
    assert!(routes.len() == 15, "{routes:?}");
    let at = |path: &str, ids: &Own| {
        let path = path.replace("{endpoint}", &ids.endpoint).replace("{message}", &ids.message);
        path.replace("{delivery}", &ids.delivery)
            .replace("{key_id}", &ids.key)
            .replace("{tenant}", ids.tenant)
    };
    for (method, path, needs_body) in &routes {
        let body = || needs_body.then(|| json!({}));
        let answer = api.call(&b, method, &at(path, &others), body()).await;
        // What is for admins isn't looked up at all.
        let is_for_admins = path.contains("{key_id}") || (path.contains("{tenant}") && method == "DELETE");
        let expected = if is_for_admins { "forbidden" } else { "not-found" };
        assert_eq!(answer.problem(), expected, "{method} {path}");
        let missing = api.call(&b, method, &at(path, &nothing), body()).await;
        assert_eq!(answer.text, missing.text, "{method} {path}");
    }
    // Nothing of it was done, and each route answers its owner otherwise.
    let untouched = api.get(&a, &format!("/api/v1/endpoints/{}", others.endpoint)).await.json();
    assert_eq!((&untouched["enabled"], untouched["secrets"].as_array().unwrap().len()), (&json!(true), 1));
    for (method, path, needs_body) in routes.iter().filter(|(method, ..)| method != "DELETE") {
        let answer = api.call(&b, method, &at(path, &own), needs_body.then(|| json!({}))).await;
        assert_ne!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
}

#[tokio::test]
async fn adv_93_lists_counts_and_replays_hold_nothing_of_another_tenant() {
    let api = api();
    let b = api.keys.b.clone();
    let others = fill(&api, "a").await;
    let empty = [
        "/api/v1/tenants".to_owned(),
        "/api/v1/endpoints".to_owned(),
        "/api/v1/messages".to_owned(),
        "/api/v1/deliveries".to_owned(),
        format!("/api/v1/deliveries?endpoint={}", others.endpoint),
        format!("/api/v1/deliveries?message={}", others.message),
        format!("/api/v1/stats/activity?endpoint={}", others.endpoint),
        format!("/api/v1/endpoints?cursor={}", &others.endpoint[..4]),
    ];
    for path in &empty {
        assert_eq!(api.get(&b, path).await.json()["items"], json!([]), "{path}");
    }
    assert_eq!(api.get(&b, "/api/v1/stats").await.json()["pending"], 0);
    // What is another's and what nobody has had look the same.
    for (field, id, nobodys) in
        [("endpoint", &others.endpoint, "ep_typo"), ("message", &others.message, "msg_typo")]
    {
        for many in ["replays", "cancellations"] {
            let (path, mut said) = (format!("/api/v1/{many}"), Vec::new());
            for id in [id.as_str(), nobodys] {
                let step = json!({ "filter": { field: id, "from": "2020-01-01T00:00:00Z" } });
                let count = api.get(&b, &format!("{path}/count?{field}={id}")).await;
                for answer in [count, api.post(&b, &path, step).await] {
                    assert_eq!((answer.status, &*answer.problem()), (StatusCode::NOT_FOUND, "not-found"));
                    assert_eq!(answer.json()["errors"][0]["field"], field);
                    said.push(answer.text);
                }
            }
            assert!(said.iter().all(|text| *text == said[0]), "{said:?}");
        }
    }
    assert_eq!(api.get(&api.keys.a, "/api/v1/stats").await.json()["pending"], 1);
    // Another's message is no place to go on from, and their tenant no filter.
    let cursor = format!("/api/v1/messages?cursor={}", others.message);
    assert_eq!(api.get(&b, &cursor).await.fields(), ["cursor"]);
    for path in ["/api/v1/endpoints", "/api/v1/messages", "/api/v1/deliveries", "/api/v1/stats/activity"] {
        assert_eq!(api.get(&b, &format!("{path}?tenant=a")).await.fields(), ["tenant"], "{path}");
        assert_eq!(api.get(&b, &format!("{path}?tenant=b")).await.status, StatusCode::OK, "{path}");
    }
    for many in ["replays", "cancellations"] {
        let count = format!("/api/v1/{many}/count?tenant=a&message=x");
        assert_eq!(api.get(&b, &count).await.fields(), ["tenant"], "{many}");
    }
}

#[tokio::test]
async fn adv_93_nothing_is_made_for_another_tenant() {
    let api = api();
    let b = &api.keys.b;
    let made = [
        ("/api/v1/endpoints", json!({ "url": "https://example.com/", "tenant": "a" })),
        ("/api/v1/messages", json!({ "type": "x", "payload": {}, "tenant": "a" })),
    ];
    for (path, body) in made {
        assert_eq!(api.post(b, path, body).await.fields(), ["tenant"], "{path}");
    }
    let (endpoint, message) = (api.endpoint(b).await, api.message(b, "x").await);
    for path in [format!("/api/v1/endpoints/{endpoint}"), format!("/api/v1/messages/{message}")] {
        assert_eq!(api.get(&api.keys.admin, &path).await.json()["tenant"], "b");
    }
}

#[tokio::test]
async fn tenants_are_listed_to_who_sees_all_and_to_themselves() {
    let api = api();
    let list = async |key: &str, query: &str| {
        let page = api.get(key, &format!("/api/v1/tenants{query}")).await.json();
        let names: Vec<String> =
            page["items"].as_array().unwrap().iter().map(|tenant| tenant["name"].to_string()).collect();
        (names.join(" "), page["next"].clone())
    };
    assert_eq!(list(&api.keys.admin, "").await, (String::new(), Value::Null));
    for tenant in ["a", "b"] {
        fill(&api, tenant).await;
    }
    api.endpoint(&api.keys.admin).await;
    for (key, query, names, next) in [
        (&api.keys.admin, "", r#""a" "b""#, Value::Null),
        (&api.keys.read, "", r#""a" "b""#, Value::Null),
        (&api.keys.admin, "?limit=1", r#""a""#, json!("a")),
        (&api.keys.admin, "?limit=1&cursor=a", r#""b""#, Value::Null),
        (&api.keys.b, "", r#""b""#, Value::Null),
        (&api.keys.b, "?cursor=a", r#""b""#, Value::Null),
        (&api.keys.b, "?cursor=b", "", Value::Null),
    ] {
        assert_eq!(list(key, query).await, (names.to_owned(), next), "{query}");
    }
    let shown = api.get(&api.keys.b, "/api/v1/tenants/b").await.json();
    assert_eq!((&shown["name"], &shown["endpoints"]), (&json!("b"), &json!(1)));
    assert!(shown["last_message_at"].is_string(), "{shown}");
}

/// In steps, of which each says whether there is more; with the keys of the store, and nothing of another tenant.
#[tokio::test]
async fn an_admin_forgets_a_tenant_with_its_keys() {
    let api = api();
    let (admin, path) = (api.keys.admin.clone(), "/api/v1/tenants/a");
    let (theirs, others) = (fill(&api, "a").await, fill(&api, "b").await);
    let make = async |label: &str, tenant: &str| {
        let draft = json!({ "label": label, "scope": "app", "tenant": tenant });
        api.post(&admin, "/api/v1/keys", draft).await.json()["key"].as_str().unwrap().to_owned()
    };
    let (their_key, others_key) = (make("theirs", "a").await, make("others", "b").await);
    for key in [&api.keys.a, &api.keys.b, &api.keys.read, &their_key] {
        assert_eq!(api.call(key, "DELETE", path, None).await.problem(), "forbidden");
    }
    let forgotten = api.call(&admin, "DELETE", path, None).await;
    assert_eq!(forgotten.json(), json!({ "forgotten": 2, "more": false }));

    assert_eq!(api.get(&admin, path).await.problem(), "not-found");
    assert_eq!(api.call(&admin, "DELETE", path, None).await.problem(), "not-found");
    assert_eq!(api.get(&their_key, "/api/v1/endpoints").await.problem(), "unauthenticated");
    for gone in [format!("endpoints/{}", theirs.endpoint), format!("messages/{}", theirs.message)] {
        assert_eq!(api.get(&admin, &format!("/api/v1/{gone}")).await.problem(), "not-found", "{gone}");
    }
    assert_eq!(api.get(&others_key, "/api/v1/endpoints").await.status, StatusCode::OK);
    for left in [format!("endpoints/{}", others.endpoint), format!("messages/{}", others.message)] {
        assert_eq!(api.get(&admin, &format!("/api/v1/{left}")).await.status, StatusCode::OK, "{left}");
    }
}

#[tokio::test]
async fn a_tenant_with_a_slash_is_found_by_its_name() {
    let api = api();
    let draft = json!({ "type": "x", "payload": {}, "tenant": "eu/acme ü" });
    api.post(&api.keys.admin, "/api/v1/messages", draft).await;
    let path = "/api/v1/tenants/eu%2Facme%20%C3%BC";
    assert_eq!(api.get(&api.keys.admin, path).await.json()["name"], "eu/acme ü");
    assert_eq!(api.call(&api.keys.admin, "DELETE", path, None).await.json()["forgotten"], 1);
}

/// The application can choose names that nobody can choose here.
#[tokio::test]
async fn a_tenant_with_a_name_that_this_api_would_refuse_is_listed_found_and_forgotten() {
    let (api, long) = (api(), "e".repeat(300));
    let names = [" a", "b\n", "c\u{202E}d", &long, "f"];
    for name in names {
        api.fill(Some(name), 1).await;
    }
    let ask = async |path: &str| api.get(&api.keys.admin, &format!("/api/v1/{path}")).await.json();

    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ask(&format!("tenants?limit=1{cursor}")).await;
        listed.push(page["items"][0]["name"].as_str().unwrap().to_owned());
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={}", encoded(next));
    }
    assert_eq!(listed, names);
    for name in names.map(encoded) {
        let messages = ask(&format!("messages?tenant={name}")).await;
        assert_eq!(messages["items"].as_array().unwrap().len(), 1, "{name}");
        let forgotten = api.call(&api.keys.admin, "DELETE", &format!("/api/v1/tenants/{name}"), None).await;
        assert_eq!(forgotten.json()["forgotten"], 1, "{name}");
    }
}

#[tokio::test]
async fn an_idempotency_key_is_a_tenants_own() {
    let api = api();
    let enqueue = async |key: &str| {
        let body = json!({ "type": "x", "payload": {} });
        let mut request = request(key, "POST", "/api/v1/messages", Some(body));
        request.headers_mut().insert("idempotency-key", "\"one\"".parse().unwrap());
        api.send(request).await.json()
    };
    let (of_a, of_b) = (enqueue(&api.keys.a).await, enqueue(&api.keys.b).await);
    assert_ne!(of_a["id"], of_b["id"]);
    assert_eq!((&of_a["duplicate"], &of_b["duplicate"]), (&Value::Bool(false), &Value::Bool(false)));
}
