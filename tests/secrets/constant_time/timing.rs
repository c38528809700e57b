//! Whether the time of a refusal tells how much of a signature was right: a signature of which one of the last
//! digits alone is wrong against one that is wrong from the first on. Each line ends with the greatest t.
//!
//! Each sample has a secret of its own, drawn at random, and so has what is given: both kinds are equally random
//! texts at equally random addresses, and differ in nothing but how much of them is right.

use std::{
    hint::black_box,
    sync::atomic::{Ordering, fence},
};

use countersign::{Keyring, Message, RequestView, Scheme, Signer, Verifier, catalog};
use dudect_bencher::{BenchRng, Class, CtRunner, ctbench_main, rand::RngExt};
use http::{HeaderMap, HeaderName, HeaderValue};

ctbench_main!(hmac, token, control);

const NOW: i64 = 1_764_000_000;
const BODY: &[u8] = br#"{"id":"evt_1","type":"push"}"#;
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SECRET_DIGITS: usize = 32;
const SAMPLES: usize = 100_000;

fn hmac(runner: &mut CtRunner, rng: &mut BenchRng) {
    refusals(&catalog::SHOPIFY, runner, rng);
}

fn token(runner: &mut CtRunner, rng: &mut BenchRng) {
    refusals(&catalog::GITLAB_TOKEN, runner, rng);
}

/// A comparison that ends at the first difference.
fn control(runner: &mut CtRunner, rng: &mut BenchRng) {
    let make = |secret: &str, wrong: &Wrong| (secret.to_owned(), wrong.of(secret));
    sample(runner, rng, make, |(expected, given)| expected.bytes().zip(given.bytes()).all(|(a, b)| a == b));
}

fn refusals(scheme: &Scheme, runner: &mut CtRunner, rng: &mut BenchRng) {
    let make = |secret: &str, wrong: &Wrong| {
        let keys = Keyring::new(scheme, [secret]).expect("a secret");
        let signer = Signer::new(scheme, keys.clone()).expect("a signer");
        let message = Message { event_type: Some("push"), ..Message::new("evt_1", BODY) };
        let headers = signer.sign(&message, NOW).expect("signed").headers;
        let verifier = Verifier::builder(scheme.clone()).keys(keys).build().expect("a verifier");
        (verifier, header_map(&headers, wrong))
    };
    sample(runner, rng, make, |(verifier, headers)| {
        verifier.verify(&RequestView::post(headers), BODY, NOW).is_ok()
    });
}

fn sample<T>(
    runner: &mut CtRunner,
    rng: &mut BenchRng,
    make: impl Fn(&str, &Wrong) -> T,
    work: impl Fn(&T) -> bool,
) {
    for _ in 0..SAMPLES {
        let is_near = rng.random::<bool>();
        let class = if is_near { Class::Left } else { Class::Right };
        let secret: String =
            (0..SECRET_DIGITS).map(|_| char::from(DIGITS[rng.random_range(0..64)])).collect();
        // Not the very last, which padding and the bits in front of it make special.
        let wrong = Wrong { at: if is_near { 28 } else { 0 }, step: rng.random_range(1..64) };
        let made = black_box(make(&secret, &wrong));
        fence(Ordering::SeqCst);
        runner.run_one(class, || assert!(!work(&made)));
    }
}

/// Which digit is wrong, and by how much.
struct Wrong {
    at: usize,
    step: usize,
}

impl Wrong {
    fn of(&self, text: &str) -> String {
        let mut text = text.to_owned().into_bytes();
        let digit = DIGITS.iter().position(|digit| *digit == text[self.at]).expect("a digit");
        text[self.at] = DIGITS[(digit + self.step) % 64];
        String::from_utf8(text).expect("ASCII")
    }
}

/// The headers, with one digit of what is longest among their values, the signature, wrong.
fn header_map(headers: &[(String, String)], wrong: &Wrong) -> HeaderMap {
    let longest = headers.iter().map(|(_, value)| value.len()).max();
    let name = |text: &str| HeaderName::from_bytes(text.as_bytes()).expect("a name");
    let value = |text: &str| match Some(text.len()) == longest {
        true => HeaderValue::from_str(&wrong.of(text)).expect("a value"),
        false => HeaderValue::from_str(text).expect("a value"),
    };
    headers.iter().map(|(key, text)| (name(key), value(text))).collect()
}
