//! The viewer of the API's description.

use crate::{browser::Browser, site::Site};

#[tokio::test(flavor = "multi_thread")]
async fn the_viewer_shows_our_operations_and_breaks_no_rule() {
    let site = Site::start().await;
    let Some(browser) = Browser::at(&site).await else { return };
    browser.open("/api/docs?url=https://example.com/other.json").await;
    browser.sees("Endpoints, messages and deliveries of webhooks").await;
    browser.sees("POST /endpoints/{endpoint}/test Sends a test event to an endpoint, and to no other.").await;
    browser.run("document.querySelector('.opblock-post .opblock-summary-control').click()").await;
    browser.sees("The answer holds its secret, this once.").await;
    browser.keep("api-docs").await;
    browser.check_console().await;
}
