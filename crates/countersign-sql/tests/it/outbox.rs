//! What these databases promise of the outbox beyond the suite in `conformance.rs`.

use std::{collections::HashMap, time::Duration};

use countersign_store::{
    Settlement, StoreErrorKind,
    outbox::{
        Attempt, Claimed, DeliveryFilter, DeliveryState, Effect, Endpoint, EndpointKey, EndpointState,
        HealthChange, NewMessage, OutboxStore, Page, SettleDelivery, Verdict,
    },
};
use tokio::task::JoinSet;

use crate::support::{DAY, Database, HOUR, MINUTE, TestClock};

mod forgetting;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

on_each_database!(
    what_a_message_and_an_endpoint_hold_comes_back,
    an_attempt_comes_back_as_it_was_made,
    endpoints_take_turns_whatever_waits_for_one,
    adv_90_of_many_workers_one_has_each_delivery,
    adv_91_a_clock_that_steps_loses_no_delivery,
    adv_91_a_clock_that_was_ahead_for_a_moment_holds_no_endpoint,
    adv_91_what_a_clock_that_was_ahead_has_put_off_is_due_once_it_is_right,
    a_message_whose_texts_hold_a_nul_is_refused_with_its_batch,
    an_endpoint_that_can_not_be_read_takes_nothing_from_the_others,
    where_a_warning_fails_nothing_is_disabled_of_which_nobody_is_told,
    an_endpoint_that_can_not_be_read_keeps_nobody_from_being_told_of_the_others,
    a_message_that_can_not_be_read_takes_nothing_from_the_others,
);

pub(crate) fn endpoint(id: &str) -> Endpoint {
    let mut endpoint = Endpoint::new(id, format!("https://{id}.example/hooks"), "standard-webhooks");
    endpoint.created_at = 1;
    endpoint
}

pub(crate) async fn put(store: &impl OutboxStore, endpoints: &[Endpoint]) {
    for endpoint in endpoints {
        store.put_endpoint(endpoint).await.unwrap();
    }
}

