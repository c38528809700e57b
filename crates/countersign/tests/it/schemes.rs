//! Which schemes make sense, at the edge of each limit, and how a mistake is named.

use countersign::{
    Scheme, catalog,
    scheme::{
        Algorithm, Answer, AnswerBody, Condition, FixedHeader, Handshake, KeyRule, Part, Place,
        SchemeErrorKind, Source, Version,
    },
};

/// The field that the error names, where the changed scheme makes no sense.
fn wrong(scheme: &Scheme, change: impl FnOnce(&mut Scheme)) -> Option<String> {
    let mut scheme = scheme.clone();
    change(&mut scheme);
    scheme.check().err().map(|error| error.field().to_owned())
}

fn field(name: &str) -> Option<String> {
    Some(name.to_owned())
}

#[test]
fn a_name_is_lower_case_letters_digits_and_hyphens() {
    let name = |name: &'static str| wrong(&Scheme::BASE, |scheme| scheme.name = name.into());
    for good in ["a", "acme-2", "0"] {
        assert_eq!(name(good), None, "{good:?}");
    }
    for bad in ["", "Acme", "acme_2", "acme 2", "ä"] {
        assert_eq!(name(bad), field("name"), "{bad:?}");
    }
}

#[test]
fn a_scheme_has_at_most_eight_versions() {
    let versions = |count: usize| {
        wrong(&catalog::STRIPE, |scheme| {
            let version =
                |number| Version { label: format!("v{number}").into(), algorithm: Algorithm::HmacSha256 };
            scheme.signature.versions = (0..count).map(version).collect();
        })
    };
    assert_eq!((versions(1), versions(8)), (None, None));
    assert_eq!((versions(0), versions(9)), (field("signature.versions"), field("signature.versions")));
}

#[test]
fn a_syntax_without_labels_has_one_version_without_a_label() {
    let versions = |labels: &[&'static str]| {
        let algorithms = [Algorithm::HmacSha256, Algorithm::HmacSha512];
        let versions =
            labels.iter().zip(algorithms).map(|(label, algorithm)| Version::labelled(label, algorithm));
        wrong(&Scheme::BASE, |scheme| scheme.signature.versions = versions.collect())
    };
    assert_eq!(versions(&[""]), None);
    for labels in [["v1"].as_slice(), &["v1", "v2"], &["", "v2"], &["v1", ""]] {
        assert_eq!(versions(labels), field("signature.versions"), "{labels:?}");
    }
}

#[test]
fn signed_content_has_at_most_ten_parts() {
    let parts = |count: usize| {
        wrong(&Scheme::BASE, |scheme| {
            let part = |number| match number {
                0 => Part::Body,
                number if number % 2 == 0 => Part::Method,
                _ => Part::Literal(".".into()),
            };
            scheme.content = (0..count).map(part).collect();
        })
    };
    assert_eq!((parts(1), parts(10)), (None, None));
    assert_eq!((parts(0), parts(11)), (field("content"), field("content")));
}

#[test]
fn a_verifier_looks_for_at_most_eight_headers() {
    let headers = |signatures: usize, signed: usize, fixed: usize| {
        wrong(&Scheme::BASE, |scheme| {
            if signatures > 1 {
                scheme.signature.source =
                    Source::PerKey((0..signatures).map(|n| format!("X-{n}").into()).collect());
            }
            let header = |n| [Part::Header(format!("X-Signed-{n}").into()), Part::Literal(".".into())];
            scheme.content = (0..signed).flat_map(header).chain([Part::Body]).collect();
            let fixed_header = |n| {
                let name = format!("X-Fixed-{n}").into();
                FixedHeader { name, value: "1".into(), optional: false }
            };
            scheme.delivery.fixed = (0..fixed).map(fixed_header).collect();
        })
    };
    for (signatures, signed, fixed) in [(1, 0, 7), (8, 0, 0), (1, 3, 4), (4, 2, 2), (3, 4, 1)] {
        assert_eq!(headers(signatures, signed, fixed), None, "{signatures} {signed} {fixed}");
    }
    for (signatures, signed, fixed) in [(1, 0, 8), (9, 0, 0), (1, 4, 4), (4, 2, 3), (5, 4, 0)] {
        assert_eq!(headers(signatures, signed, fixed), field("content"), "{signatures} {signed} {fixed}");
    }
}

