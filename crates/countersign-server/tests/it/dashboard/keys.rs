//! The pages of the API keys that the store holds.

use axum::http::StatusCode;
use countersign_server::{ApiKey, Server};
use countersign_store::{
    api_keys::{ApiKeyStore, Scope, StoredKey},
    outbox::Page,
};

use super::browser::{Browser, NOW, serve};
use crate::support::{Answer, access};

const LIST: &str = "/dashboard/keys";
const NEW: &str = "/dashboard/keys/new";
const OF_ACME: [(&str, &str); 3] = [("label", "billing"), ("scope", "app"), ("tenant", "acme")];

/// The key on the page that shows it once.
fn text(page: &Answer) -> String {
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let shown = page.text.split("<pre class=\"secret\" tabindex=\"0\">").nth(1).unwrap();
    shown.split('<').next().unwrap().to_owned()
}

async fn stored(browser: &Browser) -> Vec<StoredKey> {
    browser.api.outbox.store().api_keys(&Page::default()).await.unwrap()
}

#[tokio::test]
async fn adv_97_a_key_is_made_by_a_form_and_shown_once() {
    let browser = Browser::signed_in().await;
    let form = browser.page(NEW).await;
    assert!(form.contains("<option value=\"read\">") && form.contains("type=\"datetime-local\""));
    let fields = [OF_ACME.as_slice(), &[("expires_at", "2025-12-24T08:00")]].concat();
    let made = browser.post(NEW, &fields).await;
    let key = text(&made);
    assert_eq!(made.header("cache-control"), "no-store");
    assert!(made.text.contains("never shown again") && made.text.contains("class=\"copy small\""));
    assert_eq!(made.text.matches(&key).count(), 1);
    let kept = stored(&browser).await.remove(0);
    let digest = format!("sha256:{}", hex::encode(kept.digest));
    assert_eq!(ApiKey::parse(&key).unwrap().digest().to_string(), digest);
    assert_eq!((&*kept.label, kept.scope), ("billing", Scope::App { tenant: "acme".to_owned() }));
    assert_eq!(kept.expires_at, Some(1_766_563_200_000_000));
    assert_eq!(browser.api.get(&key, "/api/v1/endpoints").await.status, StatusCode::OK);
    for path in [LIST, NEW, &format!("{LIST}/{}/remove", kept.id)] {
        let page = browser.page(path).await;
        assert!(!page.contains(&key[4..]) && !page.contains(&digest[7..]), "{path}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_key_stands_beside_its_field_and_what_was_typed_stays() {
    let browser = Browser::signed_in().await;
    let cases: [(&str, &[(&str, &str)]); 8] = [
        ("label", &[("scope", "admin")]),
        ("label", &[("label", "app-a"), ("scope", "admin")]),
        ("scope", &[("label", "My \"own\"")]),
        ("scope", &[("label", "My \"own\""), ("scope", "root")]),
        ("tenant", &[("label", "My \"own\""), ("scope", "app")]),
        ("tenant", &[("label", "My \"own\""), ("scope", "admin"), ("tenant", "acme")]),
        ("expires_at", &[("label", "My \"own\""), ("scope", "read"), ("expires_at", "tomorrow")]),
        ("expires_at", &[("label", "My \"own\""), ("scope", "read"), ("expires_at", "2025-11-24T16:00")]),
    ];
    for (wrong, fields) in cases {
        let answer = browser.post(NEW, fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        let marked = answer.text.matches("-mistake\">").count();
        assert!(answer.text.contains(&format!("id=\"{wrong}-mistake\"")) && marked == 1, "{}", answer.text);
        let typed = fields.iter().any(|(_, value)| *value == "My \"own\"");
        assert_eq!(answer.text.contains("value=\"My &#34;own&#34;\""), typed);
    }
    let answer = browser.post(NEW, &[("label", "x"), ("scope", "admin"), ("tenant", "acme")]).await;
    assert!(answer.text.contains("<option value=\"admin\" selected>"));
    assert!(stored(&browser).await.is_empty());
}

#[tokio::test]
async fn a_key_is_removed_after_a_question_and_lets_nobody_in() {
    let browser = Browser::signed_in().await;
    let key = text(&browser.post(NEW, &OF_ACME).await);
    let remove = format!("{LIST}/{}/remove", stored(&browser).await[0].id);
    assert!(browser.page(LIST).await.contains(&format!("href=\"{remove}\"")));
    let asked = browser.page(&remove).await;
    assert!(asked.contains("Remove the API key of <bdi>billing</bdi>?") && asked.contains("acme"));
    assert_eq!(browser.api.get(&key, "/api/v1/endpoints").await.status, StatusCode::OK);
    let gone = browser.post(&remove, &[]).await;
    assert_eq!(gone.header("location"), "/dashboard/keys?done=removed");
    assert!(browser.page(gone.header("location")).await.contains("The API key was removed."));
    assert_eq!(browser.api.get(&key, "/api/v1/endpoints").await.status, StatusCode::UNAUTHORIZED);
    for answer in [browser.get(&remove).await, browser.post(&remove, &[]).await] {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    let audited: Vec<_> = browser.api.audited.lock().unwrap().iter().map(|entry| entry.1).collect();
    assert_eq!(audited, ["key.created", "key.removed"]);
}

#[tokio::test]
async fn keys_are_listed_in_pages_with_their_scopes_and_times() {
    let browser = Browser::signed_in().await;
    let tenant = || "acme".to_owned();
    let scopes = [Scope::Admin, Scope::App { tenant: tenant() }, Scope::Read { tenant: None }];
    for (number, scope) in scopes.iter().cycle().take(60).enumerate() {
        let key = StoredKey {
            id: format!("key_{number:02}"),
            label: format!("billing {number}"),
            digest: [u8::try_from(number).unwrap(); 32],
            scope: scope.clone(),
            created_at: NOW - 86_400_000_000,
            expires_at: [None, Some(NOW), Some(NOW + 1)][number % 3],
        };
        assert!(browser.api.outbox.store().add_api_key(&key).await.unwrap());
    }
    let first = browser.page(LIST).await;
    let shown = [
        "billing 0<",
        "billing 49<",
        "Everything of one tenant",
        "Seeing, and changing nothing",
        "<bdi>acme</bdi>",
        "2025-11-23 16:00:00</time>",
        "never",
    ];
    for text in shown {
        assert!(first.contains(text), "{text} is missing in {first}");
    }
    assert_eq!((first.matches(">expired<").count(), first.matches(">never<").count()), (17, 17));
    let next = first.split("?cursor=").nth(1).unwrap().split('"').next().unwrap();
    let second = browser.page(&format!("{LIST}?cursor={next}")).await;
    assert_eq!((first.matches("<bdi>billing").count(), second.matches("<bdi>billing").count()), (50, 10));
    assert!(!second.contains("Next page") && second.contains("First page"));
    let beyond = browser.page(&format!("{LIST}?cursor=key_99")).await;
    assert!(beyond.contains("There are no more API keys."));
}

#[tokio::test]
async fn a_server_without_stored_keys_says_where_its_keys_stand() {
    let mut browser = Browser::signed_in().await;
    let router = Server::new(browser.api.outbox.clone(), access().0).router();
    browser.origin = serve(browser.dashboard.on(router)).await;
    let page = browser.page(LIST).await;
    assert!(page.contains("stand in its configuration") && !page.contains(NEW));
    assert_eq!(browser.get(NEW).await.header("location"), LIST);
    for (path, fields) in [(NEW, OF_ACME.as_slice()), ("/dashboard/keys/key_1/remove", &[])] {
        let answer = browser.post(path, fields).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text.contains("the keys of its configuration alone"), "{}", answer.text);
    }
    assert!(stored(&browser).await.is_empty());
}
