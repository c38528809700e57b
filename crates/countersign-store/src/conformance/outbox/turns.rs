//! What an outbox promises of whose turn it is.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::sleep;

use super::steps::{
    WORKS, bearing, claim, end_all, endpoint, endpoints, enqueue, enqueue_all, message, messages, of_tenant,
    put, return_it, wanting,
};
use crate::{
    conformance::Harness,
    outbox::{Claimed, Endpoint, OutboxStore, Verdict},
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

/// A tenant whose first message is new has its turn before others have another, however much they have left waiting; and
/// these go round. Leases are so short that no claim can go by what an earlier one has found.
pub async fn adv_79_who_comes_new_does_not_wait_for_what_others_have_left(
    harness: &impl Harness<Store: OutboxStore>,
) {
    const SHORT: Duration = Duration::from_millis(900);
    let store = harness.store().await;
    let of = |tenant: &str| of_tenant(Some(tenant), message("order.paid"));
    for number in 0..6 {
        let tenant = format!("tenant_{number}");
        for endpoint in [&tenant, &format!("{tenant}_b")].map(|id| endpoint(id)) {
            put(&store, &Endpoint { tenant: Some(tenant.clone()), ..endpoint }).await;
        }
        enqueue_all(&store, &vec![of(&tenant); 20]).await;
    }
    put(&store, &Endpoint { tenant: Some("new".into()), ..endpoint("new") }).await;
    let round = async || {
        let claimed = store.claim(2, SHORT).await.expect(WORKS);
        end_all(&store, &claimed, Verdict::Delivered).await;
        harness.pass(Duration::from_millis(1)).await;
        claimed.iter().map(|claimed| claimed.endpoint.tenant.clone().unwrap_or_default()).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        let mut served: Vec<String> = Vec::new();
        for _ in 0..3 {
            served.extend(round().await);
        }
        served.sort_unstable();
        assert_eq!(served, (0..6).map(|number| format!("tenant_{number}")).collect::<Vec<_>>());
    }
    enqueue(&store, &of("new")).await;
    assert!(round().await.contains(&String::from("new")));
}
