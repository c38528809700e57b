//! What ISPBills sends, signed as its installation says.
//!
//! Documented are the endpoint, which is an `https` URL with a secret and the categories that it wants, and
//! that the signature is an HMAC of the raw body. The header's name, the hash and the encoding are not: state
//! them by [`catalog::isp_bills`]. Neither is the body: the type at `event` beside the data's fields is what
//! the scheme assumes, and that it begins with its category is our assumption.
//!
//! No id is sent, so a receiver knows a retry by its body, and takes two events with the same body for one:
//! put what tells them apart into the data.

use countersign::{
    Scheme, catalog,
    events::{
        TypedEvent,
        ispbills::{Category, EventType},
    },
    scheme::Algorithm,
};
use countersign_store::outbox::{Endpoint, NewMessage};
use serde_core::Serialize;

use super::{ProfileError, endpoint, message};

/// An endpoint that wants the events of these categories, signed by `scheme` with `secret`.
///
/// ```
/// use countersign::{catalog, events::ispbills::Category, scheme::{Algorithm, Encoding}};
/// use countersign_dispatch::profile::ispbills;
///
/// let scheme = catalog::isp_bills("X-ISPBills-Signature", Algorithm::HmacSha512, Encoding::Base64);
/// let wanted = [Category::Invoice, Category::Payment];
/// let endpoint =
///     ispbills::endpoint("ep_1", "https://example.com/hooks", "an-endpoint's-own-secret", &scheme, &wanted)?;
/// assert_eq!(endpoint.events, ["invoice.*", "payment.*"]);
/// # Ok::<(), countersign_dispatch::profile::ProfileError>(())
/// ```
///
/// # Errors
/// Where the URL isn't `https`, a category isn't documented, the secret can't be used, or the scheme is none
/// that [`catalog::isp_bills`] makes of an HMAC.
pub fn endpoint(
    id: &str,
    url: &str,
    secret: &str,
    scheme: &Scheme,
    wanted: &[Category],
) -> Result<Endpoint, ProfileError> {
    endpoint::check_https(url)?;
    check_scheme(scheme)?;
    wanted.iter().try_for_each(check)?;
    let events = wanted.iter().map(|category| format!("{category}.*")).collect();
    endpoint::signed(id, url, scheme, secret, events)
}

/// The message of an event: `{event, …}`, with the fields of its data beside its type. Its id is the
/// message's, and like its time isn't sent.
///
/// # Errors
/// Where the type isn't `category.…` with a category that is documented, or the data isn't a JSON object or
/// has a field `event`.
pub fn message<T: Serialize>(event: &TypedEvent<EventType, T>) -> Result<NewMessage, ProfileError> {
    let category = event.event_type.category();
    check(&category)?;
    match event.event_type.as_str().split_once('.') {
        Some((first, rest)) if first == category.as_str() && !rest.is_empty() => {
            message::of_scheme(&catalog::ISPBILLS, event)
        }
        _ => Err(ProfileError::unknown("ISPBills", &event.event_type)),
    }
}

fn check_scheme(scheme: &Scheme) -> Result<(), ProfileError> {
    let stated = Scheme { signature: scheme.signature.clone(), ..catalog::ISPBILLS };
    match *scheme == stated && scheme.algorithms().all(is_hmac) {
        true => Ok(()),
        false => Err(ProfileError::endpoint("state the scheme by `catalog::isp_bills`, with an HMAC")),
    }
}

fn is_hmac(algorithm: Algorithm) -> bool {
    use Algorithm::{HmacSha1, HmacSha256, HmacSha384, HmacSha512};
    matches!(algorithm, HmacSha1 | HmacSha256 | HmacSha384 | HmacSha512)
}

fn check(category: &Category) -> Result<(), ProfileError> {
    match category {
        Category::Other(other) => Err(ProfileError::unknown("ISPBills", other)),
        _ => Ok(()),
    }
}
