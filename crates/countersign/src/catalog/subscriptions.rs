//! Providers that bill subscriptions or sell on a merchant's behalf.

use alloc::borrow::Cow::Borrowed;

use super::{
    BASE, BASIC_CHALLENGE, BASIC_KEY, ISSUED, SHA256, authorization, bare, field, json, listed, time,
};
use crate::scheme::{
    Algorithm, Encoding, EventRule, KeyRule, Part, Place, Scheme, Separator, Signature, Source, Syntax,
    TimeFormat, Version,
};

/// Chargebee: HTTP Basic authentication with the user and password that were configured.
///
/// Source: `chargebee/chargebee-python`; npm `chargebee`.
///
/// - **Nothing is signed.** Use a password of 32 random bytes, and ask Chargebee's API before acting
///   on what matters.
/// - The secret is written `user:password`. A request without it is answered with 401 and
///   `WWW-Authenticate`.
/// - Chargebee can carry a key in the URL's query instead: don't, since URLs are logged.
/// - Dedupe on `id`.
pub const CHARGEBEE: Scheme = Scheme {
    name: Borrowed("chargebee"),
    title: Borrowed("Chargebee"),
    source: Borrowed("chargebee/chargebee-python; npm chargebee"),
    content: Borrowed(&[]),
    delivery: BASIC_CHALLENGE,
    signature: authorization("Basic", Encoding::Base64),
    key: KeyRule::of(BASIC_KEY).min(1),
    event: EventRule {
        id: list![Place: Json("/id")],
        event_type: list![Place: Json("/event_type")],
        time: Some(json("/occurred_at")),
        data: Borrowed("/content"),
    },
    ..BASE
};

/// Lemon Squeezy: hexadecimal HMAC-SHA256 of the body in `X-Signature`.
///
/// Source: `lmsqueezy/nextjs-billing`; Lemon Squeezy, signing requests.
///
/// - No signed time and no event id: a retry is known by its body.
/// - The type is the signed `meta.event_name`, which `X-Event-Name` repeats without protection.
/// - The secret has 6 to 40 characters.
pub const LEMONSQUEEZY: Scheme = Scheme {
    name: Borrowed("lemonsqueezy"),
    title: Borrowed("Lemon Squeezy"),
    source: Borrowed("lmsqueezy/nextjs-billing; Lemon Squeezy signing-requests documentation"),
    signature: bare("X-Signature", SHA256, Encoding::Hex),
    key: KeyRule::TEXT.min(6),
    event: EventRule {
        event_type: list![Place: Json("/meta/event_name")],
        data: Borrowed("/data"),
        ..EventRule::NONE
    },
    ..BASE
};

/// Paddle Billing: `ts=…;h1=…`, hexadecimal HMAC-SHA256 of the time, a colon and the body.
///
/// Source: `PaddleHQ/paddle-node-sdk`, `paddle-go-sdk`, `paddle-php-sdk`, `paddle-python-sdk`;
/// developer.paddle.com, signature verification.
///
/// - At most **5 s** old, as in Paddle's libraries, without a limit for the future. That is less
///   than clocks commonly differ by: keep the clock in step, or allow more.
/// - The whole secret is the key, `pdl_ntfset_…` included.
/// - While a secret is changed there are several `h1`. Any may match; some of Paddle's libraries
///   read only one.
/// - Dedupe on `event_id`. `notification_id` names the event at one destination.
/// - Paddle Classic (`p_signature`) is another scheme.
pub const PADDLE: Scheme = Scheme {
    name: Borrowed("paddle"),
    title: Borrowed("Paddle Billing"),
    source: Borrowed("PaddleHQ/paddle-{node,go,php,python}-sdk; developer.paddle.com signature-verification"),
    content: list![Part: Field("ts"), Literal(":"), Body],
    signature: listed("Paddle-Signature", Separator::Semicolon, H1, Encoding::Hex),
    key: ISSUED,
    timestamp: time(field("ts"), TimeFormat::UnixSeconds, Some(5), None),
    event: EventRule {
        id: list![Place: Json("/event_id")],
        event_type: list![Place: Json("/event_type")],
        time: Some(json("/occurred_at")),
        data: Borrowed("/data"),
    },
    ..BASE
};

/// Recurly: the time in milliseconds, then one or more signatures, separated by commas and without
/// labels; hexadecimal HMAC-SHA256 of the time, a dot and the body.
///
/// Source: `recurly/recurly-client-ruby` (`lib/recurly/webhooks.rb`).
///
/// - 300 s in both directions.
/// - There is no id of the event: dedupe on the resource, its id, the type and the event's time.
/// - The secret is hexadecimal text that is used as it stands.
/// - The older XML webhooks are unsigned, with Basic authentication at most.
pub const RECURLY: Scheme = Scheme {
    name: Borrowed("recurly"),
    title: Borrowed("Recurly"),
    source: Borrowed("recurly/recurly-client-ruby lib/recurly/webhooks.rb"),
    content: list![Part: Field("time"), Literal("."), Body],
    signature: Signature {
        source: Source::Header(Borrowed("recurly-signature")),
        syntax: Syntax::Positional { separator: Separator::Comma, fields: Borrowed(&[Borrowed("time")]) },
        versions: Borrowed(SHA256),
        encoding: Encoding::Hex,
    },
    key: ISSUED,
    timestamp: time(field("time"), TimeFormat::UnixMillis, Some(300), Some(300)),
    event: EventRule {
        id: list![Place: Json("/object_type"), Json("/id"), Json("/event_type"), Json("/event_time")],
        event_type: list![Place: Json("/object_type"), Json("/event_type")],
        time: Some(json("/event_time")),
        data: Borrowed(""),
    },
    ..BASE
};

const H1: &[Version] = &[Version::labelled("h1", Algorithm::HmacSha256)];
