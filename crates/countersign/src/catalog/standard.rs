//! Standard Webhooks, and the providers that sign as it says.

use alloc::borrow::Cow::Borrowed;

use super::{BASE, V1, V1_OR_NONE, header, json, time};
use crate::scheme::{
    Algorithm, DeliveryRule, Encoding, EventRule, KeyForm, KeyKind, KeyRule, List, Part, Place, Scheme,
    SecretEncoding, Separator, Signature, Source, Syntax, TimeFormat, TimestampRule, Version,
};

/// Standard Webhooks 1.0: id, time and body in `webhook-signature`, by HMAC-SHA256 (`v1`) and, where
/// the sender has such a key, by Ed25519 (`v1a`).
///
/// Source: `standard-webhooks/standard-webhooks` (`spec/standard-webhooks.md`, `libraries/`);
/// `svix/svix-webhooks` for `v1a`.
///
/// - The time may be 300 s off in both directions: the specification gives no number, all of its
///   libraries use this one. It is renewed at each attempt; the id is not.
/// - The time is signed as the text that arrived. Libraries that print the parsed number again also
///   accept `+1614265330`; this scheme doesn't.
/// - Secrets are base64 with or without `whsec_`. The specification asks for 24 to 64 bytes and no
///   library checks it; here 16 are enough, since shorter ones than 24 are in use.
/// - The type and the data are where the specification recommends them. A sender may use any body:
///   change [`EventRule::event_type`] and [`EventRule::data`] then.
pub const STANDARD_WEBHOOKS: Scheme = Scheme {
    name: Borrowed("standard-webhooks"),
    title: Borrowed("Standard Webhooks"),
    source: Borrowed("standard-webhooks/standard-webhooks spec/standard-webhooks.md and libraries/"),
    content: WEBHOOK_CONTENT,
    signature: webhook_signature(V1_AND_V1A),
    key: KeyRule::of(ANY_KEY).min(16),
    timestamp: webhook_time(),
    event: EventRule {
        id: WEBHOOK_ID,
        event_type: list![Place: Json("/type")],
        time: Some(json("/timestamp")),
        data: Borrowed("/data"),
    },
    ..BASE
};

/// Svix: Standard Webhooks under the header names `svix-*`, or `webhook-*`.
///
/// Source: `svix/svix-webhooks` (`rust/src/webhooks.rs`, `javascript/src/webhook.ts`, `server/`).
///
/// - All headers must be of one family. Svix's own libraries look each of the three up by itself
///   and so accept a mixture; a mixture never comes from Svix's server.
/// - Real secrets of 18 bytes exist, so 16 are enough.
/// - The body is the sender's own. Its type is read from `/type`, where most put it.
pub const SVIX: Scheme = Scheme {
    name: Borrowed("svix"),
    title: Borrowed("Svix"),
    source: Borrowed("svix/svix-webhooks rust/src/webhooks.rs, javascript/src/webhook.ts, server/"),
    content: SVIX_CONTENT,
    delivery: SVIX_DELIVERY,
    signature: svix_signature(V1_AND_V1A),
    key: KeyRule::of(ANY_KEY).min(16),
    timestamp: svix_time(),
    event: EventRule { id: SVIX_ID, event_type: list![Place: Json("/type")], ..EventRule::NONE },
    ..BASE
};

/// Clerk: signs through [Svix](SVIX).
///
/// Source: `clerk/javascript` (`packages/backend/src/webhooks.ts`).
///
/// The `timestamp` of the body, in milliseconds, is the time of the event and says nothing about
/// the age of the delivery.
pub const CLERK: Scheme = Scheme {
    name: Borrowed("clerk"),
    title: Borrowed("Clerk"),
    source: Borrowed("clerk/javascript packages/backend/src/webhooks.ts"),
    content: SVIX_CONTENT,
    delivery: SVIX_DELIVERY,
    signature: svix_signature(V1),
    key: KeyRule::of(SYMMETRIC_KEY).min(16),
    timestamp: svix_time(),
    event: EventRule {
        id: SVIX_ID,
        event_type: list![Place: Json("/type")],
        time: Some(json("/timestamp")),
        data: Borrowed("/data"),
    },
    ..BASE
};

/// Resend: signs through [Svix](SVIX).
///
/// Source: `resend/resend-node`.
pub const RESEND: Scheme = Scheme {
    name: Borrowed("resend"),
    title: Borrowed("Resend"),
    source: Borrowed("resend/resend-node"),
    content: SVIX_CONTENT,
    delivery: SVIX_DELIVERY,
    signature: svix_signature(V1),
    key: KeyRule::of(SYMMETRIC_KEY).min(16),
    timestamp: svix_time(),
    event: EventRule {
        id: SVIX_ID,
        event_type: list![Place: Json("/type")],
        time: Some(json("/created_at")),
        data: Borrowed("/data"),
    },
    ..BASE
};

/// OpenAI: Standard Webhooks, but a secret without `whsec_` is the key as it stands.
///
/// Source: `openai/openai-python` (`src/openai/resources/webhooks`).
///
/// - The id is the header's (`wh_…`); the body's own (`evt_…`) names the event.
/// - As in OpenAI's own library, an entry may stand without `v1,`.
pub const OPENAI: Scheme = Scheme {
    name: Borrowed("openai"),
    title: Borrowed("OpenAI"),
    source: Borrowed("openai/openai-python src/openai/resources/webhooks"),
    content: WEBHOOK_CONTENT,
    signature: webhook_signature(V1_OR_NONE),
    key: KeyRule::of(OPENAI_KEY).min(8),
    timestamp: webhook_time(),
    event: EventRule {
        id: WEBHOOK_ID,
        event_type: list![Place: Json("/type")],
        time: Some(json("/created_at")),
        data: Borrowed("/data"),
    },
    ..BASE
};

