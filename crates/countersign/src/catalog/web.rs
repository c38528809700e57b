//! Standards of the web, and templates for whatever has no name.

use alloc::borrow::Cow::Borrowed;

use super::{
    BASE, BASIC_CHALLENGE, BASIC_KEY, CHOSEN, authorization, challenge, echo, empty, header, labelled,
};
use crate::scheme::{
    Algorithm, Answer, AnswerBody, AnswerHeader, AnswerValue, Condition, DeliveryRule, Encoding, EventRule,
    Expectation, Handshake, KeyRule, Place, Scheme, Version,
};

/// WebSub (W3C): the hub's choice of `sha1=`, `sha256=`, `sha384=` or `sha512=`, and hexadecimal
/// HMAC of the body.
///
/// Source: W3C WebSub, sections 5, 7 and 7.1.
///
/// - The hub picks the algorithm. Many still pick SHA-1: allow the versions that the hub needs and
///   no others.
/// - No signed time and no event id: a retry is known by its body, which can be of any type.
/// - The secret (`hub.secret`, under 200 bytes) and the URL belong to one subscription. Give its topic
///   as the setting `expected_topic`: the `GET` that confirms it is answered for this topic alone, and
///   with 404 for any other.
/// - WebSub asks a subscriber to ignore a message that is signed wrongly, and allows a 2xx answer to
///   it. Here it is refused like any other.
pub const WEBSUB: Scheme = Scheme {
    name: Borrowed("websub"),
    title: Borrowed("WebSub"),
    source: Borrowed("w3c/websub index.html sections 5.1, 5.2, 5.3, 7, 7.1"),
    signature: labelled("X-Hub-Signature", HUB_METHODS, Encoding::HexAnyCase),
    key: CHOSEN,
    handshakes: Borrowed(HUB_CHALLENGES),
    ..BASE
};

/// CloudEvents over HTTP webhooks: a bearer token, and the handshake of its abuse protection.
///
/// Source: `cloudevents/spec` (`cloudevents/http-webhook.md`).
///
/// - **Nothing is signed.** The specification also allows the token as the query parameter
///   `access_token`, which is not read here: URLs are logged.
/// - The id, type and time are those of the binary mode (`ce-*` headers), where the body is the data.
///   For the structured mode point [`EventRule`] at `/source`, `/id`, `/type`, `/time` and `/data`.
/// - The `OPTIONS` that asks for permission is answered at once where `WebHook-Request-Origin` is the
///   setting `allowed_origin`, with any rate, and with 405 where it isn't. A permission that is given
///   later, by calling `WebHook-Request-Callback`, is not supported: that URL is anybody's choice.
pub const CLOUDEVENTS_WEBHOOK: Scheme = Scheme {
    name: Borrowed("cloudevents-webhook"),
    title: Borrowed("CloudEvents webhook"),
    source: Borrowed("cloudevents/spec cloudevents/http-webhook.md"),
    content: Borrowed(&[]),
    delivery: BEARER_CHALLENGE,
    signature: authorization("Bearer", Encoding::Raw),
    key: KeyRule::TEXT,
    event: EventRule {
        id: list![Place: Header("ce-source"), Header("ce-id")],
        event_type: list![Place: Header("ce-type")],
        time: Some(header("ce-time")),
        data: Borrowed(""),
    },
    handshakes: Borrowed(CLOUDEVENTS_PERMISSION),
    ..BASE
};

/// A template for senders that put a token into `Authorization: Bearer …` (RFC 6750).
///
/// **Nothing is signed.** Change [`Scheme::name`] and [`Scheme::event`] to the sender's.
pub const BEARER_TOKEN: Scheme = Scheme {
    name: Borrowed("bearer-token"),
    title: Borrowed("Bearer token"),
    source: Borrowed("RFC 6750"),
    content: Borrowed(&[]),
    delivery: BEARER_CHALLENGE,
    signature: authorization("Bearer", Encoding::Raw),
    key: KeyRule::TEXT,
    ..BASE
};

/// A template for senders that know HTTP Basic authentication (RFC 7617).
///
/// **Nothing is signed.** The secret is written `user:password`. Change [`Scheme::name`] and
/// [`Scheme::event`] to the sender's.
pub const BASIC_AUTH: Scheme = Scheme {
    name: Borrowed("basic-auth"),
    title: Borrowed("Basic authentication"),
    source: Borrowed("RFC 7617"),
    content: Borrowed(&[]),
    delivery: BASIC_CHALLENGE,
    signature: authorization("Basic", Encoding::Base64),
    key: KeyRule::of(BASIC_KEY),
    ..BASE
};

const BEARER_CHALLENGE: DeliveryRule = challenge("Bearer realm=\"webhook\"");

const HUB_METHODS: &[Version] = &[
    Version::labelled("sha1", Algorithm::HmacSha1),
    Version::labelled("sha256", Algorithm::HmacSha256),
    Version::labelled("sha384", Algorithm::HmacSha384),
    Version::labelled("sha512", Algorithm::HmacSha512),
];

const HUB_CHALLENGES: &[Handshake] = &[
    hub(
        &[
            GET,
            Condition::Query(Borrowed("hub.mode"), Borrowed("subscribe")),
            Condition::HasQuery(Borrowed("hub.challenge")),
        ],
        echo(AnswerValue::Query(Borrowed("hub.challenge"))),
    ),
    hub(
        &[
            GET,
            Condition::Query(Borrowed("hub.mode"), Borrowed("unsubscribe")),
            Condition::HasQuery(Borrowed("hub.challenge")),
        ],
        echo(AnswerValue::Query(Borrowed("hub.challenge"))),
    ),
    hub(&[GET, Condition::Query(Borrowed("hub.mode"), Borrowed("denied"))], empty(200)),
];

const GET: Condition = Condition::Method(Borrowed("GET"));

/// A question of the hub about the subscription of this endpoint.
const fn hub(when: &'static [Condition], answer: Answer) -> Handshake {
    Handshake {
        when: Borrowed(when),
        signed: false,
        enrolment: false,
        expect: Borrowed(&[Expectation {
            value: AnswerValue::Query(Borrowed("hub.topic")),
            setting: Borrowed("expected_topic"),
        }]),
        refusal: 404,
        secret: None,
        answer,
    }
}

const CLOUDEVENTS_PERMISSION: &[Handshake] = &[Handshake {
    when: Borrowed(&[
        Condition::Method(Borrowed("OPTIONS")),
        Condition::HasHeader(Borrowed("WebHook-Request-Origin")),
    ]),
    signed: false,
    enrolment: false,
    expect: Borrowed(&[Expectation {
        value: AnswerValue::Header(Borrowed("WebHook-Request-Origin")),
        setting: Borrowed("allowed_origin"),
    }]),
    refusal: 405,
    secret: None,
    answer: Answer {
        status: 200,
        content_type: None,
        headers: Borrowed(&[
            AnswerHeader {
                name: Borrowed("WebHook-Allowed-Origin"),
                value: AnswerValue::Header(Borrowed("WebHook-Request-Origin")),
            },
            AnswerHeader { name: Borrowed("WebHook-Allowed-Rate"), value: AnswerValue::Fixed(Borrowed("*")) },
            AnswerHeader { name: Borrowed("Allow"), value: AnswerValue::Fixed(Borrowed("POST")) },
        ]),
        body: AnswerBody::Empty,
    },
}];
