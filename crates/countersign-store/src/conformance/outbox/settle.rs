//! What an outbox promises of settling, and of the attempts that are recorded.

use std::time::Duration;

use bytes::Bytes;

use super::steps::{
    ANY, FAILED, WORKS, assert_nothing_is_due, attempt, attempts, bearing, claim, claim_briefly, claim_one,
    delivery, end, endpoint, enqueue, enqueue_all, kinds, matching, message, messages, put, retry, return_it,
    settle, settling, stored,
};
use crate::{
    Fence, Settlement, StoreErrorKind,
    conformance::{Harness, LONG},
    outbox::{Attempt, Claimed, DeliveryState, OutboxStore, Page, SettleDelivery, Trigger, Verdict},
};

/// A lease settles its delivery once, whatever became of it; another fence, or a delivery that isn't
/// there, settles nothing.
pub async fn a_delivery_is_settled_once(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    for verdict in [Verdict::Delivered, Verdict::Dead, Verdict::Cancelled, retry(LONG)] {
        enqueue(&store, &message("order.paid")).await;
        let claimed = claim_one(&store).await;
        let forged = Claimed { fence: Fence::from_i64(claimed.fence.as_i64() ^ i64::MIN), ..claimed.clone() };
        let unknown = Claimed { id: i64::MAX, ..claimed.clone() };
        for nobodys in [&forged, &unknown] {
            let settlement = settle(&store, &settling(nobodys, Verdict::Delivered)).await;
            assert_eq!(settlement, Settlement::Superseded);
        }
        end(&store, &claimed, verdict).await;
        let ended = delivery(&store, claimed.id).await;
        for again in [Verdict::Delivered, Verdict::Dead, Verdict::Cancelled, retry(Duration::ZERO)] {
            let settled = SettleDelivery { effect: FAILED, ..settling(&claimed, again) };
            assert_eq!(settle(&store, &settled).await, Settlement::Superseded, "{again:?} after {verdict:?}");
        }
        assert_eq!(delivery(&store, claimed.id).await, ended);
        assert_eq!(attempts(&store, claimed.id).await.len(), 1);
    }
    assert_eq!(stored(&store, "ep").await.health.failures, 0);
}

/// The answers stand in the order of the question. One that settles nothing doesn't keep the others from
/// settling, and does nothing to its endpoint. Of two verdicts on one lease the first counts.
pub async fn settlements_are_answered_in_their_order(harness: &impl Harness<Store: OutboxStore>) {
    use Settlement::{Settled, Superseded};
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("a")).await;
    let early = claim_briefly(harness, &store).await;
    let a = claim_one(&store).await;
    enqueue_all(&store, &[message("b"), message("c")]).await;
    let [b, c] = [claim_one(&store).await, claim_one(&store).await];
    let batch = [
        settling(&c, Verdict::Dead),
        SettleDelivery { effect: FAILED, ..settling(&early, Verdict::Delivered) },
        SettleDelivery { effect: FAILED, ..settling(&a, retry(LONG)) },
        SettleDelivery { effect: FAILED, ..settling(&c, Verdict::Delivered) },
        settling(&b, Verdict::Delivered),
    ];
    let settlements = store.settle(&batch).await.expect(WORKS);
    assert_eq!(settlements, [Settled, Superseded, Settled, Superseded, Settled]);
    assert_eq!(store.settle(&batch).await.expect(WORKS), [Superseded; 5]);
    assert_eq!(store.settle(&[]).await.expect(WORKS), []);
    for (settled, state) in
        [(a, DeliveryState::Pending), (b, DeliveryState::Delivered), (c, DeliveryState::Dead)]
    {
        assert_eq!(delivery(&store, settled.id).await.state, state);
        assert_eq!(attempts(&store, settled.id).await.len(), 1);
    }
    assert_eq!(stored(&store, "ep").await.health.failures, 1);
}

