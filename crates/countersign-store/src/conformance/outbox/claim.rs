//! What an outbox promises of claims.

use std::{
    collections::{BTreeSet, HashMap},
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::Duration,
};

use tokio::time::sleep;

use super::steps::{
    ANY, WORKERS, WORKS, assert_nothing_is_due, attempts, bearing, claim, claim_briefly, claim_one, count,
    delivery, end, end_all, endpoint, enqueue, enqueue_all, kinds, matching, message, messages, put, retry,
    return_it, settle, settling,
};
use crate::{
    Settlement,
    conformance::{Harness, LONG, race},
    outbox::{Claimed, DeliveryFilter, DeliveryState, NewMessage, OutboxStore, Verdict},
};

/// No endpoint has more requests under way than its limit, over several claims and several handles; one
/// that is settled, whatever became of it, makes room for another.
pub async fn a_limit_holds_over_all_claims(harness: &impl Harness<Store: OutboxStore>) {
    let (store, other) = (harness.store().await, harness.store().await);
    put(&store, &bearing("ep", 3)).await;
    enqueue_all(&store, &messages("order.paid", 20)).await;
    let mut held = claim(&store, 2).await;
    held.extend(claim(&other, 10).await);
    assert_eq!(held.len(), 3);
    for verdict in [Verdict::Delivered, Verdict::Dead, Verdict::Cancelled, retry(LONG)] {
        assert_nothing_is_due(&store).await;
        assert_nothing_is_due(&other).await;
        end(&other, &held.remove(0), verdict).await;
        held.extend(claim(&store, 10).await);
        assert_eq!(held.len(), 3, "{verdict:?}");
    }
    put(&store, &bearing("ep", 5)).await;
    held.extend(claim(&other, 10).await);
    assert_eq!(held.len(), 5);
    put(&store, &bearing("ep", 4)).await;
    end(&store, &held.remove(0), Verdict::Delivered).await;
    assert_nothing_is_due(&store).await;
}

/// A lease that has ended takes no room.
pub async fn a_lease_that_has_ended_takes_no_room(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &bearing("ep", 1)).await;
    enqueue_all(&store, &[message("first"), message("second")]).await;
    let first = claim_briefly(harness, &store).await;
    assert_eq!(kinds(&claim(&store, 10).await), ["second"], "which has been due for longer");
    assert_nothing_is_due(&store).await;
    end(&store, &first, Verdict::Delivered).await;
    assert_nothing_is_due(&store).await;
}

/// Workers that claim at one moment don't have more of an endpoint together than its limit.
pub async fn of_many_workers_none_goes_beyond_a_limit(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &bearing("ep", 10)).await;
    let rounds = harness.rounds().div_ceil(20);
    enqueue_all(&store, &messages("order.paid", 10 * rounds + 100)).await;
    let held = race(harness, WORKERS, move |racer| async move {
        let mut held = Vec::new();
        for _ in 0..rounds {
            racer.ready().await;
            let claimed = claim(&racer.store, 7).await;
            racer.ready().await;
            end_all(&racer.store, &claimed, Verdict::Delivered).await;
            held.push(claimed.len());
        }
        held
    })
    .await;
    for round in 0..rounds {
        let together: usize = held.iter().map(|held| held[round]).sum();
        assert_eq!(together, 10, "how many were under way in round {round}");
    }
}

/// At most `limit` deliveries are claimed, and the others stay for the next.
pub async fn no_more_is_claimed_than_was_asked_for(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue_all(&store, &messages("order.paid", 3)).await;
    assert!(claim(&store, 0).await.is_empty());
    assert_eq!(claim(&store, 2).await.len(), 2);
    assert_eq!(claim(&store, u32::MAX).await.len(), 1);
    assert_nothing_is_due(&store).await;
}

/// Of one endpoint's deliveries the one that has been due for longest comes first, and of those that are
/// due at one moment the one that was enqueued first.
pub async fn the_longest_due_of_an_endpoint_comes_first(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &bearing("ep", 100)).await;
    let at = |kind: &str, due_at| NewMessage { due_at: Some(due_at), ..message(kind) };
    enqueue_all(&store, &[at("third", 3), at("first", 1), at("fourth", 3), at("second", 2)]).await;
    enqueue_all(&store, &[message("fifth"), message("sixth")]).await;
    harness.pass(harness.short()).await;
    enqueue(&store, &message("seventh")).await;
    assert_eq!(kinds(&claim(&store, 2).await), ["first", "second"]);
    assert_eq!(kinds(&claim(&store, 10).await), ["third", "fourth", "fifth", "sixth", "seventh"]);
}

