//! Chat, calls and social networks.

use alloc::borrow::Cow::Borrowed;

use super::{
    BASE, CHOSEN, ED25519, ISSUED, SHA1, SHA1_LABEL, SHA256, SHA256_LABEL, TOKEN, V0, bare, echo, header,
    json, labelled, time,
};
use crate::scheme::{
    Answer, AnswerBody, AnswerValue, Condition, Encoding, EventRule, Expectation, Handshake, KeyForm,
    KeyKind, KeyRule, List, Part, Place, Scheme, SecretEncoding, Text, TimeFormat, TimestampRule,
};

/// Discord's interactions: hexadecimal Ed25519 over the time and the body, without anything between.
///
/// Source: `discord/discord-interactions-js`; `discord/discord-api-docs`, interactions overview.
///
/// - The key is the application's public key, in hexadecimal: it verifies and can't sign.
/// - Discord documents no limit on the time; 300 s in both directions is this library's choice.
/// - A `PING` (type 1) is answered with `{"type":1}`. Discord also sends wrong signatures, at set-up
///   and later, and removes an endpoint that doesn't answer them with exactly 401.
/// - The type is a number: 1 ping, 2 command, 3 component, 4 autocomplete, 5 modal.
pub const DISCORD: Scheme = Scheme {
    name: Borrowed("discord"),
    title: Borrowed("Discord (interactions)"),
    source: Borrowed("discord/discord-interactions-js; discord/discord-api-docs interactions/overview.mdx"),
    content: DISCORD_CONTENT,
    signature: bare("X-Signature-Ed25519", ED25519, Encoding::HexAnyCase),
    key: KeyRule::of(DISCORD_KEY).min(32),
    timestamp: discord_time(),
    event: EventRule {
        id: list![Place: Json("/id")],
        event_type: list![Place: Json("/type")],
        ..EventRule::NONE
    },
    handshakes: Borrowed(DISCORD_PING),
    ..BASE
};

/// Discord's webhook events: signed as [interactions](DISCORD) are, with another `PING`.
///
/// Source: `discord/discord-api-docs`, webhook events.
///
/// - A `PING` (type **0** here) is answered with 204 and no body.
/// - There is no event id: a retry is known by its body. The event's time has no zone.
pub const DISCORD_EVENTS: Scheme = Scheme {
    name: Borrowed("discord-events"),
    title: Borrowed("Discord (webhook events)"),
    source: Borrowed("discord/discord-api-docs events/webhook-events.mdx"),
    content: DISCORD_CONTENT,
    signature: bare("X-Signature-Ed25519", ED25519, Encoding::HexAnyCase),
    key: KeyRule::of(DISCORD_KEY).min(32),
    timestamp: discord_time(),
    event: EventRule {
        event_type: list![Place: Json("/event/type")],
        time: Some(json("/event/timestamp")),
        data: Borrowed("/event"),
        ..EventRule::NONE
    },
    handshakes: Borrowed(DISCORD_EVENTS_PING),
    ..BASE
};

/// Intercom: `sha1=` and hexadecimal HMAC-SHA1 of the body, keyed with the app's client secret.
///
/// Source: developers.intercom.com, webhook notifications and signed notifications.
///
/// - SHA-1 is all that there is. HMAC-SHA1 is not broken, but nothing new should use it.
/// - No signed time: dedupe on `id` (`notif_…`). `delivery_attempts` in the body grows with each
///   attempt.
pub const INTERCOM: Scheme = Scheme {
    name: Borrowed("intercom"),
    title: Borrowed("Intercom"),
    source: Borrowed("developers.intercom.com webhook-notifications, signed-notifications"),
    signature: labelled("X-Hub-Signature", SHA1_LABEL, Encoding::Hex),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Json("/id")],
        event_type: list![Place: Json("/topic")],
        time: Some(json("/created_at")),
        data: Borrowed("/data/item"),
    },
    ..BASE
};

