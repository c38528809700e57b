//! What an outbox promises of deliveries that nobody wants any more.

use std::time::Duration;

use super::steps::{
    ANY, WORKERS, WORKS, assert_nothing_is_due, attempts, bearing, cancel, claim, claim_briefly, claim_one,
    count, delivery, end, end_all, endpoint, enqueue, enqueue_all, matching, message, messages, of_message,
    put, redeliver, retry, settle, settling,
};
use crate::{
    Settlement,
    conformance::{Harness, LONG, race},
    outbox::{
        DeliveryFilter, DeliveryState, DisabledBecause, EndpointState, OutboxStore, Retention, TenantFilter,
        Trigger, Verdict,
    },
};

/// What is pending is cancelled, though its endpoint is disabled. What is under way or settled is left as it is.
pub async fn only_what_waits_is_cancelled(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue_all(&store, &messages("order.paid", 4)).await;
    let claimed = claim(&store, 4).await;
    for (claimed, verdict) in claimed.iter().zip([retry(LONG), Verdict::Delivered, Verdict::Dead]) {
        end(&store, claimed, verdict).await;
    }
    let [retried, others @ ..] = &claimed[..] else { unreachable!("four were claimed") };
    let mut before = Vec::new();
    for other in others {
        before.push(delivery(&store, other.id).await);
    }
    let disabled = EndpointState::Disabled(DisabledBecause::Operator);
    assert!(store.set_state("ep", disabled).await.expect(WORKS));
    assert_eq!(cancel(&store, &ANY, 100).await, 1);
    assert_eq!(cancel(&store, &ANY, 100).await, 0, "it is cancelled already");
    let cancelled = delivery(&store, retried.id).await;
    assert_eq!((cancelled.state, cancelled.due_at), (DeliveryState::Cancelled, None));
    assert_eq!((cancelled.attempts, attempts(&store, retried.id).await.len()), (1, 1));
    for before in before {
        assert_eq!(delivery(&store, before.id).await, before);
    }
    assert!(store.set_state("ep", EndpointState::Enabled).await.expect(WORKS));
    end(&store, &claimed[3], Verdict::Delivered).await;
    assert_nothing_is_due(&store).await;
    assert_eq!(store.next_due().await.expect(WORKS), None);
}

/// Of those that match so many are cancelled: those that would be sent first.
pub async fn what_is_due_first_is_cancelled_first(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue_all(&store, &messages("order.paid", 4)).await;
    let mut ids: Vec<i64> = matching(&store, &ANY).await.iter().map(|pending| pending.id).collect();
    ids.reverse();
    // The first of them is due last from here on.
    end(&store, &claim_one(&store).await, retry(LONG)).await;
    ids.rotate_left(1);
    assert_eq!(cancel(&store, &ANY, 0).await, 0);
    for (limit, cancelled) in [(1, 1), (2, 3), (9, 4)] {
        cancel(&store, &ANY, limit).await;
        for (place, id) in ids.iter().enumerate() {
            let is_cancelled = delivery(&store, *id).await.state == DeliveryState::Cancelled;
            assert_eq!(is_cancelled, place < cancelled, "after {cancelled}");
        }
    }
}

