//! What a store promises of keys.

use super::steps::{OK, answer, assert_in_flight, claim, claimed, complete, release};
use crate::{
    Claim, IdempotencyStore, MAX_KEY, Settlement, StoreErrorKind,
    conformance::{HOSTILE, Harness, LONG},
};

/// Keys that look alike, or that some comparison takes for equal, are different keys.
pub async fn keys_are_compared_byte_by_byte(harness: &impl Harness<Store: IdempotencyStore>) {
    assert_all_differ(&harness.store().await, ALIKE).await;
}

/// Long keys that differ in their last byte are different keys, up to the longest.
pub async fn keys_are_compared_to_their_last_byte(harness: &impl Harness<Store: IdempotencyStore>) {
    let with_end = |end: &str| {
        // Characters of two bytes, all of them different, so that nothing makes the key shorter.
        let start: String = ('\u{80}'..).take(MAX_KEY / 2 - 1).collect();
        start + end
    };
    let keys = [with_end("aa"), with_end("ab"), with_end("a"), with_end("é")];
    assert_eq!(keys.each_ref().map(String::len), [MAX_KEY, MAX_KEY, MAX_KEY - 1, MAX_KEY]);
    assert_all_differ(&harness.store().await, &keys.each_ref().map(String::as_str)).await;
}

/// An empty key, one of more than [`MAX_KEY`] bytes, and one with a NUL are refused.
pub async fn a_key_that_no_store_keeps_is_refused(harness: &impl Harness<Store: IdempotencyStore>) {
    let store = harness.store().await;
    // 513 characters, but 1,026 bytes.
    for key in ["", "\0", "a\0b", "a\0", &"x".repeat(MAX_KEY + 1), &"é".repeat(513), &"'".repeat(1 << 20)] {
        let refused = store.claim(key, LONG).await.expect_err("the key is refused");
        assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{} bytes", key.len());
    }
}

/// No key does anything but name an event.
pub async fn adv_92_a_key_is_never_read_as_code(harness: &impl Harness<Store: IdempotencyStore>) {
    assert_all_differ(&harness.store().await, HOSTILE).await;
}

/// What happens to a key changes nothing for another, not for one that it begins or ends with either.
pub async fn keys_do_not_disturb_each_other(harness: &impl Harness<Store: IdempotencyStore>) {
    let store = harness.store().await;
    let done = claimed(&store, "stripe/evt_1", LONG).await;
    claimed(&store, "stripe/evt_10", LONG).await;
    let released = claimed(&store, "stripe", LONG).await;
    assert_eq!(complete(&store, &done, OK).await, Settlement::Settled);
    assert_eq!(release(&store, &released).await, Settlement::Settled);
    assert_in_flight(&store, "stripe/evt_10").await;
    assert_eq!(claim(&store, "stripe/evt_1", LONG).await, Claim::Done(OK));
    claimed(&store, "stripe", LONG).await;
    claimed(&store, "evt_1", LONG).await;
}

/// Each of the keys can be claimed while the others are, and gives back what was recorded for it.
async fn assert_all_differ(store: &impl IdempotencyStore, keys: &[&str]) {
    let mut tokens = Vec::new();
    for key in keys {
        tokens.push(claimed(store, key, LONG).await);
    }
    for (number, token) in tokens.iter().enumerate() {
        assert_in_flight(store, token.key()).await;
        assert_eq!(complete(store, token, answer(number)).await, Settlement::Settled, "{:?}", token.key());
    }
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(claim(store, key, LONG).await, Claim::Done(answer(number)), "{key:?}");
    }
}

/// Case, spaces, composed and decomposed letters, letters of one look, and numbers of one value.
const ALIKE: &[&str] = &[
    "a",
    "A",
    "ａ",
    "а",
    "a ",
    " a",
    "a\t",
    "a\n",
    "a\u{a0}",
    "a\u{200b}",
    "\u{feff}a",
    "ä",
    "a\u{308}",
    "Ä",
    "Å",
    "\u{212b}",
    "A\u{30a}",
    "ß",
    "ss",
    "ẞ",
    "ﬁ",
    "fi",
    "i",
    "I",
    "ı",
    "İ",
    "1",
    "01",
    "1.0",
    "1e0",
    "+1",
    "null",
    "NULL",
];
