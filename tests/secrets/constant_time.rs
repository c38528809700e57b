//! No jump and no address on the way from a secret to the accept bit depends on the secret.
//!
//! Valgrind runs a program that marks its secrets as undefined, and reports each jump and each address that
//! depends on them. One jump a comparison must be left: that by which a request is accepted or refused,
//! which everybody sees. The controls, which compare as one shouldn't, must be reported.
//!
//! This is of use for optimised code only, on the processor that valgrind's requests are written for:
//! `scripts/constant-time` runs it so.

use std::{collections::BTreeSet, env, process::Command};

/// How often each case compares a tag or a token.
const COMPARISONS: usize = 3;

/// Where it is decided that a key made a signature, whichever of them the compiler makes part of the other.
const DECIDING: [&str; 3] = [
    "countersign::verify::Verifier::verify",
    "countersign::verify::Verifier::find_key",
    "countersign::verify::run::Candidates::key_of_",
];

const CASES: [&str; 8] = [
    "hmac-sha1-hex",
    "hmac-sha256-hex",
    "hmac-sha256-base64",
    "hmac-sha384-hex",
    "hmac-sha512-hex",
    "base64-secret",
    "token",
    "basic",
];

#[test]
fn adv_13_only_the_accept_bit_depends_on_a_secret() {
    if is_skipped() {
        return;
    }
    for case in CASES {
        let report = watch(case);
        let places: BTreeSet<&str> = report.places.iter().map(|place| &*place.address).collect();
        let functions = report.places.iter().map(|place| &*place.function);
        assert_eq!((report.errors, places.len()), (COMPARISONS, 1), "{case}: {}", report.text);
        for function in functions {
            assert!(DECIDING.iter().any(|name| function.starts_with(name)), "{case}: {}", report.text);
        }
    }
}

#[test]
fn adv_13_what_compares_as_one_should_not_is_reported() {
    if is_skipped() {
        return;
    }
    // Not one jump is left here that everybody may see.
    for control in ["control-equals", "control-early-return"] {
        let report = watch(control);
        assert!(report.errors > 1, "{control}: {}", report.text);
    }
}

/// What valgrind has to say of a case.
struct Report {
    text: String,
    errors: usize,
    places: Vec<Place>,
}

/// Where a jump or an address depends on a secret.
struct Place {
    address: String,
    function: String,
}

/// Runs a case under valgrind.
fn watch(case: &str) -> Report {
    let mut valgrind = Command::new("valgrind");
    // Names of functions that were compiled, not of those that are part of them.
    valgrind.args([
        "--error-limit=no",
        "--read-inline-info=no",
        env!("CARGO_BIN_EXE_undefined_secrets"),
        case,
    ]);
    let output = valgrind.output().expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{case}: {text}");
    let errors = text.split("ERROR SUMMARY: ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    let places = text.lines().filter_map(|line| place(line.split_once("    at ")?.1)).collect();
    Report { errors: errors.expect("a summary"), places, text }
}

/// Reads `0x1620FE: function (file.rs:1)`.
fn place(text: &str) -> Option<Place> {
    let (address, function) = text.split_once(": ")?;
    Some(Place { address: address.to_owned(), function: function.to_owned() })
}

fn is_skipped() -> bool {
    let required = env::var_os("COUNTERSIGN_CONSTANT_TIME").is_some();
    assert!(!required || !cfg!(debug_assertions), "the code isn't optimised");
    if !required {
        println!("SKIPPED: scripts/constant-time runs this");
    }
    !required
}
