//! What an outbox promises of deliveries that somebody asks for once more.

use std::time::Duration;

use super::steps::{
    ANY, WORKERS, WORKS, assert_nothing_is_due, attempts, bearing, claim, claim_briefly, claim_one, count,
    delivery, end, end_all, endpoint, enqueue, enqueue_all, matching, message, messages, put, redeliver,
    retry, return_it, settle, settling,
};
use crate::{
    Settlement,
    conformance::{Harness, LONG, race},
    outbox::{
        DeliveryFilter, DeliveryState, DisabledBecause, EndpointState, NewMessage, OutboxStore, Redelivered,
        TenantFilter, Trigger, Verdict,
    },
};

/// What was delivered, given up or cancelled is pending again and due at once. What is pending or leased is
/// left as it is.
pub async fn only_what_is_settled_is_redelivered(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue_all(&store, &messages("order.paid", 5)).await;
    let claimed = claim(&store, 5).await;
    let ends = [Verdict::Delivered, Verdict::Dead, Verdict::Cancelled, retry(LONG)];
    for (claimed, verdict) in claimed.iter().zip(ends) {
        end(&store, claimed, verdict).await;
    }
    let before = [delivery(&store, claimed[3].id).await, delivery(&store, claimed[4].id).await];
    let redelivered = redeliver(&store, &ANY, 100).await;
    assert_eq!(redelivered, Redelivered { count: 3, last: Some(claimed[2].id) });
    assert_eq!(redeliver(&store, &ANY, 100).await, Redelivered::default(), "they are pending already");
    for id in claimed[..3].iter().map(|claimed| claimed.id) {
        let pending = delivery(&store, id).await;
        assert_eq!((pending.state, pending.attempts), (DeliveryState::Pending, 1));
        assert!(pending.due_at >= Some(pending.created_at));
    }
    assert_eq!([delivery(&store, claimed[3].id).await, delivery(&store, claimed[4].id).await], before);
    end(&store, &claimed[4], Verdict::Delivered).await;
    let mut due: Vec<i64> = claim(&store, 10).await.iter().map(|claimed| claimed.id).collect();
    due.sort_unstable();
    assert_eq!(due, [claimed[0].id, claimed[1].id, claimed[2].id]);
}

/// What waits for a later attempt, or for its time, is due at once where it is asked for, with the attempts that it has
/// left.
pub async fn what_waits_is_made_at_once_where_it_is_asked_for(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &NewMessage { due_at: Some(4_000_000_000_000_000), ..message("order.planned") }).await;
    enqueue_all(&store, &messages("order.paid", 2)).await;
    let claimed = claim(&store, 5).await;
    assert_eq!(claimed.len(), 2);
    end(&store, &claimed[0], retry(LONG)).await;
    let waiting = DeliveryFilter { state: Some(DeliveryState::Pending), ..ANY };
    let ids: Vec<i64> = matching(&store, &waiting).await.iter().map(|waiting| waiting.id).collect();
    let redelivered = redeliver(&store, &waiting, 100).await;
    assert_eq!(redelivered, Redelivered { count: 2, last: ids.iter().max().copied() });
    let mut due = claim(&store, 5).await;
    due.sort_by_key(|claimed| claimed.step);
    let due: Vec<_> = due.iter().map(|claimed| (claimed.id, claimed.step, claimed.trigger)).collect();
    let planned = ids.iter().copied().find(|id| *id != claimed[0].id).unwrap_or_default();
    assert_eq!(due, [(planned, 1, Trigger::Redelivery), (claimed[0].id, 2, Trigger::Redelivery)]);
    let leased = DeliveryFilter { state: Some(DeliveryState::Leased), ..ANY };
    assert_eq!(redeliver(&store, &leased, 100).await, Redelivered::default());
}

