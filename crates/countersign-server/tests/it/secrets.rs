//! Secrets of endpoints: shown once, sealed, changed.

use axum::http::StatusCode;
use countersign::{Keyring, catalog};
use countersign_dispatch::Sealer;
use countersign_store::outbox::OutboxStore;
use serde_json::{Value, json};

use crate::support::{Api, api, api_with};

const PATH: &str = "/api/v1/endpoints";
const GIVEN: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

async fn create(api: &Api, draft: Value) -> Value {
    let made = api.post(&api.keys.a, PATH, draft).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.json()
}

fn url() -> Value {
    json!({ "url": "https://example.com/" })
}

#[tokio::test]
async fn a_secret_is_made_that_its_scheme_accepts() {
    let api = api();
    for scheme in ["standard-webhooks", "stripe", "github", "iptvbp", "square", "gitlab-token"] {
        let made = create(&api, json!({ "url": "https://example.com/", "scheme": scheme })).await;
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.len() >= 43, "{scheme}");
        assert!(Keyring::new(catalog::find(scheme).unwrap(), [secret]).is_ok(), "{scheme}");
    }
    for scheme in ["billrun", "snapbill"] {
        let made = create(&api, json!({ "url": "https://example.com/", "scheme": scheme })).await;
        assert_eq!((&made["secret"], &made["secrets"]), (&Value::Null, &json!([])));
    }
}

