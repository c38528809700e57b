//! What people come for, from the first sign-in to the last deletion.

use axum::http::StatusCode;
use fantoccini::key::Key;

use crate::{
    browser::{Browser, eventually},
    site::{Receiver, Site},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_made_tested_fails_is_redelivered_and_deleted() {
    let (site, receiver) = (Site::sending().await, Receiver::start().await);
    let Some(browser) = Browser::at(&site).await else { return };
    sign_in_by_a_link(&browser, &site).await;
    see_what_to_do_first(&browser).await;
    make_an_endpoint(&browser, &receiver).await;
    see_a_test_arrive(&browser, &receiver).await;
    see_a_test_fail_and_be_delivered_again(&browser, &receiver).await;
    disable_and_enable(&browser).await;
    change_the_secret(&browser, &receiver).await;
    replay(&browser, &receiver).await;
    find_a_message(&browser).await;
    delete(&browser).await;
    sign_out(&browser).await;
    browser.check_console().await;
}

async fn sign_in_by_a_link(browser: &Browser, site: &Site) {
    browser.open("/dashboard").await;
    browser.sees("Key of an admin").await;
    browser.keep("sign-in").await;
    let link = site.dashboard.sign_in_link().unwrap();
    browser.open(&link).await;
    browser.sees("This link signs you in").await;
    browser.press("Sign in").await;
    browser.sees("Attempts over time").await;
    browser.open(&link).await;
    browser.press("Sign in").await;
    browser.sees("The link was used already").await;
    browser.sign_in(site).await;
}

async fn see_what_to_do_first(browser: &Browser) {
    browser.sees("There is no endpoint yet").await;
    browser.keep("overview-empty").await;
    browser.press("Deliveries").await;
    browser.sees("Nothing was delivered yet").await;
    browser.keep("deliveries-empty").await;
    browser.press("Messages").await;
    browser.sees("There are no messages yet").await;
    browser.press("Overview").await;
    browser.press("Create the first one").await;
}

/// With a mistake first: what was typed is kept, and the mistake stands beside its field.
async fn make_an_endpoint(browser: &Browser, receiver: &Receiver) {
    browser.sees("Where messages are delivered").await;
    browser.keep("endpoint-new").await;
    browser.write("Name", "Ledger").await;
    browser.write("URL", "nonsense").await;
    browser.write("Event types", "invoice.*").await;
    browser.press("Create").await;
    browser.sees("Nothing was saved").await;
    assert!(browser.text_of("#url-mistake").await.starts_with("URL: "));
    assert_eq!(browser.run("return document.querySelector('#url').ariaInvalid").await, "true");
    browser.keep("endpoint-mistake").await;
    let kept = [browser.written("Name").await, browser.written("Event types").await];
    assert_eq!(kept, ["Ledger", "invoice.*"]);
    browser.write("URL", &receiver.url).await;
    browser.press("Create").await;
    take_the_secret(browser, receiver).await;
    browser.keep("secret").await;
    browser.press("I have it: go on to the endpoint").await;
    browser.sees("Nothing was sent to it yet").await;
    browser.keep("endpoint-empty").await;
}

/// Copies the secret from the page into the receiver's settings.
async fn take_the_secret(browser: &Browser, receiver: &Receiver) {
    browser.sees("it is never shown again").await;
    receiver.trust(browser.text_of("pre.secret").await.trim());
}

/// The page is left as it is, and shows by itself what has come of the test.
async fn see_a_test_arrive(browser: &Browser, receiver: &Receiver) {
    browser.run("window.isTheSamePage = false").await;
    browser.write("Event type", "invoice.paid").await;
    browser.press("Send a test").await;
    browser.sees("The test is on its way").await;
    browser.run("window.isTheSamePage = true").await;
    browser.sees("Attempt 1 200").await;
    browser.sees("delivered").await;
    assert_eq!(browser.run("return window.isTheSamePage").await, true);
    browser.press("Ledger").await;
    browser.sees("delivered").await;
    assert_eq!(receiver.arrived(), ["invoice.paid"]);
}

async fn see_a_test_fail_and_be_delivered_again(browser: &Browser, receiver: &Receiver) {
    receiver.answer(StatusCode::INTERNAL_SERVER_ERROR, "no space left on device");
    browser.write("Event type", "invoice.created").await;
    browser.press("Send a test").await;
    browser.sees("given up").await;
    browser.sees("The receiver answered 500: it failed while it handled the message").await;
    browser.sees("no space left on device").await;
    browser.keep("delivery-failed").await;
    receiver.answer(StatusCode::OK, "thank you");
    browser.press("Deliver again").await;
    browser.sees("Attempt 3 200").await;
    browser.sees("somebody asked for it").await;
    assert_eq!(receiver.arrived(), ["invoice.paid", "invoice.created", "invoice.created", "invoice.created"]);
    browser.press("Ledger").await;
}

async fn disable_and_enable(browser: &Browser) {
    browser.sees("History").await;
    browser.press("Disable").await;
    browser.sees("It is disabled: somebody has disabled it").await;
    browser.press("Endpoints").await;
    browser.sees("disabled").await;
    browser.press("disabled").await;
    browser.sees("The endpoint is enabled").await;
    browser.press("Ledger").await;
}

async fn change_the_secret(browser: &Browser, receiver: &Receiver) {
    browser.press("Change the secret").await;
    browser.sees("The old ones sign on for").await;
    browser.choose("The old ones sign on for", "a week").await;
    browser.keep("secret-change").await;
    browser.press("Change the secret").await;
    take_the_secret(browser, receiver).await;
    assert_eq!(browser.text().await.matches("signs until").count(), 1);
    browser.press("I have it: go on to the endpoint").await;
    browser.sees("signs until").await;
}

/// How many there are is said first.
async fn replay(browser: &Browser, receiver: &Receiver) {
    browser.press("Replay").await;
    browser.sees("No delivery of this endpoint matches").await;
    browser.choose("Those that", "have arrived").await;
    browser.press("Count").await;
    browser.sees("2 deliveries match").await;
    browser.keep("replay").await;
    let before = receiver.arrived().len();
    browser.press("Make them again").await;
    browser.sees("2 deliveries are made again").await;
    // The receiver trusts the new secret alone.
    assert!(eventually(async || receiver.arrived().len() == before + 2).await);
}

async fn find_a_message(browser: &Browser) {
    browser.press("Messages").await;
    browser.write("Event type", "invoice.created").await;
    browser.press("Search").await;
    browser.sees("invoice.created").await;
    assert!(!browser.text_of("main").await.contains("invoice.paid"));
    let id = browser.text_of("tbody a").await;
    browser.open("/dashboard/messages").await;
    browser.write("Id", &id).await;
    browser.press("Search").await;
    browser.sees(&format!("Message {id}")).await;
    browser.press("Messages").await;
    browser.write("Id", "msg_none").await;
    browser.press("Search").await;
    browser.sees("No message matches").await;
}

async fn delete(browser: &Browser) {
    browser.press("Endpoints").await;
    browser.press("Ledger").await;
    browser.press("Delete").await;
    browser.sees("Delete Ledger?").await;
    browser.keep("endpoint-delete").await;
    browser.press("Delete for ever").await;
    browser.sees("The endpoint was deleted").await;
    browser.sees("There is no endpoint yet").await;
}

async fn sign_out(browser: &Browser) {
    browser.press("Sign out").await;
    browser.sees("Key of an admin").await;
    browser.open("/dashboard/endpoints").await;
    browser.sees("Key of an admin").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_signs_in_and_is_removed() {
    let site = Site::start().await;
    let Some(browser) = Browser::signed_in(&site).await else { return };
    let key = make_a_key(&browser).await;
    sign_out(&browser).await;
    browser.write("Key of an admin", &key).await;
    browser.press("Sign in").await;
    browser.sees("Attempts over time").await;
    remove_the_key(&browser).await;
    browser.write("Key of an admin", &key).await;
    browser.press("Sign in").await;
    browser.sees("This is no key of this server").await;
    browser.check_console().await;
}

/// With a mistake first: what was typed is kept, and the mistake stands beside its field.
async fn make_a_key(browser: &Browser) -> String {
    browser.press("API keys").await;
    browser.sees("No API key was made here yet").await;
    browser.keep("keys-empty").await;
    browser.press("Create an API key").await;
    browser.write("Label", "night shift").await;
    browser.choose("Its holder may do", "Everything of one tenant").await;
    browser.press("Create").await;
    browser.sees("No key was made").await;
    assert!(browser.text_of("#tenant-mistake").await.starts_with("Tenant: "));
    browser.keep("key-mistake").await;
    assert_eq!(browser.written("Label").await, "night shift");
    assert_eq!(browser.written("Its holder may do").await, "app");
    browser.choose("Its holder may do", "Everything").await;
    // What is typed into a time depends on the browser's language.
    browser.run("document.querySelector('#expires_at').value = '2099-12-31T23:00'").await;
    browser.press("Create").await;
    browser.sees("it is never shown again").await;
    browser.sees("2099-12-31 23:00:00 UTC").await;
    browser.keep("key").await;
    let key = browser.text_of("pre.secret").await.trim().to_owned();
    browser.press("I have it: go on to the API keys").await;
    browser.sees("night shift").await;
    assert!(key.starts_with("csk_") && !browser.text().await.contains(&key[4..]));
    key
}

/// Who has signed in with it is asked to sign in again.
async fn remove_the_key(browser: &Browser) {
    browser.press("API keys").await;
    browser.sees("2099-12-31 23:00:00").await;
    browser.press("Remove").await;
    browser.sees("Remove the API key of night shift?").await;
    browser.press("Keep it").await;
    browser.press("Remove").await;
    browser.press("Remove for ever").await;
    browser.sees("Key of an admin").await;
    assert_eq!(browser.path().await, "/dashboard/sign-in");
}

/// From the first page, with `Tab` and `Enter`: nothing else is touched.
#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_makes_an_endpoint() {
    let site = Site::start().await;
    let Some(browser) = Browser::signed_in(&site).await else { return };
    browser.tab_to("To the content").await;
    browser.tab_to("Create the first one").await;
    browser.key(Key::Enter).await;
    browser.sees("Where messages are delivered").await;
    browser.tab_to("URL").await;
    browser.type_here("https://example.com/hooks").await;
    browser.key(Key::Enter).await;
    browser.sees("it is never shown again").await;
    assert_eq!(site.urls().await, ["https://example.com/hooks"]);
    browser.check_console().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_makes_and_removes_a_key() {
    let site = Site::start().await;
    let Some(browser) = Browser::signed_in(&site).await else { return };
    browser.tab_to("API keys").await;
    browser.key(Key::Enter).await;
    browser.tab_to("Create an API key").await;
    browser.key(Key::Enter).await;
    browser.tab_to("Label").await;
    browser.type_here("billing").await;
    browser.key(Key::Enter).await;
    browser.sees("it is never shown again").await;
    browser.tab_to("I have it: go on to the API keys").await;
    browser.key(Key::Enter).await;
    browser.sees("Seeing, and changing nothing").await;
    browser.tab_to("Remove").await;
    browser.key(Key::Enter).await;
    browser.tab_to("Remove for ever").await;
    browser.key(Key::Enter).await;
    browser.sees("The API key was removed").await;
    browser.check_console().await;
}