/// A claim of which nobody hears takes nothing away for long: what it has leased can be claimed again before the lease
/// ends, and it doesn't count.
pub async fn what_was_leased_by_a_claim_that_was_dropped_is_claimed_again(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &bearing("ep", 1)).await;
    enqueue(&store, &message("order.paid")).await;
    for polls in 1..100 {
        if let Some(claimed) = polled(store.claim(1, LONG), polls).await {
            assert_eq!(claimed.expect(WORKS).len(), 1, "after {polls} polls");
            return;
        }
        let claimed = claim_soon(&store).await;
        assert_eq!((claimed.attempt, claimed.step), (1, 1), "after {polls} polls");
        return_it(&store, &claimed).await;
    }
    panic!("a claim comes to its end");
}

/// What a future gives; `None` where it has nothing to give after it was polled so many times.
async fn polled<T>(asked: impl Future<Output = T>, times: usize) -> Option<T> {
    let (mut asked, mut left) = (pin!(asked), times);
    poll_fn(|context| {
        left -= 1;
        match asked.as_mut().poll(context) {
            Poll::Ready(given) => Poll::Ready(Some(given)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Claims the delivery, which a database may still be busy to lease to nobody.
async fn claim_soon(store: &impl OutboxStore) -> Claimed {
    for _ in 0..1_000 {
        if let Some(claimed) = claim(store, 1).await.pop() {
            return claimed;
        }
        sleep(Duration::from_millis(4)).await;
    }
    panic!("nothing is due after seconds");
}

/// A claim gives a delivery once, though its lease ends at once: to those whose turn it is, and to all.
pub async fn a_claim_gives_a_delivery_once_however_short_its_lease(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    for id in ["a", "b", "c"] {
        put(&store, &endpoint(id)).await;
    }
    enqueue_all(&store, &messages("order.paid", 2)).await;
    assert_eq!(claim(&store, 2).await.len(), 2);
    let claimed = store.claim(10, Duration::ZERO).await.expect(WORKS);
    let ids: BTreeSet<i64> = claimed.iter().map(|claimed| claimed.id).collect();
    assert_eq!((claimed.len(), ids.len()), (4, 4));
    for claimed in &claimed {
        assert_eq!((claimed.attempt, delivery(&store, claimed.id).await.attempts), (1, 1));
    }
}

/// A claim shows the delivery, its message and its endpoint, and is listed as leased until its end.
pub async fn what_is_claimed_is_listed_as_leased(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    let claimed = claim_one(&store).await;
    assert_eq!(*claimed.endpoint, store.endpoint("ep").await.expect(WORKS).expect("it is there"));
    let listed = delivery(&store, claimed.id).await;
    assert_eq!((listed.state, listed.attempts), (DeliveryState::Leased, 1));
    let leased_for = listed.due_at.expect("the end of the lease") - listed.created_at;
    let long = LONG.as_micros() as i64;
    assert!((long..2 * long).contains(&leased_for), "{leased_for}");
}

/// Attempts and steps are counted when a delivery is claimed, each from 1.
pub async fn attempts_and_steps_count_up(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    for number in 1..6 {
        let claimed = claim_one(&store).await;
        assert_eq!((claimed.attempt, claimed.step), (number, number));
        assert_eq!(delivery(&store, claimed.id).await.attempts, number);
        end(&store, &claimed, retry(Duration::ZERO)).await;
    }
}

/// A delivery whose lease has ended is claimed again, as the next attempt. The earlier worker then settles
/// nothing, whatever it says; the later one does.
pub async fn adv_88_a_lease_that_ends_goes_to_another_and_the_earlier_settles_nothing(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    let early = claim_briefly(harness, &store).await;
    let late = claim_one(&store).await;
    assert_eq!((late.id, late.attempt, late.step), (early.id, 2, 2));
    assert_ne!(late.fence, early.fence);
    let held = delivery(&store, late.id).await;
    for verdict in [Verdict::Delivered, Verdict::Dead, Verdict::Cancelled, retry(Duration::ZERO)] {
        assert_eq!(settle(&store, &settling(&early, verdict)).await, Settlement::Superseded, "{verdict:?}");
        assert_eq!(delivery(&store, late.id).await, held);
        assert_nothing_is_due(&store).await;
    }
    assert_eq!(attempts(&store, late.id).await, []);
    end(&store, &late, Verdict::Delivered).await;
    assert_eq!(settle(&store, &settling(&early, retry(LONG))).await, Settlement::Superseded);
    assert_eq!(delivery(&store, late.id).await.state, DeliveryState::Delivered);
}

/// A worker whose lease has ended settles its delivery, as long as nobody has claimed it again.
pub async fn until_it_is_claimed_again_a_delivery_is_settled_late(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    let late = claim_briefly(harness, &store).await;
    end(&store, &late, Verdict::Delivered).await;
    assert_nothing_is_due(&store).await;
}

/// Workers that claim at the same time share the deliveries: each goes to one of them, once.
pub async fn adv_90_of_many_workers_one_has_each_delivery(harness: &impl Harness<Store: OutboxStore>) {
    let deliveries = enqueue_for_workers(harness).await;
    let handled = race(harness, WORKERS, |racer| async move {
        racer.ready().await;
        deliver_all(&racer.store).await
    })
    .await;
    let mut handled = handled.concat();
    handled.sort_unstable();
    assert!(handled.iter().all(|(_, attempt)| *attempt == 1));
    assert!(handled.is_sorted_by(|(one, _), (next, _)| one < next), "none is handled twice");
    assert_eq!(handled.len(), deliveries);
}

/// Where workers are gone, others claim what they had once their leases have ended: each claim is counted
/// as an attempt of its own, one of them delivers, and what the first might still say settles nothing.
pub async fn adv_90_what_a_worker_loses_is_claimed_once_more(harness: &impl Harness<Store: OutboxStore>) {
    let deliveries = enqueue_for_workers(harness).await;
    let (claims, lease) = ((deliveries / WORKERS / 20).max(1), harness.short());
    let lost = race(harness, WORKERS, move |racer| async move {
        racer.ready().await;
        let mut lost = Vec::new();
        for _ in 0..claims {
            lost.extend(racer.store.claim(10, lease).await.expect(WORKS));
        }
        lost
    })
    .await;
    harness.pass(harness.short()).await;
    let handled = race(harness, WORKERS, |racer| async move {
        racer.ready().await;
        deliver_all(&racer.store).await
    })
    .await;
    let (lost, handled) = (lost.concat(), handled.concat());
    let mut claims: HashMap<i64, u32> = handled.iter().map(|(id, _)| (*id, 1)).collect();
    assert_eq!((claims.len(), handled.len()), (deliveries, deliveries), "each is delivered, once");
    lost.iter().for_each(|lost| *claims.entry(lost.id).or_default() += 1);
    assert!(handled.iter().all(|(id, attempt)| claims[id] == *attempt), "each claim is an attempt");
    let store = harness.store().await;
    for late in &lost {
        assert_eq!(settle(&store, &settling(late, retry(LONG))).await, Settlement::Superseded);
    }
}

/// Enqueues as many deliveries as the workers share, for four endpoints.
async fn enqueue_for_workers(harness: &impl Harness<Store: OutboxStore>) -> usize {
    let store = harness.store().await;
    for number in 0..4 {
        put(&store, &bearing(&format!("ep_{number}"), 1_000)).await;
    }
    let number = harness.rows().div_ceil(4);
    enqueue_all(&store, &messages("order.paid", number)).await;
    number * 4
}

/// Delivers what is due until nothing waits. Gives back the deliveries with the number of their attempt.
async fn deliver_all(store: &impl OutboxStore) -> Vec<(i64, u32)> {
    let mut delivered = Vec::new();
    while waiting(store).await > 0 {
        let claimed = claim(store, 7).await;
        end_all(store, &claimed, Verdict::Delivered).await;
        delivered.extend(claimed.iter().map(|claimed| (claimed.id, claimed.attempt)));
    }
    delivered
}

async fn waiting(store: &impl OutboxStore) -> u64 {
    let depth = store.depth().await.expect(WORKS);
    depth.pending + depth.leased
}

/// A lease, a delay, or a limit is never too long or too large.
pub async fn the_longest_spans_are_taken(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &bearing("ep", u32::MAX)).await;
    enqueue_all(&store, &messages("order.paid", 2)).await;
    let claimed = store.claim(u32::MAX, Duration::MAX).await.expect(WORKS);
    end(&store, &claimed[1], retry(Duration::MAX)).await;
    enqueue(&store, &NewMessage { due_at: Some(i64::MAX), ..message("order.paid") }).await;
    harness.pass(harness.short()).await;
    assert_nothing_is_due(&store).await;
    assert!(store.next_due().await.expect(WORKS).expect("something waits") > LONG);
}

/// What one handle does, another sees, and a delivery is settled by any of them.
pub async fn two_handles_agree(harness: &impl Harness<Store: OutboxStore>) {
    let (one, other) = (harness.store().await, harness.store().await);
    put(&one, &endpoint("ep")).await;
    enqueue(&other, &message("order.paid")).await;
    let claimed = claim_one(&one).await;
    assert_nothing_is_due(&other).await;
    end(&other, &claimed, Verdict::Dead).await;
    let dead = DeliveryFilter { state: Some(DeliveryState::Dead), ..ANY };
    assert_eq!(matching(&one, &dead).await.iter().map(|dead| dead.id).collect::<Vec<_>>(), [claimed.id]);
    assert_eq!(settle(&one, &settling(&claimed, Verdict::Delivered)).await, Settlement::Superseded);
    assert_eq!(other.redeliver(&dead, 1).await.expect(WORKS).count, 1);
    drop(other);
    assert_eq!((claim_one(&one).await.id, count(&one, &dead).await), (claimed.id, 0));
}