/// Of those that match so many are redelivered, the oldest first; who asks for those after the last of them
/// goes on where that call has stopped, though some are settled by then.
pub async fn the_oldest_are_redelivered_first(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &bearing("ep", 100)).await;
    put(&store, &bearing("other", 100)).await;
    enqueue_all(&store, &messages("order.paid", 7)).await;
    end_all(&store, &claim(&store, 100).await, Verdict::Dead).await;
    let dead =
        DeliveryFilter { endpoint_id: Some(String::from("ep")), state: Some(DeliveryState::Dead), ..ANY };
    let mut oldest: Vec<i64> = matching(&store, &dead).await.iter().map(|dead| dead.id).collect();
    oldest.reverse();
    assert_eq!(redeliver(&store, &dead, 0).await, Redelivered::default());
    let mut rest = dead.clone();
    for batch in oldest.chunks(3) {
        let redelivered = redeliver(&store, &rest, 3).await;
        assert_eq!(redelivered, Redelivered { count: batch.len() as u64, last: batch.last().copied() });
        let claimed = claim(&store, 100).await;
        assert_eq!(claimed.iter().map(|claimed| claimed.id).collect::<Vec<_>>(), batch);
        end_all(&store, &claimed, Verdict::Dead).await;
        rest.after = redelivered.last;
    }
    assert_eq!(redeliver(&store, &rest, 3).await, Redelivered::default());
    assert_eq!(count(&store, &DeliveryFilter { state: Some(DeliveryState::Dead), ..ANY }).await, 14);
}

/// Deliveries match by every field of the filter.
pub async fn what_a_filter_means_is_redelivered_and_nothing_else(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("a")).await;
    put(&store, &endpoint("b")).await;
    enqueue_all(&store, &[message("order.paid"), message("user.created")]).await;
    end_all(&store, &claim(&store, 10).await, Verdict::Dead).await;
    let all = matching(&store, &ANY).await;
    let some = |text: &str| Some(String::from(text));
    for (filter, expected) in [
        (DeliveryFilter { id: Some(all[0].id), ..ANY }, 1),
        (DeliveryFilter { after: Some(all[2].id), ..ANY }, 2),
        (DeliveryFilter { message_id: Some(all[0].message_id.clone()), ..ANY }, 2),
        (DeliveryFilter { endpoint_id: some("a"), ..ANY }, 2),
        (DeliveryFilter { endpoint_id: some("a"), event_type: some("order.paid"), ..ANY }, 1),
        (DeliveryFilter { event_type: some("user.created"), ..ANY }, 2),
        (DeliveryFilter { tenant: TenantFilter::Without, ..ANY }, 4),
        (DeliveryFilter { tenant: TenantFilter::Is(String::new()), ..ANY }, 0),
        (DeliveryFilter { state: Some(DeliveryState::Dead), ..ANY }, 4),
        (DeliveryFilter { state: Some(DeliveryState::Leased), ..ANY }, 0),
        (DeliveryFilter { from: Some(all[0].created_at), ..ANY }, 4),
        (DeliveryFilter { until: Some(all[0].created_at), ..ANY }, 0),
    ] {
        let redelivered = redeliver(&store, &filter, 100).await;
        let claimed = claim(&store, 10).await;
        assert_eq!((redelivered.count, claimed.len()), (expected, expected as usize), "{filter:?}");
        end_all(&store, &claimed, Verdict::Dead).await;
    }
}

