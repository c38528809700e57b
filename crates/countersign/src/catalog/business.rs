//! Shops, customers, books and contracts.

use alloc::borrow::Cow::Borrowed;

use super::{
    ANY_METHOD, BASE, CHOSEN, ECDSA, ISSUED, SHA256, SHA256_SECRET_PREFIX, bare, empty, fixed_if_sent,
    header, json, time,
};
use crate::scheme::{
    Condition, DeliveryRule, Encoding, EventRule, FixedHeader, Handshake, KeyForm, KeyKind, KeyRule, Part,
    Place, Scheme, SecretEncoding, Signature, Source, Syntax, TimeFormat,
};

/// DocuSign Connect: base64 HMAC-SHA256 of the body, once for each active key, in numbered headers.
///
/// Source: `docusign/code-examples-*`, `connect-node-listener-aws`; DocuSign Connect, HMAC.
///
/// - `X-DocuSign-Signature-1`, `-2` and so on, up to 100: the number says nothing about the key, so
///   each is compared with every key.
/// - No signed time and no delivery id. The id is put together from the event, the envelope and the
///   time of generating: `retryCount` is new at each attempt, and recipients of one envelope have
///   events of the same name.
/// - The key looks like base64 and is used as it stands. The body is JSON, or XML in old
///   configurations.
pub const DOCUSIGN: Scheme = Scheme {
    name: Borrowed("docusign"),
    title: Borrowed("DocuSign Connect"),
    source: Borrowed(
        "docusign/code-examples-*, connect-node-listener-aws; DocuSign Connect HMAC documentation",
    ),
    delivery: DeliveryRule { fixed: Borrowed(DOCUSIGN_DIGEST), ..DeliveryRule::POST },
    signature: Signature {
        source: Source::Numbered(Borrowed("X-DocuSign-Signature-")),
        syntax: Syntax::Bare,
        versions: Borrowed(SHA256),
        encoding: Encoding::Base64,
    },
    key: ISSUED,
    event: EventRule {
        id: list![Place: Json("/event"), Json("/data/envelopeId"), Json("/generatedDateTime")],
        event_type: list![Place: Json("/event")],
        time: Some(json("/generatedDateTime")),
        data: Borrowed("/data"),
    },
    ..BASE
};

/// HubSpot's first version: hexadecimal SHA-256 of the client secret followed by the body.
///
/// Source: `HubSpot/hubspot-api-nodejs` (`src/utils/signature.ts`).
///
/// - **Not a MAC**: a hash of this kind can be extended by whoever knows one, in principle. Prefer
///   [`HUBSPOT_V3`].
/// - No signed time. The body is an array of events: dedupe on the `eventId` of each.
pub const HUBSPOT_V1: Scheme = Scheme {
    name: Borrowed("hubspot-v1"),
    title: Borrowed("HubSpot v1"),
    source: Borrowed("HubSpot/hubspot-api-nodejs src/utils/signature.ts"),
    delivery: DeliveryRule { fixed: Borrowed(HUBSPOT_IS_V1), ..DeliveryRule::POST },
    signature: bare("X-HubSpot-Signature", SHA256_SECRET_PREFIX, Encoding::Hex),
    key: ISSUED,
    ..BASE
};

/// HubSpot's second version, for workflows and CRM cards: hexadecimal SHA-256 of the client secret,
/// the method, the URL and the body.
///
/// Source: `HubSpot/hubspot-api-nodejs` (`src/utils/signature.ts`); `hookdeck/webhook-samples`.
///
/// - **Not a MAC**, as [the first](HUBSPOT_V1). A request may carry a version 3 beside it: prefer
///   [`HUBSPOT_V3`].
/// - The URL is the one that HubSpot called: give the public one, since a proxy changes it.
/// - No signed time and no event id: a retry is known by its body.
pub const HUBSPOT_V2: Scheme = Scheme {
    name: Borrowed("hubspot-v2"),
    title: Borrowed("HubSpot v2"),
    source: Borrowed("HubSpot/hubspot-api-nodejs src/utils/signature.ts; hookdeck/webhook-samples"),
    content: list![Part: Method, RequestUrl, Body],
    delivery: DeliveryRule { fixed: Borrowed(HUBSPOT_IS_V2), ..ANY_METHOD },
    signature: bare("X-HubSpot-Signature", SHA256_SECRET_PREFIX, Encoding::Hex),
    key: ISSUED,
    ..BASE
};

