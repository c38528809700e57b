//! What an outbox promises of ids, event types and tenants by their length.

use super::steps::{
    ANY, WORKS, assert_is_stored, claim_one, end, endpoint, enqueue, matching, message, message_ids, put,
};
use crate::{
    MAX_KEY, MAX_NAME, StoreErrorKind,
    conformance::{Harness, incompressible},
    outbox::{DeliveryFilter, Endpoint, MessageFilter, NewMessage, OutboxStore, Page, TenantFilter, Verdict},
};

/// Names of [`MAX_NAME`] bytes are kept, whatever they hold and however many of them meet, and are found.
pub async fn the_longest_names_are_kept_and_found(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let name = |number| incompressible(number, MAX_NAME);
    let tenant = Some(name(1));
    put(&store, &Endpoint { tenant: tenant.clone(), created_at: 1, ..endpoint(&name(2)) }).await;
    assert_is_stored(&store, &Endpoint { tenant: tenant.clone(), created_at: 1, ..endpoint(&name(2)) }).await;
    let longest = NewMessage {
        id: Some(name(3)),
        tenant: tenant.clone(),
        idempotency_key: Some(incompressible(4, MAX_KEY)),
        ..message(&name(5))
    };
    assert_eq!(enqueue(&store, &longest).await.deliveries, 1);
    let claimed = claim_one(&store).await;
    end(&store, &claimed, Verdict::Delivered).await;
    for filter in [
        DeliveryFilter { message_id: Some(name(3)), ..ANY },
        DeliveryFilter { endpoint_id: Some(name(2)), ..ANY },
        DeliveryFilter { tenant: TenantFilter::exactly(tenant.as_deref()), ..ANY },
        DeliveryFilter { event_type: Some(name(5)), ..ANY },
    ] {
        assert_eq!(matching(&store, &filter).await.len(), 1);
    }
    let of_tenant =
        MessageFilter { tenant: TenantFilter::exactly(tenant.as_deref()), ..MessageFilter::default() };
    assert_eq!(message_ids(&store, &of_tenant, &Page::default()).await, [name(3)]);
}

/// One byte more is refused as what no store keeps, and all that came with it: nobody need try again.
pub async fn a_name_that_no_store_keeps_is_refused(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let long = || "x".repeat(MAX_NAME + 1);
    for (what, new) in [
        ("id", NewMessage { id: Some(long()), ..message("order.paid") }),
        ("event type", message(&long())),
        ("tenant", NewMessage { tenant: Some(long()), ..message("order.paid") }),
    ] {
        let refused = store.enqueue(&[message("order.paid"), new]).await.expect_err(what);
        assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{what}: {refused}");
        assert_eq!(message_ids(&store, &MessageFilter::default(), &Page::default()).await, [""; 0]);
    }
    for (what, new) in
        [("id", endpoint(&long())), ("tenant", Endpoint { tenant: Some(long()), ..endpoint("ep") })]
    {
        let refused = store.put_endpoint(&new).await.expect_err(what);
        assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{what}: {refused}");
        let refused = store.put_endpoint_if_unchanged(&new).await.expect_err(what);
        assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{what}: {refused}");
        assert_eq!(store.endpoints(&TenantFilter::Any, &Page::default()).await.expect(WORKS), []);
    }
}
