//! BillRun's API of webhooks.

use axum::{
    Extension,
    body::Body,
    http::{Request, StatusCode},
};
use countersign_server::{Caller, Scope};
use serde_json::{Value, json};

use crate::support::{Answer, Api, api, api_with, request, send};

const PATH: &str = "/plugins/webhooks";
const TRACK: &str =
    "webhook_module=accounts&webhook_action=trackchanges&webhook_url=https://example.com/hook";

fn billrun() -> Api {
    api_with(|server| server.billrun(true))
}

/// A request whose parameters stand in a form.
async fn form(api: &Api, key: &str, path: &str, parameters: &str) -> Answer {
    let request = Request::post(format!("{PATH}/{path}"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/x-www-form-urlencoded");
    api.send(request.body(Body::from(parameters.to_owned())).unwrap()).await
}

/// A request whose parameters stand in the query.
async fn query(api: &Api, key: &str, path: &str) -> Value {
    let answer = api.get(key, &format!("{PATH}/{path}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    answer.json()
}

fn webhook(id: &str, action: &str, url: &str) -> Value {
    json!({ "webhook_id": id, "webhook_module": "accounts", "webhook_action": action, "webhook_url": url })
}

#[tokio::test]
async fn a_webhook_is_made_read_changed_and_deleted() {
    let api = billrun();
    let key = &api.keys.a;
    let made = form(&api, key, "create", TRACK).await.json();
    let id = made["webhook"]["webhook_id"].as_str().unwrap().to_owned();
    let expected = webhook(&id, "trackchanges", "https://example.com/hook");
    assert_eq!(made, json!({ "status": 1, "webhook": expected }));
    assert_eq!(query(&api, key, &format!("read/{id}")).await, made);
    assert_eq!(query(&api, key, &format!("read?webhook_id={id}")).await, made);

    let change = "webhook_url=https://example.com/other";
    let changed = form(&api, key, &format!("update/{id}"), change).await.json();
    let expected = webhook(&id, "trackchanges", "https://example.com/other");
    assert_eq!(changed, json!({ "status": 1, "webhook": expected }));

    let deleted = query(&api, key, &format!("delete/{id}")).await;
    assert_eq!(deleted, json!({ "status": 1, "webhook_id": id }));
    for verb in ["read", "update", "delete"] {
        assert_eq!(query(&api, key, &format!("{verb}/{id}")).await["status"], 0, "{verb}");
    }
}

#[tokio::test]
async fn a_webhook_is_an_endpoint_for_the_event_type_of_its_action() {
    let api = billrun();
    let key = &api.keys.a;
    let id = query(&api, key, &format!("create?{TRACK}")).await["webhook"]["webhook_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let endpoint = api.get(key, &format!("/api/v1/endpoints/{id}")).await.json();
    assert_eq!(endpoint["events"], json!(["accounts.trackchanges"]));
    assert_eq!((&endpoint["scheme"], &endpoint["tenant"]), (&json!("billrun"), &json!("a")));
    api.message(key, "accounts.trackchanges").await;
    api.message(key, "plans.trackchanges").await;
    let deliveries = api.get(key, &format!("/api/v1/deliveries?endpoint={id}")).await.json();
    assert_eq!(deliveries["items"].as_array().unwrap().len(), 1);
    // One that wants more than one action is none of BillRun's.
    let other = api.endpoint(key).await;
    assert_eq!(query(&api, key, &format!("read/{other}")).await["status"], 0);
}

#[tokio::test]
async fn adv_93_an_id_can_be_chosen_once_and_is_the_tenants_own() {
    let api = billrun();
    let (a, b) = (&api.keys.a, &api.keys.b);
    let create = format!("create?{TRACK}&webhook_id=my-hook");
    let made = query(&api, a, &create).await;
    assert_eq!(made["webhook"], webhook("my-hook", "trackchanges", "https://example.com/hook"));
    assert_eq!(query(&api, a, &create).await["status"], 0);
    assert_eq!(query(&api, b, "read/my-hook").await["status"], 0);
    assert_eq!(query(&api, b, &format!("create/my-hook?{TRACK}")).await["status"], 1);
    assert_eq!(query(&api, b, "delete/my-hook").await, json!({ "status": 1, "webhook_id": "my-hook" }));
    assert_eq!(query(&api, a, "read/my-hook").await, made);
    // Nor is another tenant's known by the id that it was given.
    let of_a = query(&api, a, &format!("create?{TRACK}")).await["webhook"]["webhook_id"].clone();
    for verb in ["read", "update", "delete"] {
        let others = query(&api, b, &format!("{verb}/{}", of_a.as_str().unwrap())).await;
        assert_eq!(others, query(&api, b, &format!("{verb}/none")).await);
        assert_eq!(others["status"], 0, "{verb}");
    }
    let shown = query(&api, &api.keys.read, &format!("read/{}", of_a.as_str().unwrap())).await;
    assert_eq!(shown["webhook"]["webhook_url"], "https://example.com/…");
}

#[tokio::test]
async fn what_is_wrong_is_answered_with_status_0_and_why() {
    let api = billrun();
    let cases = [
        ("create", "webhook_module: is missing"),
        ("create?webhook_module=accounts", "webhook_action: is missing"),
        ("create?webhook_module=accounts&webhook_action=trackchanges", "webhook_url: is missing"),
        (
            "create?webhook_module=x&webhook_action=y&webhook_url=https://example.com/",
            "webhook_module: is none",
        ),
        (
            "create?webhook_module=lines&webhook_action=create&webhook_url=https://example.com/",
            "webhook_action: is no",
        ),
        ("create?webhook_module=accounts&webhook_action=trackchanges&webhook_url=http://127.0.0.1/", "url: "),
        ("create?webhook_module=accounts&webhook_module=bills", "webhook_module: stands twice"),
        ("read", "webhook_id: is missing"),
        ("read/none", "nothing of this id"),
    ];
    for (path, message) in cases {
        let answer = query(&api, &api.keys.admin, path).await;
        assert_eq!(answer["status"], 0, "{path}");
        assert!(answer["message"].as_str().unwrap().starts_with(message), "{path} {answer}");
    }
}

#[tokio::test]
async fn collection_has_steps_of_its_own_and_every_documented_action_is_known() {
    use countersign::events::billrun::Module;
    let api = billrun();
    let create = async |module: &str, action: &str| {
        let path = format!(
            "create?webhook_module={module}&webhook_action={action}&webhook_url=https://example.com/"
        );
        query(&api, &api.keys.a, &path).await["status"].clone()
    };
    assert_eq!(create("collection", "reminder-2").await, 1);
    assert_eq!(create("collection", "").await, 0);
    for module in Module::DOCUMENTED {
        for action in module.actions() {
            assert_eq!(create(module.as_str(), action.as_str()).await, 1, "{module} {action}");
        }
    }
}

#[tokio::test]
async fn adv_95_whom_the_application_lets_in_changes_by_get_from_its_own_pages_alone() {
    let api = billrun();
    let id = query(&api, &api.keys.admin, &format!("create?{TRACK}")).await["webhook"]["webhook_id"].clone();
    let id = id.as_str().unwrap();
    let let_in = api.router.clone().layer(Extension(Caller::new("sso", Scope::Admin)));
    let ask = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        let mut request =
            Request::builder().method(method).uri(format!("{PATH}/{path}")).header("host", "ops.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(&let_in, request.body(Body::empty()).unwrap()).await.status
    };
    let changes = [
        format!("create?{TRACK}"),
        format!("update/{id}?webhook_url=https://x.example/"),
        format!("delete/{id}"),
    ];
    // A browser that is old, or that asks by plain `http`, says nothing of where a `GET` comes from.
    let silent: &[(&str, &str)] = &[];
    let cross: &[(&str, &str)] = &[("sec-fetch-site", "cross-site")];
    for change in &changes {
        for (method, headers) in
            [("GET", cross), ("HEAD", cross), ("POST", cross), ("GET", silent), ("HEAD", silent)]
        {
            assert_eq!(
                ask(method, change, headers).await,
                StatusCode::FORBIDDEN,
                "{method} {change} {headers:?}"
            );
        }
    }
    assert_eq!(api.audited.lock().unwrap().len(), 1);
    assert_eq!(ask("GET", &format!("read/{id}"), silent).await, StatusCode::OK);
    for change in &changes {
        let own: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];
        assert_eq!(ask("GET", change, own).await, StatusCode::OK, "{change}");
    }
    assert_eq!(ask("POST", &changes[0], silent).await, StatusCode::OK);
    assert_eq!(api.audited.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn it_is_off_unless_it_is_enabled_and_needs_a_key() {
    let off = api();
    assert_eq!(off.get(&off.keys.a, &format!("{PATH}/read/x")).await.status, StatusCode::NOT_FOUND);
    let api = billrun();
    for path in ["create", "read/x", "update/x", "delete/x"] {
        for method in ["GET", "POST"] {
            let answer = api.send(request("csk_wrong", method, &format!("{PATH}/{path}"), None)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        }
    }
    assert_eq!(
        api.get(&api.keys.read, &format!("{PATH}/create?{TRACK}")).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(api.call(&api.keys.a, "DELETE", &format!("{PATH}/delete/x"), None).await.status, 405);
}
