//! `countersign sign`.

use std::process::Command;

use crate::run::{Folder, STRIPE, countersign};

const BODY: &str = r#"{"id":"evt_1","note":"it's $HOME"}"#;

fn folder() -> Folder {
    Folder::new().with("it's a body.json", BODY)
}

#[test]
fn headers_are_printed_one_a_line() {
    let done = countersign("sign --scheme stripe --secret-env SECRET --now 1700000000 --header")
        .args(&["X-Tenant: 7", "it's a body.json"])
        .env("SECRET", STRIPE)
        .within(&folder())
        .go();
    assert_eq!(done.stderr, "");
    let out = done.out(0);
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("Stripe-Signature: t=1700000000,v1="), "{out}");
    assert_eq!(lines[1..], ["X-Tenant: 7"]);
}

#[test]
fn every_secret_signs_where_the_scheme_holds_several() {
    let out = countersign("sign --scheme stripe --secret-env NEW --secret-env OLD -")
        .env("NEW", STRIPE)
        .env("OLD", "whsec_the_one_before_it")
        .stdin(BODY)
        .go()
        .out(0);
    assert_eq!(out.matches(",v1=").count(), 2, "{out}");
}

#[test]
fn an_id_is_made_up_where_the_scheme_signs_one() {
    let line = "sign --scheme standard-webhooks --secret-env SECRET --json -";
    let run = |more: &[&str]| {
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let out = countersign(line).args(more).env("SECRET", secret).stdin(BODY).go().json_lines();
        (out[0]["event_id"].clone(), out[0]["headers"][0].clone())
    };
    let (id, header) = run(&[]);
    assert!(id.as_str().is_some_and(|id| id.starts_with("msg_") && id.len() == 36), "{id}");
    assert_eq!(header, serde_json::json!(["webhook-id", id]));
    assert_ne!(run(&[]).0, id);
    assert_eq!(run(&["--id", "msg_7"]).0, "msg_7");
}

/// A shell runs the line with a `curl` that writes down what it was given.
#[test]
fn the_curl_line_gives_curl_what_was_meant() {
    let folder = folder().with("curl", "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
    let line = countersign("sign --scheme stripe --secret-env SECRET --curl --url")
        .args(&["https://example.com/h?a=1&b=$HOME", "it's a body.json"])
        .env("SECRET", STRIPE)
        .within(&folder)
        .go()
        .out(0);
    let script = format!("chmod +x curl && PATH=.:$PATH && {line}");
    let shell = Command::new("sh").args(["-c", &script]).current_dir(folder.path("")).output().expect("sh");
    let words = String::from_utf8(shell.stdout).expect("text");
    let words: Vec<_> = words.lines().collect();
    assert_eq!(words[..5], ["--silent", "--show-error", "--include", "--request", "POST"]);
    assert_eq!(words[5..7], ["--header", "Content-Type: application/json"]);
    assert!(words[8].starts_with("Stripe-Signature: t="), "{words:?}");
    assert_eq!(words[9..], ["--data-binary", "@it's a body.json", "https://example.com/h?a=1&b=$HOME"]);
}

#[test]
fn what_the_body_must_hold_is_said() {
    let done = countersign("sign --scheme linear --secret-env SECRET --id 1 -")
        .env("SECRET", STRIPE)
        .stdin("{}")
        .go();
    assert!(done.stderr.contains("/webhookTimestamp in the body: set it there"), "{done:?}");
    assert!(done.err(0).contains("--id has no effect"));
}

#[test]
fn what_can_not_be_signed_is_explained() {
    let key = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    for (line, why) in [
        ("sign --scheme square --secret-env SECRET -", "give the whole of it by --url"),
        ("sign --scheme square --secret-env SECRET --url example.com -", "the URL isn't whole"),
        ("sign --scheme stripe --secret-env SECRET --curl -", "--url"),
        ("sign --scheme stripe --secret-env SECRET", "<BODY>"),
        ("sign --secret-env SECRET -", "--scheme"),
        ("sign --scheme stripe --secret-env SECRET none.json", "none.json can't be read"),
        ("sign --scheme stripe --secret-env SECRET --header X -", "a header is written `Name: value`"),
        ("sign --scheme stripe --secret-env SECRET --header stripe-signature:x -", "is written already"),
        ("sign --scheme svix --secret-env SECRET --id a.b -", "event id"),
        ("sign --scheme stripe --secret-stdin -", "both be read from standard input"),
        ("sign --scheme stripe --secret-env SECRET --batch", "cannot be used with"),
        ("sign --scheme sripe --secret-env SECRET -", "did you mean `stripe`?"),
    ] {
        let done = countersign(line).env("SECRET", key).stdin("{}").go();
        assert!(done.stderr.contains(why), "{line}: {done:?}");
        assert_eq!((done.code, &*done.stdout), (2, ""), "{line}");
    }
}