/// Supabase Auth hooks: Standard Webhooks with several signatures joined by a comma and a space.
///
/// Source: `supabase/auth` (`internal/hooks/hookshttp/hookshttp.go`,
/// `internal/conf/configuration.go`).
///
/// - `webhook-id` is new at each attempt, retries included: there is no event id, and only the body
///   tells a retry from a new event. There is no event type either: each hook has its own URL.
/// - Secrets are written `v1,whsec_…`, several of them joined by `|`.
/// - Supabase waits for the answer and reads it: 204, or 200 or 202 with `Content-Type:
///   application/json`, within 5 s for all attempts together. So answer each attempt anew, without an
///   idempotency store.
pub const SUPABASE: Scheme = Scheme {
    name: Borrowed("supabase"),
    title: Borrowed("Supabase Auth hooks"),
    source: Borrowed("supabase/auth internal/hooks/hookshttp/hookshttp.go, internal/conf/configuration.go"),
    content: WEBHOOK_CONTENT,
    signature: Signature {
        source: Source::Header(Borrowed("webhook-signature")),
        syntax: Syntax::List { separator: Separator::CommaSpace, delimiter: ',' },
        versions: Borrowed(V1),
        encoding: Encoding::Base64,
    },
    key: KeyRule {
        forms: Borrowed(SUPABASE_KEY),
        min_bytes: 16,
        max_bytes: KeyRule::DEFAULT_MAX_BYTES,
        joined_by: Some('|'),
    },
    timestamp: webhook_time(),
    ..BASE
};

/// GitLab with a signing token (2026): Standard Webhooks with a secret of exactly 32 bytes.
///
/// Source: `gitlab-org/gitlab` merge requests 230944 and 231325; docs.gitlab.com, webhooks, signing
/// tokens.
///
/// - GitLab's own limit on the time isn't established; this is that of Standard Webhooks.
/// - The type is the signed `object_kind` (`push`), not the unsigned `X-Gitlab-Event`
///   (`Push Hook`). System hooks and custom templates need not have one.
/// - `X-Gitlab-Token` may be sent beside the signature, and is passed over; see
///   [`GITLAB_TOKEN`](super::GITLAB_TOKEN).
pub const GITLAB: Scheme = Scheme {
    name: Borrowed("gitlab"),
    title: Borrowed("GitLab (signing token)"),
    source: Borrowed("gitlab-org/gitlab!230944 and !231325; docs.gitlab.com webhooks, signing tokens"),
    content: WEBHOOK_CONTENT,
    signature: webhook_signature(V1),
    key: KeyRule::of(GITLAB_KEY).min(32),
    timestamp: webhook_time(),
    event: EventRule { id: WEBHOOK_ID, event_type: list![Place: Json("/object_kind")], ..EventRule::NONE },
    ..BASE
};

const WEBHOOK_CONTENT: List<Part> =
    list![Part: Header("webhook-id"), Literal("."), Header("webhook-timestamp"), Literal("."), Body];
const WEBHOOK_ID: List<Place> = list![Place: Header("webhook-id")];

const SVIX_CONTENT: List<Part> =
    list![Part: Header("svix-id"), Literal("."), Header("svix-timestamp"), Literal("."), Body];
const SVIX_ID: List<Place> = list![Place: Header("svix-id")];
const SVIX_DELIVERY: DeliveryRule =
    DeliveryRule { families: Borrowed(&[Borrowed("svix-"), Borrowed("webhook-")]), ..DeliveryRule::POST };

const V1_AND_V1A: &[Version] =
    &[Version::labelled("v1", Algorithm::HmacSha256), Version::labelled("v1a", Algorithm::Ed25519)];

const WHSEC: KeyForm = KeyForm::new("whsec_", SecretEncoding::Base64, KeyKind::Symmetric);
const UNPREFIXED: KeyForm = KeyForm::new("", SecretEncoding::Base64, KeyKind::Symmetric);
const SYMMETRIC_KEY: &[KeyForm] = &[WHSEC, UNPREFIXED];
const ANY_KEY: &[KeyForm] = &[
    WHSEC,
    KeyForm::new("whpk_", SecretEncoding::Base64, KeyKind::Ed25519Public),
    KeyForm::new("whsk_", SecretEncoding::Base64, KeyKind::Ed25519Secret),
    UNPREFIXED,
];
const OPENAI_KEY: &[KeyForm] = &[WHSEC, KeyForm::TEXT];
const GITLAB_KEY: &[KeyForm] = &[WHSEC];
const SUPABASE_KEY: &[KeyForm] =
    &[KeyForm::new("v1,whsec_", SecretEncoding::Base64, KeyKind::Symmetric), WHSEC];

const fn webhook_signature(versions: &'static [Version]) -> Signature {
    spaced("webhook-signature", versions)
}

const fn svix_signature(versions: &'static [Version]) -> Signature {
    spaced("svix-signature", versions)
}

/// A list of `version,signature`, separated by spaces.
const fn spaced(header: &'static str, versions: &'static [Version]) -> Signature {
    Signature {
        source: Source::Header(Borrowed(header)),
        syntax: Syntax::List { separator: Separator::Space, delimiter: ',' },
        versions: Borrowed(versions),
        encoding: Encoding::Base64,
    }
}

const fn webhook_time() -> Option<TimestampRule> {
    time(header("webhook-timestamp"), TimeFormat::UnixSeconds, Some(300), Some(300))
}

const fn svix_time() -> Option<TimestampRule> {
    time(header("svix-timestamp"), TimeFormat::UnixSeconds, Some(300), Some(300))
}
