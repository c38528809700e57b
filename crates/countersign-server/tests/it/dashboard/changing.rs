//! What can be done with forms alone.

use std::time::Duration;

use axum::http::StatusCode;
use countersign_dispatch::Dispatcher;
use countersign_store::outbox::{EndpointState, NewMessage, OutboxStore};
use countersign_transport::Transport;

use super::browser::{Browser, serve};
use crate::support::local;

const NEW: &str = "/dashboard/endpoints/new";
const URL: (&str, &str) = ("url", "https://example.com/hooks");

async fn create(browser: &Browser, fields: &[(&str, &str)]) -> (String, String) {
    let made = browser.post(NEW, fields).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let id = made.text.split("/dashboard/endpoints/").nth(1).unwrap().split('"').next().unwrap();
    (format!("/dashboard/endpoints/{id}"), made.text.clone())
}

async fn stored(browser: &Browser, path: &str) -> countersign_store::outbox::Endpoint {
    let id = path.rsplit('/').next().unwrap();
    browser.api.outbox.store().endpoint(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn adv_96_an_endpoint_is_made_by_a_form_and_its_secret_shown_once() {
    let browser = Browser::signed_in().await;
    let form = browser.page(NEW).await;
    assert!(form.contains("value=\"standard-webhooks\"") && form.contains("<option value=\"github\">"));
    assert!(form.contains("invoice") && form.contains("Event types that there are"));
    let fields = [
        URL,
        ("name", "Billing"),
        ("events", "invoice.*\r\ntrial.expiring"),
        ("scheme", "standard-webhooks"),
        ("headers", "Authorization: Bearer T0K"),
        ("limits.in_flight", "3"),
        ("enabled", "on"),
    ];
    let (path, page) = create(&browser, &fields).await;
    let secret =
        page.split("<pre class=\"secret\" tabindex=\"0\">").nth(1).unwrap().split('<').next().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() > 40);
    let endpoint = stored(&browser, &path).await;
    assert_eq!((endpoint.name.as_str(), endpoint.events.len(), endpoint.limits.in_flight), ("Billing", 2, 3));
    assert_eq!(endpoint.keys[0].secret, secret.replace("&#43;", "+"));
    for later in [path.clone(), format!("{path}/edit"), format!("{path}/secret")] {
        let page = browser.page(&later).await;
        assert!(!page.contains(secret) && !page.contains("T0K"), "{later}");
    }
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_what_was_typed_stays() {
    let browser = Browser::signed_in().await;
    let fields = [
        ("url", "ftp://example.com/x"),
        ("name", "My \"own\" endpoint"),
        ("events", "invoice*"),
        ("scheme", "acme"),
        ("secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
        ("limits.in_flight", "101"),
    ];
    let answer = browser.post(NEW, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for name in ["url", "events", "scheme", "limits.in_flight"] {
        assert!(answer.text.contains(&format!("id=\"{name}-mistake\"")), "{name} {}", answer.text);
    }
    assert!(!answer.text.contains("id=\"name-mistake\""));
    assert!(
        answer.text.contains("value=\"My &#34;own&#34; endpoint\"")
            && answer.text.contains("ftp://example.com/x")
    );
    assert!(!answer.text.contains("C2FVsBQI"), "a secret isn't shown again");
    assert!(browser.page("/dashboard/endpoints").await.contains("There is no endpoint yet"));

    let words = browser.post(NEW, &[URL, ("limits.in_flight", "many"), ("headers", "nonsense")]).await;
    assert!(words.text.contains("is not a whole number") && words.text.contains("not `Name: value`"));
}

#[tokio::test]
async fn a_form_that_was_open_for_too_long_undoes_nobodys_change() {
    let browser = Browser::signed_in().await;
    let path = browser.endpoint().await;
    let read = stored(&browser, &path).await.revision.to_string();
    let form = browser.page(&format!("{path}/edit")).await;
    assert!(form.contains(&format!("name=\"revision\" value=\"{read}\"")));
    let save = async |name: &str| {
        let fields = [("revision", &*read), ("url", "https://example.com/hooks"), ("name", name)];
        browser.post(&format!("{path}/edit"), &fields).await
    };
    assert_eq!(save("First").await.status, StatusCode::SEE_OTHER);
    let late = save("Second").await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("changed meanwhile"), "{}", late.text);
    assert_eq!(stored(&browser, &path).await.name, "First");
}

#[tokio::test]
async fn an_endpoint_is_changed_and_another_host_is_asked_about() {
    let browser = Browser::signed_in().await;
    let path = browser.endpoint().await;
    let form = browser.page(&format!("{path}/edit")).await;
    assert!(form.contains("value=\"https://example.com/hooks\"") && !form.contains("name=\"scheme\""));
    let moved = [("url", "https://example.org/"), ("name", "Moved"), ("limits.in_flight", "5")];
    let asked = browser.post(&format!("{path}/edit"), &moved).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        asked.text.contains("id=\"keep_secrets-mistake\"") && asked.text.contains("https://example.org/")
    );
    let agreed = [moved.as_slice(), &[("keep_secrets", "on")]].concat();
    let done = browser.post(&format!("{path}/edit"), &agreed).await;
    assert_eq!(
        (done.status, done.header("location")),
        (StatusCode::SEE_OTHER, &*format!("{path}?done=changed"))
    );
    assert!(browser.page(done.header("location")).await.contains("The endpoint was changed."));
    let endpoint = stored(&browser, &path).await;
    assert_eq!(
        (endpoint.url.as_str(), endpoint.events.as_slice()),
        ("https://example.org/", ["*".to_owned()].as_slice())
    );
}

#[tokio::test]
async fn an_endpoint_is_disabled_enabled_and_deleted_after_a_question() {
    let browser = Browser::signed_in().await;
    let path = browser.endpoint().await;
    let off = browser.post(&format!("{path}/disable"), &[("from", "list")]).await;
    assert_eq!(off.header("location"), "/dashboard/endpoints?done=disabled");
    assert!(browser.page(off.header("location")).await.contains("The endpoint is disabled."));
    assert_ne!(stored(&browser, &path).await.state, EndpointState::Enabled);
    let on = browser.post(&format!("{path}/enable"), &[]).await;
    assert_eq!(on.header("location"), format!("{path}?done=enabled"));
    assert_eq!(stored(&browser, &path).await.state, EndpointState::Enabled);

    assert!(browser.page(&format!("{path}/delete")).await.contains("Delete for ever"));
    stored(&browser, &path).await;
    let gone = browser.post(&format!("{path}/delete"), &[]).await;
    assert_eq!(gone.header("location"), "/dashboard/endpoints?done=deleted");
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
    let audited: Vec<_> = browser.api.audited.lock().unwrap().iter().map(|entry| entry.1).collect();
    assert_eq!(audited, ["endpoint.created", "endpoint.disabled", "endpoint.enabled", "endpoint.deleted"]);
}

#[tokio::test]
async fn adv_96_a_secret_is_changed_with_an_overlap_that_is_shown() {
    let browser = Browser::signed_in().await;
    let path = browser.endpoint().await;
    let old = stored(&browser, &path).await.keys[0].secret.clone();
    let page = browser.post(&format!("{path}/secret"), &[("overlap_seconds", "3600")]).await;
    assert_eq!(page.status, StatusCode::OK);
    let keys = stored(&browser, &path).await.keys;
    assert_eq!(keys.len(), 2);
    assert!(page.text.contains("never shown again") && page.text.contains("2025-11-24 17:00:00 UTC"));
    let shown = browser.page(&path).await;
    assert!(
        shown.contains("signs until") && shown.contains("2025-11-24 17:00:00 UTC") && !shown.contains(&old)
    );
    for wrong in ["x", "99999999"] {
        let answer = browser.post(&format!("{path}/secret"), &[("overlap_seconds", wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains("overlap_seconds: is"));
    }
    assert_eq!(stored(&browser, &path).await.keys.len(), 2);
}

#[tokio::test]
async fn where_no_overlap_is_possible_none_is_offered() {
    let browser = Browser::signed_in().await;
    let (path, _) = create(
        &browser,
        &[("url", "https://example.com/"), ("name", "Here"), ("enabled", "on"), ("scheme", "github")],
    )
    .await;
    let form = browser.page(&format!("{path}/secret")).await;
    assert!(form.contains("room for one signature") && !form.contains("<select"));
    let page = browser.post(&format!("{path}/secret"), &[("overlap_seconds", "0")]).await;
    assert_eq!(page.status, StatusCode::OK);
}

#[tokio::test]
async fn a_test_is_sent_fails_and_is_delivered_again() {
    let browser = Browser::signed_in().await;
    let receiver = serve(axum::Router::new().route("/hook", axum::routing::post(async || "thanks"))).await;
    let (path, _) = create(
        &browser,
        &[("url", &format!("{receiver}/hook")), ("name", "Here"), ("enabled", "on"), ("scheme", "github")],
    )
    .await;
    let sent = browser.post(&format!("{path}/test"), &[("type", "invoice.paid")]).await;
    assert_eq!(sent.header("location"), "/dashboard/deliveries/1?done=tested");
    assert!(browser.page(sent.header("location")).await.contains("The test is on its way."));
    browser.settle(503, "").await;
    assert!(browser.page("/dashboard/deliveries/1").await.contains("overloaded or down"));

    let transport = Transport::builder().policy(local()).build().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let dispatcher = Dispatcher::new(browser.api.outbox.clone(), transport);
    let task = tokio::spawn(dispatcher.run(async {
        stopped.await.ok();
    }));
    let again = browser.post("/dashboard/deliveries/1/redeliver", &[]).await;
    assert_eq!(again.header("location"), "/dashboard/deliveries/1?done=redelivered");
    let mut page = String::new();
    for _ in 0..500 {
        page = browser.page("/dashboard/deliveries/1").await;
        if has_attempt(&page, 2, 200) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(has_attempt(&page, 2, 200) && page.contains("thanks") && page.contains("somebody asked for it"));
    assert!(page.to_lowercase().contains("x-hub-signature-256"));
    stop.send(()).unwrap();
    task.await.unwrap();
}

#[tokio::test]
async fn a_disabled_endpoint_is_given_no_test_and_the_page_says_why() {
    let browser = Browser::signed_in().await;
    let path = browser.endpoint().await;
    browser.post(&format!("{path}/disable"), &[]).await;
    let answer = browser.post(&format!("{path}/test"), &[]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text.contains("the endpoint is disabled: enable it first"));
}

#[tokio::test]
async fn a_delivery_that_waits_for_an_endpoint_that_is_left_alone_says_until_when() {
    let browser = Browser::signed_in().await;
    let path = browser.endpoint().await;
    browser.message("invoice.paid").await;
    assert!(!browser.page("/dashboard/deliveries/1").await.contains("left alone until"));
    browser.settle_open(Duration::from_secs(600)).await;
    let sent = browser.post(&format!("{path}/test"), &[]).await;
    let held = browser.page(sent.header("location")).await;
    assert!(
        held.contains("is left alone until") && held.contains(&format!("<a href=\"{path}\">its endpoint"))
    );
    assert!(!browser.page("/dashboard/deliveries/1").await.contains("left alone until"), "it is settled");
    browser.post(&format!("{path}/enable"), &[]).await;
    assert!(!browser.page(sent.header("location")).await.contains("left alone until"));
}

#[tokio::test]
async fn a_button_tries_a_delivery_now_that_waits_for_later() {
    let browser = Browser::signed_in().await;
    browser.endpoint().await;
    let mut later = NewMessage::new("invoice.paid", "{}");
    later.due_at = Some(4_000_000_000_000_000);
    browser.api.outbox.store().enqueue(&[later]).await.unwrap();
    let page = browser.page("/dashboard/deliveries/1").await;
    assert!(page.contains("Try now") && page.contains("2096"), "{page}");
    let tried = browser.post("/dashboard/deliveries/1/redeliver", &[]).await;
    let page = browser.page(tried.header("location")).await;
    assert!(page.contains("The delivery is made again") && !page.contains("2096"), "{page}");
    browser.settle(200, "").await;
    assert!(browser.page("/dashboard/deliveries/1").await.contains("somebody asked for it"));
}

#[tokio::test]
async fn a_button_tries_an_endpoint_that_is_left_alone_now() {
    let browser = Browser::signed_in().await;
    let path = browser.endpoint().await;
    assert!(!browser.page(&path).await.contains("Try again now"));
    browser.message("invoice.paid").await;
    browser.settle_open(Duration::from_secs(600)).await;
    let page = browser.page(&path).await;
    assert!(page.contains(&format!("action=\"{path}/enable\"><button>Try again now")), "{page}");
    let foreign = browser.form(&format!("{path}/enable"), &[], "https://example.org");
    assert_eq!(browser.send(foreign).await.status, StatusCode::FORBIDDEN);
    assert!(stored(&browser, &path).await.health.open_until.is_some());
    let tried = browser.post(&format!("{path}/enable"), &[]).await;
    assert_eq!(tried.header("location"), format!("{path}?done=enabled"));
    let health = stored(&browser, &path).await.health;
    assert_eq!((health.open_until, health.failing_since, health.failures), (None, None, 0));
    let page = browser.page(&path).await;
    assert!(!page.contains("left alone until") && !page.contains("Try again now"), "{page}");
}

#[tokio::test]
async fn a_replay_is_counted_first_and_goes_on_step_by_step() {
    let browser = Browser::signed_in().await;
    let path = browser.endpoint().await;
    browser.api.fill(None, 1005).await;
    browser.give_up_all().await;
    let counted = browser.page(&format!("{path}/replay?status=dead&from=2020-01-01T00:00")).await;
    assert!(counted.contains("<strong>1005</strong> deliveries match"));
    let fields = [("status", "dead"), ("from", "2020-01-01T00:00")];
    let step = browser.post(&format!("{path}/replay"), &fields).await;
    assert_eq!(step.status, StatusCode::SEE_OTHER, "{}", step.text);
    let page = browser.page(step.header("location")).await;
    assert!(
        page.contains("1000 deliveries are made again, and there may be more")
            && page.contains("Go on with the next step")
    );
    assert!(page.contains("<strong>5</strong> deliveries match"));
    let after = step.header("location").split("after=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let last = [fields.as_slice(), &[("after", &after), ("made", "1000")]].concat();
    let step = browser.post(&format!("{path}/replay"), &last).await;
    let page = browser.page(step.header("location")).await;
    assert!(
        page.contains("1005 deliveries are made again.")
            && page.contains("No delivery of this endpoint matches")
    );
    let wrong = browser.post(&format!("{path}/replay"), &[("after", "x")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_waits_is_cancelled_one_by_one_and_step_by_step() {
    let browser = Browser::signed_in().await;
    let path = browser.endpoint().await;
    browser.api.fill(None, 1006).await;
    assert!(browser.page("/dashboard/deliveries/1").await.contains("/deliveries/1/cancel\""));
    let one = browser.post("/dashboard/deliveries/1/cancel", &[]).await;
    let page = browser.page(one.header("location")).await;
    assert!(page.contains("The delivery is cancelled.") && page.contains("Deliver again"), "{page}");
    assert!(!page.contains("/deliveries/1/cancel\""), "it waits no more");
    let again = browser.post("/dashboard/deliveries/1/cancel", &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let counted = browser.page(&format!("{path}/cancel")).await;
    assert!(counted.contains("<strong>1005</strong> deliveries wait and match"));
    let other = browser.page(&format!("{path}/cancel?type=invoice.other")).await;
    assert!(other.contains("Nothing that waits for this endpoint matches"));
    let step = browser.post(&format!("{path}/cancel"), &[]).await;
    let page = browser.page(step.header("location")).await;
    assert!(
        page.contains("1000 deliveries are cancelled, and there may be more")
            && page.contains("Go on with the next step")
            && page.contains("<strong>5</strong> deliveries wait and match")
    );
    let step = browser.post(&format!("{path}/cancel"), &[("cancelled", "1000")]).await;
    let page = browser.page(step.header("location")).await;
    assert!(
        page.contains("1005 deliveries are cancelled.")
            && page.contains("Nothing that waits for this endpoint matches")
    );
}

#[tokio::test]
async fn adv_99_buttons_that_send_are_limited_to_so_many_a_minute() {
    let mut browser = Browser::of(|server| server.resends_per_minute(2), |router| router).await;
    browser.sign_in().await;
    let path = browser.endpoint().await;
    let test = format!("{path}/test");
    for expected in [StatusCode::SEE_OTHER, StatusCode::SEE_OTHER, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(browser.post(&test, &[]).await.status, expected);
    }
    let answer = browser.post(&format!("{path}/replay"), &[]).await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "30"));
    assert!(answer.text.contains("Too much was asked for"));
}

/// Whether a page shows the attempt of this number with this status.
fn has_attempt(page: &str, number: u32, status: u16) -> bool {
    page.split(&format!("<strong>Attempt {number}<")).nth(1).is_some_and(|rest| {
        let summary = rest.split("</summary>").next().unwrap();
        summary.contains(&format!(">{status}<"))
    })
}
