//! What an outbox promises of what it tells an operator, and of what it forgets.

use std::time::Duration;

use super::steps::{
    ANY, WORKS, assert_nothing_is_due, attempt, attempts, bearing, claim, claim_one, count, end, end_all,
    endpoint, enqueue, enqueue_again, enqueue_all, message, message_ids, messages, now, of_message,
    of_tenant, put, read, retry, settle, settling, with_id, with_key,
};
use crate::{
    Settlement,
    conformance::{Harness, LONG},
    outbox::{
        Activity, ActivityFilter, Attempt, DisabledBecause, Effect, Endpoint, EndpointState, MessageFilter,
        NewMessage, OutboxStore, Page, Retention, SettleDelivery, TenantFilter, Verdict,
    },
};

/// It is told how long until the next delivery of an enabled endpoint is due, or until the lease of one ends:
/// none where nothing waits, and zero where one is due.
pub async fn it_is_told_when_the_next_delivery_is_due(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    assert_eq!(next_due(&store).await, None);
    put(&store, &endpoint("ep")).await;
    assert_eq!(next_due(&store).await, None);

    let due_at = Some(now(&store).await + LONG.as_micros() as i64);
    enqueue(&store, &NewMessage { due_at, ..message("later") }).await;
    assert_is_long(next_due(&store).await);
    enqueue(&store, &message("now")).await;
    assert_eq!(next_due(&store).await, Some(Duration::ZERO));
    harness.pass(harness.short()).await;
    assert_eq!(next_due(&store).await, Some(Duration::ZERO));

    let claimed = claim_one(&store).await;
    assert_is_long(next_due(&store).await);
    end(&store, &claimed, retry(LONG)).await;
    assert_is_long(next_due(&store).await);
}

/// What waits for a disabled endpoint, and what is settled, isn't due.
pub async fn what_is_withheld_or_settled_is_never_the_next(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    let disabled = EndpointState::Disabled(DisabledBecause::Operator);
    assert!(store.set_state("ep", disabled).await.expect(WORKS));
    assert_eq!(next_due(&store).await, None);
    assert!(store.set_state("ep", EndpointState::Enabled).await.expect(WORKS));
    assert_eq!(next_due(&store).await, Some(Duration::ZERO));
    end(&store, &claim_one(&store).await, Verdict::Dead).await;
    assert_eq!(next_due(&store).await, None);
}

/// Nor does what waits for an endpoint whose circuit is open, until it closes: nobody is late with it.
pub async fn what_waits_for_an_open_circuit_is_due_when_it_closes(
    harness: &impl Harness<Store: OutboxStore>,
) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue_all(&store, &messages("order.paid", 2)).await;
    let effect = Effect::Failed { open_for: Some(LONG) };
    let failed = SettleDelivery { effect, ..settling(&claim_one(&store).await, retry(Duration::ZERO)) };
    assert_eq!(settle(&store, &failed).await, Settlement::Settled);
    harness.pass(harness.short()).await;
    let due = next_due(&store).await.expect("something waits");
    assert!(due > LONG / 2 && due < LONG, "{due:?}");
    assert_eq!(depth(&store).await, (2, 0, None));
    put(&store, &endpoint("other")).await;
    enqueue(&store, &NewMessage { endpoint_id: Some("other".into()), ..message("order.paid") }).await;
    assert_eq!(next_due(&store).await, Some(Duration::ZERO));
}

async fn next_due(store: &impl OutboxStore) -> Option<Duration> {
    store.next_due().await.expect(WORKS)
}

fn assert_is_long(due: Option<Duration>) {
    let due = due.expect("something waits");
    assert!(due > LONG / 2 && due <= LONG, "{due:?}");
}

