//! Providers that move money: cards, bank debits, coins.

use alloc::borrow::Cow::Borrowed;

use super::{
    BASE, CHOSEN, ISSUED, SHA1, SHA256, SHA256_LABEL_OR_NONE, SHA512, TOKEN, V1, bare, field, fixed_if_sent,
    json, listed, time,
};
use crate::scheme::{
    DeliveryRule, Encoding, EventRule, FixedHeader, KeyForm, KeyKind, KeyRule, Part, Place, Scheme,
    SecretEncoding, Separator, Signature, Source, Syntax, TimeFormat,
};

/// Adyen's webhooks for platforms, banking and management: base64 HMAC-SHA256 of the body, keyed
/// with a hexadecimal key.
///
/// Source: `Adyen/adyen-node-api-library` (`hmacValidator.ts`, `validateHMACSignature`).
///
/// - No signed time. `timestamp` or `createdAt` in the body is the event's own.
/// - `data.id` names the resource, such as a transfer, which keeps it through its updates: it is no
///   event id, and a retry is known by its body.
/// - Adyen's classic notifications carry their signature inside the body and are another scheme.
pub const ADYEN_PLATFORM: Scheme = Scheme {
    name: Borrowed("adyen-platform"),
    title: Borrowed("Adyen platform, banking and management"),
    source: Borrowed("Adyen/adyen-node-api-library hmacValidator.ts validateHMACSignature"),
    delivery: DeliveryRule { fixed: Borrowed(ADYEN_PROTOCOL), ..DeliveryRule::POST },
    signature: bare("HmacSignature", SHA256, Encoding::Base64),
    key: KeyRule::of(HEX_KEY).min(8),
    event: EventRule { event_type: list![Place: Json("/type")], data: Borrowed("/data"), ..EventRule::NONE },
    ..BASE
};

/// Checkout.com: hexadecimal HMAC-SHA256 of the body in `Cko-Signature`.
///
/// Source: Checkout.com, webhook documentation; `checkout/checkout-sdk-net`.
///
/// - No signed time: dedupe on `id`.
/// - A fixed value in `Authorization` can be configured beside the signature. It is not checked
///   here, since it proves nothing that the signature doesn't.
/// - Ubble, of the same house, sends a header of the same name in another format (ECDSA).
pub const CHECKOUT: Scheme = Scheme {
    name: Borrowed("checkout"),
    title: Borrowed("Checkout.com"),
    source: Borrowed("Checkout.com webhook documentation; checkout/checkout-sdk-net"),
    signature: bare("Cko-Signature", SHA256, Encoding::Hex),
    key: CHOSEN,
    event: EventRule {
        id: list![Place: Json("/id")],
        event_type: list![Place: Json("/type")],
        time: Some(json("/created_on")),
        data: Borrowed("/data"),
    },
    ..BASE
};

/// Coinbase Commerce: hexadecimal HMAC-SHA256 of the body in `X-CC-Webhook-Signature`.
///
/// Source: `coinbase/coinbase-commerce-node` (`lib/Webhook.js`).
///
/// - No signed time.
/// - The event's id is `event.id`; the `id`, `attempt_number` and `scheduled_for` at the top belong
///   to the attempt and change with it.
pub const COINBASE_COMMERCE: Scheme = Scheme {
    name: Borrowed("coinbase-commerce"),
    title: Borrowed("Coinbase Commerce"),
    source: Borrowed("coinbase/coinbase-commerce-node lib/Webhook.js"),
    signature: bare("X-CC-Webhook-Signature", SHA256, Encoding::Hex),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Json("/event/id")],
        event_type: list![Place: Json("/event/type")],
        time: Some(json("/event/created_at")),
        data: Borrowed("/event/data"),
    },
    ..BASE
};

/// Flutterwave v3: the secret hash itself in `verif-hash`.
///
/// Source: Flutterwave, webhook documentation.
///
/// **Nothing is signed**: whoever sees one request can send any other. Before acting on an event,
/// ask Flutterwave's API for the transaction.
pub const FLUTTERWAVE_V3: Scheme = Scheme {
    name: Borrowed("flutterwave-v3"),
    title: Borrowed("Flutterwave v3"),
    source: Borrowed("Flutterwave webhook documentation"),
    content: Borrowed(&[]),
    signature: bare("verif-hash", TOKEN, Encoding::Raw),
    key: CHOSEN,
    event: EventRule {
        id: list![Place: Json("/event"), Json("/data/id")],
        event_type: list![Place: Json("/event")],
        time: None,
        data: Borrowed("/data"),
    },
    ..BASE
};

