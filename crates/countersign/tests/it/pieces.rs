//! Verifying a body that arrives in pieces, and requests that may be handshakes.

use countersign::{
    Discard, Error, ErrorKind, Key, Keyring, Outcome, RequestView, Scheme, Verified, Verifier, catalog,
    scheme::{Answer, AnswerBody, AnswerValue, Condition, Expectation, Handshake},
};

use crate::{BODY, NOW, SECRET, keys, signed, verifier};

/// A question that is known by its body: signed as events are, or not.
fn with_handshake(signed: bool) -> Scheme {
    let answer = Answer {
        status: 200,
        content_type: Some("text/plain".into()),
        headers: vec![].into(),
        body: AnswerBody::Text(AnswerValue::Json("/challenge".into())),
    };
    let handshake = Handshake {
        when: vec![Condition::HasJson("/challenge".into())].into(),
        signed,
        enrolment: false,
        expect: vec![].into(),
        refusal: 403,
        secret: None,
        answer,
    };
    Scheme { handshakes: vec![handshake].into(), ..Scheme::BASE }
}

const QUESTION: &[u8] = br#"{"challenge":"say this"}"#;

type Headers = Vec<(String, String)>;

/// What becomes of a request whose body arrives byte by byte, which must be what becomes of it where the body arrives
/// at once.
fn in_pieces<'a>(
    verifier: &Verifier,
    headers: &'a Headers,
    body: &[u8],
) -> Result<Outcome<'a, Vec<u8>>, Error> {
    let of = |bytes| {
        let mut check = verifier.begin_with(&RequestView::post(headers), Vec::new(), NOW)?;
        body.chunks(bytes).for_each(|piece| check.update(piece.to_vec()));
        check.outcome()
    };
    let (outcome, at_once) = (of(1), of(usize::MAX));
    assert_eq!(format!("{outcome:?}"), format!("{at_once:?}"));
    outcome
}

fn answer<B>(outcome: Result<Outcome<'_, B>, Error>) -> Result<String, ErrorKind> {
    match outcome {
        Ok(Outcome::Handshake(greeting)) => Ok(greeting.body),
        Ok(Outcome::Event(_)) => panic!("an event"),
        Err(error) => Err(error.kind()),
    }
}

fn sign(scheme: &Scheme, body: &[u8]) -> Headers {
    let message = countersign::Message::new("evt_1", body);
    crate::signer(scheme).sign(&message, NOW).expect("a signature").headers
}

#[test]
fn a_signed_question_is_answered_only_where_its_signature_is_good() {
    let scheme = with_handshake(true);
    let verifier = verifier(&scheme);
    let (good, of_another_body) = (sign(&scheme, QUESTION), sign(&scheme, BODY));
    for outcome in [
        answer(in_pieces(&verifier, &good, QUESTION)),
        answer(verifier.receive(&RequestView::post(&good), QUESTION, NOW)),
    ] {
        assert_eq!(outcome, Ok("say this".into()));
    }
    for outcome in [
        answer(in_pieces(&verifier, &of_another_body, QUESTION)),
        answer(verifier.receive(&RequestView::post(&of_another_body), QUESTION, NOW)),
    ] {
        assert_eq!(outcome, Err(ErrorKind::NoMatchingSignature));
    }
}

#[test]
fn an_event_of_a_scheme_with_a_handshake_is_an_event() {
    for signed in [true, false] {
        let scheme = with_handshake(signed);
        let headers = sign(&scheme, BODY);
        let outcome = in_pieces(&verifier(&scheme), &headers, BODY).expect("an event");
        assert!(matches!(outcome, Outcome::Event(event) if event.body() == BODY));
    }
}

#[test]
fn an_unsigned_question_is_answered_and_an_unsigned_event_is_not_taken() {
    let verifier = verifier(&with_handshake(false));
    let none = Headers::new();
    assert_eq!(answer(in_pieces(&verifier, &none, QUESTION)), Ok("say this".into()));
    assert_eq!(answer(in_pieces(&verifier, &none, BODY)), Err(ErrorKind::MissingHeader));
}

#[test]
fn a_question_without_the_value_to_answer_with_is_malformed() {
    let scheme = with_handshake(true);
    let question: &[u8] = br#"{"challenge":{"not":"text"}}"#;
    let headers = sign(&scheme, question);
    assert_eq!(answer(in_pieces(&verifier(&scheme), &headers, question)), Err(ErrorKind::MalformedBody));
}