/// Depth is how many deliveries are pending and how many are leased, and for how long the oldest has been
/// due that could be claimed.
pub async fn depth_tells_how_much_waits_and_for_how_long(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    assert_eq!(depth(&store).await, (0, 0, None));
    put(&store, &endpoint("ep")).await;
    let due_at = Some(now(&store).await + LONG.as_micros() as i64);
    enqueue(&store, &NewMessage { due_at, ..message("later") }).await;
    assert_eq!(depth(&store).await, (1, 0, None));

    enqueue_all(&store, &messages("order.paid", 3)).await;
    harness.pass(harness.short()).await;
    let (pending, leased, oldest) = depth(&store).await;
    assert_eq!((pending, leased), (4, 0));
    assert!(oldest >= Some(harness.short()) && oldest < Some(LONG), "{oldest:?}");

    let claimed = claim(&store, 3).await;
    assert_eq!(depth(&store).await, (1, 3, None));
    end(&store, &claimed[0], Verdict::Delivered).await;
    end(&store, &claimed[1], Verdict::Dead).await;
    end(&store, &claimed[2], retry(Duration::ZERO)).await;
    assert_eq!(depth(&store).await.0, 2);

    let disabled = EndpointState::Disabled(DisabledBecause::Operator);
    assert!(store.set_state("ep", disabled).await.expect(WORKS));
    assert_eq!(depth(&store).await, (2, 0, None), "what is withheld waits, and could not be claimed");
}

async fn depth(store: &impl OutboxStore) -> (u64, u64, Option<Duration>) {
    let depth = store.depth().await.expect(WORKS);
    (depth.pending, depth.leased, depth.oldest_due)
}

/// Attempts are counted by steps of time, those that succeeded and those that failed: of an endpoint, of a
/// tenant, or of all.
pub async fn attempts_are_counted_by_steps_of_time(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    let acme = || Some(String::from("acme"));
    let of_acme = || TenantFilter::Is(String::from("acme"));
    put(&store, &endpoint("a")).await;
    put(&store, &Endpoint { tenant: acme(), ..endpoint("b") }).await;
    // From the beginning of the first step, in microseconds, and whether the attempt succeeds.
    for (tenant, at, went_well) in [
        (None, -1, true),
        (None, 0, true),
        (None, STEP - 1, false),
        (Some("acme"), STEP - 1, false),
        (None, STEP, true),
        (Some("acme"), 4 * STEP + 5, true),
        (None, 4 * STEP + 7, true),
        (None, 5 * STEP, false),
    ] {
        enqueue(&store, &of_tenant(tenant, message("order.paid"))).await;
        make_attempt(&store, FROM + at, went_well).await;
    }
    let step = |number: i64, succeeded, failed| Activity { at: FROM + number * STEP, succeeded, failed };
    let all = ActivityFilter::new(FROM, FROM + 5 * STEP, Duration::from_micros(STEP as u64));
    let of = |endpoint: &str| ActivityFilter { endpoint_id: Some(String::from(endpoint)), ..all.clone() };
    let tenant = |tenant| ActivityFilter { tenant, ..all.clone() };
    for (filter, expected) in [
        (all.clone(), vec![step(0, 1, 2), step(1, 1, 0), step(4, 2, 0)]),
        (of("a"), vec![step(0, 1, 1), step(1, 1, 0), step(4, 1, 0)]),
        (of("b"), vec![step(0, 0, 1), step(4, 1, 0)]),
        (of("c"), vec![]),
        (tenant(TenantFilter::Without), vec![step(0, 1, 1), step(1, 1, 0), step(4, 1, 0)]),
        (tenant(of_acme()), vec![step(0, 0, 1), step(4, 1, 0)]),
        (tenant(TenantFilter::Is(String::new())), vec![]),
        (ActivityFilter { tenant: TenantFilter::Without, ..of("b") }, vec![]),
        (ActivityFilter { until: FROM, ..all.clone() }, vec![]),
        (ActivityFilter { step: LONG, ..all.clone() }, vec![step(0, 4, 2)]),
        (ActivityFilter { step: Duration::MAX, ..all.clone() }, vec![step(0, 4, 2)]),
    ] {
        assert_eq!(store.activity(&filter).await.expect(WORKS), expected, "{filter:?}");
    }
    let finest = ActivityFilter { step: Duration::ZERO, ..all.clone() };
    assert_eq!(store.activity(&finest).await.expect(WORKS).len(), 5, "a step is a microsecond at least");
    put(&store, &Endpoint { tenant: acme(), ..endpoint("a") }).await;
    let moved = store.activity(&tenant(of_acme())).await.expect(WORKS);
    assert_eq!(moved, store.activity(&all).await.expect(WORKS), "an endpoint takes what it had along");
}

