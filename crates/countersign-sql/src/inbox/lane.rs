//! Which events are handled one after the other.

use countersign_store::Received;
use sha2::{Digest, Sha256};

/// The number that events of one source, one tenant and one order share: a hash, so that an index
/// entry is short however long the texts are. Two lanes that share a number by chance wait for each
/// other and lose nothing.
pub(crate) fn lane(received: &Received) -> Option<i64> {
    let order = received.order.as_deref()?;
    let mut hash = Sha256::new();
    for part in [Some(received.source.as_str()), received.tenant.as_deref(), Some(order)] {
        // Length first, and another byte for none, so that no two lists of texts look alike.
        hash.update([u8::from(part.is_some())]);
        hash.update((part.unwrap_or_default().len() as u64).to_be_bytes());
        hash.update(part.unwrap_or_default());
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk().map(|first| i64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &str, tenant: Option<&str>, order: Option<&str>) -> Option<i64> {
        let mut received = Received::new("key", source, "");
        received.tenant = tenant.map(Into::into);
        received.order = order.map(Into::into);
        lane(&received)
    }

    #[test]
    fn an_event_without_an_order_has_no_lane() {
        assert_eq!(of("stripe", Some("acme"), None), None);
    }

    #[test]
    fn a_lane_is_one_source_one_tenant_and_one_order() {
        let lane = of("stripe", Some("acme"), Some("cus_1"));
        assert!(lane.is_some());
        assert_eq!(lane, of("stripe", Some("acme"), Some("cus_1")));
        assert_ne!(lane, of("github", Some("acme"), Some("cus_1")));
        assert_ne!(lane, of("stripe", Some("other"), Some("cus_1")));
        assert_ne!(lane, of("stripe", Some("acme"), Some("cus_2")));
    }

    #[test]
    fn texts_that_are_split_elsewhere_are_another_lane() {
        assert_ne!(of("a", Some("bc"), Some("d")), of("ab", Some("c"), Some("d")));
        assert_ne!(of("a", None, Some("d")), of("a", Some(""), Some("d")));
    }

    #[test]
    fn a_lane_has_the_same_number_in_every_version() {
        assert_eq!(of("stripe", Some("acme"), Some("cus_1")), Some(-7_181_724_382_495_076_807));
    }
}
