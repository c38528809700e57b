//! What every [`InboxStore`] promises.

#![allow(clippy::missing_panics_doc, reason = "a promise that is broken panics, as the module above says")]

use std::{collections::BTreeSet, time::Duration};

use self::steps::{
    WORKERS, WORKS, accept, accept_all, assert_all_settled, dead, depth, event, full, keys, lease,
    lease_briefly, lease_one, numbered, page, requeue, retry, settle, settling, with_all,
};
pub use self::{dead::*, order::*};
use super::{HOSTILE, Harness, LONG, assert_each_once, race};
use crate::{Accepted, Fence, InboxStore, Leased, MAX_KEY, Outcome, Received, Settlement, StoreErrorKind};

mod dead;
mod order;
mod steps;

/// Makes a test of each promise of an [`InboxStore`](crate::InboxStore).
///
/// The expression gives the [`Harness`](crate::conformance::Harness), anew for each test, as with
/// [`idempotency_conformance!`](crate::idempotency_conformance).
#[macro_export]
macro_rules! inbox_conformance {
    ($harness:expr $(,)?) => {
        $crate::conformance_tests!(
            inbox,
            $harness,
            an_event_comes_back_as_it_was_accepted,
            adv_92_an_event_is_never_read_as_code,
            keys_are_compared_byte_by_byte,
            an_event_whose_key_no_store_keeps_is_refused,
            of_many_copies_at_once_one_is_new,
            a_copy_is_known_whatever_became_of_the_first,
            of_many_workers_one_has_each_row,
            no_more_rows_are_leased_than_were_asked_for,
            the_longest_due_comes_first,
            a_lease_that_ends_goes_to_another_and_the_earlier_settles_nothing,
            until_it_is_leased_again_a_row_is_settled_late,
            a_row_is_settled_once,
            settlements_are_answered_in_their_order,
            a_retry_is_due_after_its_delay,
            a_returned_attempt_does_not_count,
            a_dead_row_is_kept_with_its_reason,
            dead_rows_are_listed_by_id_page_by_page,
            a_dead_row_that_is_put_back_starts_anew,
            only_what_is_done_for_long_is_forgotten,
            depth_counts_what_is_pending_or_leased,
            the_longest_spans_are_taken,
            two_handles_agree,
            rows_of_one_order_are_leased_one_at_a_time_as_accepted,
            a_retry_holds_up_its_order_and_no_other,
            a_lease_that_ends_does_not_free_the_next_of_its_order,
            a_dead_row_does_not_hold_up_those_behind_it,
            a_row_that_was_put_back_waits_for_its_order,
            many_rows_of_one_order_do_not_hold_up_those_of_others,
            of_many_workers_one_has_rows_of_an_order,
        );
    };
}

/// Every field of an event survives, byte for byte, whether a worker is given it or it is listed as
/// dead: what is missing stays missing, what is empty stays empty, and a body can be any bytes.
pub async fn an_event_comes_back_as_it_was_accepted(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    let mebibyte: Vec<u8> = all_bytes.iter().copied().cycle().take(1 << 20).collect();
    let bare = Received::new("bare", "github", "");
    for received in [full("full", all_bytes), full("large", mebibyte), with_all("empty", ""), bare] {
        accept(&store, &received).await;
        let first = lease_one(&store).await;
        assert_eq!((&first.received, first.attempt), (&received, 1));
        assert_eq!(settle(&store, &first, retry(Duration::ZERO)).await, Settlement::Settled);
        let second = lease_one(&store).await;
        assert_eq!(second.received, received);
        assert_eq!((second.id, second.accepted_at), (first.id, first.accepted_at));
        assert_eq!(settle(&store, &second, dead("given up")).await, Settlement::Settled);
        let letter = page(&store, first.id - 1, 1).await.remove(0);
        assert_eq!(letter.received, received);
        assert_eq!((letter.id, letter.accepted_at, letter.attempts), (first.id, first.accepted_at, 2));
    }
}

/// No text of an event does anything but name what it names.
pub async fn adv_92_an_event_is_never_read_as_code(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    for text in HOSTILE {
        let received = with_all(text, text);
        accept(&store, &received).await;
        let leased = lease_one(&store).await;
        assert_eq!(leased.received, received);
        assert_eq!(settle(&store, &leased, dead(text)).await, Settlement::Settled);
        let letter = page(&store, leased.id - 1, 1).await.remove(0);
        assert_eq!((&*letter.reason, letter.received), (*text, received));
    }
    assert_eq!(page(&store, 0, 100).await.len(), HOSTILE.len());
}

