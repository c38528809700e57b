//! What pages show.

use std::{fs, path::Path, time::Duration};

use axum::http::StatusCode;
use countersign_store::outbox::{Endpoint, NewMessage, OutboxStore, Payload};
use sha2::{Digest as _, Sha256};

use super::browser::{Browser, NOW};

/// Checks that a page has all of these texts.
#[track_caller]
fn has(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text:?} is missing in {page}");
    }
}

/// The links of a page to its files.
fn files(page: &str) -> Vec<String> {
    page.split('"').filter(|text| text.contains("?v=")).map(str::to_owned).collect()
}

/// What the files are called.
fn names(files: &[String]) -> Vec<&str> {
    files.iter().filter_map(|link| link.split_once('?')?.0.rsplit('/').next()).collect()
}

#[tokio::test]
async fn without_anything_pages_say_what_to_do() {
    let browser = Browser::signed_in().await;
    has(
        &browser.page("/dashboard").await,
        &[
            "There is no endpoint yet",
            "Create the first one",
            "There were no attempts",
            "Nothing was delivered yet",
        ],
    );
    has(&browser.page("/dashboard/endpoints").await, &["There is no endpoint yet"]);
    has(&browser.page("/dashboard/messages").await, &["There are no messages yet", "POST /api/v1/messages"]);
    has(&browser.page("/dashboard/keys").await, &["No API key was made here yet", "/dashboard/keys/new"]);
    has(&browser.page("/dashboard/tenants").await, &["There is no tenant yet", "/dashboard/endpoints/new"]);
    let endpoint = browser.endpoint().await;
    has(&browser.page(&endpoint).await, &["Nothing was sent to it yet", "Send a test"]);
    has(&browser.page(&format!("{endpoint}/replay")).await, &["No delivery of this endpoint matches"]);
}

#[tokio::test]
async fn the_overview_counts_and_draws_attempts() {
    let mut browser = Browser::signed_in().await;
    browser.endpoint().await;
    for status in [200, 200, 500] {
        browser.message("invoice.paid").await;
        browser.settle(status, "").await;
    }
    browser.message("invoice.created").await;
    let page = browser.page("/dashboard").await;
    has(
        &page,
        &["66.6 %", "<dd>3</dd>", "<dt>Waiting</dt><dd>1</dd>", "2 succeeded, 1 failed", "<svg", "given up"],
    );
    assert_eq!(page.matches("<rect ").count(), 1);
    for span in ["week", "month", "nonsense"] {
        has(&browser.page(&format!("/dashboard?span={span}")).await, &["66.6 %"]);
    }
    browser.pass(Duration::from_secs(2 * 86_400));
    browser.sign_in().await;
    has(&browser.page("/dashboard").await, &["no attempts in these 24 hours"]);
}

#[tokio::test]
async fn endpoints_are_listed_with_a_button_and_in_pages() {
    let browser = Browser::signed_in().await;
    let store = browser.api.outbox.store();
    for number in 0..60 {
        let mut endpoint = Endpoint::new(format!("ep_{number:02}"), "https://example.com/T0K", "github");
        (endpoint.name, endpoint.events) = (format!("Billing {number}"), vec!["invoice.*".to_owned()]);
        store.put_endpoint(&endpoint).await.unwrap();
    }
    let page = browser.page("/dashboard/endpoints").await;
    has(
        &page,
        &[
            "Billing 0",
            "<code>example.com</code>",
            "<code>invoice.*</code>",
            "never",
            "/ep_00/disable",
            "Next page",
        ],
    );
    assert!(!page.contains("T0K"), "a path is often a credential");
    assert_eq!(page.matches("<tr>").count(), 51);
    let next = page.split("?cursor=").nth(1).unwrap().split('"').next().unwrap();
    let second = browser.page(&format!("/dashboard/endpoints?cursor={next}")).await;
    assert_eq!((second.matches("<tr>").count(), second.contains("Next page")), (11, false));
}

#[tokio::test]
async fn an_endpoint_has_its_history_and_settings() {
    let browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    browser.message("invoice.paid").await;
    browser.settle(200, "").await;
    browser.message("invoice.created").await;
    let page = browser.page(&endpoint).await;
    has(
        &page,
        &[
            "invoice.paid",
            "2025-11-24 15:59:00</time>",
            ">200</td>",
            "delivered",
            "12 ms",
            "waiting",
            "whsec_…",
        ],
    );
    has(&page, &["https://example.com/hooks", "standard-webhooks", "10 requests at once", "test.webhook"]);
    let filtered = browser.page(&format!("{endpoint}?status=delivered")).await;
    assert!(filtered.contains("invoice.paid") && !filtered.contains("invoice.created"));
}