/// Flutterwave v4: base64 HMAC-SHA256 of the body in `flutterwave-signature`.
///
/// Source: `toneflix/flutterwave-4-nodejs-sdk` and other community code, with one logged header.
///
/// - **Not confirmed by an official page**: some code expects hexadecimal or SHA-512. Check it
///   against a live delivery.
/// - No signed time. Dedupe on the type and `data.id`; whether `webhook_id` names the event or the
///   endpoint is not established.
pub const FLUTTERWAVE_V4: Scheme = Scheme {
    name: Borrowed("flutterwave-v4"),
    title: Borrowed("Flutterwave v4"),
    source: Borrowed("toneflix/flutterwave-4-nodejs-sdk; community code (no official page)"),
    signature: bare("flutterwave-signature", SHA256, Encoding::Base64),
    key: CHOSEN,
    event: EventRule {
        id: list![Place: Json("/type"), Json("/data/id")],
        event_type: list![Place: Json("/type")],
        time: Some(json("/timestamp")),
        data: Borrowed("/data"),
    },
    ..BASE
};

/// GoCardless: hexadecimal HMAC-SHA256 of the body in `Webhook-Signature`.
///
/// Source: `gocardless/gocardless-pro-python` (`gocardless_pro/webhooks.py`).
///
/// - No signed time.
/// - One request holds up to 250 events: dedupe on the `id` of each of `events`, beside the check of
///   the whole request.
/// - GoCardless documents 498 as the answer to a wrong signature; any refusal has the same effect.
pub const GOCARDLESS: Scheme = Scheme {
    name: Borrowed("gocardless"),
    title: Borrowed("GoCardless"),
    source: Borrowed("gocardless/gocardless-pro-python gocardless_pro/webhooks.py"),
    signature: bare("Webhook-Signature", SHA256, Encoding::Hex),
    key: ISSUED,
    ..BASE
};

/// Mollie's next-generation webhooks: `sha256=` and hexadecimal HMAC-SHA256 of the body.
///
/// Source: `mollie/mollie-api-php` (`src/Webhooks/SignatureValidator.php`); `mollie-api-python`.
///
/// - No signed time: dedupe on `id`.
/// - While a secret is changed the header is sent several times, once a secret.
/// - As in Mollie's own libraries, `sha256=` may be missing.
/// - Classic webhooks are **unsigned** forms (`id=tr_…`). Mollie's libraries report these as
///   "legacy" and go on; here they are refused for their missing signature.
pub const MOLLIE: Scheme = Scheme {
    name: Borrowed("mollie"),
    title: Borrowed("Mollie"),
    source: Borrowed("mollie/mollie-api-php src/Webhooks/SignatureValidator.php; mollie-api-python"),
    signature: Signature {
        source: Source::Repeated(Borrowed("X-Mollie-Signature")),
        syntax: Syntax::Labelled('='),
        versions: Borrowed(SHA256_LABEL_OR_NONE),
        encoding: Encoding::Hex,
    },
    key: ISSUED,
    event: EventRule {
        id: list![Place: Json("/id")],
        event_type: list![Place: Json("/type")],
        ..EventRule::NONE
    },
    ..BASE
};

/// Paystack: hexadecimal HMAC-SHA512 of the body, keyed with the API secret key.
///
/// Source: Paystack, webhook documentation; `NangoHQ/nango`, `simstudioai/sim`.
///
/// - No signed time, and no event id: dedupe on `event` with `data.id`.
/// - There is no secret for webhooks alone: changing the API key (`sk_live_…`) changes this one.
/// - Paystack documents a list of its addresses as the second factor.
pub const PAYSTACK: Scheme = Scheme {
    name: Borrowed("paystack"),
    title: Borrowed("Paystack"),
    source: Borrowed("Paystack webhook documentation; NangoHQ/nango, simstudioai/sim"),
    signature: bare("x-paystack-signature", SHA512, Encoding::Hex),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Json("/event"), Json("/data/id")],
        event_type: list![Place: Json("/event")],
        time: None,
        data: Borrowed("/data"),
    },
    ..BASE
};

