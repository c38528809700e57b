//! Where code is kept, built, run and watched.

use alloc::borrow::Cow::Borrowed;

use super::{
    BASE, CHOSEN, ISSUED, SHA1, SHA1_LABEL, SHA256, SHA256_LABEL, TOKEN, V1, bare, json, labelled, listed,
    time,
};
use crate::scheme::{DeliveryRule, Encoding, EventRule, KeyRule, Place, Scheme, Separator, TimeFormat};

/// Bitbucket, Cloud and Data Center: `sha256=` and hexadecimal HMAC-SHA256 of the body, in
/// `X-Hub-Signature`.
///
/// Source: support.atlassian.com, Bitbucket Cloud, manage webhooks; `go-playground/webhooks`.
///
/// - No signed time. The id (`X-Request-UUID`, Cloud) is not signed, and that it stays the same over
///   attempts is a third party's word. Data Center sends `X-Request-Id` instead.
/// - The header has the name of GitHub's SHA-1 header; the algorithm is SHA-256.
/// - Without a secret there is no signature, and the request is refused. Data Center's connection
///   test (`X-Event-Key: diagnostics:ping`) is no exception.
pub const BITBUCKET: Scheme = Scheme {
    name: Borrowed("bitbucket"),
    title: Borrowed("Bitbucket"),
    source: Borrowed("support.atlassian.com bitbucket-cloud manage-webhooks; go-playground/webhooks"),
    signature: labelled("X-Hub-Signature", SHA256_LABEL, Encoding::Hex),
    key: CHOSEN,
    event: EventRule {
        id: list![Place: Header("X-Request-UUID")],
        event_type: list![Place: Header("X-Event-Key")],
        ..EventRule::NONE
    },
    ..BASE
};

/// CircleCI: a list of versions, of which `v1` is hexadecimal HMAC-SHA256 of the body.
///
/// Source: `circleci/circleci-docs`, webhooks.
///
/// - No signed time: dedupe on `id`.
/// - Other versions are passed over. A version that CircleCI adds later belongs into this scheme
///   *instead of* `v1`, so that the weaker of two is never enough.
pub const CIRCLECI: Scheme = Scheme {
    name: Borrowed("circleci"),
    title: Borrowed("CircleCI"),
    source: Borrowed("circleci/circleci-docs webhooks page"),
    signature: listed("circleci-signature", Separator::Comma, V1, Encoding::Hex),
    key: CHOSEN,
    event: EventRule {
        id: list![Place: Json("/id")],
        event_type: list![Place: Json("/type")],
        time: Some(json("/happened_at")),
        data: Borrowed(""),
    },
    ..BASE
};

/// GitHub: `sha256=` and hexadecimal HMAC-SHA256 of the body, in `X-Hub-Signature-256`.
///
/// Source: `github/docs`; `octokit/webhooks-methods.js`, `octokit/webhooks.js`; `google/go-github`.
///
/// - No signed time, and neither id nor type is signed: both are headers. The id stays the same when
///   a delivery is sent again by hand. An idempotency store takes two types
///   [with one body](crate::idempotency#two-events-with-one-body) for one event.
/// - Either case of the hexadecimal digits is accepted, as by `go-github` and one of octokit's two
///   builds.
/// - With the content type `application/x-www-form-urlencoded` the signature is over the form as it
///   arrived, and the JSON is its field `payload`. Choose `application/json`.
/// - Without a secret there is no signature, and the request is refused. The SHA-1 header that is
///   sent beside is never a way out.
/// - After creation a signed `ping` arrives: answer 2xx.
pub const GITHUB: Scheme = Scheme {
    name: Borrowed("github"),
    title: Borrowed("GitHub"),
    source: Borrowed(
        "github/docs content/webhooks; octokit/webhooks-methods.js; google/go-github messages.go",
    ),
    signature: labelled("X-Hub-Signature-256", SHA256_LABEL, Encoding::HexAnyCase),
    key: CHOSEN,
    event: EventRule {
        id: list![Place: Header("X-GitHub-Delivery")],
        event_type: list![Place: Header("X-GitHub-Event")],
        ..EventRule::NONE
    },
    ..BASE
};

