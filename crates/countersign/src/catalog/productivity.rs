//! Documents, calendars, boards and media.

use alloc::borrow::Cow::Borrowed;

use super::{
    ANY_METHOD, BASE, CHOSEN, ISSUED, SHA1, SHA256, SHA256_LABEL, V1, bare, echo, empty, field, fixed,
    header, json, labelled, listed, time,
};
use crate::scheme::{
    Algorithm, Answer, AnswerBody, AnswerHeader, AnswerValue, Condition, DeliveryRule, Encoding, EventRule,
    FixedHeader, Handshake, KeyForm, KeyKind, KeyRule, Part, Place, Scheme, SecretEncoding, Separator,
    Signature, Source, Syntax, TimeFormat, TimestampRule, Version,
};

/// Airtable: `hmac-sha256=` and hexadecimal HMAC-SHA256 of the body, keyed with a base64 secret.
///
/// Source: `gtalarico/pyairtable` (`pyairtable/models/webhook.py`).
///
/// - No signed time and no event: it only says that something changed. Read the changes from the API
///   with a cursor, and duplicates do no harm.
/// - The secret is `macSecretBase64`, which the API returns once, at creation.
/// - Answer 200 or 204 with an empty body.
pub const AIRTABLE: Scheme = Scheme {
    name: Borrowed("airtable"),
    title: Borrowed("Airtable"),
    source: Borrowed("gtalarico/pyairtable pyairtable/models/webhook.py"),
    signature: labelled("X-Airtable-Content-MAC", HMAC_SHA256_LABEL, Encoding::Hex),
    key: KeyRule::of(BASE64_KEY).min(8),
    event: EventRule { time: Some(json("/timestamp")), ..EventRule::NONE },
    ..BASE
};

/// Asana: hexadecimal HMAC-SHA256 of the body, keyed with the secret that its first request brings.
///
/// Source: `Asana/devrel-examples`; Asana, webhooks guide.
///
/// - The first request carries `X-Hook-Secret`, arrives while the call that creates the webhook is
///   still open, and is answered with the same header. **Anyone can send one later**, so it is
///   answered only while the application says that it is enrolling.
/// - The secret's text is the key, and is kept per webhook: let the URL tell them apart.
/// - No signed time and no event ids: one request holds several events, or none (a heartbeat).
pub const ASANA: Scheme = Scheme {
    name: Borrowed("asana"),
    title: Borrowed("Asana"),
    source: Borrowed("Asana/devrel-examples; Asana webhooks guide"),
    signature: bare("X-Hook-Signature", SHA256, Encoding::Hex),
    key: ISSUED,
    handshakes: Borrowed(ASANA_SECRET),
    ..BASE
};

/// Box: base64 HMAC-SHA256 of the body and the time, by a primary and a secondary key.
///
/// Source: `box/box-python-sdk` (`box_sdk_gen/internal/utils.py`); `box-node-sdk`.
///
/// - Give the primary key first: each key checks its own header alone, and either is enough. One key
///   is changed at a time.
/// - At most 600 s old. A time that is ahead of the clock is refused outright, as by Box's libraries:
///   keep the clock in step, or allow some seconds.
/// - Dedupe on `id`; `BOX-DELIVERY-ID` is new at each attempt.
/// - The body is ASCII with `\uXXXX` and `\/`: written again as JSON it doesn't verify.
pub const BOX: Scheme = Scheme {
    name: Borrowed("box"),
    title: Borrowed("Box"),
    source: Borrowed("box/box-python-sdk box_sdk_gen/internal/utils.py; box-node-sdk"),
    content: list![Part: Body, Header("BOX-DELIVERY-TIMESTAMP")],
    delivery: DeliveryRule { fixed: Borrowed(BOX_VERSION), ..DeliveryRule::POST },
    signature: Signature {
        source: Source::PerKey(Borrowed(&[
            Borrowed("BOX-SIGNATURE-PRIMARY"),
            Borrowed("BOX-SIGNATURE-SECONDARY"),
        ])),
        syntax: Syntax::Bare,
        versions: Borrowed(SHA256),
        encoding: Encoding::Base64,
    },
    key: ISSUED,
    timestamp: time(header("BOX-DELIVERY-TIMESTAMP"), TimeFormat::Rfc3339, Some(600), Some(0)),
    event: EventRule {
        id: list![Place: Json("/id")],
        event_type: list![Place: Json("/trigger")],
        time: None,
        data: Borrowed("/source"),
    },
    ..BASE
};

