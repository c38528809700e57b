//! Changing an endpoint's secret.

use std::time::Duration;

use countersign_store::outbox::EndpointKey;

/// For how long two secrets of an endpoint sign side by side, by default: a day.
pub const DEFAULT_OVERLAP: Duration = Duration::from_secs(86_400);

/// The keys of an endpoint once its secret is changed: the new one signs from `now` (Unix seconds), and the
/// old ones sign beside it for `overlap`, so that the receiver can change its own meanwhile. Where the
/// scheme holds one signature alone, as GitHub's does, the first key that is valid signs: the new one. A receiver must
/// then accept it before it is given to an endpoint.
///
/// [Seal](crate::Sealer::seal) the new secret first where secrets are sealed, and write the endpoint by
/// [`put_endpoint_if_unchanged`](countersign_store::outbox::OutboxStore::put_endpoint_if_unchanged), so that what somebody
/// else changes meanwhile isn't lost.
///
/// ```
/// use countersign_dispatch::{DEFAULT_OVERLAP, rotate};
/// use countersign_store::outbox::EndpointKey;
///
/// let key = |label: &str, secret: &str| EndpointKey::new(label, secret);
/// let keys = rotate(&[key("old", "whsec_old")], key("new", "whsec_new"), 1_764_000_000, DEFAULT_OVERLAP);
/// assert_eq!((keys[0].label.as_str(), keys[0].valid_from), ("new", Some(1_764_000_000)));
/// assert_eq!((keys[1].label.as_str(), keys[1].valid_until), ("old", Some(1_764_086_400)));
/// ```
#[must_use]
pub fn rotate(keys: &[EndpointKey], new: EndpointKey, now: i64, overlap: Duration) -> Vec<EndpointKey> {
    let end = now.saturating_add(i64::try_from(overlap.as_secs()).unwrap_or(i64::MAX));
    let ends = |key: &EndpointKey| Some(key.valid_until.map_or(end, |until| until.min(end)));
    let still = keys.iter().filter(|key| key.valid_until.is_none_or(|until| until > now));
    let old = still.map(|key| EndpointKey { valid_until: ends(key), ..key.clone() });
    std::iter::once(EndpointKey { valid_from: Some(now), ..new }).chain(old).collect()
}
