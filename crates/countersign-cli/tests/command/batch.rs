//! `sign --batch` and `verify --batch`.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::run::{STRIPE, countersign};

/// Cases of the vectors that we judge otherwise.
const DISAGREEMENTS: &[(&str, &str)] = &[
    (
        "svix-mixed-families",
        "one request must use one family of header names, svix-* or webhook-*; the file notes that a stricter engine may \
         require that, and a sender that mixes them is none that we know",
    ),
    (
        "twilio-form-apostrophe-url",
        "the URL is signed as the request carries it; one of four libraries also tries another spelling of its query, \
         which the others refuse",
    ),
];

/// Every case of `tests/vectors`.
fn vectors() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let entries = fs::read_dir(folder).expect("tests/vectors").map(|entry| entry.expect("an entry").path());
    let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let cases = files.flat_map(|path| {
        let text = fs::read_to_string(&path).expect("a file");
        serde_json::from_str::<Vec<Value>>(&text).expect("cases")
    });
    cases.collect()
}

fn lines(cases: &[Value]) -> String {
    cases.iter().map(|case| format!("{case}\n")).collect()
}

#[test]
fn every_vector_is_judged_as_it_expects() {
    let cases = vectors();
    assert!(cases.len() > 400, "only {} cases", cases.len());
    let answers = countersign("verify --batch").stdin(lines(&cases)).go().json_lines();
    assert_eq!(answers.len(), cases.len());
    let mut disagreed = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        assert_eq!(case["id"], answer["id"]);
        if (case["expect"] == "valid") != (answer["valid"] == true) {
            disagreed.push(case["id"].as_str().expect("an id"));
        }
        if case["kind"] == "handshake" {
            check_response(&case["response"], answer);
        }
    }
    disagreed.sort_unstable();
    let known: Vec<_> = DISAGREEMENTS.iter().map(|(id, _)| *id).collect();
    assert_eq!(disagreed, known);
}

fn check_response(expected: &Value, answer: &Value) {
    let given = &answer["response"];
    for field in ["status", "content_type", "body"] {
        assert!(expected.get(field).is_none_or(|value| *value == given[field]), "{answer}");
    }
    for (name, value) in expected["headers"].as_object().into_iter().flatten() {
        let headers = given["headers"].as_array().expect("headers");
        assert!(headers.contains(&json!([name, value])), "{answer}");
    }
    if let Some(body) = expected.get("body_json") {
        let given: Value = serde_json::from_str(given["body"].as_str().expect("text")).expect("JSON");
        assert_eq!(given, *body, "{answer}");
    }
}

#[test]
fn an_answer_holds_the_fields_that_are_promised() {
    let sign = json!({"id": 7, "scheme": "stripe", "secrets": [STRIPE], "now": 1_700_000_000, "body": "{\"id\":\"e\"}"});
    let mut case = sign.clone();
    case["headers"] =
        countersign("sign --batch").stdin(sign.to_string()).go().json_lines()[0]["headers"].clone();
    let out = countersign("verify --batch").stdin(case.to_string()).go().out(0);
    assert_eq!(
        out,
        "{\"id\":7,\"valid\":true,\"kind\":\"ok\",\"key\":\"key-1\",\"event_id\":\"e\",\"event_type\":null,\
         \"idempotency_key\":\"stripe/e\",\"body_covered\":true}\n"
    );
    case["body"] = "{}".into();
    let out = countersign("verify --batch").stdin(case.to_string()).go().out(0);
    assert_eq!(
        out,
        "{\"id\":7,\"valid\":false,\"kind\":\"no_matching_signature\",\"key\":null,\"event_id\":null,\
         \"event_type\":null,\"idempotency_key\":null,\"body_covered\":false}\n"
    );
}

#[test]
fn what_can_not_be_judged_is_answered_and_the_rest_goes_on() {
    let good = json!({"id": "good", "scheme": "snapbill", "secrets": [], "body": "{}"}).to_string();
    let cases = [
        r#"{"id":"a","scheme":"nope","secrets":[],"body":""}"#.to_owned(),
        r#"{"id":"b","scheme":"stripe","secrets":["whsec_"],"body":""}"#.to_owned(),
        r#"{"id":"c","scheme":"stripe","secrets":[],"body":""}"#.to_owned(),
        r#"{"id":"c2","scheme":"snapbill","secrets":["a-secret"],"body":""}"#.to_owned(),
        "not json".to_owned(),
        String::new(),
        "[1]".to_owned(),
        r#"{"id":"d","scheme":"stripe","secrets":["whsec_012345678"]}"#.to_owned(),
        r#"{"id":"e","scheme":"stripe","secrets":["whsec_012345678"],"body":"","headers":[["a"]]}"#
            .to_owned(),
        r#"{"id":"f","scheme":"stripe","secrets":["whsec_012345678"],"body":"","now":"1"}"#.to_owned(),
        r#"{"id":"g","scheme":"square","secrets":["square_012345678"],"body":""}"#.to_owned(),
        r#"{"id":"h","scheme":"stripe","kind":"handshake","secrets":["whsec_012345678"],"body":""}"#
            .to_owned(),
        good,
    ];
    let answers = countersign("verify --batch").stdin(cases.join("\n")).go().json_lines();
    let seen: Vec<_> =
        answers.iter().map(|line| [&line["id"], &line["kind"]].map(|v| v.as_str().unwrap_or("-"))).collect();
    assert_eq!(
        seen,
        [
            ["a", "unknown_scheme"],
            ["b", "invalid_secret"],
            ["c", "invalid_secret"],
            ["c2", "invalid_secret"],
            ["-", "malformed_case"],
            ["-", "malformed_case"],
            ["d", "malformed_case"],
            ["e", "malformed_case"],
            ["f", "malformed_case"],
            ["g", "misconfigured"],
            ["h", "missing_header"],
            ["good", "ok"],
        ]
    );
    assert_eq!(answers[4]["error"], "line 5: isn't JSON, at column 2");
    assert_eq!(answers[6]["error"], "line 8: `body` or `body_b64` is missing");
    assert!(answers[..11].iter().all(|line| line["valid"] == false));
    assert_eq!(
        answers[10]["response"],
        json!({"status": 401, "content_type": null, "headers": [], "body": ""})
    );
}