/// Cal.com: hexadecimal HMAC-SHA256 of the body in `X-Cal-Signature-256`.
///
/// Source: `calcom/docs`.
///
/// - No signed time and no id: dedupe on the booking, the trigger and the time of creation.
/// - Without a secret Cal.com sends the words `no-secret-provided`, which are refused.
/// - The body can be a template of the user's: these fields are those of the default one.
pub const CALCOM: Scheme = Scheme {
    name: Borrowed("calcom"),
    title: Borrowed("Cal.com"),
    source: Borrowed("calcom/docs"),
    signature: bare("X-Cal-Signature-256", SHA256, Encoding::Hex),
    key: CHOSEN,
    event: EventRule {
        id: list![Place: Json("/payload/uid"), Json("/triggerEvent"), Json("/createdAt")],
        event_type: list![Place: Json("/triggerEvent")],
        time: Some(json("/createdAt")),
        data: Borrowed("/payload"),
    },
    ..BASE
};

/// Calendly: `t=…,v1=…`, hexadecimal HMAC-SHA256 of the time, a dot and the body.
///
/// Source: Calendly, webhook signatures.
///
/// - At most 180 s old. Calendly names a tolerance of three minutes and no limit for the future.
/// - No event id: dedupe on what, which event and when.
/// - Without a signing key, which is chosen at subscription, there is no signature, and the request
///   is refused.
pub const CALENDLY: Scheme = Scheme {
    name: Borrowed("calendly"),
    title: Borrowed("Calendly"),
    source: Borrowed("Calendly webhook-signatures documentation"),
    content: list![Part: Field("t"), Literal("."), Body],
    signature: listed("Calendly-Webhook-Signature", Separator::Comma, V1, Encoding::Hex),
    key: CHOSEN,
    timestamp: time(field("t"), TimeFormat::UnixSeconds, Some(180), None),
    event: EventRule {
        id: list![Place: Json("/payload/uri"), Json("/event"), Json("/created_at")],
        event_type: list![Place: Json("/event")],
        time: Some(json("/created_at")),
        data: Borrowed("/payload"),
    },
    ..BASE
};

/// Dropbox: hexadecimal HMAC-SHA256 of the body, keyed with the app secret.
///
/// Source: `dropbox/mdwebhook` (`app.py`); dropbox.com/developers/reference/webhooks.
///
/// - No signed time and no event: it only says whose files changed. Two changes can have equal bodies,
///   of which an idempotency store would take the second for a retry: use none, and ask the API each
///   time.
/// - The endpoint is tested by an unsigned `GET` whose `challenge` is given back as plain text, with
///   `nosniff`: as HTML it would run the caller's script.
pub const DROPBOX: Scheme = Scheme {
    name: Borrowed("dropbox"),
    title: Borrowed("Dropbox"),
    source: Borrowed("dropbox/mdwebhook app.py; dropbox.com/developers/reference/webhooks"),
    signature: bare("X-Dropbox-Signature", SHA256, Encoding::Hex),
    key: ISSUED,
    handshakes: Borrowed(DROPBOX_CHALLENGE),
    ..BASE
};

