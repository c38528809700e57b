//! `countersign verify --explain` and `countersign infer`.

use serde_json::Value;

use crate::run::{Folder, Run, STRIPE, countersign};

const NOW: &str = "1700000000";
const BODY: &str = r#"{"id":"evt_1","type":"invoice.paid"}"#;

/// A folder with a request of this scheme, signed at `NOW`.
fn signed(scheme: &str) -> Folder {
    let folder = Folder::new().with("body.json", BODY);
    let line = format!("sign --scheme {scheme} --secret-env SECRET --now {NOW} --http body.json");
    let request = countersign(&line).env("SECRET", STRIPE).within(&folder).go().out(0);
    folder.with("request.http", request)
}

fn explain(folder: &Folder, scheme: &str, more: &str) -> Run {
    let line = format!("verify --scheme {scheme} --now {NOW} --explain {more}");
    countersign(&line).within(folder)
}

/// The request with another body, framed anew.
fn with_body(folder: &Folder, body: &str) -> String {
    let request = std::fs::read_to_string(folder.path("request.http")).expect("a request");
    let length = |body: &str| format!("Content-Length: {}", body.len());
    request.replace(&length(BODY), &length(body)).replace(BODY, body)
}

#[test]
fn json_that_was_written_anew_is_named_with_what_to_do() {
    let folder = signed("iptvbp");
    let request = with_body(&folder, r#"{"id": "evt_1", "type": "invoice.paid"}"#);
    let run = || explain(&folder, "iptvbp", "--secret-env SECRET --request -").env("SECRET", STRIPE);
    let done = run().stdin(request.clone()).go();
    assert_eq!(done.stderr, "");
    let out = done.out(1);
    assert!(out.starts_with("not valid: no_matching_signature"), "{out}");
    assert!(out.contains("without spaces between its tokens. Verify the bytes as they arrive"), "{out}");
    let json: Value =
        serde_json::from_str(&run().args(&["--json"]).stdin(request).go().out(1)).expect("JSON");
    assert!(json["causes"][0].as_str().is_some_and(|text| text.contains("the same JSON")), "{json}");
}

#[test]
fn a_clock_that_is_wrong_is_named_unless_no_age_is_asked_for() {
    let folder = signed("stripe");
    let late = "verify --scheme stripe --secret-env SECRET --now 1700009999 --explain --request request.http";
    let run = |more: &str| countersign(&format!("{late} {more}")).env("SECRET", STRIPE).within(&folder).go();
    assert!(run("").out(1).contains("The signature is right, and is 9999 s old"));
    assert!(run("--no-tolerance").out(0).starts_with("valid"));
    let request = with_body(&folder, &format!("{BODY}\n"));
    let folder = folder.with("changed.http", request);
    let out = countersign(&late.replace("request.http", "changed.http"))
        .env("SECRET", STRIPE)
        .within(&folder)
        .args(&["--no-tolerance"])
        .go()
        .out(1);
    assert!(out.contains("less white space at its end") && !out.contains("9999"), "{out}");
}

#[test]
fn a_secret_that_can_not_be_used_is_explained_too() {
    let folder = signed("stripe").with("secret.txt", format!("{STRIPE}\n\n"));
    let done = explain(&folder, "stripe", "--secret-file secret.txt --request request.http").go();
    let told = done.err(2);
    assert!(told.contains("white space around it") && told.contains("the secret can't be used"), "{told}");
    assert!(!told.contains(STRIPE), "{told}");
    let piped =
        explain(&folder, "stripe", "--secret-stdin --request request.http").stdin(format!(" {STRIPE}\n"));
    assert!(piped.go().err(2).contains("white space around it"));
}

#[test]
fn what_is_not_found_is_not_made_up() {
    let folder = signed("stripe");
    let run = explain(&folder, "stripe", "--secret-env SECRET --request request.http");
    let done = run.env("SECRET", "whsec_of_another_endpoint_1234567").go();
    assert!(done.stderr.contains("most likely it is another secret"), "{done:?}");
    assert_eq!(done.out(1).lines().count(), 1);
}

#[test]
fn another_secret_is_named_only_where_a_signature_was_compared() {
    let folder = signed("stripe");
    let request = std::fs::read_to_string(folder.path("request.http")).expect("a request");
    let line = request.lines().find(|line| line.starts_with("Stripe-Signature")).expect("a signature");
    for (changed, kind) in [
        (request.replace(&format!("{line}\r\n"), ""), "missing_header"),
        (request.replace(line, &format!("{line}\r\n{line}")), "duplicate_header"),
        (request.replace("v1=", "v0="), "unsupported_version"),
    ] {
        let run = explain(&folder, "stripe", "--secret-env SECRET --request -").env("SECRET", STRIPE);
        let done = run.stdin(changed).go();
        assert!(!done.stderr.contains("another secret"), "{done:?}");
        assert!(done.out(1).starts_with(&format!("not valid: {kind}")), "{kind}");
    }
    // The signature is right, and older than this receiver accepts.
    let line = "verify --scheme stripe --secret-env SECRET --now 1700000060 --tolerance 10 --explain \
                --request request.http";
    let done = countersign(line).env("SECRET", STRIPE).within(&folder).go();
    assert!(done.err(1).contains("for a recorded request give --now"));
}

#[test]
fn what_the_request_shows_by_itself_is_said_where_nothing_makes_it_valid() {
    let folder = signed("github").with("empty", "");
    let other = |scheme: &str, more: &str| {
        explain(&folder, scheme, more).env("SECRET", "whsec_of_another_endpoint_1234567").go()
    };
    let told = other("stripe", "--secret-env SECRET --request request.http").err(1);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("the headers of: github"), "{told}");
    let out = other("stripe", "--secret-env SECRET --json --request request.http").out(1);
    let json: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&json["causes"], json["hints"].as_array().map(Vec::len)), (&serde_json::json!([]), Some(1)));
    let request = std::fs::read_to_string(folder.path("request.http")).expect("a request");
    let line = request.lines().find(|line| line.starts_with("X-Hub-Signature-256")).expect("a signature");
    folder.write("headers", line);
    let told = other("github", "--secret-env SECRET --headers headers --body empty").err(1);
    assert!(told.contains("The body is empty") && !told.contains("most likely"), "{told}");
}

