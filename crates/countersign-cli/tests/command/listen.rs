//! `countersign listen` and `countersign replay-local`.

use std::fs;

use crate::{
    canned::Canned,
    run::{Folder, STRIPE, countersign},
    running::{Running, get, http, receiver},
};

fn post(running: &Running, target: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let request = format!(
        "POST {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    http(&running.url, &request)
}

#[test]
fn what_comes_is_shown_as_a_table_and_kept_as_it_came() {
    let folder = Folder::new();
    let mut running = receiver(&folder, "");
    assert!(running.line().starts_with("NUMBER  UTC"), "the headings");
    assert!(post(&running, "/h?key=T0KEN", "X-A: 1\r\n", "{}").starts_with("HTTP/1.1 200 OK"));
    let line = running.line();
    assert!(line.contains("POST     /h ") && line.contains("not verified"), "{line}");
    assert!(!line.contains("T0KEN"), "{line}");
    let kept = fs::read_to_string(folder.path(".countersign/1.http")).expect("kept");
    assert!(kept.starts_with("POST /h?key=T0KEN HTTP/1.1\r\n") && kept.ends_with("\r\n\r\n{}"), "{kept}");
    assert_eq!(running.stop().code, 0);
}

#[test]
fn what_is_not_valid_is_refused_and_not_forwarded() {
    let folder = Folder::new().with("secret", STRIPE).with("body.json", r#"{"type":"invoice.paid"}"#);
    let app = Canned::new(vec![("202 Accepted\r\nX-App: 1", "thanks".to_owned())]);
    let more = format!("--scheme stripe --secret-file secret --json --forward {}/app", app.url);
    let mut running = receiver(&folder, &more);
    let refused = post(&running, "/", "Stripe-Signature: t=1,v1=00\r\n", "{}");
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    let seen = running.json();
    assert_eq!((&seen["status"], &seen["verified"]["valid"]), (&401.into(), &false.into()));

    let sign = countersign("sign --scheme stripe --secret-file secret body.json").within(&folder).go().out(0);
    let answer = post(&running, "/?a=b", &sign.replace('\n', "\r\n"), r#"{"type":"invoice.paid"}"#);
    assert!(answer.starts_with("HTTP/1.1 202") && answer.contains("x-app: 1") && answer.ends_with("thanks"));
    let seen = running.json();
    assert_eq!((&seen["number"], &seen["verified"]["event_type"]), (&2.into(), &"invoice.paid".into()));
    let forwarded = app.requests();
    assert_eq!(forwarded.len(), 1);
    let lower = forwarded[0].to_lowercase();
    assert!(forwarded[0].starts_with("POST /app?a=b HTTP/1.1\r\n"), "{forwarded:?}");
    assert!(lower.contains("stripe-signature: t=") && !lower.contains("host: a\r\n"), "{forwarded:?}");
}

#[test]
fn a_handshake_is_answered_and_an_application_that_is_down_is_told() {
    let folder = Folder::new().with("secret", "zoom-secret-token-0123456789");
    let mut running =
        receiver(&folder, "--scheme zoom --secret-file secret --json --forward http://127.0.0.1:9/ --keep 1");
    let body = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}"#;
    fs::write(folder.path("body.json"), body).expect("a file");
    let sign = countersign("sign --scheme zoom --secret-file secret body.json").within(&folder).go().out(0);
    let answer = post(&running, "/", &sign.replace('\n', "\r\n"), body);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("encryptedToken"), "{answer}");
    running.json();

    fs::write(folder.path("body.json"), "{}").expect("a file");
    let sign = countersign("sign --scheme zoom --secret-file secret body.json").within(&folder).go().out(0);
    assert!(post(&running, "/", &sign.replace('\n', "\r\n"), "{}").starts_with("HTTP/1.1 502"));
    let seen = running.json();
    assert!(seen["error"].as_str().is_some_and(|why| why.contains("refused")), "{seen}");
    let kept: Vec<_> = fs::read_dir(folder.path(".countersign")).expect("a folder").collect();
    assert_eq!(kept.len(), 1, "--keep 1");
}

#[test]
fn a_handshake_is_answered_with_every_header_and_refused_as_its_scheme_says() {
    let folder = Folder::new().with("secret", "0123456789abcdef0123456789abcdef");
    let dropbox = receiver(&folder, "--scheme dropbox --secret-file secret --json");
    let answer = get(&dropbox.url, "/?challenge=abc");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("abc"), "{answer}");
    let lower = answer.to_lowercase();
    assert!(lower.contains("x-content-type-options: nosniff\r\n"), "{answer}");
    assert_eq!(lower.matches("content-type: ").count(), 1, "{answer}");

    let cloud = receiver(&folder, "--scheme cloudevents-webhook --secret-file secret --json");
    let asked = "OPTIONS / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nWebHook-Request-Origin: b\r\n\r\n";
    let answer = http(&cloud.url, asked);
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
}

