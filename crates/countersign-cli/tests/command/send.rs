//! `countersign send`.

use std::net::TcpListener;

use serde_json::Value;

use crate::{
    canned::Canned,
    run::{Folder, Run, STRIPE, countersign},
    running::receiver,
};

fn send(url: &str, more: &str) -> Run {
    let line = format!("send --url {url} --scheme stripe --secret-env SECRET {more} -");
    countersign(&line).env("SECRET", STRIPE).stdin(r#"{"id":"evt_1","type":"invoice.paid"}"#)
}

#[test]
fn a_request_is_signed_and_sent() {
    let folder = Folder::new().with("secret", STRIPE);
    let mut receiver = receiver(&folder, "--scheme stripe --secret-file secret --json");
    let url = format!("{}/hooks?x=1", receiver.url);
    let out = send(&url, "--allow-loopback --header X-More:1").go().out(0);
    assert!(out.starts_with("200 OK after "), "{out}");
    let seen = receiver.json();
    assert_eq!(seen["target"], "/hooks?x=1");
    assert_eq!((&seen["verified"]["valid"], &seen["verified"]["event_id"]), (&true.into(), &"evt_1".into()));
    let kept = std::fs::read_to_string(folder.path(".countersign/1.http")).expect("kept");
    assert!(kept.contains("content-type: application/json\r\n") && kept.contains("x-more: 1\r\n"), "{kept}");

    let json: Value = serde_json::from_str(&send(&url, "--allow-loopback --json").go().out(0)).expect("JSON");
    assert_eq!((&json["delivered"], &json["status"]), (&true.into(), &200.into()));
    assert!(json["milliseconds"].is_u64());
}

#[test]
fn an_answer_that_is_not_2xx_is_told_with_its_reason() {
    for head in ["500 Internal Server Error", "302 Found\r\nLocation: /other"] {
        let server = Canned::new(vec![(head, "no\u{1b}[2Jidea".to_owned())]);
        let done = send(&server.url, "--allow-loopback").go();
        assert!(done.stdout.starts_with(&head[..3]), "{done:?}");
        assert!(done.stderr.contains(r"the receiver says: no\u{1b}[2Jidea"), "{done:?}");
        assert_eq!(done.code, 1, "{done:?}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn an_answer_of_before_is_said_to_be_one() {
    for (more, is_said) in
        [("\r\nIdempotency-Replayed: true", true), ("\r\nIdempotency-Replayed: no", false), ("", false)]
    {
        let head: &'static str = format!("200 OK{more}").leak();
        let server = Canned::new(vec![(head, String::new())]);
        let done = send(&server.url, "--allow-loopback").go();
        assert!(done.stdout.starts_with("200 OK after "), "{done:?}");
        assert_eq!(done.stderr.contains("has had this event before"), is_said, "{done:?}");
        assert_eq!(done.code, 0);
    }
}

#[test]
fn who_does_not_answer_is_told_apart_from_what_is_not_sent() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let done = send(&format!("http://{free}"), "--allow-loopback").go();
    assert!(done.stdout.starts_with("no answer after"), "{done:?}");
    assert!(done.err(1).contains("note: connect: "));
    for (url, more, why) in [
        (format!("http://{free}"), "", "give --allow-loopback"),
        (format!("https://{free}"), "", "give --allow-loopback"),
        ("http://example.com".to_owned(), "--allow-loopback", "http"),
        ("https://10.0.0.1".to_owned(), "--allow-loopback", "10.0.0.0/8"),
        ("https://169.254.169.254".to_owned(), "--allow-loopback", "metadata"),
        ("nonsense".to_owned(), "", "URL"),
    ] {
        let done = send(&url, more).go();
        assert_eq!((done.code, &*done.stdout), (2, ""), "{url} {why}: {done:?}");
    }
    assert!(send(&format!("http://{free}"), "").go().err(2).contains("--allow-loopback"));
}

#[test]
fn no_output_of_send_holds_the_secret_or_the_path() {
    let server = Canned::new(vec![("404 Not Found", String::new())]);
    let done = send(&format!("{}/T0KEN", server.url), "--allow-loopback --json").go();
    let request = server.requests().remove(0);
    let (_, signature) = request.split_once("v1=").expect("a signature");
    let all = done.stdout.clone() + &done.stderr;
    for secret in [&STRIPE[6..], "T0KEN", &signature[..64]] {
        assert!(!all.contains(secret), "{done:?}");
    }
}
