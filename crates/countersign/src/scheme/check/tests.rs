use alloc::{
    borrow::{Cow, ToOwned},
    vec,
};

use super::*;
use crate::{
    catalog,
    scheme::{Answer, AnswerHeader, FixedHeader, Handshake, KeyForm, Separator, Source, Syntax, Version},
};

/// A change of a scheme, and the field that the error names; none where the scheme still makes sense.
type Case = (&'static str, fn(&mut Scheme), Option<&'static str>);

#[track_caller]
fn assert_judged(scheme: &Scheme, cases: &[Case]) {
    for (what, change, field) in cases {
        let mut scheme = scheme.clone();
        change(&mut scheme);
        let found = scheme.check().map_err(|error| error.field().to_owned());
        assert_eq!(found.as_ref().err().map(|field| &**field), *field, "{what}");
    }
}

#[test]
fn the_delimiter_of_a_list_never_ends_an_entry() {
    assert_judged(
        &catalog::STRIPE,
        &[
            ("`,` ends an entry", |s| s.signature.syntax = list(Separator::Comma, ','), SYNTAX),
            ("`;` ends an entry", |s| s.signature.syntax = list(Separator::Semicolon, ';'), SYNTAX),
            (
                "`,` ends an entry as well",
                |s| s.signature.syntax = list(Separator::SpaceOrComma, ','),
                SYNTAX,
            ),
            ("a letter", |s| s.signature.syntax = list(Separator::Comma, 'x'), SYNTAX),
            ("spaces end entries", |s| s.signature.syntax = list(Separator::Space, ','), None),
            (
                "`, ` ends an entry, `,` doesn't",
                |s| s.signature.syntax = list(Separator::CommaSpace, ','),
                None,
            ),
            ("`;` doesn't end one", |s| s.signature.syntax = list(Separator::Comma, ';'), None),
        ],
    );
}

#[test]
fn a_label_is_read_back_as_it_is_written() {
    assert_judged(
        &catalog::STRIPE,
        &[
            ("the delimiter", |s| s.signature.versions = sha256("v=1"), VERSIONS),
            ("the separator", |s| s.signature.versions = sha256("v,1"), VERSIONS),
            ("a leading space", |s| s.signature.versions = sha256(" v1"), VERSIONS),
            ("a trailing space", |s| s.signature.versions = sha256("v1 "), VERSIONS),
            ("a line break", |s| s.signature.versions = sha256("v\r\n1"), VERSIONS),
            ("no label", |s| s.signature.versions = sha256(""), VERSIONS),
            ("another list's separator", |s| s.signature.versions = sha256("v;1"), None),
        ],
    );
    assert_judged(
        &catalog::GITHUB,
        &[
            ("the delimiter", |s| s.signature.versions = sha256("sha=256"), VERSIONS),
            ("a leading space", |s| s.signature.versions = sha256(" sha256"), VERSIONS),
            ("a line break", |s| s.signature.versions = sha256("sha\n256"), VERSIONS),
            ("a comma, where there is no list", |s| s.signature.versions = sha256("sha,256"), None),
        ],
    );
}

#[test]
fn a_signer_never_signs_by_a_version_without_label_where_others_have_one() {
    const NONE: Version = Version::bare(Algorithm::HmacSha256);
    const OLD: Version = Version::bare(Algorithm::HmacSha1);
    const OTHER: Version = Version::bare(Algorithm::Ed25519);
    const V1: Version = Version::labelled("v1", Algorithm::HmacSha256);
    assert_judged(
        &catalog::STRIPE,
        &[
            ("first", |s| s.signature.versions = vec![NONE, V1].into(), VERSIONS),
            ("first of its keys", |s| s.signature.versions = vec![V1, OTHER].into(), VERSIONS),
            ("second", |s| s.signature.versions = vec![V1, NONE].into(), None),
            ("second of its keys", |s| s.signature.versions = vec![V1, OLD].into(), None),
        ],
    );
}

#[test]
fn a_signed_field_is_read_back_as_it_is_written() {
    assert_judged(
        &catalog::STRIPE,
        &[
            ("the delimiter", |s| sign_field(s, "t=x"), Some("content")),
            ("the separator", |s| sign_field(s, "t,x"), Some("content")),
            ("a leading space", |s| sign_field(s, " t"), Some("content")),
            ("a line break", |s| sign_field(s, "t\n"), Some("content")),
            ("a version's label", |s| sign_field(s, "v1"), Some("content")),
            ("no list", |s| s.signature.syntax = Syntax::Labelled('='), Some("content")),
            ("repeated", |s| s.signature.source = Source::Repeated("X-S".into()), Some("content")),
            ("numbered", |s| s.signature.source = Source::Numbered("X-S-".into()), Some("content")),
            ("a header a key", |s| s.signature.source = per_key(&["X-A"]), Some("content")),
            ("another name", |s| sign_field(s, "time stamp"), None),
        ],
    );
}