/// Razorpay: hexadecimal HMAC-SHA256 of the body in `X-Razorpay-Signature`.
///
/// Source: `razorpay/razorpay-python` (`razorpay/utility/utility.py`); `razorpay/markdown-docs`.
///
/// - No signed time. The id is the same over retries but stands in a header that isn't signed.
/// - After a change of the secret, retries of older events are still signed with the **old** one:
///   keep both for the time of retries.
/// - Events may arrive out of order.
/// - The callbacks of the browser checkout are signed otherwise and are no webhooks.
pub const RAZORPAY: Scheme = Scheme {
    name: Borrowed("razorpay"),
    title: Borrowed("Razorpay"),
    source: Borrowed("razorpay/razorpay-python razorpay/utility/utility.py; razorpay/markdown-docs"),
    signature: bare("X-Razorpay-Signature", SHA256, Encoding::Hex),
    key: CHOSEN,
    event: EventRule {
        id: list![Place: Header("x-razorpay-event-id")],
        event_type: list![Place: Json("/event")],
        time: Some(json("/created_at")),
        data: Borrowed("/payload"),
    },
    ..BASE
};

/// Square: base64 HMAC-SHA256 of the notification URL and the body.
///
/// Source: `square/square-nodejs-sdk`, `square-python-sdk`; developer.squareup.com, webhooks.
///
/// - The URL is the text that was configured at Square, byte for byte, whatever the request's own
///   headers say: a trailing slash matters.
/// - No signed time: `square-initial-delivery-timestamp` isn't covered. Dedupe on `event_id`.
/// - The key looks like base64 and is used as it stands.
pub const SQUARE: Scheme = Scheme {
    name: Borrowed("square"),
    title: Borrowed("Square"),
    source: Borrowed("square/square-nodejs-sdk, square-python-sdk; developer.squareup.com webhooks"),
    content: list![Part: ConfiguredUrl, Body],
    signature: bare("x-square-hmacsha256-signature", SHA256, Encoding::Base64),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Json("/event_id")],
        event_type: list![Place: Json("/type")],
        time: Some(json("/created_at")),
        data: Borrowed("/data"),
    },
    ..BASE
};

/// Square's old signature: HMAC-SHA1 of the notification URL and the body, in `x-square-signature`.
///
/// Source: npm `@gravitywelluk/square-utils`.
///
/// Deprecated, and still sent beside the new one: use [`SQUARE`].
pub const SQUARE_LEGACY_SHA1: Scheme = Scheme {
    name: Borrowed("square-legacy-sha1"),
    title: Borrowed("Square (deprecated SHA-1)"),
    source: Borrowed("npm @gravitywelluk/square-utils README (third party)"),
    content: list![Part: ConfiguredUrl, Body],
    signature: bare("x-square-signature", SHA1, Encoding::Base64),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Json("/event_id")],
        event_type: list![Place: Json("/type")],
        time: Some(json("/created_at")),
        data: Borrowed("/data"),
    },
    ..BASE
};

/// Stripe: `t=…,v1=…`, hexadecimal HMAC-SHA256 of the time, a dot and the body.
///
/// Source: `stripe/stripe-python`, `stripe-node`, `stripe-go`, `stripe-ruby` and their tests;
/// docs.stripe.com/webhooks.
///
/// - At most 300 s old. Stripe's libraries set no limit for the future, and neither does this.
/// - The whole secret is the key, `whsec_` included: it is **not** base64 here.
/// - A rolled secret stays in use for up to 24 h, one `v1` a secret. Other labels (`v0`) are passed
///   over; two `t` are refused.
/// - Dedupe on `id` (`evt_…`): time and signature are new at each attempt.
/// - `object` being `v2.core.event` means a thin event, which has no `data.object`.
pub const STRIPE: Scheme = Scheme {
    name: Borrowed("stripe"),
    title: Borrowed("Stripe"),
    source: Borrowed(
        "stripe/stripe-{python,node,go,ruby} webhook modules and tests; docs.stripe.com/webhooks",
    ),
    content: list![Part: Field("t"), Literal("."), Body],
    signature: listed("Stripe-Signature", Separator::Comma, V1, Encoding::Hex),
    key: KeyRule::of(STRIPE_KEY).min(6),
    timestamp: time(field("t"), TimeFormat::UnixSeconds, Some(300), None),
    event: EventRule {
        id: list![Place: Json("/id")],
        event_type: list![Place: Json("/type")],
        time: Some(json("/created")),
        data: Borrowed("/data/object"),
    },
    ..BASE
};

const ADYEN_PROTOCOL: &[FixedHeader] = &[fixed_if_sent("Protocol", "HmacSHA256")];
const HEX_KEY: &[KeyForm] = &[KeyForm::new("", SecretEncoding::Hex, KeyKind::Symmetric)];
const STRIPE_KEY: &[KeyForm] = &[KeyForm::text_with_prefix("whsec_"), KeyForm::TEXT];