pub(crate) fn messages(count: usize) -> Vec<NewMessage> {
    (0..count).map(|number| NewMessage::new("invoice.paid", format!(r#"{{"number":{number}}}"#))).collect()
}

pub(crate) fn delivered(claimed: &Claimed) -> SettleDelivery {
    let mut attempt = Attempt::new(claimed.attempt, 1, claimed.trigger);
    attempt.status = Some(200);
    SettleDelivery {
        id: claimed.id,
        fence: claimed.fence,
        endpoint: claimed.endpoint.clone(),
        verdict: Verdict::Delivered,
        effect: Effect::Well,
        attempt: Some(attempt),
    }
}

async fn what_a_message_and_an_endpoint_hold_comes_back<D: Database>(database: &D) {
    let store = database.store();
    let mut endpoint = endpoint("ep");
    endpoint.tenant = Some("acmé".to_owned());
    endpoint.channels = vec!["a".to_owned(), "b\"]".to_owned()];
    endpoint.events = vec!["invoice.*".to_owned()];
    endpoint.headers = vec![("x-from".to_owned(), "us".to_owned())];
    endpoint.keys = vec![EndpointKey {
        label: "1".to_owned(),
        secret: "s".to_owned(),
        valid_from: Some(1),
        valid_until: None,
    }];
    endpoint.limits.per_second = Some(7);
    (endpoint.until_delivered, endpoint.sends_trace) = (true, true);
    store.put_endpoint(&endpoint).await.unwrap();
    endpoint.revision = 1;
    assert_eq!(store.endpoint("ep").await.unwrap().unwrap(), endpoint);
    let mut bytes = NewMessage::new("invoice.paid", vec![0, 255, 1]);
    bytes.tenant = endpoint.tenant.clone();
    bytes.channels = vec!["b\"]".to_owned()];
    bytes.traceparent = Some("00-1".to_owned());
    let mut empty = bytes.clone();
    (empty.id, empty.payload) = (Some("empty".to_owned()), Vec::new().into());
    let enqueued = store.enqueue(&[bytes.clone(), empty]).await.unwrap();
    assert_eq!(enqueued.iter().map(|one| one.deliveries).collect::<Vec<_>>(), [1, 1]);
    let claimed = store.claim(10, MINUTE).await.unwrap();
    assert_eq!(claimed[0].message.payload, bytes.payload);
    assert_eq!(claimed[0].message.traceparent, bytes.traceparent);
    assert_eq!(claimed[1].message.payload, Vec::new().into());
    assert_eq!(*claimed[0].endpoint, endpoint);
}

async fn an_attempt_comes_back_as_it_was_made<D: Database>(database: &D) {
    let store = database.store();
    put(&store, &[endpoint("ep")]).await;
    store.enqueue(&messages(3)).await.unwrap();
    let claimed = store.claim(10, MINUTE).await.unwrap();
    let mut settled: Vec<_> = claimed.iter().map(delivered).collect();
    {
        let attempt = settled[0].attempt.as_mut().unwrap();
        attempt.latency = Duration::from_micros(12_345);
        attempt.request_headers = vec![("webhook-id".to_owned(), "a\"b\u{1}\n".to_owned())];
        attempt.payload_digest = Some([255; 32]);
        attempt.payload = Some(vec![0, 128, 255].into());
        attempt.response_headers = vec![("server".to_owned(), "é".to_owned())];
        attempt.response_body = vec![0, 200].into();
        attempt.error = Some("answered 500: \"no\"".to_owned());
    }
    assert_eq!(store.settle(&settled).await.unwrap(), [Settlement::Settled; 3]);
    for settled in &settled {
        assert_eq!(
            store.attempts(settled.id, &Page::default()).await.unwrap(),
            [settled.attempt.clone().unwrap()]
        );
    }
}

async fn endpoints_take_turns_whatever_waits_for_one<D: Database>(database: &D) {
    let store = database.store();
    let mut greedy = endpoint("greedy");
    greedy.limits.in_flight = 1_000;
    greedy.events = vec!["many".to_owned()];
    let mut all = vec![greedy];
    all.extend((0..9).map(|number| {
        let mut endpoint = endpoint(&format!("ep{number}"));
        endpoint.events = vec!["few".to_owned()];
        endpoint
    }));
    put(&store, &all).await;
    let of = |kind: &str, count| (0..count).map(|_| NewMessage::new(kind, "{}")).collect::<Vec<_>>();
    store.enqueue(&of("many", 2_000)).await.unwrap();
    store.enqueue(&of("few", 10)).await.unwrap();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for claimed in store.claim(30, MINUTE).await.unwrap() {
        *counts.entry(claimed.endpoint.id.clone()).or_default() += 1;
    }
    assert_eq!(counts.len(), 10);
    assert!(counts.values().all(|count| *count == 3), "{counts:?}");
    assert_eq!(store.claim(2_000, MINUTE).await.unwrap().len(), 9 * 7 + 997);
}

/// Workers that all want everything, and whose leases end while they work.
async fn adv_90_of_many_workers_one_has_each_delivery<D: Database>(database: &D) {
    const DELIVERIES: usize = 2_000;
    let store = database.store();
    let mut all: Vec<_> = (0..4).map(|number| endpoint(&format!("ep{number}"))).collect();
    all.iter_mut().for_each(|endpoint| endpoint.limits.in_flight = 1_000);
    put(&store, &all).await;
    store.enqueue(&messages(DELIVERIES / 4)).await.unwrap();
    let mut workers = JoinSet::new();
    for number in 0..8 {
        let store = database.store();
        workers.spawn(async move {
            let mut settled = Vec::new();
            loop {
                // Every second worker is too slow for its first lease.
                let slow = number % 2 == 0 && settled.is_empty();
                let lease = if slow { Duration::ZERO } else { MINUTE };
                let claimed = store.claim(50, lease).await.unwrap();
                if claimed.is_empty() {
                    return settled;
                }
                let done: Vec<_> = claimed.iter().map(delivered).collect();
                if slow {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                let answers = store.settle(&done).await.unwrap();
                settled.extend(done.iter().zip(answers).map(|(done, answer)| (done.id, answer)));
            }
        });
    }
    let settled = workers.join_all().await.concat();
    let mut wins: HashMap<i64, usize> = HashMap::new();
    for (id, _) in settled.iter().filter(|(_, answer)| *answer == Settlement::Settled) {
        *wins.entry(*id).or_default() += 1;
    }
    assert_eq!(wins.len(), DELIVERIES);
    assert!(wins.values().all(|count| *count == 1));
    let mut done = DeliveryFilter::default();
    done.state = Some(DeliveryState::Delivered);
    assert_eq!(store.count(&done).await.unwrap(), DELIVERIES as u64);
}

async fn adv_91_a_clock_that_steps_loses_no_delivery<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    put(&store, &[endpoint("ep")]).await;
    store.enqueue(&messages(2)).await.unwrap();
    let claimed = store.claim(1, MINUTE).await.unwrap();
    clock.back(HOUR);
    assert!(store.claim(10, MINUTE).await.unwrap().is_empty(), "nothing is due before it was enqueued");
    assert_eq!(store.settle(&[delivered(&claimed[0])]).await.unwrap(), [Settlement::Settled]);
    clock.ahead(HOUR + HOUR);
    assert_eq!(store.claim(10, MINUTE).await.unwrap().len(), 1);
}

/// A process whose clock is a month ahead has claimed and failed, and ended.
async fn adv_91_a_clock_that_was_ahead_for_a_moment_holds_no_endpoint<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    put(&store, &[endpoint("ep")]).await;
    store.enqueue(&messages(3)).await.unwrap();
    clock.ahead(30 * DAY);
    let claimed = store.claim(2, MINUTE).await.unwrap();
    let effect = Effect::Failed { open_for: Some(HOUR) };
    let verdict = Verdict::Retry { after: Duration::ZERO };
    store.settle(&[SettleDelivery { effect, verdict, ..delivered(&claimed[0]) }]).await.unwrap();
    clock.back(30 * DAY);
    assert!(store.claim(10, MINUTE).await.unwrap().is_empty());
    assert!(store.turn_failure_clocks(DAY, DAY).await.unwrap().is_empty());
    assert_eq!(store.claim(10, MINUTE).await.unwrap().len(), 3);
    clock.ahead(DAY);
    let disabled = store.turn_failure_clocks(DAY, DAY).await.unwrap();
    assert_eq!(disabled.len(), 1, "it has been failing since then");
}

/// The machine's clock was three hours ahead for a moment: it took the time of its zone for UTC.
async fn adv_91_what_a_clock_that_was_ahead_has_put_off_is_due_once_it_is_right<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    let put_off = async |after| {
        let claimed = store.claim(1, MINUTE).await.unwrap().remove(0);
        let verdict = Verdict::Retry { after };
        let settled = SettleDelivery { effect: Effect::None, verdict, ..delivered(&claimed) };
        assert_eq!(store.settle(&[settled]).await.unwrap(), [Settlement::Settled]);
    };
    let of_type = |kind: &str| NewMessage::new(kind, "{}");
    let [mut before, mut ahead] = ["before", "ahead"].map(endpoint);
    before.events = vec!["before.*".to_owned()];
    ahead.events = vec!["ahead.*".to_owned()];
    put(&store, &[before, ahead]).await;
    store.enqueue(&[of_type("before.put_off")]).await.unwrap();
    put_off(12 * HOUR).await;

    clock.ahead(3 * HOUR);
    store.enqueue(&[of_type("ahead.put_off")]).await.unwrap();
    put_off(10 * MINUTE).await;
    let mut scheduled = of_type("ahead.scheduled");
    scheduled.due_at = Some(clock.now() + 1);
    store.enqueue(&[scheduled, of_type("ahead.new")]).await.unwrap();
    clock.back(3 * HOUR);

    assert!(store.claim(10, MINUTE).await.unwrap().is_empty());
    store.turn_failure_clocks(DAY, DAY).await.unwrap();
    let due = store.claim(10, MINUTE).await.unwrap();
    let mut due: Vec<_> = due.iter().map(|claimed| &*claimed.message.event_type).collect();
    due.sort_unstable();
    assert_eq!(due, ["ahead.new", "ahead.put_off"], "the others wait for their time");
    let health = store.endpoint("ahead").await.unwrap().unwrap().health;
    assert_eq!((health.attempted_at, health.succeeded_at), (Some(clock.now()), None));
}

async fn a_message_whose_texts_hold_a_nul_is_refused_with_its_batch<D: Database>(database: &D) {
    let store = database.store();
    put(&store, &[endpoint("ep")]).await;
    let bad = NewMessage::new("invoice\0.paid", "{}");
    let refused = store.enqueue(&[messages(1).remove(0), bad]).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Invalid);
    assert_eq!(store.count(&DeliveryFilter::default()).await.unwrap(), 0);
    assert_eq!(store.messages(&Default::default(), &Page::default()).await.unwrap(), []);
}