#[tokio::test]
async fn adv_96_a_secret_is_in_the_answer_that_makes_it_and_in_no_other() {
    let api = api();
    let (admin, a, read) = (api.keys.admin.clone(), api.keys.a.clone(), api.keys.read.clone());
    let made = create(&api, url()).await;
    let id = made["id"].as_str().unwrap();
    let path = format!("{PATH}/{id}");
    let rotated = api.post(&a, &format!("{path}/rotate"), json!({})).await.json();
    let secrets = [&made, &rotated].map(|answer| answer["secret"].as_str().unwrap().to_owned());
    assert_ne!(secrets[0], secrets[1]);
    api.message(&a, "invoice.paid").await;

    let paths = [
        PATH,
        &path,
        "/api/v1/messages",
        "/api/v1/deliveries",
        "/api/v1/deliveries/1/attempts",
        "/api/v1/stats",
    ];
    for key in [&admin, &a, &read] {
        for path in paths {
            let answer = api.get(key, path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert!(secrets.iter().all(|secret| !answer.text.contains(&secret[10..])), "{path}");
        }
        let wrong = json!({ "url": "nonsense", "secret": secrets[0] });
        let answer = api.post(key, PATH, wrong).await;
        assert!(answer.status.is_client_error() && !answer.text.contains(&secrets[0][10..]));
    }
    assert!(!format!("{:?}", api.audited.lock().unwrap()).contains("whsec"));

    let hint = |secret: &str| json!(format!("whsec_…{}", &secret[secret.len() - 4..]));
    let shown = api.get(&admin, &path).await.json();
    assert_eq!(shown["secrets"][0]["hint"], hint(&secrets[1]));
    assert_eq!(shown["secrets"][1]["hint"], hint(&secrets[0]));
    for key in [&a, &read] {
        let shown = api.get(key, &path).await;
        assert_eq!(shown.json()["secrets"].as_array().unwrap().len(), 2);
        assert!(!shown.text.contains("hint") && !shown.text.contains("whsec"), "{}", shown.text);
    }
}

#[tokio::test]
async fn a_rotation_lets_the_old_secret_sign_for_a_while() {
    let now = 1_764_000_000_000_000;
    let api = api_with(|server| server.clock_micros(move || now));
    let made = create(&api, url()).await;
    let path = format!("{PATH}/{}/rotate", made["id"].as_str().unwrap());
    let rotated =
        api.post(&api.keys.a, &path, json!({ "secret": GIVEN, "overlap_seconds": 3600 })).await.json();
    assert_eq!(rotated["secret"], GIVEN);
    assert_eq!(rotated["secrets"][0]["valid_from"], "2025-11-24T16:00:00.000000Z");
    assert_eq!(rotated["secrets"][0]["valid_until"], Value::Null);
    assert_eq!(rotated["secrets"][1]["valid_until"], "2025-11-24T17:00:00.000000Z");
    // A second one without an overlap ends both.
    let rotated = api.post(&api.keys.a, &path, json!({ "overlap_seconds": 0 })).await.json();
    assert_eq!(rotated["secrets"][1]["valid_until"], "2025-11-24T16:00:00.000000Z");

    assert_eq!(
        api.post(&api.keys.a, &path, json!({ "overlap_seconds": 2_592_001 })).await.fields(),
        ["overlap_seconds"]
    );
    assert_eq!(api.post(&api.keys.a, &path, json!({ "secret": "short" })).await.fields(), ["secret"]);
    let unsigned = create(&api, json!({ "url": "https://example.com/", "scheme": "billrun" })).await;
    let path = format!("{PATH}/{}/rotate", unsigned["id"].as_str().unwrap());
    assert_eq!(api.call(&api.keys.a, "POST", &path, None).await.problem(), "conflict");
}

#[tokio::test]
async fn where_a_scheme_has_room_for_one_signature_there_is_no_overlap() {
    let api = api_with(|server| server.clock_micros(|| 1_764_000_000_000_000));
    let made = create(&api, json!({ "url": "https://example.com/", "scheme": "github" })).await;
    let path = format!("{PATH}/{}/rotate", made["id"].as_str().unwrap());
    let refused = api.post(&api.keys.a, &path, json!({ "overlap_seconds": 600 })).await;
    assert_eq!(refused.fields(), ["overlap_seconds"]);
    assert!(refused.text.contains("room for one signature"), "{}", refused.text);
    for asked in [json!({}), json!({ "overlap_seconds": 0 })] {
        let rotated = api.post(&api.keys.a, &path, asked).await.json();
        assert_eq!(rotated["secrets"][0]["valid_until"], Value::Null);
        assert_eq!(rotated["secrets"][1]["valid_until"], "2025-11-24T16:00:00.000000Z", "it signs no more");
    }
}

#[tokio::test]
async fn no_more_secrets_sign_side_by_side_than_a_keyring_holds() {
    let api = api();
    let made = create(&api, url()).await;
    let path = format!("{PATH}/{}/rotate", made["id"].as_str().unwrap());
    for _ in 1..Keyring::MAX_KEYS {
        assert_eq!(api.call(&api.keys.a, "POST", &path, None).await.status, StatusCode::OK);
    }
    assert_eq!(api.call(&api.keys.a, "POST", &path, None).await.problem(), "conflict");
}

#[tokio::test]
async fn with_a_sealer_the_store_holds_no_secret() {
    let sealer = Sealer::new(["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]).unwrap();
    let api = api_with(|server| server.sealer(sealer));
    let made = create(&api, url()).await;
    let id = made["id"].as_str().unwrap();
    let stored = api.outbox.store().endpoint(id).await.unwrap().unwrap();
    assert!(stored.keys[0].secret.starts_with("sealed:v1:"));
    assert!(!stored.keys[0].secret.contains(made["secret"].as_str().unwrap()));
    let secret = made["secret"].as_str().unwrap();
    let shown = api.get(&api.keys.admin, &format!("{PATH}/{id}")).await.json();
    assert_eq!(shown["secrets"][0]["hint"], format!("whsec_…{}", &secret[secret.len() - 4..]));
}

#[tokio::test]
async fn without_a_sealer_no_secret_is_stored_beside_one_that_is_sealed() {
    let api = api();
    let sealer = Sealer::new(["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]).unwrap();
    let made = create(&api, url()).await;
    let id = made["id"].as_str().unwrap();
    let path = format!("{PATH}/{id}/rotate");
    assert_eq!(api.call(&api.keys.a, "POST", &path, None).await.status, StatusCode::OK, "none is sealed");
    let store = api.outbox.store();
    let mut stored = store.endpoint(id).await.unwrap().unwrap();
    // The older one alone: it is not for the newest to say.
    let old = &mut stored.keys[1];
    old.secret = sealer.seal(id, &old.label, &old.secret).unwrap();
    store.put_endpoint_if_unchanged(&stored).await.unwrap();
    for asked in [json!({}), json!({ "secret": GIVEN, "overlap_seconds": 0 })] {
        let refused = api.post(&api.keys.a, &path, asked).await;
        assert_eq!(refused.problem(), "conflict");
        assert!(refused.text.contains("set COUNTERSIGN_SEAL_KEY") && !refused.text.contains("whsec"));
    }
    let kept = store.endpoint(id).await.unwrap().unwrap();
    assert_eq!((&kept.keys, kept.revision), (&stored.keys, stored.revision + 1));
    let refused = api.post(&api.keys.a, PATH, url()).await;
    assert_eq!(refused.problem(), "conflict", "another endpoint's stands in the same database");
    let signs_nothing = json!({ "url": "https://example.com/", "scheme": "billrun" });
    create(&api, signs_nothing).await;
}
