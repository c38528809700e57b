//! How a receiver verifies what an endpoint is sent, in its own framework.

use std::borrow::Cow;

use countersign_store::outbox::Endpoint;

/// A program that verifies.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) framework: &'static str,
    /// What it is built on.
    pub(super) needs: &'static str,
    pub(super) text: Cow<'static, str>,
}

/// The programs for an endpoint's scheme. For that of Standard Webhooks there are libraries in many languages.
pub(super) fn all(endpoint: &Endpoint) -> Vec<Verifier> {
    let scheme = &*endpoint.scheme;
    let in_rust = IN_RUST.iter().map(|(framework, needs, text)| {
        let text = with_scheme(text, scheme).into();
        Verifier { framework, needs, text }
    });
    let others = ELSEWHERE.iter().filter(|_| scheme == STANDARD);
    let others = others.map(|(framework, needs, text)| Verifier { framework, needs, text: (*text).into() });
    in_rust.chain(others).collect()
}

/// A program with the scheme of an endpoint: a name, or one of its own.
fn with_scheme(text: &str, scheme: &str) -> String {
    match scheme.contains('\n') {
        true => text.replace(BY_NAME, OWN).replace("Verifier, catalog}", "Scheme, Verifier}"),
        false => text.replace(&format!("{STANDARD:?}"), &format!("{scheme:?}")),
    }
}

const STANDARD: &str = "standard-webhooks";
const BY_NAME: &str = "catalog::find(\"standard-webhooks\").ok_or(\"no such scheme\")?.clone()";
const OWN: &str = "Scheme::from_toml(include_str!(\"scheme.toml\"))?";
/// A framework, what it needs, and the program: tests run those in Rust.
type Program = (&'static str, &'static str, &'static str);
const IN_RUST: [Program; 2] = [
    (
        "Rust, axum",
        "the crates countersign, countersign-axum and axum",
        include_str!("../../assets/verify/axum.rs"),
    ),
    (
        "Rust, actix-web",
        "the crates countersign, countersign-actix and actix-web",
        include_str!("../../assets/verify/actix.rs"),
    ),
];
const ELSEWHERE: [Program; 2] = [
    (
        "Node.js, Express",
        "the packages standardwebhooks and express",
        include_str!("../../assets/verify/express.mjs"),
    ),
    (
        "Python, Flask",
        "the packages standardwebhooks and flask",
        include_str!("../../assets/verify/flask.py"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(scheme: &str) -> Vec<Verifier> {
        all(&Endpoint::new("ep_1", "", scheme))
    }

    #[test]
    fn programs_name_the_scheme_and_other_languages_have_a_library_of_one() {
        let github = texts("github");
        assert_eq!(github.len(), 2);
        for program in github {
            assert!(program.text.contains("catalog::find(\"github\")") && !program.text.contains(STANDARD));
        }
        assert_eq!(texts(STANDARD).len(), 4);
    }

    #[test]
    fn a_scheme_of_its_own_is_read_from_its_file() {
        for program in texts("name = \"x\"\n") {
            assert!(program.text.contains(OWN) && !program.text.contains("catalog"), "{}", program.text);
        }
    }
}