/// Keys that look alike are keys of different events.
pub async fn keys_are_compared_byte_by_byte(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    let longest = |end: char| "é".repeat(MAX_KEY / 2 - 1) + "x" + &String::from(end);
    let (one, other) = (longest('a'), longest('b'));
    for key in ["a", "A", "a ", " a", "ä", "a\u{308}", "ß", "ss", "1", "01", "1.0", &one, &other] {
        accept(&store, &event(key)).await;
        assert_eq!(store.accept(&event(key)).await.expect(WORKS), Accepted::Duplicate, "{key:?}");
    }
}

/// An event with an empty key, one of more than [`MAX_KEY`] bytes, or one with a NUL is refused, and
/// nothing of it is kept.
pub async fn an_event_whose_key_no_store_keeps_is_refused(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    for key in ["", "a\0b", &"x".repeat(MAX_KEY + 1), &"é".repeat(513)] {
        let refused = store.accept(&event(key)).await.expect_err("the key is refused");
        assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{} bytes", key.len());
    }
    assert_eq!(depth(&store).await, 0);
}

/// Of tasks that accept copies of an event at one moment, one is told that it is new.
pub async fn of_many_copies_at_once_one_is_new(harness: &impl Harness<Store: InboxStore>) {
    let rounds = harness.rounds();
    let new = race(harness, 64, move |racer| async move {
        let mut new = Vec::new();
        for round in 0..rounds {
            racer.ready().await;
            let accepted = racer.store.accept(&numbered(round)).await.expect(WORKS);
            new.extend((accepted == Accepted::New).then_some(round));
        }
        new
    })
    .await;
    assert_each_once(new, rounds);
    let store = harness.store().await;
    assert_eq!(depth(&store).await, rounds as u64);
    for round in 0..rounds {
        let copy = store.accept(&numbered(round)).await.expect(WORKS);
        assert_eq!(copy, Accepted::Duplicate, "round {round}");
    }
}

/// A copy is known while the first is pending, leased, to be tried again, dead or done, and is told from others while it
/// is dead; what is done isn't leased again.
pub async fn a_copy_is_known_whatever_became_of_the_first(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    use Accepted::{Duplicate, GivenUp};
    let became =
        [("done", Outcome::Done, Duplicate), ("dead", dead(""), GivenUp), ("retry", retry(LONG), Duplicate)];
    for (key, outcome, known) in became {
        // Another body makes no other event.
        let copy = Received::new(key, "stripe", "another body");
        accept(&store, &event(key)).await;
        assert_eq!(store.accept(&copy).await.expect(WORKS), Accepted::Duplicate);
        let leased = lease_one(&store).await;
        assert_eq!(store.accept(&copy).await.expect(WORKS), Accepted::Duplicate);
        assert_eq!(leased.received, event(key));
        assert_eq!(settle(&store, &leased, outcome).await, Settlement::Settled);
        assert_eq!(store.accept(&copy).await.expect(WORKS), known);
        assert_eq!(lease(&store, 10).await, []);
    }
    let given_up = page(&store, 0, 1).await.remove(0);
    assert!(store.requeue(given_up.id).await.expect(WORKS));
    assert_eq!(store.accept(&given_up.received).await.expect(WORKS), Duplicate);
}

/// Workers that lease at the same time share the rows: each row goes to one of them, once.
pub async fn of_many_workers_one_has_each_row(harness: &impl Harness<Store: InboxStore>) {
    let rows = harness.rows();
    let handled = race(harness, WORKERS, move |racer| async move {
        for number in (racer.number..rows).step_by(WORKERS) {
            accept(&racer.store, &numbered(number)).await;
        }
        racer.ready().await;
        let mut handled = Vec::new();
        while depth(&racer.store).await > 0 {
            let leased = lease(&racer.store, 7).await;
            assert!(leased.iter().all(|row| row.attempt == 1));
            assert_all_settled(&racer.store, &leased, Outcome::Done).await;
            handled.extend(leased.into_iter().map(|row| row.received.key));
        }
        handled
    })
    .await;
    let handled: Vec<String> = handled.into_iter().flatten().collect();
    let distinct: BTreeSet<&String> = handled.iter().collect();
    assert_eq!((handled.len(), distinct.len()), (rows, rows), "rows handled, and different ones");
}

/// At most `limit` rows are leased, and the others stay for the next.
pub async fn no_more_rows_are_leased_than_were_asked_for(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    accept_all(&store, &["a", "b", "c"].map(event)).await;
    assert_eq!(lease(&store, 0).await, []);
    assert_eq!(lease(&store, 2).await.len(), 2);
    assert_eq!(lease(&store, u32::MAX).await.len(), 1);
    assert_eq!(lease(&store, u32::MAX).await, []);
}

