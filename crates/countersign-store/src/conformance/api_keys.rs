//! What every [`ApiKeyStore`] promises.

#![allow(clippy::missing_panics_doc, reason = "a promise that is broken panics, as the module above says")]

use super::{HOSTILE, Harness, assert_each_once, incompressible, race};
use crate::{
    MAX_NAME, StoreErrorKind,
    api_keys::{ApiKeyStore, Scope, StoredKey},
    outbox::Page,
};

/// Makes a test of each promise of an [`ApiKeyStore`](crate::api_keys::ApiKeyStore).
///
/// The expression gives the [`Harness`](crate::conformance::Harness), anew for each test, as with
/// [`idempotency_conformance!`](crate::idempotency_conformance).
#[macro_export]
macro_rules! api_keys_conformance {
    ($harness:expr $(,)?) => {
        $crate::conformance_tests!(
            api_keys,
            $harness,
            a_key_comes_back_as_it_was_added,
            adv_97_a_key_is_found_by_its_whole_digest,
            what_is_taken_is_not_added_again,
            labels_are_compared_byte_by_byte,
            of_many_who_add_one_label_at_once_one_does,
            keys_are_listed_by_id_page_by_page,
            a_removed_key_is_found_by_nobody,
            adv_92_a_label_is_never_read_as_code,
            a_label_with_a_nul_is_kept_or_refused,
            a_label_is_as_long_as_every_store_keeps_it,
        );
    };
}

/// Every field of a key survives, whether it is asked for or listed: what is missing stays missing.
pub async fn a_key_comes_back_as_it_was_added(harness: &impl Harness<Store: ApiKeyStore>) {
    let store = harness.store().await;
    let scopes = [
        Scope::Admin,
        Scope::App { tenant: String::from("acmé 🦀") },
        Scope::Read { tenant: None },
        Scope::Read { tenant: Some(String::from("acme")) },
    ];
    let times = [None, Some(0), Some(-1), Some(i64::MAX)];
    for ((number, scope), expires_at) in (0..).zip(scopes).zip(times) {
        let created_at = 1_700_000_000_123_456;
        let key = StoredKey { scope, created_at, expires_at, ..key(number) };
        add(&store, &key).await;
        assert_eq!(store.api_key(&key.digest).await.expect(WORKS).as_ref(), Some(&key));
        assert_eq!(store.api_key_by_id(&key.id).await.expect(WORKS).as_ref(), Some(&key));
        let listed = store.api_keys(&Page::default()).await.expect(WORKS);
        assert_eq!(listed.last(), Some(&key));
    }
}

/// A digest that differs in one bit is another's, and no part of one is enough.
pub async fn adv_97_a_key_is_found_by_its_whole_digest(harness: &impl Harness<Store: ApiKeyStore>) {
    let store = harness.store().await;
    assert_eq!(store.api_key(&[0; 32]).await.expect(WORKS), None);
    let added = StoredKey { digest: [7; 32], ..key(1) };
    add(&store, &added).await;
    for at in 0..32 {
        let mut other = added.digest;
        other[at] ^= 1;
        assert_eq!(store.api_key(&other).await.expect(WORKS), None, "byte {at}");
    }
    assert_eq!(store.api_key(&added.digest).await.expect(WORKS), Some(added));
}

/// A key whose id, label or digest another has is not added, and the other stays as it was.
pub async fn what_is_taken_is_not_added_again(harness: &impl Harness<Store: ApiKeyStore>) {
    let store = harness.store().await;
    let first = key(1);
    add(&store, &first).await;
    let alike = [
        first.clone(),
        StoredKey { id: first.id.clone(), ..key(2) },
        StoredKey { label: first.label.clone(), ..key(2) },
        StoredKey { digest: first.digest, ..key(2) },
    ];
    for key in alike {
        let key = StoredKey { scope: Scope::Admin, ..key };
        assert!(!store.add_api_key(&key).await.expect(WORKS), "{key:?}");
    }
    assert_eq!(store.api_keys(&Page::default()).await.expect(WORKS), [first]);
    add(&store, &key(2)).await;
}

/// Labels that look alike are different labels.
pub async fn labels_are_compared_byte_by_byte(harness: &impl Harness<Store: ApiKeyStore>) {
    let store = harness.store().await;
    for (number, label) in (0..).zip(["a", "A", "a ", "ä", "a\u{308}", "ß", "ss"]) {
        add(&store, &StoredKey { label: String::from(label), ..key(number) }).await;
    }
}

/// Of tasks that add keys with one label at one moment, one does.
pub async fn of_many_who_add_one_label_at_once_one_does(harness: &impl Harness<Store: ApiKeyStore>) {
    let rounds = harness.rounds().div_ceil(20);
    let added = race(harness, 16, move |racer| async move {
        let mut added = Vec::new();
        for round in 0..rounds {
            racer.ready().await;
            let number = u32::try_from(round * 100 + racer.number).expect("a small number");
            let key = StoredKey { label: format!("label {round}"), ..key(number) };
            added.extend(racer.store.add_api_key(&key).await.expect(WORKS).then_some(round));
        }
        added
    })
    .await;
    assert_each_once(added, rounds);
}