/// A delivery that is to be tried again is claimed once its delay has ended, and not before.
pub async fn a_retry_is_due_after_its_delay(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    for (kind, delay) in [("long", LONG), ("short", harness.short())] {
        enqueue(&store, &message(kind)).await;
        end(&store, &claim_one(&store).await, retry(delay)).await;
    }
    for _ in 0..2 {
        harness.pass(harness.short()).await;
        let claimed = claim(&store, 10).await;
        assert_eq!(kinds(&claimed), ["short"]);
        end(&store, &claimed[0], retry(harness.short())).await;
    }
    let waiting = matching(&store, &ANY).await;
    assert!(waiting.iter().all(|delivery| delivery.state == DeliveryState::Pending));
    let long = waiting[1].due_at.expect("it is due") - waiting[1].created_at;
    assert!(long >= LONG.as_micros() as i64, "{long}");
}

/// What was delivered, given up or cancelled is due no more, and isn't claimed again.
pub async fn what_is_settled_is_not_claimed_again(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    let ends = [
        (Verdict::Delivered, DeliveryState::Delivered),
        (Verdict::Dead, DeliveryState::Dead),
        (Verdict::Cancelled, DeliveryState::Cancelled),
    ];
    for (verdict, state) in ends {
        enqueue(&store, &message("order.paid")).await;
        let claimed = store.claim(1, harness.short()).await.expect(WORKS).remove(0);
        end(&store, &claimed, verdict).await;
        harness.pass(harness.short()).await;
        assert_nothing_is_due(&store).await;
        let ended = delivery(&store, claimed.id).await;
        assert_eq!((ended.state, ended.due_at, ended.attempts), (state, None, 1));
    }
}

/// The last attempt is what a list shows of a delivery.
pub async fn a_list_shows_the_last_attempt(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    let ends = [(Some(503), Some("busy")), (None, Some("no answer")), (Some(200), None)];
    for (status, error) in ends {
        let claimed = claim_one(&store).await;
        let before = delivery(&store, claimed.id).await;
        let at = before.last_at.unwrap_or(1_700_000_000_000_000) + 7;
        let latency = Duration::from_micros(u64::from(claimed.attempt) * 9);
        let error_text = error.map(String::from);
        let made = Attempt { at, latency, status, error: error_text, ..attempt(&claimed, true) };
        let settled = SettleDelivery { attempt: Some(made), ..settling(&claimed, retry(Duration::ZERO)) };
        assert_eq!(settle(&store, &settled).await, Settlement::Settled);
        let listed = delivery(&store, claimed.id).await;
        assert_eq!((listed.last_status, listed.last_error.as_deref()), (status, error));
        assert_eq!((listed.last_at, listed.last_latency), (Some(at), Some(latency)));
        return_it(&store, &claim_one(&store).await).await;
        let returned = delivery(&store, claimed.id).await;
        assert_eq!((returned.last_at, returned.last_latency), (Some(at), Some(latency)), "none was made");
    }
}

/// Attempts are read the last first, as many as are wanted, and on from where the page before has ended.
pub async fn attempts_are_read_last_first_page_by_page(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    let mut id = 0;
    for _ in 0..5 {
        let claimed = claim_one(&store).await;
        end(&store, &claimed, retry(Duration::ZERO)).await;
        id = claimed.id;
    }
    for (after, limit, expected) in [
        (None, 2, &[5, 4][..]),
        (Some("4"), 2, &[3, 2]),
        (Some("2"), 2, &[1]),
        (Some("1"), 2, &[]),
        (None, Page::MAX + 1, &[5, 4, 3, 2, 1]),
        (None, 0, &[]),
    ] {
        let page = Page { after: after.map(String::from), limit };
        let read = store.attempts(id, &page).await.expect(WORKS);
        let numbers: Vec<u32> = read.iter().map(|attempt| attempt.number).collect();
        assert_eq!(numbers, expected, "{page:?}");
    }
    let behind_nothing = Page { after: Some(String::from("x")), limit: 1 };
    let refused = store.attempts(id, &behind_nothing).await.expect_err("that is no attempt");
    assert_eq!(refused.kind(), StoreErrorKind::Invalid);
}

/// Every field of an attempt survives, byte for byte: what is missing stays missing, what is empty stays
/// empty, and bodies can be any bytes. They are listed in the order in which they were made.
pub async fn attempts_come_back_as_they_were_recorded(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    let mut recorded = Vec::new();
    for attempt in all_sorts() {
        let claimed = claim_one(&store).await;
        assert_eq!(claimed.attempt, attempt.number);
        recorded.push(attempt.clone());
        let settled = SettleDelivery { attempt: Some(attempt), ..settling(&claimed, retry(Duration::ZERO)) };
        assert_eq!(settle(&store, &settled).await, Settlement::Settled);
        let read = attempts(&store, claimed.id).await;
        assert!(read == recorded, "{:?} is read as {:?}", recorded.last(), read.last());
    }
    assert_eq!(attempts(&store, i64::MAX).await, []);
}