#[tokio::test]
async fn a_history_comes_in_pages() {
    let browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    browser.api.fill(None, 60).await;
    let mut path = endpoint.clone();
    let mut rows = Vec::new();
    loop {
        let page = browser.page(&path).await;
        rows.push(page.matches("/dashboard/deliveries/").count());
        let Some(older) = page.split(&format!("{endpoint}?cursor=")).nth(1) else { break };
        path = format!("{endpoint}?cursor={}", older.split('"').next().unwrap());
    }
    assert_eq!(rows, [25, 25, 10]);
}

#[tokio::test]
async fn a_failing_endpoint_says_since_when_and_when_it_is_disabled() {
    let browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    browser.message("invoice.paid").await;
    browser.settle(500, "").await;
    let id = endpoint.rsplit('/').next().unwrap();
    let since = browser.api.outbox.store().endpoint(id).await.unwrap().unwrap().health.failing_since.unwrap();
    let day =
        |days: i64| jiff::Timestamp::from_microsecond(since + days * 86_400_000_000).unwrap().to_string();
    let page = browser.page(&endpoint).await;
    has(
        &page,
        &["It has been failing since", "Failures in a row: 1.", &day(0)[..19], &day(5)[..19], &day(7)[..19]],
    );
    browser.post(&format!("{endpoint}/disable"), &[]).await;
    let page = browser.page(&endpoint).await;
    has(&page, &["It is disabled: somebody has disabled it"]);
    assert!(!page.contains("It has been failing since"));
}