/// What the endpoint is given waits until it can be read, and counts from then on.
async fn an_endpoint_that_can_not_be_read_takes_nothing_from_the_others<D: Database>(database: &D) {
    let clock = TestClock::new();
    let store = database.at(&clock);
    put(&store, &[endpoint("bad"), endpoint("good")]).await;
    database.execute("UPDATE countersign_endpoints SET settings = '{}' WHERE id = 'bad'").await;
    store.enqueue(&messages(3)).await.unwrap();
    let claimed = store.claim(64, MINUTE).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| &*claimed.endpoint.id).collect::<Vec<_>>(), ["good"; 3]);
    let settled: Vec<_> = claimed.iter().map(delivered).collect();
    assert_eq!(store.settle(&settled).await.unwrap(), [Settlement::Settled; 3]);
    for _ in 0..20 {
        let mut leased = DeliveryFilter::default();
        leased.state = Some(DeliveryState::Leased);
        assert_eq!(store.count(&leased).await.unwrap(), 3, "it is left alone until the lease ends");
        clock.ahead(MINUTE);
        assert!(store.claim(64, MINUTE).await.unwrap().is_empty());
    }
    let repair = "
        UPDATE countersign_endpoints
        SET settings = (SELECT settings FROM countersign_endpoints WHERE id = 'good') WHERE id = 'bad'";
    database.execute(repair).await;
    assert!(store.claim(64, MINUTE).await.unwrap().is_empty());
    clock.ahead(MINUTE);
    let claimed = store.claim(64, MINUTE).await.unwrap();
    let counted: Vec<_> = claimed.iter().map(|claimed| (claimed.attempt, claimed.step)).collect();
    assert_eq!(counted, [(1, 1); 3]);
    assert!(claimed.iter().all(|claimed| claimed.endpoint.id == "bad"));
}