/// Attempts of every sort, numbered from 1.
fn all_sorts() -> Vec<Attempt> {
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    let mebibyte: Vec<u8> = all_bytes.iter().copied().cycle().take(1 << 20).collect();
    let odd = [("x-odd", " \t\"\\{}[]',;%_é🦀\u{7f} "), ("", ""), ("x-odd", "twice"), ("X-Case", "K")];
    let odd: Vec<(String, String)> =
        odd.into_iter().map(|(name, value)| (String::from(name), String::from(value))).collect();
    let bare = |number, trigger| Attempt::new(number, 1_700_000_000_000_001, trigger);
    vec![
        bare(1, Trigger::Schedule),
        Attempt {
            latency: Duration::from_micros(1_234_567),
            request_headers: odd.clone(),
            payload_digest: Some(std::array::from_fn(|at| 255 - at as u8)),
            payload: Some(Bytes::from(all_bytes.clone())),
            status: Some(599),
            response_headers: odd,
            response_body: Bytes::from(all_bytes),
            error: Some(String::from("the endpoint answered 599: \"é🦀\"\r\n\\")),
            ..bare(2, Trigger::Redelivery)
        },
        Attempt {
            payload_digest: Some([0; 32]),
            payload: Some(Bytes::new()),
            status: Some(0),
            error: Some(String::new()),
            ..bare(3, Trigger::Schedule)
        },
        Attempt { at: 0, payload: Some(Bytes::from(mebibyte.clone())), ..bare(4, Trigger::Schedule) },
        Attempt { response_body: Bytes::from(mebibyte), status: Some(200), ..bare(5, Trigger::Schedule) },
    ]
}

/// Attempts of many deliveries that are settled at once are each recorded at their own.
pub async fn attempts_of_a_batch_are_not_mixed_up(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &bearing("ep", 100)).await;
    enqueue_all(&store, &messages("order.paid", 5)).await;
    let claimed = claim(&store, 5).await;
    let made = |claimed: &Claimed, sort: Attempt| Attempt { number: claimed.attempt, ..sort };
    let settled: Vec<SettleDelivery> = claimed
        .iter()
        .zip(all_sorts())
        .map(|(one, sort)| SettleDelivery { attempt: Some(made(one, sort)), ..settling(one, Verdict::Dead) })
        .collect();
    assert_eq!(store.settle(&settled).await.expect(WORKS), [Settlement::Settled; 5]);
    for settled in settled {
        assert!(attempts(&store, settled.id).await == [settled.attempt.expect("it was made")]);
    }
}

/// Where no attempt was made none is counted or recorded, and what is known of the last one stays.
pub async fn a_claim_without_an_attempt_does_not_count(harness: &impl Harness<Store: OutboxStore>) {
    let store = harness.store().await;
    put(&store, &endpoint("ep")).await;
    enqueue(&store, &message("order.paid")).await;
    let first = claim_one(&store).await;
    return_it(&store, &first).await;
    end(&store, &claim_one(&store).await, retry(Duration::ZERO)).await;
    let second = claim_one(&store).await;
    return_it(&store, &second).await;
    assert_eq!((second.attempt, second.step), (2, 2));
    let third = claim_one(&store).await;
    assert_eq!((third.id, third.attempt, third.step), (first.id, 2, 2));
    let cancelled = SettleDelivery { attempt: None, ..settling(&third, Verdict::Cancelled) };
    assert_eq!(settle(&store, &cancelled).await, Settlement::Settled);
    let ended = delivery(&store, third.id).await;
    assert_eq!((ended.state, ended.attempts), (DeliveryState::Cancelled, 1));
    assert_eq!((ended.last_status, ended.last_error.as_deref()), (Some(503), Some("busy")));
    assert_eq!(attempts(&store, third.id).await, [attempt(&Claimed { attempt: 1, ..third.clone() }, false)]);
}