/// Mux: `t=…,v1=…`, hexadecimal HMAC-SHA256 of the time, a dot and the body.
///
/// Source: `muxinc/mux-node-sdk`, `mux-elixir`.
///
/// At most 300 s old; no limit for the future, as in Mux's libraries. Several `v1` may be there, of
/// which any may match.
pub const MUX: Scheme = Scheme {
    name: Borrowed("mux"),
    title: Borrowed("Mux"),
    source: Borrowed("muxinc/mux-node-sdk, mux-elixir"),
    content: list![Part: Field("t"), Literal("."), Body],
    signature: listed("Mux-Signature", Separator::Comma, V1, Encoding::Hex),
    key: ISSUED,
    timestamp: time(field("t"), TimeFormat::UnixSeconds, Some(300), None),
    event: EventRule {
        id: list![Place: Json("/id")],
        event_type: list![Place: Json("/type")],
        time: None,
        data: Borrowed("/data"),
    },
    ..BASE
};

/// Notion: `sha256=` and hexadecimal HMAC-SHA256 of the body, keyed with the verification token.
///
/// Source: `makenotion/notion-sdk-js` (`src/webhooks.ts`).
///
/// - The first request holds nothing but `verification_token`, which becomes the key; paste it into
///   Notion's settings to finish. **Anyone can send one later**, so it is answered only while the
///   application says that it is enrolling.
/// - No signed time: dedupe on `id`. `attempt_number` grows from 1 to 8.
/// - Either case of the hexadecimal digits is accepted, as by Notion's library.
/// - Events are sparse: ask the API for the entity.
pub const NOTION: Scheme = Scheme {
    name: Borrowed("notion"),
    title: Borrowed("Notion"),
    source: Borrowed("makenotion/notion-sdk-js src/webhooks.ts"),
    signature: labelled("X-Notion-Signature", SHA256_LABEL, Encoding::HexAnyCase),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Json("/id")],
        event_type: list![Place: Json("/type")],
        time: Some(json("/timestamp")),
        data: Borrowed(""),
    },
    handshakes: Borrowed(NOTION_TOKEN),
    ..BASE
};

/// Sanity's GROQ webhooks: `t=…,v1=…`, URL-safe base64 HMAC-SHA256 of the time, a dot and the body.
///
/// Source: `sanity-io/webhook-toolkit` (`src/signature.ts`); sanity.io/docs/webhooks.
///
/// - **No limit on the age**, as in Sanity's library: a captured request stays valid until the
///   application sets a tolerance. Times before 2021 are refused, so that seconds aren't taken for
///   milliseconds.
/// - The id (`idempotency-key`) and the type (`sanity-operation`) are headers that aren't signed.
/// - Sanity's library refuses an empty body; this scheme doesn't.
/// - Any method is possible.
pub const SANITY: Scheme = Scheme {
    name: Borrowed("sanity"),
    title: Borrowed("Sanity"),
    source: Borrowed("sanity-io/webhook-toolkit src/signature.ts; sanity.io/docs/webhooks"),
    content: list![Part: Field("t"), Literal("."), Body],
    delivery: ANY_METHOD,
    signature: listed("sanity-webhook-signature", Separator::SpaceOrComma, V1, Encoding::Base64Url),
    key: CHOSEN,
    timestamp: Some(TimestampRule {
        at: field("t"),
        format: TimeFormat::UnixMillis,
        past: None,
        future: None,
        not_before: Some(1_609_459_200),
    }),
    event: EventRule {
        id: list![Place: Header("idempotency-key")],
        event_type: list![Place: Header("sanity-operation")],
        time: Some(header("sanity-transaction-time")),
        data: Borrowed(""),
    },
    ..BASE
};

