//! Billing platforms: the five systems that this project began with.

use alloc::{
    borrow::{
        Cow::{self, Borrowed},
        ToOwned,
    },
    vec,
};

use super::{BASE, ISSUED, SHA256, bare, json};
use crate::scheme::{Algorithm, Encoding, EventRule, KeyRule, Place, Scheme, Signature, Source, Version};

/// IPTVbp: hexadecimal HMAC-SHA256 of the body in `X-Webhook-Signature`.
///
/// Source: IPTVbp, webhook documentation.
///
/// - The body is `{id, type, timestamp, data}`. Dedupe on `id`.
/// - No signed time of sending: `timestamp` (RFC 3339) is the event's own, and no limit on it is
///   documented. A captured request stays valid until the secret is changed.
/// - Types are `subscription.created`, `payment.received`, `invoice.paid`, `trial.expired` and their
///   like.
/// - The documented sample signs the parsed and printed JSON: a sender that does so and a receiver
///   that verifies the bytes agree only where the two are the same.
pub const IPTVBP: Scheme = Scheme {
    name: Borrowed("iptvbp"),
    title: Borrowed("IPTVbp"),
    source: Borrowed("IPTVbp webhook documentation"),
    signature: bare("X-Webhook-Signature", SHA256, Encoding::Hex),
    key: SECRET,
    event: EventRule {
        id: list![Place: Json("/id")],
        event_type: list![Place: Json("/type")],
        time: Some(json("/timestamp")),
        data: Borrowed("/data"),
    },
    ..BASE
};

/// A self-hosted panel: hexadecimal HMAC-SHA256 of the body in `X-Webhook-Signature`.
///
/// Source: the panel's webhook documentation, which names the events and not the body.
///
/// - Types are `user.created`, `server.deleted`, `transaction.success`, `ticket.reopened` and their
///   like; the test is `test.webhook`. **Where the type stands is an assumption**: at `/event`. The
///   whole body is given as the data.
/// - No event id is documented: a retry is known by its body.
/// - No signed time: a captured request stays valid until the secret is changed.
/// - The panel's secret is optional. Without one there is no signature, and the request is refused.
pub const PANEL: Scheme = Scheme {
    name: Borrowed("panel"),
    title: Borrowed("Self-hosted panel"),
    source: Borrowed("the panel's webhook documentation; the place of the type is an assumption"),
    signature: bare("X-Webhook-Signature", SHA256, Encoding::Hex),
    key: SECRET,
    event: EventRule { event_type: list![Place: Json("/event")], ..EventRule::NONE },
    ..BASE
};

/// ISPBills, as far as it is documented: HMAC of the body, keyed with the endpoint's secret.
///
/// Source: ISPBills, webhook documentation.
///
/// - **The header's name, the hash and the encoding are assumptions**: `X-Webhook-Signature`,
///   SHA-256, hexadecimal. State the real ones by [`isp_bills`], or find them from a captured
///   request by `countersign infer`.
/// - The body isn't documented. Its type is looked for at `/event`, and the whole body is given as
///   the data. A retry is known by its body.
/// - No signed time: a captured request stays valid until the secret is changed.
pub const ISPBILLS: Scheme = Scheme {
    name: Borrowed("ispbills"),
    title: Borrowed("ISPBills"),
    source: Borrowed("ISPBills webhook documentation; header, hash and encoding are assumptions"),
    signature: bare("X-Webhook-Signature", SHA256, Encoding::Hex),
    key: SECRET,
    event: EventRule { event_type: list![Place: Json("/event")], ..EventRule::NONE },
    ..BASE
};

/// [`ISPBILLS`] with the header, the HMAC and the encoding that this installation uses.
///
/// ```
/// use countersign::{catalog, scheme::{Algorithm, Encoding}};
///
/// let scheme = catalog::isp_bills("X-ISPBills-Signature", Algorithm::HmacSha512, Encoding::Base64);
/// assert!(scheme.check().is_ok());
/// ```
#[must_use]
pub fn isp_bills(header: &str, algorithm: Algorithm, encoding: Encoding) -> Scheme {
    let signature = Signature {
        source: Source::Header(Cow::Owned(header.to_owned())),
        versions: Cow::Owned(vec![Version::bare(algorithm)]),
        encoding,
        ..ISPBILLS.signature
    };
    Scheme { signature, ..ISPBILLS }
}

/// BillRun: unsigned.
///
/// Source: BillRun, webhooks API.
///
/// - **Nothing authenticates the sender.** Give each webhook a URL that can't be guessed, accept it
///   from BillRun's addresses alone, and ask its API before acting on an event.
/// - The body isn't documented: neither type nor id is read from it. The module and the action are
///   those with which the webhook was created: give each its own URL.
pub const BILLRUN: Scheme = Scheme {
    name: Borrowed("billrun"),
    title: Borrowed("BillRun"),
    source: Borrowed("BillRun webhooks API"),
    content: Borrowed(&[]),
    signature: UNSIGNED,
    key: SECRET,
    ..BASE
};

/// SnapBill: unsigned.
///
/// Source: SnapBill, webhook documentation.
///
/// - **Nothing authenticates the sender.** Give each webhook a URL that can't be guessed, accept it
///   from SnapBill's addresses alone, and ask its API before acting on an event.
/// - The body is `{uuid, body: {id, path, details, …}}`. Dedupe on `uuid`; `body.id` serves as well.
///   The type is the path, such as `/invoice/update/state`.
/// - The body is made when it is delivered, so it shows the state at that time, not at the event's:
///   two attempts at one event can differ.
pub const SNAPBILL: Scheme = Scheme {
    name: Borrowed("snapbill"),
    title: Borrowed("SnapBill"),
    source: Borrowed("SnapBill webhook documentation"),
    content: Borrowed(&[]),
    signature: UNSIGNED,
    key: SECRET,
    event: EventRule {
        id: list![Place: Json("/uuid")],
        event_type: list![Place: Json("/body/path")],
        time: None,
        data: Borrowed("/body"),
    },
    ..BASE
};

/// Nobody documents how long these secrets are.
const SECRET: KeyRule = ISSUED;

/// The header is never read.
const UNSIGNED: Signature = bare("X-Signature", NONE, Encoding::Raw);
const NONE: &[Version] = &[Version::bare(Algorithm::None)];