/// Deliveries match by every field of the filter.
pub async fn what_a_filter_means_is_cancelled_and_nothing_else(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("a")).await;
    put(&store, &endpoint("b")).await;
    enqueue_all(&store, &[message("order.paid"), message("user.created")]).await;
    let all = matching(&store, &ANY).await;
    let some = |text: &str| Some(String::from(text));
    for (filter, expected) in [
        (DeliveryFilter { id: Some(all[0].id), ..ANY }, 1),
        (DeliveryFilter { after: Some(all[2].id), ..ANY }, 2),
        (of_message(&all[0].message_id), 2),
        (DeliveryFilter { endpoint_id: some("a"), ..ANY }, 2),
        (DeliveryFilter { endpoint_id: some("a"), event_type: some("order.paid"), ..ANY }, 1),
        (DeliveryFilter { event_type: some("user.created"), ..ANY }, 2),
        (DeliveryFilter { tenant: TenantFilter::Without, ..ANY }, 4),
        (DeliveryFilter { tenant: TenantFilter::Is(String::new()), ..ANY }, 0),
        (DeliveryFilter { state: Some(DeliveryState::Pending), ..ANY }, 4),
        (DeliveryFilter { state: Some(DeliveryState::Dead), ..ANY }, 0),
        (DeliveryFilter { from: Some(all[0].created_at), ..ANY }, 4),
        (DeliveryFilter { until: Some(all[0].created_at), ..ANY }, 0),
    ] {
        assert_eq!(cancel(&store, &filter, 100).await, expected, "{filter:?}");
        let cancelled = DeliveryFilter { state: Some(DeliveryState::Cancelled), ..ANY };
        assert_eq!(count(&store, &cancelled).await, expected, "{filter:?}");
        assert_eq!(redeliver(&store, &cancelled, 100).await.count, expected);
    }
}

/// A lease that has ended is nobody's: its delivery waits, and is cancelled. The worker comes too late.
pub async fn a_worker_whose_lease_has_ended_settles_nothing_that_is_cancelled(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    let late = claim_briefly(harness, &store).await;
    assert_eq!(cancel(&store, &ANY, 1).await, 1);
    for verdict in [Verdict::Delivered, retry(Duration::ZERO)] {
        assert_eq!(settle(&store, &settling(&late, verdict)).await, Settlement::Superseded);
    }
    let cancelled = delivery(&store, late.id).await;
    assert_eq!((cancelled.state, cancelled.attempts), (DeliveryState::Cancelled, 1));
    assert_nothing_is_due(&store).await;
}

/// Nothing waits for what is cancelled: its message can be forgotten. Until then somebody can want it once more.
pub async fn what_is_cancelled_can_be_redelivered_and_is_forgotten_with_its_message(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue_all(&store, &messages("order.paid", 2)).await;
    assert_eq!(cancel(&store, &ANY, 2).await, 2);
    assert_eq!(redeliver(&store, &ANY, 1).await.count, 1);
    let claimed = claim_one(&store).await;
    assert_eq!((claimed.attempt, claimed.step, claimed.trigger), (1, 1, Trigger::Redelivery));
    let none = Retention { age: LONG, messages: 0 };
    assert_eq!(store.prune_outbox(&none).await.expect(WORKS), 1, "the other's message");
    let left = matching(&store, &ANY).await;
    assert_eq!(left.iter().map(|left| left.id).collect::<Vec<_>>(), [claimed.id]);
}

/// Where deliveries are claimed and cancelled at one moment, each is either a worker's, who can settle it, or cancelled.
pub async fn of_many_who_cancel_and_claim_at_once_each_delivery_is_taken_by_one(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &bearing("ep", 1_000)).await;
    let rounds = harness.rounds().div_ceil(50);
    enqueue_all(&store, &messages("order.paid", 50)).await;
    let taken = race(harness, WORKERS, move |racer| async move {
        let mut taken = Vec::new();
        for round in 0..rounds {
            racer.ready().await;
            let claims = (racer.number + round) % 2 == 0;
            taken.push(match claims {
                true => {
                    let claimed = claim(&racer.store, 10).await;
                    end_all(&racer.store, &claimed, Verdict::Dead).await;
                    claimed.len() as u64
                }
                false => cancel(&racer.store, &ANY, 10).await,
            });
            racer.ready().await;
            redeliver(&racer.store, &ANY, 100).await;
        }
        taken
    })
    .await;
    for round in 0..rounds {
        let together: u64 = taken.iter().map(|taken| taken[round]).sum();
        assert!(together <= 50, "{together} of 50 were taken in round {round}");
    }
}
