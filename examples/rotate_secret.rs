//! Changing a secret without losing a delivery: for a while both are valid, and the label of the key
//! that matched says when the old one is no longer used.
//!
//! ```text
//! cargo run -p countersign-examples --bin rotate_secret
//! ```

use std::error::Error;

use countersign::{Key, Keyring, Message, RequestView, Signer, Verifier, catalog};

const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const DAY: i64 = 86_400;

fn main() -> Result<(), Box<dyn Error>> {
    let scheme = catalog::STANDARD_WEBHOOKS;
    let rotated_at = 1_764_000_000;

    // The receiver knows both. The old one ends by itself, so nobody has to remember to remove it.
    let receiver = Keyring::builder(&scheme)
        .key(Key::new("2026-11", NEW))
        .key(Key::new("2025-11", OLD).valid_until(rotated_at + DAY))
        .build()?;
    let verifier = Verifier::builder(scheme.clone()).keys(receiver).build()?;

    // The sender signs with both for a day, side by side in one header, then with the new one alone.
    let sender = Keyring::builder(&scheme)
        .key(Key::new("2026-11", NEW).valid_from(rotated_at))
        .key(Key::new("2025-11", OLD).valid_until(rotated_at + DAY))
        .build()?;
    let signer = Signer::new(&scheme, sender)?;

    let body = br#"{"type":"invoice.paid","data":{"amount":42}}"#;
    for (name, now) in [("before", -60), ("during", 60), ("after", DAY + 60)] {
        let now = rotated_at + now;
        let signed = signer.sign(&Message::new("msg_1", body), now)?;
        let (_, signatures) = signed.headers.last().ok_or("no signature")?;
        let verified = verifier.verify(&RequestView::post(&signed.headers), body, now)?;
        let count = signatures.split(' ').count();
        println!("{name}: {count} signature(s), verified with {:?}", verified.key_label());
    }

    // Who still signs with the old secret afterwards is refused.
    let late = Signer::new(&scheme, Keyring::new(&scheme, [OLD])?)?;
    let now = rotated_at + DAY + 60;
    let signed = late.sign(&Message::new("msg_2", body), now)?;
    let refused =
        verifier.verify(&RequestView::post(&signed.headers), body, now).expect_err("its secret is gone");
    println!("the old secret, later: {}", refused.kind());
    Ok(())
}
