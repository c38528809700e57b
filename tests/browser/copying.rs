//! Buttons that copy.

use serde_json::json;

use crate::{browser::Browser, sample, site::Site};

#[tokio::test(flavor = "multi_thread")]
async fn a_button_copies_the_text_before_it() {
    let site = Site::start().await;
    let Some(browser) = Browser::at(&site).await else { return };
    let sample = sample::fill(&site).await;
    browser.sign_in(&site).await;
    let allowed = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
    browser.chromium.ask("Browser.grantPermissions", allowed).await;
    browser.open(&sample.delivery).await;
    let curl = browser.text_of(".copied pre").await;
    browser.press("Copy").await;
    browser.sees("Copied").await;
    let copied = browser.run("return navigator.clipboard.readText()").await;
    assert_eq!(copied.as_str().map(str::trim), Some(curl.trim()));
    browser.check_console().await;
}