/// GitHub's old signature: `sha1=` and hexadecimal HMAC-SHA1 of the body, in `X-Hub-Signature`.
///
/// Source: `github/docs`; `google/go-github`.
///
/// Sent beside the new one for compatibility: use [`GITHUB`]. What is said there holds here.
pub const GITHUB_SHA1: Scheme = Scheme {
    name: Borrowed("github-sha1"),
    title: Borrowed("GitHub (legacy SHA-1)"),
    source: Borrowed("github/docs; google/go-github"),
    signature: labelled("X-Hub-Signature", SHA1_LABEL, Encoding::HexAnyCase),
    key: CHOSEN,
    event: EventRule {
        id: list![Place: Header("X-GitHub-Delivery")],
        event_type: list![Place: Header("X-GitHub-Event")],
        ..EventRule::NONE
    },
    ..BASE
};

/// GitLab with a secret token: the token itself in `X-Gitlab-Token`.
///
/// Source: `gitlabhq/gitlabhq` (`app/services/web_hook_service.rb`).
///
/// - **Nothing is signed**, neither body nor time: prefer a signing token ([`GITLAB`]).
/// - The id is `Idempotency-Key`, the same over retries; `X-Gitlab-Webhook-UUID` is new each time.
/// - Without a token there is no header, and the request is refused.
///
/// [`GITLAB`]: super::GITLAB
pub const GITLAB_TOKEN: Scheme = Scheme {
    name: Borrowed("gitlab-token"),
    title: Borrowed("GitLab (secret token)"),
    source: Borrowed("gitlabhq/gitlabhq app/services/web_hook_service.rb"),
    content: Borrowed(&[]),
    signature: bare("X-Gitlab-Token", TOKEN, Encoding::Raw),
    key: CHOSEN,
    event: EventRule {
        id: list![Place: Header("Idempotency-Key")],
        event_type: list![Place: Header("X-Gitlab-Event")],
        ..EventRule::NONE
    },
    ..BASE
};

/// Jira Cloud's webhooks with a secret: `sha256=` and hexadecimal HMAC-SHA256 of the body, in
/// `X-Hub-Signature`.
///
/// Source: developer.atlassian.com/cloud/jira/platform/webhooks.
///
/// - No signed time. The id is the same over retries but stands in a header that isn't signed.
/// - Atlassian Connect apps are authenticated by a JWT instead, which is another scheme.
pub const JIRA: Scheme = Scheme {
    name: Borrowed("jira"),
    title: Borrowed("Jira Cloud"),
    source: Borrowed("https://developer.atlassian.com/cloud/jira/platform/webhooks/"),
    signature: labelled("X-Hub-Signature", SHA256_LABEL, Encoding::Hex),
    key: CHOSEN,
    event: EventRule {
        id: list![Place: Header("X-Atlassian-Webhook-Identifier")],
        event_type: list![Place: Json("/webhookEvent")],
        time: Some(json("/timestamp")),
        data: Borrowed(""),
    },
    ..BASE
};

/// Linear: hexadecimal HMAC-SHA256 of the body, which holds the time of sending.
///
/// Source: `linear/linear` (`packages/sdk/src/webhooks/client.ts` and its tests).
///
/// - 60 s in both directions, by `webhookTimestamp` in the body. The header `Linear-Timestamp` isn't
///   signed and is never read: in Linear's own library a fresh one once made an old body pass.
/// - `Linear-Delivery` isn't signed either, so that a replay could bear another: the id is put
///   together from the body, from what happened to which object when.
/// - Not every event has `data`: the whole body is given.
pub const LINEAR: Scheme = Scheme {
    name: Borrowed("linear"),
    title: Borrowed("Linear"),
    source: Borrowed("linear/linear packages/sdk/src/webhooks/client.ts, _tests, CHANGELOG.md"),
    signature: bare("Linear-Signature", SHA256, Encoding::Hex),
    key: KeyRule::TEXT.min(6),
    timestamp: time(json("/webhookTimestamp"), TimeFormat::UnixMillis, Some(60), Some(60)),
    event: EventRule {
        id: list![Place: Json("/type"), Json("/action"), Json("/data/id"), Json("/createdAt")],
        event_type: list![Place: Json("/type"), Json("/action")],
        time: Some(json("/createdAt")),
        data: Borrowed(""),
    },
    ..BASE
};