/// Trello: base64 HMAC-SHA1 of the body and the callback URL, keyed with the application's secret.
///
/// Source: developer.atlassian.com/cloud/trello/guides/rest-api/webhooks.
///
/// - The URL is the one that was registered, query included, byte for byte.
/// - The key is the application's OAuth secret, not the user's token.
/// - No signed time: dedupe on `action.id`.
/// - At creation a `HEAD` is sent to the URL and answered with 200. Answering 410 to a delivery
///   deletes the webhook.
/// - Older documentation drops the high byte of each UTF-16 unit before signing. If bodies with
///   letters beyond ASCII fail, this is why.
pub const TRELLO: Scheme = Scheme {
    name: Borrowed("trello"),
    title: Borrowed("Trello"),
    source: Borrowed("https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks"),
    content: list![Part: Body, ConfiguredUrl],
    signature: bare("X-Trello-Webhook", SHA1, Encoding::Base64),
    key: KeyRule::TEXT.min(6),
    event: EventRule {
        id: list![Place: Json("/action/id")],
        event_type: list![Place: Json("/action/type")],
        time: Some(json("/action/date")),
        data: Borrowed("/action"),
    },
    handshakes: Borrowed(TRELLO_CREATED),
    ..BASE
};

/// Typeform: `sha256=` and **base64** HMAC-SHA256 of the body.
///
/// Source: Typeform, webhook documentation; `NangoHQ/nango`, `simstudioai/sim`.
///
/// - The prefix is the one that elsewhere stands before hexadecimal digits.
/// - No signed time: dedupe on `event_id`.
pub const TYPEFORM: Scheme = Scheme {
    name: Borrowed("typeform"),
    title: Borrowed("Typeform"),
    source: Borrowed("Typeform webhook documentation; NangoHQ/nango, simstudioai/sim"),
    signature: labelled("Typeform-Signature", SHA256_LABEL, Encoding::Base64),
    key: CHOSEN,
    event: EventRule {
        id: list![Place: Json("/event_id")],
        event_type: list![Place: Json("/event_type")],
        time: None,
        data: Borrowed("/form_response"),
    },
    ..BASE
};

const BOX_VERSION: &[FixedHeader] =
    &[fixed("BOX-SIGNATURE-VERSION", "1"), fixed("BOX-SIGNATURE-ALGORITHM", "HmacSHA256")];
const HMAC_SHA256_LABEL: &[Version] = &[Version::labelled("hmac-sha256", Algorithm::HmacSha256)];
const BASE64_KEY: &[KeyForm] = &[KeyForm::new("", SecretEncoding::Base64, KeyKind::Symmetric)];

const ASANA_SECRET: &[Handshake] = &[enrolment(
    &[Condition::HasHeader(Borrowed("X-Hook-Secret"))],
    header("X-Hook-Secret"),
    Answer {
        status: 200,
        content_type: None,
        headers: Borrowed(&[AnswerHeader {
            name: Borrowed("X-Hook-Secret"),
            value: AnswerValue::Header(Borrowed("X-Hook-Secret")),
        }]),
        body: AnswerBody::Empty,
    },
)];

/// This request is signed, with the very token that it brings: there is nothing yet to verify it by.
const NOTION_TOKEN: &[Handshake] = &[enrolment(
    &[Condition::HasJson(Borrowed("/verification_token"))],
    json("/verification_token"),
    empty(200),
)];

const DROPBOX_CHALLENGE: &[Handshake] = &[unsigned(
    &[Condition::Method(Borrowed("GET")), Condition::HasQuery(Borrowed("challenge"))],
    echo(AnswerValue::Query(Borrowed("challenge"))),
)];

const TRELLO_CREATED: &[Handshake] = &[unsigned(&[Condition::Method(Borrowed("HEAD"))], empty(200))];

/// A handshake that anyone may send, since its answer tells and changes nothing.
const fn unsigned(when: &'static [Condition], answer: Answer) -> Handshake {
    Handshake {
        when: Borrowed(when),
        signed: false,
        enrolment: false,
        expect: Borrowed(&[]),
        refusal: 403,
        secret: None,
        answer,
    }
}

/// A handshake that brings the secret.
const fn enrolment(when: &'static [Condition], secret: Place, answer: Answer) -> Handshake {
    Handshake {
        when: Borrowed(when),
        signed: false,
        enrolment: true,
        expect: Borrowed(&[]),
        refusal: 403,
        secret: Some(secret),
        answer,
    }
}
