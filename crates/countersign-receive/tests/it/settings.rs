//! Settings that can't be right together are refused when they are made.

use std::time::Duration;

use countersign::{Keyring, Tolerance, Verifier, catalog};
use countersign_receive::{Idempotency, Receiver};

use crate::support::*;

fn refused(verifier: Verifier, settings: Idempotency) -> String {
    Receiver::<()>::new(verifier).idempotency(settings).unwrap_err().to_string()
}

fn remember(seconds: u64) -> Idempotency {
    Idempotency::new(Down::Refusing).ttl(Duration::from_secs(seconds))
}

#[test]
fn adv_43_events_are_remembered_for_twice_as_long_as_a_copy_is_accepted() {
    // Standard Webhooks: 300 seconds before and after.
    let message = refused(verifier(), remember(1199));
    assert!(message.contains("standard-webhooks") && message.contains("1200s"), "{message}");
    assert!(Receiver::<()>::new(verifier()).idempotency(remember(1200)).is_ok());

    let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]).unwrap();
    let lax = Verifier::builder(catalog::STANDARD_WEBHOOKS)
        .keys(keys)
        .tolerance(Tolerance::default().past(86_400))
        .build()
        .unwrap();
    let least = 2 * (86_400 + 300);
    assert!(refused(lax.clone(), remember(least - 1)).contains("set a ttl of at least"));
    assert!(Receiver::<()>::new(lax).idempotency(remember(least)).is_ok());
}

#[test]
fn adv_43_a_scheme_without_a_time_needs_a_ttl_that_is_said() {
    let github = || verifier_of(&catalog::GITHUB, "a-secret-of-a-repository");
    let message = refused(github(), Idempotency::new(Down::Refusing));
    assert!(message.contains("github") && message.contains("Idempotency::ttl"), "{message}");
    assert!(Receiver::<()>::new(github()).idempotency(remember(86_400)).is_ok());
}

#[test]
fn a_lease_that_no_handler_can_have_is_refused() {
    for lease in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(86_401), Duration::MAX] {
        let message = refused(verifier(), Idempotency::new(Down::Refusing).lease(lease));
        assert!(message.contains("from a second to a day"), "{message}");
    }
}