/// HubSpot's third version: base64 HMAC-SHA256 of the method, the URL, the body and the time.
///
/// Source: HubSpot, request validation; `HubSpot/hubspot-api-nodejs`, `-python`, `-ruby`, `-php`.
///
/// - At most 300 s old; no limit for the future, as in HubSpot's libraries.
/// - Twelve percent-escapes of the URL are decoded before it is signed, as documented. None of
///   HubSpot's libraries does it, so that these refuse URLs with such escapes.
/// - The URL is the one that HubSpot called: give the public one, since a proxy changes it.
/// - The body is an array of events: dedupe on the `eventId` of each.
pub const HUBSPOT_V3: Scheme = Scheme {
    name: Borrowed("hubspot-v3"),
    title: Borrowed("HubSpot v3"),
    source: Borrowed(
        "HubSpot request-validation documentation; HubSpot/hubspot-api-{nodejs,python,ruby,php}",
    ),
    content: list![Part:
        Method, RequestUrlDecoded(":/?@!$'()*,;"), Body, Header("X-HubSpot-Request-Timestamp")],
    delivery: ANY_METHOD,
    signature: bare("X-HubSpot-Signature-v3", SHA256, Encoding::Base64),
    key: ISSUED,
    timestamp: time(header("X-HubSpot-Request-Timestamp"), TimeFormat::UnixMillis, Some(300), None),
    ..BASE
};

/// SendGrid's event webhook: ECDSA over the time and the body, without anything between.
///
/// Source: `sendgrid/sendgrid-nodejs`, `-python` and `-go`, their event webhook helpers and tests;
/// `twilio.com/docs/sendgrid`, event webhook security features.
///
/// - The key is the public key that SendGrid shows, in base64 without lines around: it verifies and can't sign. Who plays
///   SendGrid in a test signs with a key as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkcs8
///   -topk8 -nocrypt -outform DER | base64 -w 0` makes it.
/// - SendGrid documents no limit on the time; 300 s in both directions is this library's choice.
/// - The body is an array of events and ends with a line break, which is signed. So there is no id, type or time of the
///   request: each event has its own, in `sg_event_id`, `event` and `timestamp`. A retry is known by its body.
/// - To every signature there is another one that is as good, so a signature tells no request apart.
pub const SENDGRID: Scheme = Scheme {
    name: Borrowed("sendgrid"),
    title: Borrowed("SendGrid (event webhook)"),
    source: Borrowed(
        "sendgrid/sendgrid-nodejs, -python, -go eventwebhook helpers and tests; twilio.com/docs/sendgrid",
    ),
    content: list![Part: Header("X-Twilio-Email-Event-Webhook-Timestamp"), Body],
    signature: bare("X-Twilio-Email-Event-Webhook-Signature", ECDSA, Encoding::Base64),
    key: KeyRule::of(SENDGRID_KEY),
    timestamp: time(
        header("X-Twilio-Email-Event-Webhook-Timestamp"),
        TimeFormat::UnixSeconds,
        Some(300),
        Some(300),
    ),
    ..BASE
};

/// Shopify: base64 HMAC-SHA256 of the body, keyed with the app's client secret.
///
/// Source: `Shopify/shopify-app-js`, `shopify-api-ruby`, `shopify-api-php`; shopify.dev, verify
/// deliveries.
///
/// - Only the body is signed: not the topic, the shop, the id or `X-Shopify-Triggered-At`. Where the
///   shop matters, take it from the body. An idempotency store takes two topics
///   [with one body](crate::idempotency#two-events-with-one-body) for one event, unless each has a URL of its own.
/// - After a change of the secret the new one may be used only after an hour: keep both.
/// - Events that are triggered by hand in a shop's settings are signed with another secret.
pub const SHOPIFY: Scheme = Scheme {
    name: Borrowed("shopify"),
    title: Borrowed("Shopify"),
    source: Borrowed(
        "Shopify/shopify-app-js, shopify-api-ruby, shopify-api-php; shopify.dev verify-deliveries",
    ),
    signature: bare("X-Shopify-Hmac-Sha256", SHA256, Encoding::Base64),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Header("X-Shopify-Webhook-Id")],
        event_type: list![Place: Header("X-Shopify-Topic")],
        time: Some(header("X-Shopify-Triggered-At")),
        data: Borrowed(""),
    },
    ..BASE
};

/// Shopify's Events (developer preview): as [webhooks](SHOPIFY), without the `X-` of the headers.
///
/// Source: `Shopify/shopify-app-js` (`lib/webhooks/validate.ts`); shopify.dev, events.
///
/// Only the body is signed, and what is said there of topics holds here. `shopify-webhook-id` names the delivery; `shopify-event-id` names the
/// event that caused it, and perhaps others.
pub const SHOPIFY_EVENTS: Scheme = Scheme {
    name: Borrowed("shopify-events"),
    title: Borrowed("Shopify Events (developer preview)"),
    source: Borrowed("Shopify/shopify-app-js lib/types.ts, lib/webhooks/validate.ts; shopify.dev events"),
    signature: bare("shopify-hmac-sha256", SHA256, Encoding::Base64),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Header("shopify-webhook-id")],
        event_type: list![Place: Header("shopify-topic"), Header("shopify-action")],
        time: Some(header("shopify-triggered-at")),
        data: Borrowed(""),
    },
    ..BASE
};