/// PagerDuty v3: a list of `v1=` and hexadecimal HMAC-SHA256 of the body.
///
/// Source: `PagerDuty/go-pagerduty` (`webhookv3`); `PagerDuty/developer-docs`.
///
/// - No signed time. The id is the signed `event.id`; `X-Webhook-Id` is as stable but not signed.
/// - While a secret is changed there are several `v1`, of which any may match.
/// - The test event is `pagey.ping`.
pub const PAGERDUTY: Scheme = Scheme {
    name: Borrowed("pagerduty"),
    title: Borrowed("PagerDuty v3"),
    source: Borrowed("PagerDuty/go-pagerduty webhookv3; PagerDuty/developer-docs"),
    signature: listed("X-PagerDuty-Signature", Separator::Comma, V1, Encoding::Hex),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Json("/event/id")],
        event_type: list![Place: Json("/event/event_type")],
        time: Some(json("/event/occurred_at")),
        data: Borrowed("/event/data"),
    },
    ..BASE
};

/// Sentry's integration platform: hexadecimal HMAC-SHA256 of the body, keyed with the integration's
/// client secret.
///
/// Source: Sentry, integration platform documentation; `getsentry/integration-platform-example`.
///
/// - `Sentry-Hook-Timestamp` is **not signed** and is not checked: a captured request stays valid.
/// - Neither is the id, nor the resource in the type's first half; the action is.
/// - The body is ASCII with `\uXXXX` escapes: written again as JSON it doesn't verify.
/// - Answer within 1 s. Select options are asked for by `GET` with an empty body. Some calls use
///   `Sentry-App-Signature`: change the header's name for these.
pub const SENTRY: Scheme = Scheme {
    name: Borrowed("sentry"),
    title: Borrowed("Sentry"),
    source: Borrowed("Sentry integration platform documentation; getsentry/integration-platform-example"),
    delivery: DeliveryRule { methods: Borrowed(&[Borrowed("POST"), Borrowed("GET")]), ..DeliveryRule::POST },
    signature: bare("Sentry-Hook-Signature", SHA256, Encoding::Hex),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Header("Request-ID")],
        event_type: list![Place: Header("Sentry-Hook-Resource"), Json("/action")],
        time: None,
        data: Borrowed("/data"),
    },
    ..BASE
};

/// Vercel: hexadecimal HMAC-SHA1 of the body in `x-vercel-signature`.
///
/// Source: Vercel, webhook documentation; `vercel/examples`.
///
/// - SHA-1 is all that there is. HMAC-SHA1 is not broken, but nothing new should use it.
/// - No signed time: dedupe on `id`.
/// - Log drains use the same header with the drain's own secret, and want `x-vercel-verify`
///   answered, which this scheme doesn't.
pub const VERCEL: Scheme = Scheme {
    name: Borrowed("vercel"),
    title: Borrowed("Vercel"),
    source: Borrowed("Vercel webhook documentation; vercel/examples"),
    signature: bare("x-vercel-signature", SHA1, Encoding::Hex),
    key: ISSUED,
    event: EventRule {
        id: list![Place: Json("/id")],
        event_type: list![Place: Json("/type")],
        time: Some(json("/createdAt")),
        data: Borrowed("/payload"),
    },
    ..BASE
};