/// LINE's Messaging API: base64 HMAC-SHA256 of the body, keyed with the channel secret.
///
/// Source: `line/line-bot-sdk-python` (`linebot/v3/webhook.py`).
///
/// - No signed time.
/// - One request holds several events: dedupe on the `webhookEventId` of each of `events`, and mind
///   `deliveryContext.isRedelivery`.
/// - The console's verify button sends a signed request whose `events` are empty: answer 200.
pub const LINE: Scheme = Scheme {
    name: Borrowed("line"),
    title: Borrowed("LINE Messaging API"),
    source: Borrowed("line/line-bot-sdk-python linebot/v3/webhook.py"),
    signature: bare("x-line-signature", SHA256, Encoding::Base64),
    key: ISSUED,
    ..BASE
};

/// Meta (Facebook, Messenger, Instagram, WhatsApp): `sha256=` and hexadecimal HMAC-SHA256 of the
/// body, keyed with the app secret.
///
/// Source: `fbsamples/whatsapp-api-examples`, `messenger-platform-samples`;
/// `WhatsApp/WhatsApp-Nodejs-SDK`; developers.facebook.com.
///
/// - No signed time and no id of the request: one request holds several events, so dedupe on the
///   message ids (`wamid.…`) or on the id and time of each of `entry`.
/// - The body escapes what isn't ASCII, and `/`, `<`, `%`, `@`: written again as JSON it doesn't
///   verify.
/// - The key is the app secret. The verify token is another text, of the application's choice: give
///   it as the setting `verify_token`. It answers the `GET` by which Meta tests the endpoint, and a
///   wrong one is refused with 403.
pub const META: Scheme = Scheme {
    name: Borrowed("meta"),
    title: Borrowed("Meta (Facebook, Messenger, Instagram, WhatsApp)"),
    source: Borrowed("fbsamples; WhatsApp/WhatsApp-Nodejs-SDK; developers.facebook.com"),
    signature: labelled("X-Hub-Signature-256", SHA256_LABEL, Encoding::Hex),
    key: ISSUED,
    event: EventRule { event_type: list![Place: Json("/object")], ..EventRule::NONE },
    handshakes: Borrowed(META_SUBSCRIBE),
    ..BASE
};

/// Meta's old signature: `sha1=` and hexadecimal HMAC-SHA1 of the body, in `X-Hub-Signature`.
///
/// Source: `fbsamples/messenger-platform-samples` (`node/app.js`).
///
/// Sent beside the new one: use [`META`]. What is said there holds here.
pub const META_LEGACY_SHA1: Scheme = Scheme {
    name: Borrowed("meta-legacy-sha1"),
    title: Borrowed("Meta (legacy SHA-1)"),
    source: Borrowed("fbsamples/messenger-platform-samples node/app.js"),
    signature: labelled("X-Hub-Signature", SHA1_LABEL, Encoding::Hex),
    key: ISSUED,
    event: EventRule { event_type: list![Place: Json("/object")], ..EventRule::NONE },
    handshakes: Borrowed(META_SUBSCRIBE),
    ..BASE
};

/// Slack: `v0=` and hexadecimal HMAC-SHA256 of the version, the time and the body.
///
/// Source: `slackapi/python-slack-sdk`, `slackapi/bolt-js`, `slack-go/slack`;
/// api.slack.com/events/url_verification.
///
/// - 300 s in both directions.
/// - The secret looks hexadecimal and is used as it stands.
/// - Slash commands and interactions are forms: verified alike, but without an event to read.
/// - `url_verification` is verified, then answered with its challenge.
/// - Answer within 3 s. `X-Slack-No-Retry: 1` in an answer stops the retries.
pub const SLACK: Scheme = Scheme {
    name: Borrowed("slack"),
    title: Borrowed("Slack"),
    source: Borrowed("slackapi/python-slack-sdk; slackapi/bolt-js; slack-go/slack; api.slack.com"),
    content: list![Part: Literal("v0:"), Header("X-Slack-Request-Timestamp"), Literal(":"), Body],
    signature: labelled("X-Slack-Signature", V0, Encoding::Hex),
    key: ISSUED,
    timestamp: time(header("X-Slack-Request-Timestamp"), TimeFormat::UnixSeconds, Some(300), Some(300)),
    event: EventRule {
        id: list![Place: Json("/event_id")],
        event_type: list![Place: Json("/event/type")],
        time: Some(json("/event_time")),
        data: Borrowed("/event"),
    },
    handshakes: Borrowed(SLACK_URL_VERIFICATION),
    ..BASE
};