/// The schedule of what is redelivered begins anew, while its attempts count on. The next attempt is one
/// that was asked for, and those after it are not.
pub async fn what_is_redelivered_begins_its_schedule_anew(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    for (attempt, step, trigger, verdict) in [
        (1, 1, Trigger::Schedule, retry(Duration::ZERO)),
        (2, 2, Trigger::Schedule, Verdict::Dead),
        (3, 1, Trigger::Redelivery, retry(Duration::ZERO)),
        (4, 2, Trigger::Schedule, retry(Duration::ZERO)),
        (5, 3, Trigger::Schedule, Verdict::Delivered),
        (6, 1, Trigger::Redelivery, Verdict::Delivered),
    ] {
        let claimed = claim_one(&store).await;
        assert_eq!((claimed.attempt, claimed.step, claimed.trigger), (attempt, step, trigger));
        end(&store, &claimed, verdict).await;
        redeliver(&store, &ANY, 1).await;
    }
    let recorded = attempts(&store, claim_one(&store).await.id).await;
    let triggers: Vec<Trigger> = recorded.iter().map(|attempt| attempt.trigger).collect();
    assert_eq!(triggers.iter().filter(|trigger| **trigger == Trigger::Redelivery).count(), 2);
    assert_eq!(recorded.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}

/// What was asked for is still so where no attempt was made, or where nobody knows of one.
pub async fn what_was_asked_for_is_so_until_an_attempt_is_recorded(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    end(&store, &claim_one(&store).await, Verdict::Dead).await;
    redeliver(&store, &ANY, 1).await;
    return_it(&store, &claim_one(&store).await).await;
    let lost = claim_briefly(harness, &store).await;
    assert_eq!((lost.attempt, lost.step, lost.trigger), (2, 1, Trigger::Redelivery));
    let claimed = claim_one(&store).await;
    assert_eq!((claimed.attempt, claimed.step, claimed.trigger), (3, 2, Trigger::Redelivery));
    end(&store, &claimed, retry(Duration::ZERO)).await;
    assert_eq!(claim_one(&store).await.trigger, Trigger::Schedule);
}

/// A worker that had the delivery before settles nothing of what is redelivered.
pub async fn an_earlier_worker_settles_nothing_that_is_redelivered(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    let early = claim_briefly(harness, &store).await;
    let late = claim_one(&store).await;
    end(&store, &late, Verdict::Dead).await;
    assert_eq!(redeliver(&store, &ANY, 1).await.count, 1);
    for superseded in [&early, &late] {
        let settlement = settle(&store, &settling(superseded, Verdict::Delivered)).await;
        assert_eq!(settlement, Settlement::Superseded);
    }
    assert_eq!(claim_one(&store).await.id, late.id);
}

/// What is redelivered to a disabled endpoint waits until that is enabled.
pub async fn what_is_redelivered_to_a_disabled_endpoint_waits(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    end(&store, &claim_one(&store).await, Verdict::Dead).await;
    let disabled = EndpointState::Disabled(DisabledBecause::Operator);
    assert!(store.set_state("ep", disabled).await.expect(WORKS));
    assert_eq!(redeliver(&store, &ANY, 10).await.count, 1);
    assert_nothing_is_due(&store).await;
    assert!(store.set_state("ep", EndpointState::Enabled).await.expect(WORKS));
    claim_one(&store).await;
}

/// Where many ask for the same deliveries at one moment, each is redelivered once, and is not taken from a
/// worker who has claimed it by then.
pub async fn of_many_who_ask_at_once_each_delivery_is_redelivered_once(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &bearing("ep", 1_000)).await;
    let rounds = harness.rounds().div_ceil(50);
    enqueue_all(&store, &messages("order.paid", 50)).await;
    end_all(&store, &claim(&store, 50).await, Verdict::Dead).await;
    let redelivered = race(harness, WORKERS, move |racer| async move {
        let mut redelivered = Vec::new();
        for _ in 0..rounds {
            racer.ready().await;
            redelivered.push(redeliver(&racer.store, &ANY, 100).await.count);
            let claimed = claim(&racer.store, 50).await;
            racer.ready().await;
            // Each of them is this worker's still, or it could not be settled.
            end_all(&racer.store, &claimed, Verdict::Dead).await;
        }
        redelivered
    })
    .await;
    for round in 0..rounds {
        let together: u64 = redelivered.iter().map(|redelivered| redelivered[round]).sum();
        assert_eq!(together, 50, "how many were redelivered in round {round}");
    }
}
