//! What an outbox promises of claims.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::Duration,
};

use tokio::time::sleep;

use super::steps::{
    ANY, WORKERS, WORKS, assert_nothing_is_due, attempts, bearing, claim, claim_briefly, claim_one, count,
    delivery, end, end_all, endpoint, endpoints, enqueue, enqueue_all, kinds, matching, message, messages,
    of_tenant, put, retry, return_it, settle, settling, wanting,
};
use crate::{
    Settlement,
    conformance::{Harness, LONG, race},
    outbox::{Claimed, DeliveryFilter, DeliveryState, Endpoint, NewMessage, OutboxStore, Verdict},
};

/// Where much waits for one endpoint and little for nine others, a claim gives each of them as many
/// turns, be it for the endpoint's limit or not.
pub async fn adv_79_endpoints_take_turns_whatever_waits_for_one(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    for in_flight in [10, 1_000] {
        let named: Vec<String> = (0..10).map(|number| format!("ep_{number}")).collect();
        for id in &named {
            let limits = bearing(id, in_flight).limits;
            put(&store, &Endpoint { limits, ..wanting(id, id) }).await;
            enqueue_all(&store, &messages(id, 10)).await;
        }
        enqueue_all(&store, &messages("ep_3", 2_000)).await;
        assert_eq!(turns(&claim_and_return(&store, 10).await), [1; 10]);
        assert_eq!(turns(&claim_and_return(&store, 30).await), [3; 10]);
        let all = claim(&store, 100).await;
        assert_eq!(turns(&all), [10; 10]);
        end_all(&store, &all, Verdict::Delivered).await;
    }
}

/// Claims, and gives back what was claimed.
async fn claim_and_return(store: &impl OutboxStore, limit: u32) -> Vec<Claimed> {
    let claimed = claim(store, limit).await;
    for claimed in &claimed {
        return_it(store, claimed).await;
    }
    claimed
}

/// How many deliveries each endpoint was given.
fn turns(claimed: &[Claimed]) -> Vec<usize> {
    let mut turns: BTreeMap<&str, usize> = BTreeMap::new();
    for endpoint in endpoints(claimed) {
        *turns.entry(endpoint).or_default() += 1;
    }
    turns.into_values().collect()
}

/// With fewer places than endpoints, no endpoint is given two.
pub async fn with_fewer_places_than_endpoints_none_is_given_two(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    for number in 0..10 {
        put(&store, &endpoint(&format!("ep_{number}"))).await;
    }
    enqueue_all(&store, &messages("order.paid", 5)).await;
    for limit in [1, 4, 9] {
        assert_eq!(turns(&claim_and_return(&store, limit).await), vec![1; limit as usize]);
    }
}

/// With fewer places than endpoints, each has its turn before another has its second, claim after claim.
pub async fn claims_with_fewer_places_than_endpoints_go_round(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let mut served: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..10 {
        put(&store, &endpoint(&format!("ep_{number}"))).await;
        served.insert(format!("ep_{number}"), 0);
    }
    enqueue_all(&store, &messages("order.paid", 12)).await;
    for round in 0..20 {
        let claimed = claim(&store, 3).await;
        assert_eq!(turns(&claimed), [1; 3], "round {round}");
        for claimed in &claimed {
            *served.entry(claimed.endpoint.id.clone()).or_default() += 1;
        }
        end_all(&store, &claimed, Verdict::Delivered).await;
        let (least, most) = (served.values().min(), served.values().max());
        assert!(most <= least.map(|least| least + 1).as_ref(), "round {round}: {served:?}");
    }
}

/// Where there are places for more than one delivery of each endpoint, tenants have places alike, and each endpoint without
/// a tenant as many as a tenant. What they have under way counts.
pub async fn tenants_have_places_alike_however_many_endpoints_they_have(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &bearing("alone", 100)).await;
    let of = |tenant: &str, id: &str| Endpoint { tenant: Some(tenant.into()), ..bearing(id, 100) };
    for number in 0..5 {
        put(&store, &of("large", &format!("large_{number}"))).await;
    }
    put(&store, &of("small", "small")).await;
    for tenant in [Some("large"), Some("small"), None] {
        let of_each = messages("order.paid", 50).into_iter().map(|message| of_tenant(tenant, message));
        enqueue_all(&store, &of_each.collect::<Vec<_>>()).await;
    }
    let first = claim(&store, 15).await;
    assert_eq!(turns(&first), [5, 1, 1, 1, 1, 1, 5], "alone, five of large, small");
    let (of_small, others): (Vec<_>, Vec<_>) = first.into_iter().partition(|one| one.endpoint.id == "small");
    end_all(&store, &others, Verdict::Delivered).await;
    let second = claim(&store, 10).await;
    assert!(endpoints(&second).iter().all(|endpoint| *endpoint != "small"), "{:?}", endpoints(&second));
    end_all(&store, &of_small, Verdict::Delivered).await;
    assert_eq!(turns(&claim(&store, 5).await), [5], "small");
}

/// A tenant whose endpoints hang, however many they are and however long they have waited, holds up no other tenant: it
/// has the next place that becomes free.
pub async fn adv_79_a_tenant_with_many_endpoints_that_hang_holds_up_no_other(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    let of = |tenant: &str, message| of_tenant(Some(tenant), message);
    for number in 0..100 {
        let endpoint = Endpoint { tenant: Some("hangs".into()), ..endpoint(&format!("hangs_{number}")) };
        put(&store, &endpoint).await;
    }
    put(&store, &Endpoint { tenant: Some("waits".into()), ..endpoint("waits") }).await;
    enqueue_all(&store, &[of("hangs", message("order.paid")), of("hangs", message("order.paid"))]).await;
    assert_eq!(turns(&claim(&store, 10).await), [1; 10]);
    enqueue(&store, &of("waits", message("order.paid"))).await;
    // A store need not look at all endpoints for each claim.
    sleep(Duration::from_millis(1_100)).await;
    assert_eq!(endpoints(&claim(&store, 1).await), ["waits"]);
    assert_eq!(turns(&claim(&store, 300).await).len(), 100, "and has taken no place from those");
}

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
