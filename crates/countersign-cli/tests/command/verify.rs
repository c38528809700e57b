//! `countersign verify`.

use serde_json::{Value, json};

use crate::run::{Folder, Run, STRIPE, countersign};

const NOW: &str = "1700000000";

/// A folder with a request that Stripe could have sent, signed at `NOW`.
fn signed() -> Folder {
    let folder = Folder::new().with("body.json", r#"{"id":"evt_1","type":"invoice.paid"}"#);
    let sign = |more: &str| {
        let line = format!("sign --scheme stripe --secret-env SECRET --now {NOW} {more} body.json");
        countersign(&line).env("SECRET", STRIPE).within(&folder).go().out(0)
    };
    let (request, headers) = (sign("--http"), sign(""));
    folder.with("request.http", request).with("headers.txt", headers)
}

fn verify(folder: &Folder, more: &str) -> Run {
    let line = format!("verify --scheme stripe --secret-env SECRET --now {NOW} {more}");
    countersign(&line).env("SECRET", STRIPE).within(folder)
}

fn request(folder: &Folder) -> String {
    std::fs::read_to_string(folder.path("request.http")).expect("a request")
}

#[test]
fn a_valid_request_is_shown() {
    let done = verify(&signed(), "--request request.http").go();
    assert_eq!(done.stderr, "");
    assert_eq!(
        done.out(0),
        "valid\n\
         scheme           stripe (Stripe)\n\
         key              SECRET\n\
         event id         evt_1 (signed)\n\
         event type       invoice.paid\n\
         idempotency key  stripe/evt_1 (the sender's)\n\
         signed time      2023-11-14T22:13:20Z (0 s ago)\n\
         body             36 bytes, covered by the signature\n"
    );
}

#[test]
fn headers_and_body_can_stand_apart() {
    let folder = signed();
    verify(&folder, "--headers headers.txt --body body.json").go().out(0);
    let body = std::fs::read(folder.path("body.json")).expect("a body");
    verify(&folder, "--headers headers.txt --body -").stdin(body).go().out(0);
    let done = verify(&folder, "--headers headers.txt --body body.json --method DELETE").go();
    assert!(done.out(1).contains("method_not_allowed"));
}

#[test]
fn a_changed_request_is_not_valid_and_its_signature_is_not_told() {
    let folder = signed();
    let request = request(&folder);
    let (_, right) = request.split_once("v1=").expect("a signature");
    let (right, _) = right.split_once('\r').expect("a signature");
    let forged = request.replace(right, &"0".repeat(64));
    for forged in [request.replace("evt_1", "evt_2"), forged] {
        let done = verify(&folder, "--request -").stdin(forged.clone()).go();
        let json = verify(&folder, "--json --request -").stdin(forged).go();
        for text in [&done.stdout, &done.stderr, &json.stdout] {
            assert!(!text.contains(right) && !text.contains(STRIPE), "{text}");
        }
        assert!(done.out(1).starts_with("not valid: no_matching_signature: no key made this signature"));
        let report: serde_json::Value = serde_json::from_str(&json.out(1)).expect("JSON");
        assert_eq!((&report["valid"], &report["kind"]), (&false.into(), &"no_matching_signature".into()));
        assert!(report["error"].as_str().is_some_and(|text| text.contains("no key made")));
    }
}

#[test]
fn age_is_checked_as_asked() {
    let folder = signed();
    let run = |more: &str| {
        let line = format!("verify --scheme stripe --secret-env SECRET --request request.http {more}");
        countersign(&line).env("SECRET", STRIPE).within(&folder).go()
    };
    assert!(run("").out(1).contains("timestamp_too_old"));
    assert!(run("--now 1700000301").out(1).contains("301 s old (limit 300 s)"));
    run("--now 1700000300").out(0);
    run("--now 1700000301 --tolerance 301").out(0);
    run("--now 1700000011 --tolerance 10").out(1);
    run("--no-tolerance").out(0);
    run("--no-tolerance --tolerance 5").out(2);
}

#[test]
fn the_key_that_matched_is_named() {
    let folder = signed().with("new.txt", "whsec_another_one_0123\n");
    let line = format!(
        "verify --scheme stripe --now {NOW} --secret-file new.txt --secret-env OLD --request request.http --json"
    );
    let report = countersign(&line).env("OLD", STRIPE).within(&folder).go().out(0);
    assert!(report.contains(r#""key":"OLD""#), "{report}");
}

#[test]
fn an_editors_line_break_is_found() {
    let folder = signed();
    let request = request(&folder) + "\n";
    let done = verify(&folder, "--request -").stdin(request.clone()).go();
    assert!(done.err(2).contains("a line break that an editor may have added"));
    let without_length: String =
        request.lines().filter(|line| !line.contains("Length")).map(|line| format!("{line}\n")).collect();
    let done = verify(&folder, "--request -").stdin(without_length).go();
    assert!(done.stderr.contains("end with LF"), "{done:?}");
    assert!(done.stderr.contains("the body ends with a line break"), "{done:?}");
    assert!(done.out(1).contains("no_matching_signature"));
}

#[test]
fn an_unsigned_request_is_said_to_be_one() {
    let out = countersign("verify --scheme snapbill --request -")
        .stdin("POST / HTTP/1.1\r\n\r\n{\"uuid\":\"1\"}")
        .go()
        .out(0);
    assert!(out.starts_with("not signed: anybody could have sent this\n"), "{out}");
    assert!(out.contains("NOT covered by the signature") && out.contains("(anybody's choice)"), "{out}");
}

#[test]
fn what_a_request_holds_can_not_move_the_cursor() {
    let request = "POST / HTTP/1.1\r\n\r\n{\"uuid\":\"\\u001b[2J\\u0007 x\"}";
    let out = countersign("verify --scheme snapbill --request -").stdin(request).go().out(0);
    assert!(out.contains(r"\u{1b}[2J\u{7} x") && !out.contains('\u{1b}'), "{out:?}");
}

#[test]
fn a_handshake_is_answered_where_it_is_asked_for() {
    let request =
        "GET /h?hub.mode=subscribe&hub.challenge=115&hub.verify_token=meaty HTTP/1.1\r\nHost: a\r\n\r\n";
    let run = |more: &str| {
        let line = format!("verify --scheme meta --secret-env SECRET --request - {more}");
        countersign(&line).env("SECRET", "meta-app-secret").stdin(request).go()
    };
    let done = run("");
    assert!(done.stderr.contains("--handshake"), "{done:?}");
    done.out(1);
    let out = run("--handshake --setting verify_token=meaty").out(0);
    assert!(out.starts_with("handshake, to be answered with\nstatus                  200\n"), "{out}");
    assert!(out.contains("body                    115\n"), "{out}");
    assert!(run("--handshake --setting verify_token=other").out(1).contains("handshake_refused"));
    assert!(run("--handshake --setting verify_token").err(2).contains("write NAME=VALUE"));
    run("--setting verify_token=meaty").err(2);
}

#[test]
fn every_header_that_a_handshake_is_answered_with_is_shown() {
    let run = |line: &str, request: &str| {
        let line = format!("verify --secret-env SECRET --request - --handshake {line}");
        countersign(&line).env("SECRET", "0123456789abcdef0123456789abcdef").stdin(request).go().out(0)
    };
    let asana = "POST /h HTTP/1.1\r\nHost: a\r\nX-Hook-Secret: b537207f20cbfa02357cf448134da559\r\n\r\n";
    let out = run("--scheme asana", asana);
    assert!(out.contains("X-Hook-Secret  b537207f20cbfa02357cf448134da559\n"), "{out}");
    let cloud = "OPTIONS /h HTTP/1.1\r\nHost: a\r\nWebHook-Request-Origin: events.example\r\n\r\n";
    let line = "--scheme cloudevents-webhook --setting allowed_origin=events.example --json";
    let out: Value = serde_json::from_str(&run(line, cloud)).expect("JSON");
    let headers = out["response"]["headers"].as_array().expect("headers");
    assert!(headers.contains(&json!(["WebHook-Allowed-Origin", "events.example"])), "{out}");
}

#[test]
fn what_can_not_be_verified_is_explained() {
    let folder = signed();
    for (more, why) in [
        ("", "--request"),
        ("--headers headers.txt", "--body"),
        ("--request request.http --body body.json", "cannot be used with"),
        ("--request none.http", "none.http can't be read"),
        ("--request body.json", "body.json isn't a request"),
        ("--request request.http --method POST", "cannot be used with"),
        ("--request request.http --batch", "cannot be used with"),
        ("--request request.http --secret-file body.json --scheme-file body.json", "cannot be used with"),
        ("--headers - --body -", "can't both be read from standard input"),
        ("--request - --secret-stdin", "can't both be read from standard input"),
    ] {
        let done = verify(&folder, more).go();
        assert!(done.stderr.contains(why), "{more}: {done:?}");
        assert_eq!((done.code, &*done.stdout), (2, ""), "{more}");
    }
    let done = countersign("verify --scheme square --secret-env SECRET --request request.http");
    let done = done.env("SECRET", STRIPE).within(&folder).go();
    assert!(done.err(2).contains("give it by --url as it is registered"));
}