#[tokio::test]
async fn the_failure_clock_that_is_told_is_the_one_that_is_shown() {
    let hour = Duration::from_secs(3600);
    let mut browser = Browser::of(|server| server.failure_clock(hour, 2 * hour), |router| router).await;
    browser.sign_in().await;
    let endpoint = browser.endpoint().await;
    browser.message("invoice.paid").await;
    browser.settle(500, "").await;
    let page = browser.page(&endpoint).await;
    let banner = page.split_once("<div class=\"note bad\">").unwrap().1.split_once("</div>").unwrap().0;
    let times = banner.split("datetime=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0);
    let times: Vec<jiff::Timestamp> = times.map(|time| time.parse().unwrap()).collect();
    let [since, warned, disabled] = times[..] else { panic!("{banner}") };
    assert_eq!(
        (warned.duration_since(since), disabled.duration_since(since)),
        (jiff::SignedDuration::from_hours(1), jiff::SignedDuration::from_hours(2),)
    );
}

#[tokio::test]
async fn a_delivery_shows_what_was_sent_what_was_answered_and_why_it_failed() {
    let browser = Browser::signed_in().await;
    browser.endpoint().await;
    let message = browser.message("invoice.paid").await;
    let page = browser.page("/dashboard/deliveries/1").await;
    has(&page, &["There was no attempt yet"]);
    assert!(!page.contains("Deliver again"), "it isn't settled");
    browser.settle(401, "no such key").await;
    let page = browser.page("/dashboard/deliveries/1").await;
    has(
        &page,
        &["The receiver answered 401: it doesn", "Compare the secret", "no such key", "webhook-id", &message],
    );
    // Pretty, raw, and as a command.
    has(
        &page,
        &["{\n  &#34;amount&#34;: 42\n}", "{&#34;amount&#34;:42}", "--data-raw &#39;{", "Deliver again"],
    );
    has(&page, &["catalog::find(&#34;standard-webhooks&#34;)", "it was due"]);
}

#[tokio::test]
async fn attempts_are_shown_the_newest_first_and_in_pages() {
    let browser = Browser::signed_in().await;
    browser.endpoint().await;
    browser.message("invoice.paid").await;
    for _ in 0..25 {
        browser.give_up_all().await;
        browser.post("/dashboard/deliveries/1/redeliver", &[]).await;
    }
    let page = browser.page("/dashboard/deliveries/1").await;
    let numbers = |page: &str| -> Vec<u32> {
        let found = page.split("<strong>Attempt ").skip(1);
        found.map(|rest| rest.split('<').next().unwrap().parse().unwrap()).collect()
    };
    assert_eq!(numbers(&page), (6..=25).rev().collect::<Vec<_>>());
    has(&page, &["/dashboard/deliveries/1?cursor=6"]);
    assert_eq!(numbers(&browser.page("/dashboard/deliveries/1?cursor=6").await), [5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn deliveries_are_found_by_status_and_type_and_in_pages() {
    let browser = Browser::signed_in().await;
    browser.endpoint().await;
    browser.message("invoice.paid").await;
    browser.settle(500, "").await;
    browser.api.fill(None, 60).await;
    let dead = browser.page("/dashboard/deliveries?status=dead").await;
    assert_eq!((dead.matches("<tr id=").count(), dead.contains("Older")), (1, false));
    has(&dead, &["<option value=\"dead\" selected>", "given up", "/dashboard/endpoints/ep_"]);
    has(&browser.page("/dashboard/deliveries?type=invoice.created").await, &["No delivery matches"]);
    let page = browser.page("/dashboard/deliveries?type=invoice.paid").await;
    let older = page.split("/dashboard/deliveries?").nth(1).unwrap().split('"').next().unwrap();
    has(older, &["type=invoice.paid&#38;cursor="]);
    let older = browser.page(&format!("/dashboard/deliveries?{}", older.replace("&#38;", "&"))).await;
    assert_eq!((page.matches("<tr id=").count(), older.matches("<tr id=").count()), (25, 25));
}

#[tokio::test]
async fn a_status_that_there_is_not_filters_nothing_and_the_page_says_so() {
    let browser = Browser::signed_in().await;
    let endpoint = browser.endpoint().await;
    browser.message("invoice.paid").await;
    for path in
        ["/dashboard/deliveries", &endpoint, &format!("{endpoint}/replay"), &format!("{endpoint}/live")]
    {
        let answer = browser.get(&format!("{path}?status=bogus")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        has(&answer.text, &["status: is not known"]);
        assert!(!answer.text.contains("bogus"), "{path}");
    }
}

#[tokio::test]
async fn messages_are_found_by_id_and_type_and_in_pages() {
    let browser = Browser::signed_in().await;
    browser.endpoint().await;
    let id = browser.message("invoice.paid").await;
    browser.message("invoice.created").await;
    let page = browser.page("/dashboard/messages?type=invoice.paid").await;
    assert!(page.contains(&id) && !page.contains("<bdi>invoice.created</bdi>"));
    let found = browser.get(&format!("/dashboard/messages?id={id}")).await;
    assert_eq!(found.header("location"), format!("/dashboard/messages/{id}"));
    has(
        &browser.page(found.header("location")).await,
        &["invoice.paid", "/dashboard/deliveries/1", "&#34;amount&#34;: 42"],
    );
    has(&browser.page("/dashboard/messages?id=msg_0").await, &["No message matches"]);
    has(&browser.page("/dashboard/messages?from=2099-01-01T00:00").await, &["No message matches"]);
    browser.api.fill(None, 60).await;
    let page = browser.page("/dashboard/messages").await;
    let older = page.split("/dashboard/messages?").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(page.matches("<tr>").count(), 51);
    assert_eq!(browser.page(&format!("/dashboard/messages?{older}")).await.matches("<tr>").count(), 13);
}

#[tokio::test]
async fn a_message_that_nobody_wanted_or_without_a_body_of_its_own_says_so() {
    let browser = Browser::signed_in().await;
    let new = NewMessage::new("invoice.paid", Payload::Reference("invoice 7".to_owned()));
    let id = browser.api.outbox.store().enqueue(&[new]).await.unwrap().remove(0).id;
    let page = browser.page(&format!("/dashboard/messages/{id}")).await;
    has(&page, &["No endpoint wanted it", "The application makes it"]);
    let file = browser.get(&format!("/dashboard/messages/{id}/payload")).await;
    assert_eq!(file.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_tenant_leads_to_what_it_has_and_to_nothing_else() {
    let browser = Browser::signed_in().await;
    let store = browser.api.outbox.store();
    for number in 0..60 {
        let tenant = Some(format!("eu&{:02}", number / 2));
        let mut endpoint = Endpoint::new(format!("ep_{number:02}"), "https://example.com/", "github");
        (endpoint.name, endpoint.tenant) = (format!("Billing {number}."), tenant.clone());
        store.put_endpoint(&endpoint).await.unwrap();
        let mut message = NewMessage::new("x", "{}");
        (message.id, message.tenant) = (Some(format!("msg_{number:02}")), tenant);
        store.enqueue(&[message]).await.unwrap();
    }
    let page = browser.page("/dashboard/tenants").await;
    assert_eq!((page.matches("<td><bdi>eu&#38;").count(), page.matches("rel=\"next\"").count()), (30, 0));
    has(
        &page,
        &["aria-label=\"messages of eu&#38;07\"", "<td data-label=\"Endpoints\" class=\"number\">2</td>"],
    );
    for (what, own, others) in [
        ("endpoints", "Billing 14.", "Billing 16."),
        ("deliveries", "Billing 15.", "Billing 13."),
        ("messages", "msg_14", "msg_16"),
    ] {
        let link = format!("/dashboard/{what}?tenant=eu%2607");
        assert!(page.contains(&format!("href=\"{link}\"")), "{link} is missing in {page}");
        let found = browser.page(&link).await;
        has(&found, &[own, "eu&#38;07"]);
        assert!(!found.contains(others), "{link}: {found}");
    }
    let none = browser.page("/dashboard/endpoints?tenant=nobody").await;
    has(&none, &["There are no more endpoints", "Show all"]);
}

#[tokio::test]
async fn what_isnt_there_is_a_page_that_says_so() {
    let browser = Browser::signed_in().await;
    for path in [
        "/nothing",
        "/endpoints/ep_0",
        "/endpoints/ep_0/edit",
        "/deliveries/7",
        "/deliveries/x",
        "/messages/msg_0",
        "/keys/key_0/remove",
    ] {
        let answer = browser.get(&format!("/dashboard{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        has(&answer.text, &["<h1>There is no such thing</h1>", "To the overview"]);
    }
    let answer = browser.post("/dashboard/messages", &[]).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    let cursor = browser.get("/dashboard/messages?cursor=x").await;
    assert_eq!(cursor.status, StatusCode::BAD_REQUEST);
}

/// As large as it gets: every step of the chart, and every row.
#[tokio::test]
async fn the_first_page_with_its_files_is_below_100_kib() {
    let browser = Browser::signed_in().await;
    browser.endpoint().await;
    for step in 0..48 {
        browser.api.fill(None, 1).await;
        browser.settle_at(200 + 300 * (step % 2), NOW - 60_000_000 - i64::from(step) * 1_800_000_000).await;
    }
    let page = browser.page("/dashboard").await;
    assert_eq!((page.matches("<rect ").count(), page.matches("<tr id=").count()), (48, 10));
    assert_eq!(names(&files(&page)), ["dashboard.css", "copy.js", "htmx.js", "live.js"]);
    let mut bytes = page.len();
    for file in files(&page) {
        bytes += browser.get(&file).await.text.len();
    }
    assert!(bytes < 100 << 10, "{bytes} bytes");
}

#[tokio::test]
async fn only_pages_that_are_kept_up_to_date_load_what_that_takes() {
    let browser = Browser::signed_in().await;
    for path in ["/dashboard/endpoints", "/dashboard/deliveries", "/dashboard/keys", "/dashboard/sign-in"] {
        let page = browser.get(path).await.text;
        assert_eq!(names(&files(&page)), ["dashboard.css", "copy.js"], "{path}");
        assert!(!page.contains(" hx-") && !page.contains("sse-") && !page.contains("htmx"), "{path}");
    }
}

#[tokio::test]
async fn no_page_needs_another_host() {
    let browser = Browser::signed_in().await;
    let style = browser.get("/dashboard/dashboard.css").await;
    let script = browser.get("/dashboard/htmx.js").await;
    assert_eq!(
        (style.header("content-type"), script.header("content-type")),
        ("text/css; charset=utf-8", "text/javascript; charset=utf-8")
    );
    let page = browser.page("/dashboard").await;
    assert!(!page.contains("http://") && !page.contains("https://") && !style.text.contains("url("));
}

#[test]
fn what_is_vendored_is_what_its_page_says_and_has_its_licences() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/htmx");
    let page = fs::read_to_string(folder.join("README.md")).unwrap();
    let rows: Vec<_> = page.lines().filter(|line| line.contains(".js` |")).collect();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let file = row.split('`').nth(1).unwrap();
        let digest = hex::encode(Sha256::digest(fs::read(folder.join(file)).unwrap()));
        assert!(row.contains(&digest), "{file} {digest}");
        let licence = row.split_once("](").unwrap().1.split_once(')').unwrap().0;
        let text = fs::read_to_string(folder.join(licence)).unwrap();
        assert!(text.contains("with or without fee"), "{licence}");
    }
}
