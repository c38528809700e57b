//! The description of the API.

use std::path::Path;

use axum::{Router, http::StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{Api, api, request, send};

async fn document(api: &Api) -> Value {
    api.get("", "/api/v1/openapi.json").await.json()
}

#[tokio::test]
async fn the_description_in_the_tree_is_the_one_that_is_served() {
    let served = document(&api()).await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&served).unwrap() + "\n").unwrap();
    }
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(
        served == committed,
        "openapi.json is not what the code says: UPDATE_OPENAPI=1 cargo test -p countersign-server openapi"
    );
    assert_eq!(committed["openapi"], "3.1.0");
}

#[tokio::test]
async fn every_operation_is_described_and_needs_a_key() {
    let api = api();
    let document = document(&api).await;
    let mut ids = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{method} {path}");
            assert!(operation["responses"]["4XX"].is_object(), "{method} {path}");
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
            let path = format!("/api/v1{path}").replace(['{', '}'], "x");
            let answer = api.call("", &method.to_uppercase(), &path, None).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((count, ids.len()), (31, 31));
    assert_eq!(document["security"], serde_json::json!([{ "key": [] }]));
    assert_eq!(document["components"]["securitySchemes"]["key"]["scheme"], "bearer");
}

/// A list of values is no object, in whatever order they stand.
#[tokio::test]
async fn every_body_is_an_object() {
    let api = api();
    let (endpoint, bodies) = (api.endpoint(&api.keys.admin).await, [json!([]), json!([null]), json!("x")]);
    let mut count = 0;
    for (path, operations) in document(&api).await["paths"].as_object().unwrap() {
        for (method, _) in
            operations.as_object().unwrap().iter().filter(|(_, op)| op["requestBody"].is_object())
        {
            let path = format!("/api/v1{path}").replace("{endpoint}", &endpoint);
            for body in &bodies {
                let answer =
                    api.call(&api.keys.admin, &method.to_uppercase(), &path, Some(body.clone())).await;
                assert_eq!(answer.fields(), [""], "{method} {path} {body}");
                assert!(answer.text.contains("is not an object"), "{method} {path} {}", answer.text);
            }
            count += 1;
        }
    }
    assert_eq!(count, 8);
    let filter = json!({ "filter": [endpoint, null, null, "dead", null, null, null] });
    for many in ["replays", "cancellations"] {
        let path = format!("/api/v1/{many}");
        assert_eq!(api.post(&api.keys.admin, &path, filter.clone()).await.fields(), ["filter"], "{many}");
    }
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere() {
    let document = document(&api()).await;
    let text = document.to_string();
    let references = text.split("\"#").skip(1).filter_map(|rest| rest.split('"').next());
    let mut count = 0;
    for pointer in references {
        assert!(document.pointer(pointer).is_some(), "{pointer}");
        count += 1;
    }
    assert!(count > 50);
}

#[tokio::test]
async fn a_server_that_is_mounted_says_where() {
    let api = api();
    let router = Router::new().nest("/admin/hooks", api.router.clone());
    let served = send(&router, request("", "GET", "/admin/hooks/api/v1/openapi.json", None)).await.json();
    assert_eq!(served["servers"][0]["url"], "/admin/hooks/api/v1");
    let listed = send(&router, request(&api.keys.a, "GET", "/admin/hooks/api/v1/endpoints", None)).await;
    assert_eq!(listed.status, StatusCode::OK);
}

#[tokio::test]
async fn the_viewer_needs_no_key_no_other_host_and_no_inline_script() {
    let api = api();
    let page = api.get("", "/api/docs").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(!page.text.contains("://") && !page.text.contains("style="));
    assert!(page.text.split("<script").skip(1).all(|tag| tag.starts_with(" src=\"docs/")));
    let kept = page.text.split("\"docs/").skip(1).map(|rest| rest.split_once('"').unwrap().0);
    let files: Vec<_> = kept.map(|link| format!("/api/docs/{link}")).collect();
    assert_eq!(files.len(), 3);
    for file in files {
        let request = request("", "GET", &file, None);
        let response = api.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{file}");
        let kind = response.headers()["content-type"].to_str().unwrap();
        assert!(kind.starts_with("text/javascript") || kind.starts_with("text/css"), "{file} {kind}");
    }
}

#[tokio::test]
async fn what_is_vendored_for_the_viewer_is_below_half_a_mebibyte_and_names_its_version() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/swagger-ui");
    let files = ["swagger-ui-bundle.js.gz", "swagger-ui.css.gz"];
    let bytes: u64 = files.iter().map(|file| folder.join(file).metadata().unwrap().len()).sum();
    assert!(bytes < 1 << 19, "{bytes} bytes");
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let page = include_str!("../../assets/viewer.html");
    let version = page.split_once("?v=").unwrap().1.split_once('"').unwrap().0;
    assert!(readme.contains(&format!("`swagger-ui-dist` {version} ")), "{version}");
    assert_eq!(page.matches(&format!("?v={version}\"")).count(), 2);
}