#[test]
fn a_list_without_labels_holds_the_signed_field_alone() {
    assert_judged(
        &catalog::RECURLY,
        &[
            ("one before it", |s| s.signature.syntax = positional(&["a", "time"]), SYNTAX),
            ("one behind it", |s| s.signature.syntax = positional(&["time", "a"]), SYNTAX),
            ("it twice", |s| s.signature.syntax = positional(&["time", "time"]), SYNTAX),
            ("another", |s| s.signature.syntax = positional(&["a"]), Some("content")),
            ("none", |s| s.signature.syntax = positional(&[]), Some("content")),
            ("a field that can only be verified", |s| s.timestamp = None, None),
        ],
    );
    assert_judged(
        &Scheme::BASE,
        &[
            ("one that isn't signed", |s| s.signature.syntax = positional(&["a"]), SYNTAX),
            ("none", |s| s.signature.syntax = positional(&[]), None),
        ],
    );
}

#[test]
fn the_name_of_an_authentication_scheme_is_a_token() {
    assert_judged(
        &Scheme::BASE,
        &[
            ("empty", |s| s.signature.syntax = Syntax::Authorization("".into()), SYNTAX),
            ("with a space", |s| s.signature.syntax = Syntax::Authorization("Bearer ".into()), SYNTAX),
            ("with a line break", |s| s.signature.syntax = Syntax::Authorization("A\nB".into()), SYNTAX),
            ("a token", |s| s.signature.syntax = Syntax::Authorization("HMAC-SHA256".into()), None),
        ],
    );
}

#[test]
fn a_header_is_signed_once_and_holds_no_signature() {
    assert_judged(
        &Scheme::BASE,
        &[
            ("its own", |s| s.content = content("{header:x-SIGNATURE}{body}"), Some("content")),
            ("twice", |s| s.content = content("{header:X-Id}{header:x-id}{body}"), Some("content")),
            ("no name", |s| s.content = content("{header:X Id}{body}"), Some("content")),
            ("two", |s| s.content = content("{header:X-Id}{header:X-Time}{body}"), None),
            (
                "the event's id",
                |s| s.event.id = vec![Place::Header("x-signature".into())].into(),
                Some("event.id"),
            ),
        ],
    );
    assert_judged(
        &catalog::DOCUSIGN,
        &[
            ("a number", |s| s.content = content("{header:x-docusign-signature-2}{body}"), Some("content")),
            ("no number", |s| s.content = content("{header:X-DocuSign-Signature-Id}{body}"), None),
        ],
    );
}

#[test]
fn nothing_of_an_event_stands_in_json_where_the_fields_of_a_form_are_signed() {
    assert_judged(
        &catalog::TWILIO,
        &[
            ("a header", |s| s.event.event_type = vec![Place::Header("X-Type".into())].into(), None),
            ("the id", |s| s.event.id = vec![Place::Json("/id".into())].into(), Some("event.id")),
            (
                "the type",
                |s| s.event.event_type = vec![Place::Json("/type".into())].into(),
                Some("event.type"),
            ),
            ("the time", |s| s.event.time = Some(Place::Json("/time".into())), Some("event.time")),
        ],
    );
}

#[test]
fn each_key_has_a_header_of_its_own() {
    assert_judged(
        &Scheme::BASE,
        &[
            ("shared", |s| s.signature.source = per_key(&["X-A", "x-a"]), Some("signature.source")),
            ("none", |s| s.signature.source = per_key(&[]), Some("signature.source")),
            ("own", |s| s.signature.source = per_key(&["X-A", "X-B"]), None),
            (
                "a signed one",
                |s| {
                    s.signature.source = per_key(&["X-A", "X-B"]);
                    s.content = content("{header:x-b}{body}");
                },
                Some("content"),
            ),
        ],
    );
}

#[test]
fn a_fixed_header_is_written_for_no_other_reason_and_arrives_as_it_is() {
    assert_judged(
        &Scheme::BASE,
        &[
            ("the signature's", |s| s.delivery.fixed = fixed(&[("x-signature", "1")]), FIXED),
            ("twice", |s| s.delivery.fixed = fixed(&[("X-Version", "1"), ("x-version", "1")]), FIXED),
            (
                "signed",
                |s| {
                    s.delivery.fixed = fixed(&[("X-Version", "1")]);
                    s.content = content("{header:x-version}{body}");
                },
                FIXED,
            ),
            ("a line break", |s| s.delivery.fixed = fixed(&[("X-Version", "1\r\nX-Other: 2")]), FIXED),
            ("a leading space", |s| s.delivery.fixed = fixed(&[("X-Version", " 1")]), FIXED),
            ("an inner space", |s| s.delivery.fixed = fixed(&[("X-Version", "version 1")]), None),
            (
                "of an unsigned scheme",
                |s| {
                    s.delivery.fixed = fixed(&[("X-Signature", "none")]);
                    s.signature.versions = vec![Version::bare(Algorithm::None)].into();
                    s.content = content("");
                },
                None,
            ),
        ],
    );
}

