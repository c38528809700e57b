//! A page that shows by itself what is new, while it is looked at.

use std::time::Duration;

use axum::http::StatusCode;
use countersign_server::Dashboard;
use fantoccini::key::Key;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    browser::{Browser, eventually},
    site::{Receiver, Site},
};

/// A site that sends, and a browser at the page of its endpoint.
async fn at_an_endpoint() -> Option<(Site, Receiver, Browser)> {
    at_an_endpoint_of(Site::sending().await).await
}

async fn at_an_endpoint_of(site: Site) -> Option<(Site, Receiver, Browser)> {
    let receiver = Receiver::start().await;
    let browser = Browser::signed_in(&site).await?;
    let page = site.endpoint(&receiver).await;
    browser.open(&page).await;
    browser.sees("Nothing was sent to it yet").await;
    browser.run("window.isTheSamePage = true").await;
    Some((site, receiver, browser))
}

/// Longer than it takes a stream to bring what is new.
async fn a_while() {
    sleep(Duration::from_millis(2500)).await;
}

impl Browser {
    /// Says to the page that it is looked at, or that it isn't.
    async fn look(&self, looks: bool) {
        let script = format!(
            "Object.defineProperty(document, 'hidden', {{ value: {}, configurable: true }});\
             document.dispatchEvent(new Event('visibilitychange'));",
            !looks
        );
        self.run(&script).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_arrives_is_seen_without_loading_the_page_again() {
    let Some((site, receiver, browser)) = at_an_endpoint().await else { return };
    site.enqueue("invoice.paid").await;
    browser.sees("invoice.paid delivered 200").await;
    site.enqueue("invoice.sent").await;
    browser.sees("invoice.sent delivered 200").await;
    assert!(!browser.text().await.contains("Last success never"));
    assert_eq!(receiver.arrived(), ["invoice.paid", "invoice.sent"]);
    assert_eq!(browser.run("return window.isTheSamePage").await, true);
    browser.open("/dashboard").await;
    browser.sees("Attempts, 24 hours 2").await;
    site.enqueue("invoice.void").await;
    browser.sees("invoice.void Ledger delivered").await;
    browser.sees("Attempts, 24 hours 3").await;
    browser.check_console().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_nobody_looks_at_asks_for_nothing_and_catches_up_later() {
    let Some((site, _receiver, browser)) = at_an_endpoint().await else { return };
    browser.look(false).await;
    site.enqueue("invoice.paid").await;
    a_while().await;
    browser.sees("Nothing was sent to it yet").await;
    browser.look(true).await;
    browser.sees("invoice.paid delivered 200").await;
    assert_eq!(browser.run("return window.isTheSamePage").await, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_shown_again_is_not_sent_what_it_has() {
    let Some((site, _receiver, browser)) = at_an_endpoint().await else { return };
    site.enqueue("invoice.paid").await;
    browser.sees("invoice.paid delivered 200").await;
    a_while().await;
    browser.run(COUNT).await;
    browser.look(false).await;
    browser.look(true).await;
    a_while().await;
    assert_eq!(browser.run("return window.counted").await, json!({ "opened": 1, "sent": 0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_loaded_while_nobody_looks_has_no_stream_before_somebody_does() {
    let Some((site, _receiver, browser)) = at_an_endpoint().await else { return };
    let hides = "Object.defineProperty(document, 'hidden', { value: true, configurable: true })";
    browser.chromium.ask("Page.addScriptToEvaluateOnNewDocument", json!({ "source": hides })).await;
    browser.chromium.client.refresh().await.unwrap();
    site.enqueue("invoice.paid").await;
    a_while().await;
    browser.sees("Nothing was sent to it yet").await;
    browser.look(true).await;
    browser.sees("invoice.paid delivered 200").await;
    browser.check_console().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_away_from_who_is_marking_text() {
    let Some((site, _receiver, browser)) = at_an_endpoint().await else { return };
    browser.run("getSelection().selectAllChildren(document.getElementById('history'))").await;
    site.enqueue("invoice.paid").await;
    a_while().await;
    browser.sees("Nothing was sent to it yet").await;
    browser.run("getSelection().removeAllRanges()").await;
    browser.sees("invoice.paid delivered 200").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stops_at_once_while_its_pages_are_looked_at_and_they_say_so() {
    let Some((site, _receiver, browser)) = at_an_endpoint().await else { return };
    site.enqueue("invoice.paid").await;
    browser.sees("invoice.paid delivered 200").await;
    let told = Instant::now();
    site.stop().await;
    assert!(told.elapsed() < Duration::from_secs(2), "{:?}", told.elapsed());
    browser.sees("This page is not kept up to date just now").await;
    browser.keep("endpoint-stale").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_stays_where_it_is_when_something_new_arrives() {
    let Some((site, _receiver, browser)) = at_an_endpoint().await else { return };
    site.enqueue("invoice.paid").await;
    browser.sees("invoice.paid delivered 200").await;
    browser.tab_to("invoice.paid").await;
    browser.run("window.link = document.activeElement").await;
    for kind in ["invoice.sent", "invoice.void"] {
        site.enqueue(kind).await;
        browser.sees(&format!("{kind} delivered 200")).await;
    }
    assert_eq!(browser.run("return document.activeElement === window.link").await, true);
    browser.key(Key::Enter).await;
    browser.sees("Event type invoice.paid").await;
    browser.check_console().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_keyboard_is_at_stays_when_newer_rows_take_its_place() {
    let Some((site, _receiver, browser)) = at_an_endpoint().await else { return };
    browser.open("/dashboard").await;
    site.enqueue("invoice.paid").await;
    browser.sees("invoice.paid Ledger delivered").await;
    browser.tab_to("invoice.paid").await;
    for _ in 0..10 {
        site.enqueue("invoice.sent").await;
    }
    browser.sees("Attempts, 24 hours 11").await;
    browser.sees("invoice.paid Ledger delivered").await;
    browser.tab_to("Ledger").await;
    browser.tab_to("All deliveries").await;
    site.enqueue("invoice.void").await;
    browser.sees("invoice.void Ledger delivered").await;
    assert!(!browser.text().await.contains("invoice.paid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_opened_stays_open_and_what_was_closed_closed_when_something_new_arrives() {
    let Some((site, receiver, browser)) = at_an_endpoint().await else { return };
    receiver.answer(StatusCode::INTERNAL_SERVER_ERROR, "no space left on device");
    site.enqueue("invoice.paid").await;
    browser.sees("invoice.paid given up").await;
    browser.press("invoice.paid").await;
    browser.sees("Attempt 2 500").await;
    for summary in ["#attempt-2 > summary", "#attempt-1 > summary"] {
        browser.run(&format!("document.querySelector('{summary}').click()")).await;
    }
    receiver.answer(StatusCode::OK, "thank you");
    browser
        .run("fetch(location.pathname + '/redeliver', { method: 'POST', body: new URLSearchParams() })")
        .await;
    browser.sees("Attempt 3 200").await;
    let open =
        browser.run("return [...document.querySelectorAll('.attempt[id]')].map(one => one.open)").await;
    assert_eq!(open, json!([true, false, true]));
    browser.check_console().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_come_back_to_goes_on() {
    let Some((site, _receiver, browser)) = at_an_endpoint().await else { return };
    site.enqueue("invoice.paid").await;
    browser.sees("invoice.paid delivered 200").await;
    browser.press("invoice.paid").await;
    browser.sees("Attempt 1 200").await;
    site.enqueue("invoice.sent").await;
    browser.chromium.client.back().await.unwrap();
    browser.sees("invoice.sent delivered 200").await;
    site.enqueue("invoice.void").await;
    browser.sees("invoice.void delivered 200").await;
    browser.check_console().await;
}

/// There is one place for a stream, and another page takes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_refused_is_asked_for_again_less_and_less_often() {
    let site = Site::sending_with(Dashboard::new().max_streams(1)).await;
    let Some((site, _receiver, browser)) = at_an_endpoint_of(site).await else { return };
    browser.look(false).await;
    browser.run(TAKE_THE_PLACE).await;
    assert!(eventually(async || browser.run("return window.other.readyState").await == 1).await);
    browser.look(true).await;
    site.enqueue("invoice.paid").await;
    browser.sees("This page is not kept up to date just now").await;
    let refused = browser.run("return window.refused").await.as_u64().unwrap();
    assert!((2..=6).contains(&refused), "{refused}");
    browser.run("window.other.close()").await;
    browser.sees("invoice.paid delivered 200").await;
    assert!(!browser.text().await.contains("not kept up to date"));
}

/// Holds the only stream, and counts how often the page is refused one.
const TAKE_THE_PLACE: &str = "
    window.refused = 0;
    document.addEventListener('htmx:sseError', () => { window.refused += 1; });
    window.other = new EventSource('/dashboard/live');
";

const COUNT: &str = "
    window.counted = { opened: 0, sent: 0 };
    document.addEventListener('htmx:sseOpen', () => { window.counted.opened += 1; });
    document.addEventListener('htmx:sseMessage', () => { window.counted.sent += 1; });
";