#[test]
fn a_time_that_is_not_signed_proves_nothing() {
    let timed = |place: Place| {
        wrong(&catalog::STRIPE, |scheme| {
            scheme.timestamp.as_mut().expect("a signed time").at = place;
        })
    };
    assert_eq!(timed(Place::Field("t".into())), None);
    assert_eq!(timed(Place::Json("/created".into())), None, "the body is signed");
    assert_eq!(timed(Place::Header("X-Time".into())), field("timestamp.at"));
    assert_eq!(timed(Place::Field("time".into())), field("timestamp.at"));
    assert_eq!(timed(Place::Json("created".into())), field("timestamp.at"), "no JSON pointer");
}

#[test]
fn an_id_stands_where_a_request_can_have_it() {
    let id = |scheme: &Scheme, place: Place| wrong(scheme, |scheme| scheme.event.id = vec![place].into());
    for place in ["header:X-Id", "json:/id", "json:"] {
        assert_eq!(id(&Scheme::BASE, read(place)), None, "{place}");
    }
    for place in ["header:", "header:X Id", "header:X-Signature", "json:id", "field:id"] {
        assert_eq!(id(&Scheme::BASE, read(place)), field("event.id"), "{place}");
    }
    assert_eq!(id(&catalog::STRIPE, read("field:id")), None, "a list holds fields");
    let long = |length: usize| id(&Scheme::BASE, Place::Header("x".repeat(length).into()));
    assert_eq!((long(128), long(129)), (None, field("event.id")));
}

/// A place as TOML writes it.
fn read(text: &str) -> Place {
    let (kind, rest) = text.split_once(':').expect("a kind of place");
    let rest = rest.to_owned().into();
    match kind {
        "header" => Place::Header(rest),
        "json" => Place::Json(rest),
        _ => Place::Field(rest),
    }
}

#[test]
fn the_data_of_an_event_stands_at_a_pointer() {
    let data = |text: &'static str| wrong(&Scheme::BASE, |scheme| scheme.event.data = text.into());
    assert_eq!((data(""), data("/data")), (None, None));
    assert_eq!(data("data"), field("event.data"));
}

#[test]
fn the_least_length_of_a_key_is_from_one_to_the_greatest() {
    let limits = |min_bytes, max_bytes| {
        wrong(&Scheme::BASE, |scheme| scheme.key = KeyRule { min_bytes, max_bytes, ..KeyRule::TEXT })
    };
    assert_eq!((limits(1, 1), limits(16, 16), limits(1, 2)), (None, None, None));
    assert_eq!(
        (limits(0, 1), limits(0, 0), limits(2, 1)),
        (field("key.min_bytes"), field("key.min_bytes"), field("key.min_bytes"))
    );
}

#[test]
fn an_answer_has_a_status_of_its_kind() {
    let statuses = |status, refusal| {
        let answer = Answer { status, content_type: None, headers: vec![].into(), body: AnswerBody::Empty };
        let handshake = Handshake {
            when: vec![Condition::Method("HEAD".into())].into(),
            signed: false,
            enrolment: false,
            expect: vec![].into(),
            refusal,
            secret: None,
            answer,
        };
        wrong(&Scheme::BASE, |scheme| scheme.handshakes = vec![handshake].into())
    };
    for (status, refusal) in [(200, 400), (599, 599), (200, 403)] {
        assert_eq!(statuses(status, refusal), None, "{status} {refusal}");
    }
    for (status, refusal) in [(199, 403), (600, 403), (200, 399), (200, 600), (100, 200)] {
        assert_eq!(statuses(status, refusal), field("handshake.answer.status"), "{status} {refusal}");
    }
}

#[test]
fn a_mistake_is_shown_with_its_field_and_remedy() {
    let error = Scheme { name: "Acme".into(), ..Scheme::BASE }.check().expect_err("a capital letter");
    assert_eq!((error.kind(), error.line()), (SchemeErrorKind::Contradiction, None));
    assert_eq!(error.to_string(), "`name` must be lower-case letters, digits and `-`");
    assert_eq!(format!("{error:?}"), format!("SchemeError({error})"));
}

#[test]
#[cfg(feature = "toml")]
fn a_mistake_in_toml_is_shown_with_its_line() {
    let error = Scheme::from_toml("name = \"acme\"\ntitle = 7\n").expect_err("a title that is no text");
    assert_eq!((error.kind(), error.field(), error.line()), (SchemeErrorKind::Syntax, "", Some(2)));
    assert!(error.to_string().starts_with("line 2: "), "{error}");
    assert!(!error.to_string().contains("``"), "no empty field is shown: {error}");
}
