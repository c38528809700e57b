//! A page that shows by itself what is new, while it is looked at.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    browser::Browser,
    site::{Receiver, Site},
};

/// A site that sends, and a browser at the page of its endpoint.
async fn at_an_endpoint() -> Option<(Site, Receiver, Browser)> {
    let (site, receiver) = (Site::sending().await, Receiver::start().await);
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