#[test]
fn what_answers_and_refusals_carry_can_stand_in_a_header() {
    const CONTENT_TYPE: Option<&str> = Some("handshake.answer.content_type");
    const HEADERS: Option<&str> = Some("handshake.answer.headers");
    assert_judged(
        &Scheme::BASE,
        &[
            ("a method", |s| s.delivery.methods = vec!["POST\n".into()].into(), Some("delivery.methods")),
            ("a handshake's method", |s| s.handshakes = asked_by("GET\n"), Some("handshake.when")),
            ("a challenge", |s| s.delivery.challenge = Some("Basic\n".into()), Some("delivery.challenge")),
            ("a good challenge", |s| s.delivery.challenge = Some("Basic realm=\"x y\"".into()), None),
            ("a type", |s| s.handshakes = answering("text/plain\r\nX: 1", "X-A", "1"), CONTENT_TYPE),
            ("a name", |s| s.handshakes = answering("text/plain", "X A", "1"), HEADERS),
            ("a value", |s| s.handshakes = answering("text/plain", "X-A", "1\n"), HEADERS),
            ("a good answer", |s| s.handshakes = answering("text/plain", "X-A", "1"), None),
        ],
    );
}

#[test]
fn the_prefix_of_a_token_stays_whole() {
    const KEY_FORMS: Option<&str> = Some("key.forms");
    assert_judged(
        &catalog::TELEGRAM,
        &[
            ("a line break", |s| s.key.forms = prefixed("a\n"), KEY_FORMS),
            (
                "the separator",
                |s| {
                    s.signature.syntax = positional(&[]);
                    s.key.forms = prefixed("a,");
                },
                KEY_FORMS,
            ),
            ("a comma, where there is no list", |s| s.key.forms = prefixed("a,"), None),
        ],
    );
    assert_judged(
        &Scheme::BASE,
        &[("a line break in what no header holds", |s| s.key.forms = prefixed("a\n"), None)],
    );
}

#[test]
fn the_content_can_be_written_as_a_template() {
    let literal = |text: &'static str| Part::Literal(text.into());
    for (parts, good) in [
        (vec![literal(""), Part::Body], false),
        (vec![literal("a"), literal("b"), Part::Body], false),
        (vec![Part::RequestUrlDecoded("}".into()), Part::Body], false),
        (vec![Part::RequestUrlDecoded("{:".into()), Part::Body], true),
        (vec![literal("{a}\n"), Part::Body, literal("}")], true),
    ] {
        let scheme = Scheme { content: parts.into(), ..Scheme::BASE };
        let field = scheme.check().err().map(|error| error.field().to_owned());
        assert_eq!(field.as_deref(), if good { None } else { Some("content") }, "{:?}", scheme.content);
    }
    assert_judged(&catalog::STRIPE, &[("a brace", |s| sign_field(s, "t}"), Some("content"))]);
}

fn list(separator: Separator, delimiter: char) -> Syntax {
    Syntax::List { separator, delimiter }
}

fn positional(fields: &[&'static str]) -> Syntax {
    Syntax::Positional { separator: Separator::Comma, fields: texts(fields) }
}

fn per_key(names: &[&'static str]) -> Source {
    Source::PerKey(texts(names))
}

fn texts(texts: &[&'static str]) -> List<Text> {
    texts.iter().map(|text| Cow::Borrowed(*text)).collect()
}

fn sha256(label: &'static str) -> List<Version> {
    vec![Version::labelled(label, Algorithm::HmacSha256)].into()
}

fn content(template: &str) -> List<Part> {
    Part::parse_template(template).expect("a template").into()
}

/// Takes the time from the field of this name.
fn sign_field(scheme: &mut Scheme, name: &'static str) {
    scheme.content = vec![Part::Field(name.into()), Part::Body].into();
    scheme.timestamp.as_mut().expect("a rule").at = Place::Field(name.into());
}

fn fixed(headers: &[(&'static str, &'static str)]) -> List<FixedHeader> {
    let fixed = |(name, value): &(&'static str, &'static str)| FixedHeader {
        name: Cow::Borrowed(name),
        value: Cow::Borrowed(value),
        optional: false,
    };
    headers.iter().map(fixed).collect()
}

fn prefixed(prefix: &'static str) -> List<KeyForm> {
    vec![KeyForm::text_with_prefix(prefix)].into()
}

/// A handshake by this method.
fn asked_by(method: &'static str) -> List<Handshake> {
    let mut handshakes = answering("text/plain", "X-A", "1");
    handshakes.to_mut()[0].when = vec![Condition::Method(method.into())].into();
    handshakes
}

/// A handshake whose answer has this type and one header.
fn answering(content_type: &'static str, name: &'static str, value: &'static str) -> List<Handshake> {
    let header = AnswerHeader { name: name.into(), value: AnswerValue::Fixed(value.into()) };
    let answer = Answer {
        status: 200,
        content_type: Some(content_type.into()),
        headers: vec![header].into(),
        body: AnswerBody::Empty,
    };
    vec![Handshake {
        when: vec![Condition::HasQuery("challenge".into())].into(),
        signed: false,
        enrolment: false,
        expect: vec![].into(),
        refusal: 403,
        secret: None,
        answer,
    }]
    .into()
}

const SYNTAX: Option<&str> = Some("signature.syntax");
const VERSIONS: Option<&str> = Some("signature.versions");
const FIXED: Option<&str> = Some("delivery.fixed");