/// Rows are leased in the order in which they became due: when they were accepted, or when their delay
/// ends.
pub async fn the_longest_due_comes_first(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    accept(&store, &event("retried")).await;
    let retried = lease_one(&store).await;
    for key in ["first", "second"] {
        accept(&store, &event(key)).await;
        harness.pass(harness.short()).await;
    }
    assert_eq!(settle(&store, &retried, retry(harness.short())).await, Settlement::Settled);
    harness.pass(harness.short()).await;
    harness.pass(harness.short()).await;
    accept(&store, &event("last")).await;
    assert_eq!(keys(&lease(&store, 3).await), ["first", "second", "retried"]);
    assert_eq!(keys(&lease(&store, 3).await), ["last"]);
}

/// A row whose lease has ended is leased again, as the next attempt. The earlier worker then settles
/// nothing, whatever it says; the later one does.
pub async fn a_lease_that_ends_goes_to_another_and_the_earlier_settles_nothing(
    harness: &impl Harness<Store: InboxStore>,
) {
    let store = harness.store().await;
    accept(&store, &event("key")).await;
    let early = lease_briefly(harness, &store).await;
    let late = lease_one(&store).await;
    assert_eq!((late.id, late.attempt, &late.received), (early.id, 2, &early.received));
    assert_ne!(late.fence, early.fence);
    for outcome in [Outcome::Done, dead(""), retry(Duration::ZERO), Outcome::Returned] {
        assert_eq!(settle(&store, &early, outcome).await, Settlement::Superseded);
        assert_eq!((depth(&store).await, lease(&store, 1).await), (1, vec![]), "it is leased still");
    }
    assert_eq!(settle(&store, &late, Outcome::Done).await, Settlement::Settled);
    assert_eq!(settle(&store, &early, retry(Duration::ZERO)).await, Settlement::Superseded);
    assert_eq!((depth(&store).await, lease(&store, 1).await), (0, vec![]));
}

/// A worker whose lease has ended settles its row, as long as the row was not leased again.
pub async fn until_it_is_leased_again_a_row_is_settled_late(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    accept(&store, &event("key")).await;
    let late = lease_briefly(harness, &store).await;
    assert_eq!(settle(&store, &late, Outcome::Done).await, Settlement::Settled);
    assert_eq!((depth(&store).await, lease(&store, 1).await), (0, vec![]));
}

/// A lease settles its row once, whatever became of it; another fence, or a row that isn't there,
/// settles nothing.
pub async fn a_row_is_settled_once(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    for (key, outcome) in
        [("done", Outcome::Done), ("dead", dead("")), ("retry", retry(LONG)), ("returned", Outcome::Returned)]
    {
        accept(&store, &event(key)).await;
        let leased = lease_one(&store).await;
        let forged = Leased { fence: Fence::from_i64(leased.fence.as_i64() ^ i64::MIN), ..leased.clone() };
        let unknown = Leased { id: i64::MAX, ..leased.clone() };
        assert_eq!(settle(&store, &forged, Outcome::Done).await, Settlement::Superseded, "{key}");
        assert_eq!(settle(&store, &unknown, Outcome::Done).await, Settlement::Superseded, "{key}");
        assert_eq!(settle(&store, &leased, outcome).await, Settlement::Settled, "{key}");
        for again in [Outcome::Done, dead(""), retry(Duration::ZERO), Outcome::Returned] {
            assert_eq!(settle(&store, &leased, again).await, Settlement::Superseded, "{key}");
        }
    }
    assert_eq!(keys(&lease(&store, 10).await), ["returned"]);
    assert_eq!((depth(&store).await, page(&store, 0, 10).await.len()), (2, 1));
}

/// The answers stand in the order of the question, those that settle nothing among the others. Of two
/// outcomes of one lease the first counts.
pub async fn settlements_are_answered_in_their_order(harness: &impl Harness<Store: InboxStore>) {
    use Settlement::{Settled, Superseded};
    let store = harness.store().await;
    accept(&store, &event("a")).await;
    let early = lease_briefly(harness, &store).await;
    let a = lease_one(&store).await;
    accept(&store, &event("b")).await;
    let b = lease_one(&store).await;
    accept(&store, &event("c")).await;
    let c = lease_one(&store).await;
    let batch = [
        settling(&c, dead("")),
        settling(&early, Outcome::Done),
        settling(&a, retry(LONG)),
        settling(&c, Outcome::Done),
        settling(&b, Outcome::Done),
    ];
    let settlements = store.settle(&batch).await.expect(WORKS);
    assert_eq!(settlements, [Settled, Superseded, Settled, Superseded, Settled]);
    assert_eq!(store.settle(&batch).await.expect(WORKS), [Superseded; 5]);
    assert_eq!(store.settle(&[]).await.expect(WORKS), []);
    assert_eq!((depth(&store).await, page(&store, 0, 10).await[0].id), (1, c.id));
}