/// WooCommerce: base64 HMAC-SHA256 of the body in `X-WC-Webhook-Signature`.
///
/// Source: `woocommerce/woocommerce` (`class-wc-webhook.php`); `woocommerce-rest-api-docs`.
///
/// - Only the body is signed: not the topic, nor the shop in `X-WC-Webhook-Source`. No signed time.
/// - `X-WC-Webhook-Delivery-ID` is new at each attempt, so it is no event id: a retry is known by
///   its body. An idempotency store takes two topics
///   [with one body](crate::idempotency#two-events-with-one-body), such as `order.created` and `order.updated`, for
///   one event: give each a URL of its own.
/// - The shop decodes HTML entities in the secret that it stores: give the secret as it was typed.
/// - On creation an **unsigned** form `webhook_id=…` arrives. It is answered with 200 and nothing
///   else happens.
/// - After five failures the shop disables the webhook.
pub const WOOCOMMERCE: Scheme = Scheme {
    name: Borrowed("woocommerce"),
    title: Borrowed("WooCommerce"),
    source: Borrowed("woocommerce/woocommerce includes/class-wc-webhook.php; woocommerce-rest-api-docs"),
    signature: bare("X-WC-Webhook-Signature", SHA256, Encoding::Base64),
    key: CHOSEN,
    event: EventRule { event_type: list![Place: Header("X-WC-Webhook-Topic")], ..EventRule::NONE },
    handshakes: Borrowed(WOOCOMMERCE_CREATED),
    ..BASE
};

/// Xero: base64 HMAC-SHA256 of the body, keyed with the webhooks key.
///
/// Source: Xero, webhook documentation; `XeroAPI/xero-node`.
///
/// - No signed time, and `entropy` makes the body of every request another: the id is the range of
///   sequence numbers.
/// - "Intent to receive" is a series of requests without events, some of them signed wrongly: answer
///   200 or 401, always with an **empty** body, without cookies, within 5 s. 400 or 403 fails it.
/// - One request holds several events, or none.
pub const XERO: Scheme = Scheme {
    name: Borrowed("xero"),
    title: Borrowed("Xero"),
    source: Borrowed("Xero webhook documentation; XeroAPI/xero-node"),
    signature: bare("x-xero-signature", SHA256, Encoding::Base64),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Json("/firstEventSequence"), Json("/lastEventSequence")],
        ..EventRule::NONE
    },
    ..BASE
};

/// Zendesk: base64 HMAC-SHA256 of the time and the body, without anything between.
///
/// Source: developer.zendesk.com, verifying webhooks.
///
/// - Zendesk documents no limit on the time. Implementers use 300 s, and so does this, in both
///   directions.
/// - The id of the invocation isn't signed. The body of a trigger's webhook is free text, XML or a
///   form, and need not differ from one event to the next; only event webhooks have the `type` and
///   `time` that are read here.
/// - The secret looks like base64 and is used as it stands.
/// - Any method is possible; without a body the time alone is signed.
pub const ZENDESK: Scheme = Scheme {
    name: Borrowed("zendesk"),
    title: Borrowed("Zendesk"),
    source: Borrowed("https://developer.zendesk.com/documentation/webhooks/verifying/"),
    content: list![Part: Header("X-Zendesk-Webhook-Signature-Timestamp"), Body],
    delivery: ANY_METHOD,
    signature: bare("X-Zendesk-Webhook-Signature", SHA256, Encoding::Base64),
    key: ISSUED,
    timestamp: time(
        header("X-Zendesk-Webhook-Signature-Timestamp"),
        TimeFormat::Rfc3339,
        Some(300),
        Some(300),
    ),
    event: EventRule {
        id: list![Place: Header("X-Zendesk-Webhook-Invocation-Id")],
        event_type: list![Place: Json("/type")],
        time: Some(json("/time")),
        data: Borrowed(""),
    },
    ..BASE
};

/// PKCS #8 of P-256 with its public key begins so, and no public key does.
const SENDGRID_KEY: &[KeyForm] = &[
    KeyForm {
        prefix: Borrowed("MIG"),
        keep_prefix: true,
        encoding: SecretEncoding::Base64,
        kind: KeyKind::EcdsaP256Secret,
    },
    KeyForm::new("", SecretEncoding::Base64, KeyKind::EcdsaP256Public),
];

const DOCUSIGN_DIGEST: &[FixedHeader] = &[fixed_if_sent("X-Authorization-Digest", "HMACSHA256")];
const HUBSPOT_IS_V1: &[FixedHeader] = &[fixed_if_sent("X-HubSpot-Signature-Version", "v1")];
const HUBSPOT_IS_V2: &[FixedHeader] = &[fixed_if_sent("X-HubSpot-Signature-Version", "v2")];

const WOOCOMMERCE_CREATED: &[Handshake] = &[Handshake {
    when: Borrowed(&[Condition::Method(Borrowed("POST")), Condition::BodyPrefix(Borrowed("webhook_id="))]),
    signed: false,
    enrolment: false,
    expect: Borrowed(&[]),
    refusal: 403,
    secret: None,
    answer: empty(200),
}];