/// Telegram's Bot API: the secret token itself in a header.
///
/// Source: `tdlib/telegram-bot-api`; Bot API documentation.
///
/// - **Nothing is signed.** Choose a token of 32 random bytes or more, written in the letters that
///   Telegram allows: `A-Za-z0-9_-`, up to 256.
/// - Dedupe on `update_id`. What kind of update it is shows in which member is present.
/// - An answer can itself be a call of a Bot API method: answer with an empty body otherwise.
pub const TELEGRAM: Scheme = Scheme {
    name: Borrowed("telegram"),
    title: Borrowed("Telegram Bot API"),
    source: Borrowed("tdlib/telegram-bot-api; Bot API documentation"),
    content: Borrowed(&[]),
    signature: bare("X-Telegram-Bot-Api-Secret-Token", TOKEN, Encoding::Raw),
    key: CHOSEN,
    event: EventRule { id: list![Place: Json("/update_id")], ..EventRule::NONE },
    ..BASE
};

/// Twilio: base64 HMAC-SHA1 of the URL and the sorted fields of the form, in `X-Twilio-Signature`.
///
/// Source: `twilio/twilio-python`, `twilio-node`, `twilio-go`, `twilio-java` and their tests; twilio.com, webhooks security.
///
/// - The key is the account's primary auth token, as text: 32 hexadecimal digits. Twilio's own libraries are tested with
///   one of five, so these are taken too.
/// - The URL is the one that is registered with Twilio, with its query; Twilio signs it with a port or without.
/// - Nothing stands between a field's name and its value, or between two fields: whoever has a signed request can move these
///   borders, or write the same fields otherwise; and what ends the URL can become the beginning of the first field's name,
///   so that path and query say who is meant to nobody who checks rights by them. There is no time. See [`Part::Form`].
/// - The auth token signs by HMAC-SHA1. Twilio's shared keys, a beta, sign by HMAC-SHA256: for those this scheme with
///   `HmacSha256` as its one [version](crate::scheme::Signature::versions).
/// - Behind the layer a framework's own `Form<T>` reads the fields; an event that is read as JSON is not there.
/// - Requests by `GET`, where Twilio is set to it, hold no form and are refused. Bodies of JSON, which Twilio signs by
///   `bodySHA256` in the URL, are not this scheme's; whoever has such a request can send it with an empty form.
/// - No signed id: `I-Twilio-Idempotency-Token` is the same for each attempt, and stands in a header that isn't signed.
///   Without [`trust_unsigned_ids`](crate::VerifierBuilder::trust_unsigned_ids) two requests with the same URL and fields
///   are one event, such as a caller who presses the same digit twice where each step has not a URL of its own.
/// - A voice call reads the answer: [remembering](crate::idempotency) events, which answers a copy by its status alone, is
///   not for handlers that answer with TwiML.
pub const TWILIO: Scheme = Scheme {
    name: Borrowed("twilio"),
    title: Borrowed("Twilio (forms)"),
    source: Borrowed(
        "twilio/twilio-python, -node, -go, -java; twilio.com/docs/usage/webhooks/webhooks-security",
    ),
    content: list![Part: RequestUrlAnyPort, Form],
    signature: bare("X-Twilio-Signature", SHA1, Encoding::Base64),
    key: KeyRule::TEXT.min(5),
    event: EventRule { id: list![Place: Header("I-Twilio-Idempotency-Token")], ..EventRule::NONE },
    ..BASE
};