/// A row that is to be tried again is leased once its delay has ended, and not before; each attempt is
/// counted.
pub async fn a_retry_is_due_after_its_delay(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    for (key, delay) in [("long", LONG), ("short", harness.short())] {
        accept(&store, &event(key)).await;
        let leased = lease_one(&store).await;
        assert_eq!(settle(&store, &leased, retry(delay)).await, Settlement::Settled);
    }
    for attempt in 2..4 {
        harness.pass(harness.short()).await;
        let leased = lease_one(&store).await;
        assert_eq!((&*leased.received.key, leased.attempt), ("short", attempt));
        assert_eq!(lease(&store, 10).await, []);
        assert_eq!(settle(&store, &leased, retry(harness.short())).await, Settlement::Settled);
    }
    assert_eq!(depth(&store).await, 2);
}

/// An attempt that was returned is due at once and isn't counted, and those before it are.
pub async fn a_returned_attempt_does_not_count(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    accept(&store, &event("key")).await;
    for (attempt, outcome) in [
        (1, Outcome::Returned),
        (1, Outcome::Returned),
        (1, retry(Duration::ZERO)),
        (2, Outcome::Returned),
        (2, Outcome::Done),
    ] {
        let leased = lease_one(&store).await;
        assert_eq!(leased.attempt, attempt);
        assert_eq!(settle(&store, &leased, outcome).await, Settlement::Settled);
    }
}

/// A row that was done longer than `ttl` ago is forgotten, so that its event is new once more. One that
/// is pending, leased or dead is kept however old it is.
pub async fn only_what_is_done_for_long_is_forgotten(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    accept_all(&store, &["dead", "done", "leased"].map(event)).await;
    for leased in lease(&store, 3).await {
        let outcome = match &*leased.received.key {
            "done" => Outcome::Done,
            "dead" => dead(""),
            _ => continue,
        };
        assert_eq!(settle(&store, &leased, outcome).await, Settlement::Settled);
    }
    accept(&store, &event("pending")).await;
    harness.pass(harness.short()).await;
    assert_eq!(store.prune(LONG).await.expect(WORKS), 0);
    assert_eq!(store.accept(&event("done")).await.expect(WORKS), Accepted::Duplicate);
    assert_eq!(store.prune(harness.short()).await.expect(WORKS), 1);
    assert_eq!(store.prune(Duration::ZERO).await.expect(WORKS), 0);
    accept(&store, &event("done")).await;
    for key in ["leased", "pending"] {
        assert_eq!(store.accept(&event(key)).await.expect(WORKS), Accepted::Duplicate, "{key}");
    }
    assert_eq!(store.accept(&event("dead")).await.expect(WORKS), Accepted::GivenUp);
    assert_eq!((depth(&store).await, page(&store, 0, 10).await.len()), (3, 1));
}

/// Depth is the number of rows that are pending, due or not, or leased.
pub async fn depth_counts_what_is_pending_or_leased(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    assert_eq!(depth(&store).await, 0);
    accept_all(&store, &["a", "b", "c"].map(event)).await;
    assert_eq!(depth(&store).await, 3);
    let leased = lease(&store, 3).await;
    assert_eq!(depth(&store).await, 3);
    for (row, outcome, left) in [(0, Outcome::Done, 2), (1, dead(""), 1), (2, retry(LONG), 1)] {
        assert_eq!(settle(&store, &leased[row], outcome).await, Settlement::Settled);
        assert_eq!(depth(&store).await, left);
    }
    assert!(requeue(&store, leased[1].id).await);
    assert_eq!(depth(&store).await, 2);
}

/// A lease, a delay or a time to live is never too long.
pub async fn the_longest_spans_are_taken(harness: &impl Harness<Store: InboxStore>) {
    let store = harness.store().await;
    accept_all(&store, &["leased", "retried", "done"].map(event)).await;
    let leased = store.lease(3, Duration::MAX).await.expect(WORKS);
    assert_eq!(settle(&store, &leased[1], retry(Duration::MAX)).await, Settlement::Settled);
    assert_eq!(settle(&store, &leased[2], Outcome::Done).await, Settlement::Settled);
    harness.pass(harness.short()).await;
    assert_eq!(lease(&store, 10).await, []);
    assert_eq!(store.prune(Duration::MAX).await.expect(WORKS), 0);
}

/// What one handle does, another sees, and a row is settled by any of them.
pub async fn two_handles_agree(harness: &impl Harness<Store: InboxStore>) {
    let (one, other) = (harness.store().await, harness.store().await);
    accept(&one, &event("key")).await;
    assert_eq!(other.accept(&event("key")).await.expect(WORKS), Accepted::Duplicate);
    let leased = lease_one(&other).await;
    assert_eq!(lease(&one, 10).await, []);
    assert_eq!(settle(&one, &leased, dead("")).await, Settlement::Settled);
    assert_eq!(page(&other, 0, 10).await[0].id, leased.id);
    assert!(requeue(&other, leased.id).await);
    drop(other);
    assert_eq!(lease_one(&one).await.id, leased.id);
}