#[test]
fn who_does_not_ask_is_told_that_there_is_more_to_know() {
    let folder = signed("stripe");
    let line = format!("verify --scheme stripe --secret-env SECRET --now {NOW} --request request.http");
    let done = countersign(&line).env("SECRET", "whsec_of_another_endpoint_1234567").within(&folder).go();
    assert!(done.err(1).contains("--explain tries what is usually wrong"));
}

#[test]
fn the_scheme_of_captured_requests_is_found_and_verifies_them() {
    let own = "name = 'acme'\ntitle = 'Acme'\ncontent = '{header:X-Acme-Time}|{body}'\n\
               [signature]\nsource = { header = 'X-Acme-Sign' }\nversions = [{ algorithm = 'hmac-sha512' }]\n\
               encoding = 'base64'\n\
               [timestamp]\nat = 'header:X-Acme-Time'\nformat = 'unix-seconds'\n";
    let folder = Folder::new().with("acme.toml", own).with("body.json", BODY).with("other.json", "{}");
    let run = |line: &str| countersign(line).env("SECRET", STRIPE).within(&folder);
    let sign = |body: &str| {
        let line = format!("sign --scheme-file acme.toml --secret-env SECRET --now {NOW} --http {body}");
        run(&line).go().out(0)
    };
    folder.write("1.http", sign("body.json"));
    folder.write("2.http", sign("other.json"));
    let done = run("infer --secret-env SECRET 1.http 2.http").go();
    assert!(
        done.stderr.contains("they are guesses") && !done.stderr.contains("another to be sure"),
        "{done:?}"
    );
    let toml = done.out(0);
    assert!(toml.contains("{header:X-Acme-Time}|{body}") && toml.contains("hmac-sha512"), "{toml}");
    folder.write("found.toml", toml);
    let line = format!("verify --scheme-file found.toml --secret-env SECRET --now {NOW} --request 2.http");
    assert!(run(&line).go().out(0).starts_with("valid\n"));
}

#[test]
fn a_known_scheme_is_named_and_nothing_is_said_where_nothing_fits() {
    let folder = signed("slack");
    let infer = |secret: &str, more: &str| {
        let run = countersign(&format!("infer --secret-env SECRET request.http {more}"));
        run.env("SECRET", secret).within(&folder).go()
    };
    assert!(infer(STRIPE, "").stderr.contains("--scheme slack"));
    let rows: Value = serde_json::from_str(&infer(STRIPE, "--json").out(0)).expect("JSON");
    assert_eq!((&rows[0]["name"], &rows[0]["known"]), (&"slack".into(), &true.into()));
    assert!(infer("another-secret-of-some-length", "").out(1).contains("nothing that was tried fits"));
    assert_eq!(infer("another-secret-of-some-length", "--json").out(1), "[]\n");
    assert!(countersign("infer request.http").within(&folder).go().err(2).contains("give the one secret"));
}