#[test]
fn a_question_that_does_not_agree_with_the_setting_is_refused() {
    for signed in [true, false] {
        let mut scheme = with_handshake(signed);
        let value = AnswerValue::Json("/challenge".into());
        let expected = Expectation { value, setting: "expected".into() };
        scheme.handshakes.to_mut()[0].expect = vec![expected].into();
        let verifier = Verifier::builder(scheme.clone()).keys(keys(&scheme)).setting("expected", "say this");
        let verifier = verifier.build().expect("a verifier");
        for (question, said) in [
            (QUESTION, Ok("say this".to_owned())),
            (br#"{"challenge":"say that"}"#.as_slice(), Err(ErrorKind::HandshakeRefused)),
        ] {
            let headers = sign(&scheme, question);
            assert_eq!(answer(in_pieces(&verifier, &headers, question)), said);
            assert_eq!(answer(verifier.receive(&RequestView::post(&headers), question, NOW)), said);
        }
    }
}

#[test]
fn where_no_key_is_valid_an_unsigned_question_is_answered_and_an_event_is_refused() {
    let scheme = with_handshake(false);
    let old = Key::new("old", SECRET).valid_until(NOW - 1);
    let keys = Keyring::builder(&scheme).key(old).build().expect("a keyring");
    let verifier = Verifier::builder(scheme.clone()).keys(keys).build().expect("a verifier");
    assert_eq!(answer(in_pieces(&verifier, &sign(&scheme, QUESTION), QUESTION)), Ok("say this".into()));
    assert_eq!(answer(in_pieces(&verifier, &sign(&scheme, BODY), BODY)), Err(ErrorKind::NoUsableKey));
}

#[test]
fn a_time_in_the_body_is_checked_however_the_body_arrives() {
    let secret = "a-secret-of-thirty-two-characters";
    let keys = || Keyring::new(&catalog::LINEAR, [secret]).expect("a good secret");
    let verifier = Verifier::builder(catalog::LINEAR).keys(keys()).build().expect("a verifier");
    let kind = |body: &str| {
        let signer = countersign::Signer::new(&catalog::LINEAR, keys()).expect("a signer");
        let message = countersign::Message {
            event_type: Some("Issue"),
            ..countersign::Message::new("1", body.as_bytes())
        };
        let headers = signer.sign(&message, NOW).expect("a signature").headers;
        let request = RequestView::post(&headers);
        let finished = || -> Result<Verified<'_, Vec<u8>>, Error> {
            let mut check = verifier.begin_with(&request, Vec::new(), NOW)?;
            check.update(body.as_bytes().to_vec());
            check.finish()
        };
        let kinds = [
            verifier.verify(&request, body.as_bytes(), NOW).err().map(|error| error.kind()),
            finished().err().map(|error| error.kind()),
            in_pieces(&verifier, &headers, body.as_bytes()).err().map(|error| error.kind()),
        ];
        assert!(kinds.iter().all(|kind| *kind == kinds[0]), "{kinds:?}");
        kinds[0]
    };
    assert_eq!(kind(r#"{"webhookTimestamp":1700000000000}"#), None);
    assert_eq!(kind(r#"{"webhookTimestamp":1699999939999}"#), Some(ErrorKind::TimestampTooOld));
    assert_eq!(kind(r#"{"webhookTimestamp":1700000060999}"#), None);
    assert_eq!(kind(r#"{"webhookTimestamp":1700000061000}"#), Some(ErrorKind::TimestampTooNew));
    assert_eq!(kind(r#"{"webhookTimestamp":1700000000}"#), Some(ErrorKind::InvalidTimestamp));
    assert_eq!(kind("{}"), Some(ErrorKind::InvalidTimestamp));
}

#[test]
fn a_body_that_is_not_kept_is_verified_all_the_same() {
    let verifier = verifier(&Scheme::BASE);
    let headers = signed(&Scheme::BASE);
    let verify = |pieces: &[&[u8]]| {
        let mut check = verifier.begin_with(&RequestView::post(&headers), Discard, NOW).expect("headers");
        pieces.iter().for_each(|piece| check.update(piece.to_vec()));
        check.finish().map(|verified| verified.covers_body()).map_err(|error| error.kind())
    };
    assert_eq!(verify(&[&BODY[..5], &BODY[5..]]), Ok(true));
    assert_eq!(verify(&[&BODY[5..], &BODY[..5]]), Err(ErrorKind::NoMatchingSignature));
    assert_eq!(verify(&[]), Err(ErrorKind::NoMatchingSignature));
}

#[test]
fn what_is_being_verified_shows_no_byte_of_the_request() {
    let headers = signed(&Scheme::BASE);
    let mut check =
        verifier(&Scheme::BASE).begin_with(&RequestView::post(&headers), Vec::new(), NOW).expect("headers");
    check.update(BODY.to_vec());
    let shown = format!("{check:?}");
    assert!(shown.starts_with("Check"), "{shown}");
    assert!(!shown.contains("evt_1") && !shown.contains(&headers[0].1), "{shown}");
}
