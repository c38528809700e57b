//! Other methods, and providers' tests of an endpoint.

use countersign::{Keyring, Message, Verifier, catalog};

use crate::{
    answer::Answer,
    case::{Case, Expected},
    endpoint::Endpoint,
    request::{BODY, NOW, Request, sign},
    server::Server,
};

const SECRET: &str = "a-secret-of-some-length";

pub(super) fn cases() -> Vec<Case> {
    [other_methods(), other_types(), signed_handshakes(), unsigned_handshakes()].concat()
}

fn other_methods() -> Vec<Case> {
    let refused = |method: &str| {
        let request = Request::signed(b"").method(method);
        let name = format!("adv_59_{}_with_a_good_signature", method.to_lowercase());
        Case::new(name).talk(request.head(""), Answer::of(405).with("allow", "POST"))
    };
    let methods = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PURGE"];
    let with_body = Case::new("adv_59_put_with_a_body")
        .talk(Request::signed(BODY).method("PUT").whole(BODY), Answer::of(405).with("allow", "POST"));
    let small = Case::new("adv_59_a_method_in_small_letters")
        .talk(Request::signed(BODY).method("post").whole(BODY), Answer::of(405).with("allow", "POST"));
    methods.into_iter().map(refused).chain([with_body, small]).collect()
}

/// What the body is said to be is not looked at: it is the signature that counts.
fn other_types() -> Vec<Case> {
    let said = |name, kind: &str| {
        let request = Request::signed(BODY).with("Content-Type", kind);
        Case::new(name).talk(request.whole(BODY), 200).handles([BODY])
    };
    vec![
        said("adv_59_a_content_type_of_text", "text/plain"),
        said("adv_59_a_content_type_of_a_form", "application/x-www-form-urlencoded"),
        said("adv_59_a_content_type_of_parts", "multipart/form-data; boundary=x"),
        said("adv_59_a_content_type_that_is_none", ";;;"),
    ]
}

fn signed_handshakes() -> Vec<Case> {
    let body = br#"{"token":"t","challenge":"3eZbrw1aB10","type":"url_verification"}"#;
    let slack = || Endpoint::of(&catalog::SLACK, SECRET);
    let signed = Request::new(sign(&catalog::SLACK, SECRET, &Message::new("x", body), NOW));
    let other =
        Request::new(sign(&catalog::SLACK, "another-secret-of-some-length", &Message::new("x", body), NOW));
    let answer = Answer::of(200)
        .with("content-type", "text/plain")
        .with("x-content-type-options", "nosniff")
        .saying("3eZbrw1aB10");
    vec![
        Case::new("slacks_challenge").at(slack()).talk(signed.whole(body), answer.clone()),
        Case::new("slacks_challenge_in_chunks").at(slack()).talk(signed.in_chunks(body, 9), answer),
        Case::new("slacks_challenge_without_a_signature").at(slack()).talk(Request::new([]).whole(body), 401),
        Case::new("slacks_challenge_under_another_secret").at(slack()).talk(other.whole(body), 401),
    ]
}

fn unsigned_handshakes() -> Vec<Case> {
    let keys = Keyring::new(&catalog::META, [SECRET]).unwrap();
    let meta =
        Verifier::builder(catalog::META).keys(keys).setting("verify_token", "tulip-field").build().unwrap();
    let get = |target: &str| Request::new([]).method("GET").to(target).head("");
    let asked = |name, target: &str, answer: Answer| {
        Case::new(name).at(Endpoint::accepting(meta.clone())).talk(get(target), answer.clone()).but_on(
            Server::Axum,
            "a router that has a handler for POST alone says so in the answer to any other method",
            Expected::answered(answer.with("allow", "POST")),
        )
    };
    let echo = |text| {
        Answer::of(200)
            .with("content-type", "text/plain")
            .with("x-content-type-options", "nosniff")
            .saying(text)
    };
    vec![
        asked(
            "metas_subscription",
            "/?hub.mode=subscribe&hub.verify_token=tulip-field&hub.challenge=1158201444",
            echo("1158201444"),
        ),
        asked(
            "metas_subscription_with_a_script",
            "/?hub.mode=subscribe&hub.verify_token=tulip-field&hub.challenge=%3Cscript%3E",
            echo("<script>"),
        ),
        asked(
            "metas_subscription_with_another_token",
            "/?hub.mode=subscribe&hub.verify_token=x&hub.challenge=1",
            Answer::of(403),
        ),
        Case::new("metas_subscription_without_a_challenge")
            .at(Endpoint::accepting(meta.clone()))
            .talk(get("/?hub.mode=subscribe"), Answer::of(405).with("allow", "POST, GET")),
    ]
}
