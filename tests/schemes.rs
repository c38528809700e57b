//! Every scheme of the catalogue makes sense, survives TOML, and signs what it verifies.

use countersign::{Scheme, catalog, scheme::SchemeErrorKind};

#[test]
fn every_scheme_makes_sense() {
    for scheme in catalog::ALL {
        assert_eq!(scheme.check(), Ok(()), "{}", scheme.name);
    }
}

#[test]
fn every_scheme_is_read_back_from_its_own_toml() {
    for scheme in catalog::ALL {
        let text = scheme.to_toml();
        assert_eq!(Scheme::from_toml(&text).as_ref(), Ok(scheme), "{text}");
    }
}

const ACME: &str = r#"
name = "acme"
title = "Acme"
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
fn a_mistake_in_toml_is_named_with_its_line_field_and_remedy() {
    assert!(Scheme::from_toml(ACME).is_ok());
    let cases = [
        ("name = \"acme\"", "name = \"Acme!\"", "line 2: `name` must be lower-case letters, digits and `-`"),
        (
            "content = \"{field:t}.{body}\"",
            "content = \"{field:t}.{boddy}\"",
            "line 4: `{boddy}` is not known; write {body}",
        ),
        (
            "content = \"{field:t}.{body}\"",
            "content = \"{field:u}.{body}\"",
            "line 13: `timestamp.at` is not in the signed content",
        ),
        ("content = \"{field:t}.{body}\"", "", "`content` is empty"),
        ("hmac-sha256", "md5", "line 9: unknown variant `md5`, expected one of `hmac-sha1`, `hmac-sha256`"),
        ("encoding = \"hex\"", "encodings = \"hex\"", "line 10: unknown field `encodings`, expected"),
        ("label = \"v1\"", "label = \"\"", "line 9: `signature.versions` needs a label for each version"),
        ("at = \"field:t\"", "at = \"t\"", "line 13: `t` is not a place; write \"header:NAME\""),
        ("past = 300", "past = -1", "line 15: "),
        ("X-Acme-Signature", "X Acme", "line 7: `signature.source` must name a header"),
    ];
    for (from, to, expected) in cases {
        let error = Scheme::from_toml(&ACME.replace(from, to)).expect_err(to);
        let text = error.to_string();
        assert!(text.starts_with(expected), "{to}: {text}");
    }
    let error = Scheme::from_toml("name = [").expect_err("no TOML");
    assert_eq!(error.kind(), SchemeErrorKind::Syntax);
}