#[test]
fn a_null_clock_or_tolerance_lifts_the_age_check() {
    let sign = json!({"scheme": "slack", "secrets": ["slack_secret_01"], "now": 1_700_000_000, "body": "{}"});
    let signed = &countersign("sign --batch").stdin(sign.to_string()).go().json_lines()[0];
    let mut case = sign;
    case["headers"] = signed["headers"].clone();
    let kind = |now: Value, tolerance: Option<Value>| {
        let mut case = case.clone();
        case["now"] = now;
        tolerance.into_iter().for_each(|value| case["tolerance_s"] = value);
        countersign("verify --batch").stdin(case.to_string()).go().json_lines()[0]["kind"].clone()
    };
    assert_eq!(kind(Value::Null, None), "ok");
    assert_eq!(kind(1_700_000_300.into(), None), "ok");
    assert_eq!(kind(1_700_000_301.into(), None), "timestamp_too_old");
    assert_eq!(kind(1_800_000_000.into(), Some(Value::Null)), "ok");
    assert_eq!(kind(1_700_000_011.into(), Some(10.into())), "timestamp_too_old");
    assert_eq!(kind(1_699_999_989.into(), Some(10.into())), "timestamp_too_new");
    assert_eq!(kind(1_700_000_301.into(), Some(301.into())), "ok");
    assert_eq!(kind(1_700_000_000.into(), Some("x".into())), "malformed_case");
}

#[test]
fn a_batch_signs_and_says_why_not() {
    let url = "https://example.com/h";
    let svix = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let cases = [
        json!({"id": "given", "scheme": "svix", "secrets": [svix], "now": 1, "url": url, "event_id": "msg_1", "body_b64": "/w=="}),
        json!({"id": "made", "scheme": "svix", "secrets": [svix], "now": null, "url": null, "event_id": null, "body": ""}),
        json!({"id": "bad id", "scheme": "svix", "secrets": [svix], "event_id": "a.b", "body": ""}),
        json!({"id": "no url", "scheme": "square", "secrets": ["square_012345678"], "body": ""}),
        json!({"id": "public", "scheme": "discord", "secrets": ["2818c5e05e851d02724fbac4ce9be660eb1ed592ed1f7b0019efa614199897db"], "body": ""}),
        json!({"id": "typed", "scheme": "github", "secrets": ["a"], "event_type": "push", "event_id": "1-2", "body": ""}),
        json!({"id": "hash", "scheme": "websub", "secrets": ["a-secret"], "body": "", "config": {"allowed_algorithms": ["sha512"]}}),
        json!({"id": "b64", "scheme": "github", "secrets": ["a"], "body_b64": "_w"}),
    ];
    let answers = countersign("sign --batch").stdin(lines(&cases)).go().json_lines();
    assert_eq!(answers[0]["headers"][0], json!(["svix-id", "msg_1"]));
    assert_eq!(answers[0]["url"], url);
    assert!(answers[1]["headers"][0][1].as_str().is_some_and(|id| id.starts_with("msg_")));
    assert_eq!(answers[1]["url"], Value::Null);
    let kinds: Vec<_> = answers[2..5].iter().map(|line| line["kind"].as_str().unwrap_or("-")).collect();
    assert_eq!(kinds, ["invalid_id", "no_url", "cannot_sign"]);
    assert!(answers[2]["error"].as_str().is_some_and(|text| text.contains("event id")));
    let github = answers[5]["headers"].to_string();
    assert!(
        github.contains(r#"["X-GitHub-Delivery","1-2"]"#) && github.contains(r#"["X-GitHub-Event","push"]"#)
    );
    assert!(answers[6]["headers"].to_string().contains("sha512="), "{}", answers[6]);
    assert_eq!(answers[7]["error"], "line 8: `body_b64` isn't padded base64");
}

/// A program that waits for each answer before it asks on must not wait for ever.
#[test]
fn a_program_can_converse_through_pipes() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let mut child = command
        .args(["verify", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut answers = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    for id in 0..3 {
        writeln!(stdin, r#"{{"id":{id},"scheme":"billrun","secrets":[],"body":"{{}}"}}"#)
            .expect("a question");
        let answer: Value =
            serde_json::from_str(&answers.next().expect("an answer").expect("text")).expect("JSON");
        assert_eq!((&answer["id"], &answer["valid"]), (&id.into(), &true.into()));
    }
    drop(stdin);
    assert!(child.wait().expect("the end").success());
}