#[test]
fn a_handshake_is_compared_with_the_settings_that_are_given() {
    let folder = Folder::new().with("secret", "meta-app-secret");
    let asked = "/h?hub.mode=subscribe&hub.challenge=115&hub.verify_token=meaty";
    let mut running =
        receiver(&folder, "--scheme meta --secret-file secret --setting verify_token=meaty --json");
    let answer = get(&running.url, asked);
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\n115"), "{answer}");
    assert_eq!(running.json()["verified"]["valid"], true);
    assert!(get(&running.url, &asked.replace("meaty", "other")).starts_with("HTTP/1.1 403"));
    assert_eq!(running.json()["verified"]["kind"], "handshake_refused");

    let refused = |line: &str| countersign(&format!("listen {line}")).within(&folder).go().err(2);
    assert!(
        refused("--scheme meta --secret-file secret --setting verify_token").contains("write NAME=VALUE")
    );
    assert!(refused("--setting verify_token=meaty").contains("--scheme"));
}

#[test]
fn what_was_kept_is_sent_again() {
    let folder = Folder::new();
    let mut running = receiver(&folder, "--json");
    post(&running, "/h", "X-A: 1\r\n", "body");
    running.json();
    let app = Canned::new(vec![("200 OK", String::new()), ("400 Bad Request", String::new())]);
    let replay = |number: &str| {
        let line = format!("replay-local {number} --forward {}/app", app.url);
        countersign(&line).within(&folder).go()
    };
    assert_eq!(replay("1").out(0), "200 OK\n");
    assert_eq!(replay("1").out(1), "400 Bad Request\n");
    assert!(replay("7").err(2).contains("7.http can't be read"));
    let requests = app.requests();
    assert_eq!(requests[0], requests[1]);
    assert!(requests[0].contains("x-a: 1\r\n") && requests[0].ends_with("\r\n\r\nbody"), "{requests:?}");
    let gone = countersign("replay-local 1 --forward http://127.0.0.1:9").within(&folder).go();
    assert!(gone.out(1).starts_with("no answer: "));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_kept() {
    let folder = Folder::new();
    let running = receiver(&folder, "--json");
    let request = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 99999999\r\n\r\n";
    assert!(http(&running.url, request).starts_with("HTTP/1.1 413"));
    assert!(get(&running.url, "/").starts_with("HTTP/1.1 200"));
    assert!(folder.path(".countersign/1.http").exists() && !folder.path(".countersign/2.http").exists());
}

#[test]
fn a_port_that_is_taken_and_a_scheme_without_a_secret_are_explained() {
    let folder = Folder::new();
    let running = receiver(&folder, "--json");
    let done = countersign(&format!("listen --port {}", running.port())).within(&folder).go();
    assert!(done.err(2).contains("can't listen at port"));
    assert!(countersign("listen --scheme stripe").within(&folder).go().err(2).contains("there is no secret"));
    assert!(countersign("listen --secret-env A").within(&folder).go().err(2).contains("--scheme"));
}
