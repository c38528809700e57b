//! Where secrets come from, and that they go nowhere.

use crate::run::{Folder, Run, STRIPE, countersign};

fn sign(more: &str) -> Run {
    countersign(&format!("sign --scheme stripe --now 1700000000 {more} body.json"))
}

fn folder() -> Folder {
    Folder::new().with("body.json", "{}")
}

#[test]
fn every_source_gives_the_same_key() {
    let folder =
        folder().with("bare", STRIPE).with("lf", format!("{STRIPE}\n")).with("crlf", format!("{STRIPE}\r\n"));
    let expected = sign("--secret-env SECRET").env("SECRET", STRIPE).within(&folder).go().out(0);
    for file in ["bare", "lf", "crlf"] {
        let done = sign(&format!("--secret-file {file}")).within(&folder).go();
        assert_eq!((&*done.stdout, &*done.stderr), (&*expected, ""), "{file}");
    }
    assert_eq!(sign("--secret-stdin").stdin(format!("{STRIPE}\n")).within(&folder).go().out(0), expected);
    let done = sign(&format!("--secret {STRIPE}")).within(&folder).go();
    assert_eq!(done.stdout, expected);
    assert!(done.stderr.starts_with("warning: --secret shows the secret to everybody"), "{done:?}");
}

#[test]
fn one_line_break_is_left_out_and_no_more() {
    let folder = folder().with("two", format!("{STRIPE}\n\n")).with("space", format!("{STRIPE} \n"));
    for (option, name) in [("--secret-file two", "two"), ("--secret-file space", "space")] {
        let error = sign(option).within(&folder).go().err(2);
        assert!(error.contains(&format!("{name} has white space or a line break")), "{error}");
    }
    let error = sign("--secret-env SECRET").env("SECRET", &format!("{STRIPE}\n")).within(&folder).go().err(2);
    assert!(error.contains("SECRET has white space or a line break"), "{error}");
}

#[test]
fn the_order_of_the_arguments_is_the_order_of_the_keys() {
    let folder = folder().with("file", "whsec_from_the_file_01");
    let one = |option: &str| sign(option).env("SECRET", STRIPE).within(&folder).go().out(0);
    let signature = |out: String| out.trim().split_once(",v1=").expect("a signature").1.to_owned();
    let (file, env) = (signature(one("--secret-file file")), signature(one("--secret-env SECRET")));
    assert_eq!(signature(one("--secret-file file --secret-env SECRET")), format!("{file},v1={env}"));
    assert_eq!(signature(one("--secret-env SECRET --secret-file file")), format!("{env},v1={file}"));
}

#[test]
fn secrets_that_the_provider_joins_are_taken_apart() {
    let joined = "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw|v1,whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let line = "sign --scheme supabase --secret-env SECRET -";
    let out = countersign(line).env("SECRET", joined).stdin("{}").go().out(0);
    assert_eq!(out.matches("v1,").count(), 2, "{out}");
    let error = countersign(line).env("SECRET", &format!("{joined}|v1,whsec_")).stdin("{}").go().err(2);
    assert!(error.contains("SECRET#3 is a prefix"), "{error}");
}

#[test]
fn a_secret_that_can_not_be_had_or_used_is_explained() {
    for (options, why) in [
        ("", "give --secret-env NAME, --secret-file FILE or --secret-stdin"),
        ("--secret-env NONE", "environment variable NONE isn't set"),
        ("--secret-env EMPTY", "EMPTY is empty"),
        ("--secret-env PREFIX", "PREFIX is a prefix with nothing behind it"),
        ("--secret-file none", "none can't be read"),
        ("--secret-file bytes", "bytes doesn't hold text"),
        ("--secret-file large", "holds more than 65536 bytes"),
    ] {
        let folder = folder().with("bytes", b"\xff\xfe").with("large", "a".repeat(65_537));
        let done = sign(options).env("EMPTY", "").env("PREFIX", "whsec_").within(&folder).go();
        assert!(done.stderr.contains(why), "{options}: {done:?}");
        assert_eq!((done.code, &*done.stdout), (2, ""), "{options}");
    }
    let done =
        countersign("sign --scheme snapbill --secret-env SECRET -").env("SECRET", STRIPE).stdin("{}").go();
    assert!(done.err(2).contains("leave it out"));
}

#[test]
fn a_secret_given_for_its_variables_name_is_not_repeated() {
    let error = sign(&format!("--secret-env {STRIPE}")).within(&folder()).go().err(2);
    assert!(error.contains("--secret-env isn't set") && !error.contains(STRIPE), "{error}");
}

#[test]
fn no_output_holds_a_secret() {
    let folder = folder().with("acme.toml", "name = 1");
    let request = "POST / HTTP/1.1\r\nStripe-Signature: t=1,v1=00\r\n\r\n{}";
    let cases = [
        format!(r#"{{"id":1,"scheme":"stripe","secrets":["{STRIPE}"],"now":1,"headers":[],"body":"{{}}"}}"#),
        format!(r#"{{"id":2,"scheme":"svix","secrets":["{STRIPE}"],"now":1,"headers":[],"body":"{{}}"}}"#),
        format!(r#"{{"id":3,"scheme":"stripe","secrets":"{STRIPE}","body":"{{}}"}}"#),
        format!(r#"{{"id":4,"scheme":"stripe","secrets":[["{STRIPE}"]],"body":"{{}}"}}"#),
        format!(r#""{STRIPE}""#),
        format!(r#"{{"id":5,"secrets":["{STRIPE}"],"#),
        format!(r#"{{"id":6,"scheme":"stripe","secrets":["{STRIPE}"],"config":"{STRIPE}","body":""}}"#),
    ]
    .join("\n");
    for (line, stdin) in [
        ("sign --scheme stripe --secret-env SECRET --curl --url https://example.com -", "{}"),
        ("sign --scheme stripe --secret-env SECRET --json -", "{}"),
        ("sign --scheme svix --secret-env SECRET -", "{}"),
        ("sign --scheme stripe --secret-env SECRET --scheme-file acme.toml -", "{}"),
        ("sign --scheme-file acme.toml --secret-env SECRET -", "{}"),
        ("verify --scheme stripe --secret-env SECRET --request -", request),
        ("verify --scheme stripe --secret-env SECRET --no-tolerance --request -", request),
        ("verify --batch", &cases),
        ("sign --batch", &cases),
    ] {
        let done = countersign(line).env("SECRET", STRIPE).within(&folder).stdin(stdin).go();
        let all = done.stdout.clone() + &done.stderr;
        assert!(!all.is_empty() && !all.contains(&STRIPE[6..]), "{line}: {done:?}");
    }
}