async fn a_message_that_can_not_be_read_takes_nothing_from_the_others<D: Database>(database: &D) {
    let store = database.store();
    put(&store, &[endpoint("ep")]).await;
    let mut bad = NewMessage::new("invoice.paid", vec![0xff]);
    bad.id = Some("bad".to_owned());
    let good = messages(2);
    store.enqueue(&[good[0].clone(), bad, good[1].clone()]).await.unwrap();
    database.execute("UPDATE countersign_messages SET is_reference = 1 WHERE id = 'bad'").await;
    let claimed = store.claim(64, MINUTE).await.unwrap();
    let payloads: Vec<_> = claimed.iter().map(|claimed| &claimed.message.payload).collect();
    assert_eq!(payloads, [&good[0].payload, &good[1].payload]);
    assert!(store.claim(64, MINUTE).await.unwrap().is_empty());
}

/// Puts endpoints of which one is to be disabled and the others are to be warned of.
async fn put_failing<D: Database>(database: &D, store: &D::Store) {
    put(store, &[endpoint("disabled"), endpoint("warned"), endpoint("warned too")]).await;
    let since_six_days = "
        UPDATE countersign_endpoints
        SET failing_since = CASE id WHEN 'disabled' THEN 1 ELSE 1700000000000000 - 6 * 86400000000 END";
    database.execute(since_six_days).await;
}

/// Turns the failure clocks, and says what was told, in order.
async fn told(store: &impl OutboxStore) -> Vec<(&'static str, String)> {
    let changes = store.turn_failure_clocks(5 * DAY, 7 * DAY).await.unwrap();
    let told = |change| match change {
        HealthChange::Disabled { endpoint, .. } => ("disabled", endpoint.id),
        HealthChange::Warned { endpoint, .. } => ("warned", endpoint.id),
        other => panic!("{other:?}"),
    };
    let mut told: Vec<_> = changes.into_iter().map(told).collect();
    told.sort_unstable();
    told
}

async fn where_a_warning_fails_nothing_is_disabled_of_which_nobody_is_told<D: Database>(database: &D) {
    let store = database.at(&TestClock::new());
    put_failing(database, &store).await;
    database.execute("CREATE UNIQUE INDEX not_two ON countersign_endpoints (warned_at)").await;
    store.turn_failure_clocks(5 * DAY, 7 * DAY).await.unwrap_err();
    let left = store.endpoint("disabled").await.unwrap().unwrap();
    assert_eq!(left.state, EndpointState::Enabled);
    database.execute("DROP INDEX not_two").await;
    let all = [("disabled", "disabled"), ("warned", "warned"), ("warned", "warned too")];
    assert_eq!(told(&store).await, all.map(|(what, id)| (what, id.to_owned())));
    assert_eq!(told(&store).await, []);
}

async fn an_endpoint_that_can_not_be_read_keeps_nobody_from_being_told_of_the_others<D: Database>(
    database: &D,
) {
    let store = database.at(&TestClock::new());
    put_failing(database, &store).await;
    database.execute("UPDATE countersign_endpoints SET settings = '{}' WHERE id = 'warned'").await;
    let all = [("disabled", "disabled"), ("warned", "warned too")];
    assert_eq!(told(&store).await, all.map(|(what, id)| (what, id.to_owned())));
}
