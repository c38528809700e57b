//! What `sign` signs, `verify` accepts, by every scheme that can sign, and refuses once changed.

use countersign::{
    Scheme, catalog,
    scheme::{KeyKind, Place, SecretEncoding},
};

use crate::run::{Folder, countersign};

const NOW: i64 = 1_764_000_000;
/// The secret key of RFC 6979 §A.2.5, PKCS #8 in base64.
const P256: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFXZ7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ";
const URL: &str = "https://example.com/hooks/1?a=%2Fb&c=d";

#[test]
fn every_scheme_verifies_what_it_signs() {
    for scheme in catalog::ALL {
        let folder = Folder::new().with("body.json", body(scheme)).with("secret", secret(scheme));
        sign(scheme, &folder);
        let report = verify(scheme, &folder, 0);
        assert!(report.contains(r#""valid":true,"kind":"ok""#), "{}: {report}", scheme.name);
        assert_eq!(report.contains(r#""body_covered":true"#), scheme.covers_body(), "{}", scheme.name);
    }
}

#[test]
fn every_scheme_that_covers_the_body_refuses_another() {
    for scheme in catalog::ALL.iter().filter(|scheme| scheme.covers_body()) {
        let folder = Folder::new().with("body.json", body(scheme)).with("secret", secret(scheme));
        sign(scheme, &folder);
        let request = std::fs::read_to_string(folder.path("request.http")).expect("a request");
        folder.write("request.http", request.replace("4.20", "4.21"));
        let report = verify(scheme, &folder, 1);
        assert!(
            report.contains(r#""valid":false,"kind":"no_matching_signature""#),
            "{}: {report}",
            scheme.name
        );
    }
}

fn sign(scheme: &Scheme, folder: &Folder) {
    let line = format!("sign --scheme {} --http --now {NOW} --url {URL} body.json", scheme.name);
    let done = countersign(&line).args(secret_option(scheme)).within(folder).go();
    assert_eq!(done.code, 0, "{}: {done:?}", scheme.name);
    folder.write("request.http", done.stdout);
}

fn verify(scheme: &Scheme, folder: &Folder, code: i32) -> String {
    let line =
        format!("verify --scheme {} --json --now {NOW} --url {URL} --request request.http", scheme.name);
    let done = countersign(&line).args(secret_option(scheme)).within(folder).go();
    assert_eq!(done.code, code, "{}: {done:?}", scheme.name);
    done.stdout
}

fn secret_option(scheme: &Scheme) -> &'static [&'static str] {
    if scheme.is_unsigned() { &[] } else { &["--secret-file", "secret"] }
}

/// A body that holds what the schemes read from bodies, the time of sending among it.
fn body(scheme: &Scheme) -> String {
    let time = scheme.timestamp.as_ref().filter(|rule| matches!(rule.at, Place::Json(_)));
    let time = time.map_or_else(String::new, |rule| match &rule.at {
        Place::Json(pointer) => {
            let time = countersign::Timestamp::from_unix_seconds(NOW).render(rule.format);
            format!(r#","{}":{time}"#, pointer.trim_start_matches('/'))
        }
        _ => String::new(),
    });
    format!(r#"{{"id":"evt_1","type":"invoice.paid","data":{{"amount":"4.20"}}{time}}}"#)
}

/// A secret as the scheme's provider writes it, with the line break of `echo` behind it.
fn secret(scheme: &Scheme) -> String {
    let form = scheme.key.forms.iter().find(|form| form.kind.signs()).expect("a form that signs");
    if form.kind == KeyKind::EcdsaP256Secret {
        return format!("{P256}\n");
    }
    let rest = match (form.encoding, form.kind) {
        (SecretEncoding::Base64, _) => "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=".to_owned(),
        (SecretEncoding::Hex, _) => "4f".repeat(32),
        (SecretEncoding::BasicCredentials, _) => "user:a-long-password-1".to_owned(),
        (SecretEncoding::Text, _) => "a-long-secret-of-32-characters-1".to_owned(),
    };
    format!("{}{rest}\n", form.prefix)
}