/// Twitch EventSub: `sha256=` and hexadecimal HMAC-SHA256 of the id, the time and the body, without
/// anything between.
///
/// Source: dev.twitch.tv, handling webhook events; `twitchdev/twitch-cli`; twurple;
/// `nicklaw5/helix`; `twitch-rs/twitch_api`.
///
/// - At most 600 s old, as the documentation advises; no limit for the future.
/// - The secret has 10 to 100 ASCII characters and is chosen by the subscriber.
/// - `Twitch-Eventsub-Message-Type` is **not signed**. Tell a revocation by the `subscription.status`
///   of the body, which is.
/// - A challenge is verified, then answered. Revocations are events: answer 2xx.
pub const TWITCH: Scheme = Scheme {
    name: Borrowed("twitch"),
    title: Borrowed("Twitch EventSub"),
    source: Borrowed("dev.twitch.tv handling-webhook-events; twitchdev/twitch-cli; twitch-rs/twitch_api"),
    content: list![Part:
        Header("Twitch-Eventsub-Message-Id"), Header("Twitch-Eventsub-Message-Timestamp"), Body],
    signature: labelled("Twitch-Eventsub-Message-Signature", SHA256_LABEL, Encoding::Hex),
    key: KeyRule::TEXT.min(10),
    timestamp: time(header("Twitch-Eventsub-Message-Timestamp"), TimeFormat::Rfc3339, Some(600), None),
    event: EventRule {
        id: list![Place: Header("Twitch-Eventsub-Message-Id")],
        event_type: list![Place: Json("/subscription/type")],
        time: Some(header("Twitch-Eventsub-Message-Timestamp")),
        data: Borrowed(""),
    },
    handshakes: Borrowed(TWITCH_CHALLENGE),
    ..BASE
};

/// Viber: hexadecimal HMAC-SHA256 of the body, keyed with the bot's authentication token.
///
/// Source: `Viber/viber-bot-python`.
///
/// - No signed time. `message_token` names the message, which is sent, delivered and seen: dedupe on
///   it together with `event`.
/// - Numbers in the body exceed 2⁵³: read them as integers.
/// - Setting the webhook sends an event `webhook`: answer 200.
pub const VIBER: Scheme = Scheme {
    name: Borrowed("viber"),
    title: Borrowed("Viber"),
    source: Borrowed("Viber/viber-bot-python"),
    signature: bare("X-Viber-Content-Signature", SHA256, Encoding::Hex),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Json("/event"), Json("/message_token")],
        event_type: list![Place: Json("/event")],
        time: Some(json("/timestamp")),
        data: Borrowed(""),
    },
    ..BASE
};

/// Zoom: as [Slack](SLACK) but for the header names; `v0=` and hexadecimal HMAC-SHA256.
///
/// Source: `zoom/webhook-sample`; npm `@zoom/rivet`; developers.zoom.us.
///
/// - Zoom documents no limit on the time; 300 s in both directions is this library's choice.
/// - No event id: a retry is known by its body.
/// - `endpoint.url_validation` is verified, then answered with the token and its HMAC. Zoom repeats
///   it every 72 h.
/// - Zoom's own sample signs the parsed and printed JSON and so fails on a body with spaces.
pub const ZOOM: Scheme = Scheme {
    name: Borrowed("zoom"),
    title: Borrowed("Zoom"),
    source: Borrowed("zoom/webhook-sample index.js; @zoom/rivet; developers.zoom.us"),
    content: list![Part: Literal("v0:"), Header("x-zm-request-timestamp"), Literal(":"), Body],
    signature: labelled("x-zm-signature", V0, Encoding::Hex),
    key: ISSUED,
    timestamp: time(header("x-zm-request-timestamp"), TimeFormat::UnixSeconds, Some(300), Some(300)),
    event: EventRule {
        event_type: list![Place: Json("/event")],
        time: Some(json("/event_ts")),
        data: Borrowed("/payload"),
        ..EventRule::NONE
    },
    handshakes: Borrowed(ZOOM_URL_VALIDATION),
    ..BASE
};