async fn make_attempt(store: &impl OutboxStore, at: i64, went_well: bool) {
    let claimed = claim_one(store).await;
    let made = Attempt { at, ..attempt(&claimed, went_well) };
    let settled = SettleDelivery { attempt: Some(made), ..settling(&claimed, Verdict::Dead) };
    assert_eq!(settle(store, &settled).await, Settlement::Settled);
}

/// A message that is too old is forgotten with its deliveries and attempts, and its key and its id can be
/// used anew.
pub async fn what_is_too_old_is_forgotten(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    let keyed = NewMessage { id: Some(String::from("ours")), ..with_key("key") };
    enqueue_all(&store, &[keyed.clone(), of_tenant(Some("nobody"), with_id("of nobody"))]).await;
    let claimed = claim_one(&store).await;
    end(&store, &claimed, Verdict::Dead).await;
    harness.pass(harness.short()).await;
    harness.pass(harness.short()).await;
    assert_eq!(prune(&store, LONG, u64::MAX).await, 0);
    assert!(enqueue_again(&store, &keyed).await.duplicate);
    assert_eq!(prune(&store, harness.short(), u64::MAX).await, 2);
    assert_eq!(prune(&store, harness.short(), u64::MAX).await, 0);

    assert_eq!(message_ids(&store, &MessageFilter::default(), &Page::default()).await, [""; 0]);
    assert_eq!((count(&store, &ANY).await, attempts(&store, claimed.id).await), (0, vec![]));
    assert_eq!(enqueue(&store, &keyed).await.deliveries, 1);
    assert_ne!(claim_one(&store).await.id, claimed.id);
}

/// Messages are forgotten beyond the newest so many, the oldest first.
pub async fn what_is_beyond_so_many_is_forgotten(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue_all(&store, &["c", "a", "e", "b", "d"].map(with_id)).await;
    end_all(&store, &claim(&store, 10).await, Verdict::Delivered).await;
    for (messages, forgotten, left) in [
        (5, 0, &["d", "b", "e", "a", "c"][..]),
        (3, 2, &["d", "b", "e"]),
        (u64::MAX, 0, &["d", "b", "e"]),
        (1, 2, &["d"]),
        (0, 1, &[]),
    ] {
        assert_eq!(prune(&store, LONG, messages).await, forgotten);
        assert_eq!(message_ids(&store, &MessageFilter::default(), &Page::default()).await, left);
        assert_eq!(count(&store, &ANY).await, left.len() as u64);
    }
}

/// What has a delivery left to make is kept, however old it is and however many there are: pending, due
/// or not, leased, or waiting for a disabled endpoint. It counts among the newest.
pub async fn what_still_waits_is_never_forgotten(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &bearing("ep", 100)).await;
    put(&store, &bearing("other", 100)).await;
    enqueue_all(&store, &["pending", "leased", "settled"].map(with_id)).await;
    for claimed in claim(&store, 10).await {
        match &*claimed.message.id {
            "settled" => end(&store, &claimed, Verdict::Delivered).await,
            // The other of its two deliveries is settled.
            "pending" if claimed.endpoint.id == "ep" => end(&store, &claimed, Verdict::Dead).await,
            "pending" => end(&store, &claimed, retry(LONG)).await,
            _ => {}
        }
    }
    let disabled = EndpointState::Disabled(DisabledBecause::Operator);
    assert!(store.set_state("ep", disabled).await.expect(WORKS));
    enqueue(&store, &with_id("withheld")).await;
    end(&store, &claim_one(&store).await, Verdict::Delivered).await;
    assert_nothing_is_due(&store).await;
    harness.pass(harness.short()).await;
    harness.pass(harness.short()).await;

    assert_eq!(prune(&store, LONG, 2).await, 0, "settled is the second newest");
    assert_eq!(prune(&store, harness.short(), 0).await, 1);
    let left = message_ids(&store, &MessageFilter::default(), &Page::default()).await;
    assert_eq!(left, ["withheld", "leased", "pending"]);
    for id in left {
        read(&store, &id).await;
        assert_eq!(count(&store, &of_message(&id)).await, 2, "{id}");
    }
}

async fn prune(store: &impl OutboxStore, age: Duration, messages: u64) -> u64 {
    store.prune_outbox(&Retention { age, messages }).await.expect(WORKS)
}

/// When the first step begins, and how long it is, in microseconds.
const FROM: i64 = 1_700_000_000_000_123;
const STEP: i64 = 60_000_000;
