//! `countersign schemes`, and schemes of one's own.

use countersign::{Scheme, catalog};
use serde_json::Value;

use crate::run::{Folder, countersign};

const ACME: &str = r#"
name = "acme"
title = "Acme billing"
content = "{field:t}.{body}"

[signature]
source = { header = "X-Acme-Signature" }
syntax = { list = { separator = "comma", delimiter = "=" } }
versions = [{ label = "v1", algorithm = "hmac-sha256" }]
encoding = "hex"

[timestamp]
at = "field:t"
format = "unix-seconds"
past = 300
"#;

#[test]
fn the_table_has_a_line_for_each_scheme() {
    let out = countersign("schemes").go().out(0);
    assert_eq!(out.lines().count(), catalog::ALL.len() + 1);
    let stripe = out.lines().find(|line| line.starts_with("stripe ")).expect("stripe");
    let cells: Vec<_> = stripe.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(
        cells,
        ["stripe", "Stripe", "hmac-sha256", "Stripe-Signature", "field:t, -300 s", "json:/id", "signed"]
    );
}

#[test]
fn the_list_is_there_for_programs_too() {
    let list: Value = serde_json::from_str(&countersign("schemes --json").go().out(0)).expect("JSON");
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), catalog::ALL.len());
    let github = list.iter().find(|row| row["name"] == "github").expect("github");
    assert_eq!(github["headers"], serde_json::json!(["X-Hub-Signature-256"]));
    assert_eq!((&github["timestamp"], &github["event_id_signed"]), (&Value::Null, &false.into()));
}

#[test]
fn what_is_shown_can_be_read_again_and_checked() {
    for scheme in catalog::ALL {
        let toml = countersign("schemes show").args(&[&scheme.name]).go().out(0);
        assert_eq!(Scheme::from_toml(&toml).expect("a scheme"), *scheme);
    }
    let toml = countersign("schemes show stripe").go().out(0);
    let out = countersign("schemes check -").stdin(toml).go().out(0);
    assert_eq!(out, "standard input: good: scheme `stripe` (Stripe)\n");
}

#[test]
fn what_is_good_and_seldom_meant_is_warned_of() {
    let check = |toml: String| {
        let done = countersign("schemes check -").stdin(toml).go();
        assert!(done.stdout.starts_with("standard input: good: scheme "), "{done:?}");
        (done.code, done.stderr)
    };
    assert_eq!(check(ACME.to_owned()), (0, String::new()));
    let (code, said) = check(ACME.replace("{field:t}.{body}", "{field:t}"));
    assert_eq!((code, said.lines().count()), (0, 1));
    assert!(said.starts_with("warning: the body is not signed"), "{said}");
    let (code, said) = check(ACME.replace("\"acme\"", "\"stripe\""));
    assert_eq!((code, said.lines().count()), (0, 1));
    assert!(said.starts_with("warning: `stripe` is the name of a scheme of the catalogue"), "{said}");
    // A token signs nothing, and says so itself.
    assert_eq!(check(catalog::find("gitlab-token").expect("a scheme").to_toml()), (0, String::new()));
}

#[test]
fn a_scheme_that_is_wrong_is_refused_with_line_field_and_remedy() {
    let folder = Folder::new()
        .with("unknown.toml", ACME.replace("encoding", "encodign"))
        .with("unsigned-time.toml", ACME.replace("{field:t}.", ""))
        .with("not-toml.toml", "name = ");
    for (file, parts) in [
        ("unknown.toml", ["line ", "unknown field `encodign`", "expected one of"]),
        ("unsigned-time.toml", ["line 13: ", "`timestamp.at`", "leave the timestamp out, or sign it"]),
        ("not-toml.toml", ["not-toml.toml: not good: ", "line 1: ", ""]),
    ] {
        let out = countersign("schemes check").args(&[file]).within(&folder).go().out(1);
        assert!(parts.iter().all(|part| out.contains(part)), "{out}");
    }
    assert!(
        countersign("schemes check none.toml")
            .within(&folder)
            .go()
            .err(2)
            .contains("none.toml can't be read")
    );
    assert!(countersign("schemes show sripe").go().err(2).contains("did you mean `stripe`?"));
    assert!(countersign("schemes show quux").go().err(2).contains("`countersign schemes` lists all"));
}

#[test]
fn a_scheme_of_ones_own_signs_and_verifies() {
    let folder =
        Folder::new().with("acme.toml", ACME).with("secret", "0123456789abcdef0123").with("body", "{}");
    let request = countersign("sign --scheme-file acme.toml --secret-file secret --http body")
        .within(&folder)
        .go()
        .out(0);
    assert!(request.contains("X-Acme-Signature: t="), "{request}");
    let verify = countersign("verify --scheme-file acme.toml --secret-file secret --request -");
    assert!(verify.within(&folder).stdin(request).go().out(0).starts_with("valid\n"));

    let case = r#"{"id":1,"scheme":"acme","secrets":["0123456789abcdef0123"],"now":1,"body":"{}"}"#;
    let line =
        &countersign("sign --batch --scheme-file acme.toml").within(&folder).stdin(case).go().json_lines()[0];
    assert_eq!(line["headers"][0][0], "X-Acme-Signature");
    assert_eq!(countersign("sign --batch").stdin(case).go().json_lines()[0]["kind"], "unknown_scheme");
}

#[test]
fn help_says_how_the_command_ends() {
    for line in ["--help", "sign --help", "verify --help", "schemes --help"] {
        assert!(countersign(line).go().out(0).contains("Exit codes:"), "{line}");
    }
    countersign("").go().err(2);
    countersign("schemes --nonsense").go().err(2);
}