/// Keys are listed by id, byte by byte, page by page.
pub async fn keys_are_listed_by_id_page_by_page(harness: &impl Harness<Store: ApiKeyStore>) {
    let store = harness.store().await;
    let mut ids = ["b", "B", "é", "a", "_", "a ", "~", "aa", "Z", "0", "10", "2"].map(String::from);
    for (number, id) in (0..).zip(&ids) {
        add(&store, &StoredKey { id: id.clone(), ..key(number) }).await;
    }
    ids.sort();
    for limit in [1, 5, 12, 100] {
        let mut listed: Vec<String> = Vec::new();
        loop {
            let page = Page { after: listed.last().cloned(), limit };
            let keys = store.api_keys(&page).await.expect(WORKS);
            assert!(keys.len() <= limit as usize);
            if keys.is_empty() {
                break;
            }
            listed.extend(keys.into_iter().map(|key| key.id));
            assert!(listed.len() < 100, "the pages come to an end");
        }
        assert_eq!(listed, ids, "pages of {limit}");
    }
    let none = Page { after: None, limit: 0 };
    assert_eq!(store.api_keys(&none).await.expect(WORKS), []);
}

/// A key that was removed is found by no other handle from then on, and what it had is free again.
pub async fn a_removed_key_is_found_by_nobody(harness: &impl Harness<Store: ApiKeyStore>) {
    let (store, other) = (harness.store().await, harness.store().await);
    let (removed, kept) = (key(1), key(2));
    add(&store, &removed).await;
    add(&store, &kept).await;
    assert!(other.api_key(&removed.digest).await.expect(WORKS).is_some());
    assert!(store.remove_api_key(&removed.id).await.expect(WORKS));
    assert!(!store.remove_api_key(&removed.id).await.expect(WORKS));
    assert_eq!(other.api_key(&removed.digest).await.expect(WORKS), None);
    assert_eq!(other.api_key_by_id(&removed.id).await.expect(WORKS), None);
    assert_eq!(other.api_keys(&Page::default()).await.expect(WORKS), [kept]);
    add(&other, &removed).await;
}

/// What a label or a tenant holds is data.
pub async fn adv_92_a_label_is_never_read_as_code(harness: &impl Harness<Store: ApiKeyStore>) {
    let store = harness.store().await;
    for (number, text) in (0..).zip(HOSTILE) {
        let text = String::from(*text);
        let key = StoredKey { label: text.clone(), scope: Scope::App { tenant: text }, ..key(number) };
        add(&store, &key).await;
        assert_eq!(store.api_key(&key.digest).await.expect(WORKS), Some(key));
        assert!(!store.remove_api_key(HOSTILE[number as usize]).await.expect(WORKS));
    }
    assert_eq!(store.api_keys(&Page::default()).await.expect(WORKS).len(), HOSTILE.len());
}

/// A text with a NUL, which some databases can't keep, comes back whole, or the key is refused.
pub async fn a_label_with_a_nul_is_kept_or_refused(harness: &impl Harness<Store: ApiKeyStore>) {
    let store = harness.store().await;
    let key = StoredKey { label: String::from("a\0b"), ..key(1) };
    match store.add_api_key(&key).await {
        Ok(added) => assert!(added),
        Err(error) => assert_eq!(error.kind(), StoreErrorKind::Invalid),
    }
    let found = store.api_key(&key.digest).await.expect(WORKS);
    assert!(found.is_none_or(|found| found == key));
}

/// The longest texts are kept, and longer ones are refused as what no store keeps.
pub async fn a_label_is_as_long_as_every_store_keeps_it(harness: &impl Harness<Store: ApiKeyStore>) {
    let store = harness.store().await;
    let text = |number| incompressible(number, MAX_NAME);
    let longest = StoredKey { id: text(1), label: text(2), scope: Scope::App { tenant: text(3) }, ..key(1) };
    add(&store, &longest).await;
    assert_eq!(store.api_key(&longest.digest).await.expect(WORKS), Some(longest));
    let long = || "x".repeat(MAX_NAME + 1);
    for refused in [
        StoredKey { id: long(), ..key(2) },
        StoredKey { label: long(), ..key(2) },
        StoredKey { scope: Scope::App { tenant: long() }, ..key(2) },
    ] {
        let error = store.add_api_key(&refused).await.expect_err("it is too long");
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
    }
}

/// A key that is like no other of another number.
fn key(number: u32) -> StoredKey {
    let mut digest = [0; 32];
    digest[28..].copy_from_slice(&number.to_be_bytes());
    StoredKey {
        id: format!("key_{number:08}"),
        label: format!("key number {number}"),
        digest,
        scope: Scope::Read { tenant: None },
        created_at: 1,
        expires_at: None,
    }
}

async fn add(store: &impl ApiKeyStore, key: &StoredKey) {
    assert!(store.add_api_key(key).await.expect(WORKS), "{key:?}");
}

const WORKS: &str = "the store works";
