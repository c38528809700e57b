//! A browser that runs no scripts reads every page and sends every form.

use axum::http::StatusCode;

use crate::{
    browser::{Browser, eventually},
    site::{Receiver, Site},
};

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_pages_are_read_and_forms_are_sent() {
    let (site, receiver) = (Site::sending().await, Receiver::start().await);
    let Some(browser) = Browser::at(&site).await else { return };
    browser.without_scripts().await;
    browser.sign_in(&site).await;
    browser.open("/dashboard/endpoints/new").await;
    browser.write("Name", "Ledger").await;
    browser.write("URL", &receiver.url).await;
    browser.press("Create").await;
    browser.sees("it is never shown again").await;
    receiver.trust(browser.text_of("pre.secret").await.trim());
    assert!(!browser.text().await.contains("Copy"));
    browser.press("I have it: go on to the endpoint").await;
    receiver.answer(StatusCode::NOT_FOUND, "no such path");
    browser.press("Send a test").await;
    browser.sees("The test is on its way").await;
    let reloaded = async || {
        browser.chromium.client.refresh().await.unwrap();
        browser.text().await.contains("given up")
    };
    assert!(eventually(reloaded).await);
    browser.sees("The receiver answered 404: there is nothing at this path").await;
    browser.press("Deliver again").await;
    browser.sees("The delivery is made again").await;
    browser.press("Ledger").await;
    browser.press("Disable").await;
    browser.sees("It is disabled: somebody has disabled it").await;
    browser.open("/dashboard/keys/new").await;
    browser.write("Label", "billing").await;
    browser.press("Create").await;
    browser.sees("it is never shown again").await;
    for path in ["", "/endpoints", "/deliveries", "/messages", "/tenants", "/keys"] {
        browser.open(&format!("/dashboard{path}")).await;
        browser.sees("Sign out").await;
    }
    browser.check_console().await;
}