const DISCORD_CONTENT: List<Part> = list![Part: Header("X-Signature-Timestamp"), Body];

/// Discord shows the public key alone, as hexadecimal. `seed_` and a seed is our own form of the secret
/// key, for whoever plays Discord in a test.
const DISCORD_KEY: &[KeyForm] = &[
    KeyForm::new("seed_", SecretEncoding::Hex, KeyKind::Ed25519Secret),
    KeyForm::new("", SecretEncoding::Hex, KeyKind::Ed25519Public),
];

const fn discord_time() -> Option<TimestampRule> {
    time(header("X-Signature-Timestamp"), TimeFormat::UnixSeconds, Some(300), Some(300))
}

const DISCORD_PING: &[Handshake] = &[signed(
    &[Condition::Json(Borrowed("/type"), Borrowed("1"))],
    Answer {
        content_type: JSON,
        body: AnswerBody::Text(AnswerValue::Fixed(Borrowed("{\"type\":1}"))),
        status: 200,
        headers: Borrowed(&[]),
    },
)];

const DISCORD_EVENTS_PING: &[Handshake] = &[signed(
    &[Condition::Json(Borrowed("/type"), Borrowed("0"))],
    Answer { content_type: JSON, body: AnswerBody::Empty, status: 204, headers: Borrowed(&[]) },
)];

const META_SUBSCRIBE: &[Handshake] = &[Handshake {
    when: Borrowed(&[
        Condition::Method(Borrowed("GET")),
        Condition::Query(Borrowed("hub.mode"), Borrowed("subscribe")),
        Condition::HasQuery(Borrowed("hub.challenge")),
    ]),
    signed: false,
    enrolment: false,
    expect: Borrowed(&[Expectation {
        value: AnswerValue::Query(Borrowed("hub.verify_token")),
        setting: Borrowed("verify_token"),
    }]),
    refusal: 403,
    secret: None,
    answer: echo(AnswerValue::Query(Borrowed("hub.challenge"))),
}];

const SLACK_URL_VERIFICATION: &[Handshake] = &[signed(
    &[
        Condition::Json(Borrowed("/type"), Borrowed("url_verification")),
        Condition::HasJson(Borrowed("/challenge")),
    ],
    echo(AnswerValue::Json(Borrowed("/challenge"))),
)];

/// The message type isn't signed, but the challenge is: a replayed notification under another type
/// holds none.
const TWITCH_CHALLENGE: &[Handshake] = &[signed(
    &[
        Condition::Header(
            Borrowed("Twitch-Eventsub-Message-Type"),
            Borrowed("webhook_callback_verification"),
        ),
        Condition::HasJson(Borrowed("/challenge")),
    ],
    echo(AnswerValue::Json(Borrowed("/challenge"))),
)];

const ZOOM_URL_VALIDATION: &[Handshake] = &[signed(
    &[
        Condition::Json(Borrowed("/event"), Borrowed("endpoint.url_validation")),
        Condition::HasJson(Borrowed("/payload/plainToken")),
    ],
    Answer {
        content_type: JSON,
        body: AnswerBody::Json(Borrowed(&[
            (Borrowed("plainToken"), AnswerValue::Json(Borrowed("/payload/plainToken"))),
            (Borrowed("encryptedToken"), AnswerValue::HmacSha256OfJson(Borrowed("/payload/plainToken"))),
        ])),
        status: 200,
        headers: Borrowed(&[]),
    },
)];

const JSON: Option<Text> = Some(Borrowed("application/json"));

/// A handshake that is verified as any delivery is, before it is answered.
const fn signed(when: &'static [Condition], answer: Answer) -> Handshake {
    Handshake {
        when: Borrowed(when),
        signed: true,
        enrolment: false,
        expect: Borrowed(&[]),
        refusal: 403,
        secret: None,
        answer,
    }
}
