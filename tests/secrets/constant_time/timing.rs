//! Whether the time of a refusal tells how much of a signature was right: a signature of which the last
//! digit alone is wrong against one that is wrong from the first on. Each line ends with the greatest t.

use countersign::{Keyring, Message, RequestView, Scheme, Signer, Verifier, catalog};
use dudect_bencher::{BenchRng, Class, CtRunner, ctbench_main, rand::RngExt};
use http::{HeaderMap, HeaderName, HeaderValue};

ctbench_main!(hmac, token, control);

const NOW: i64 = 1_764_000_000;
const BODY: &[u8] = br#"{"id":"evt_1","type":"push"}"#;
const SECRET: &str = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const SAMPLES: usize = 100_000;

fn hmac(runner: &mut CtRunner, rng: &mut BenchRng) {
    refusals(&catalog::SHOPIFY, runner, rng);
}

fn token(runner: &mut CtRunner, rng: &mut BenchRng) {
    refusals(&catalog::GITLAB_TOKEN, runner, rng);
}

/// A comparison that ends at the first difference.
fn control(runner: &mut CtRunner, rng: &mut BenchRng) {
    let expected = "0".repeat(512);
    let [near, far] = [511, 0].map(|at| wrong(&expected, at));
    sample(runner, rng, |is_near| {
        let given = if is_near { &near } else { &far };
        expected.bytes().zip(given.bytes()).all(|(one, other)| one == other)
    });
}

fn refusals(scheme: &Scheme, runner: &mut CtRunner, rng: &mut BenchRng) {
    let keys = Keyring::new(scheme, [SECRET]).expect("a secret");
    let signer = Signer::new(scheme, keys.clone()).expect("a signer");
    let message = Message { kind: Some("push"), ..Message::new("evt_1", BODY) };
    let headers = signer.sign(&message, NOW).expect("signed").headers;
    let verifier = Verifier::builder(scheme.clone()).keys(keys).build().expect("a verifier");
    // Before the last digits, which padding and the bits in front of it make special.
    let [near, far] = [28, 0].map(|at| header_map(&headers, at));
    sample(runner, rng, |is_near| {
        let headers = if is_near { &near } else { &far };
        verifier.verify(&RequestView::post(headers), BODY, NOW).is_ok()
    });
}

fn sample(runner: &mut CtRunner, rng: &mut BenchRng, work: impl Fn(bool) -> bool) {
    for _ in 0..SAMPLES {
        let is_near = rng.random::<bool>();
        let class = if is_near { Class::Left } else { Class::Right };
        runner.run_one(class, || assert!(!work(is_near)));
    }
}

/// The headers, with one digit of what is longest among their values, the signature, wrong.
fn header_map(headers: &[(String, String)], at: usize) -> HeaderMap {
    let longest = headers.iter().map(|(_, value)| value.len()).max();
    let name = |text: &str| HeaderName::from_bytes(text.as_bytes()).expect("a name");
    let value = |text: &str| match Some(text.len()) == longest {
        true => HeaderValue::from_str(&wrong(text, at)).expect("a value"),
        false => HeaderValue::from_str(text).expect("a value"),
    };
    headers.iter().map(|(key, text)| (name(key), value(text))).collect()
}

fn wrong(text: &str, at: usize) -> String {
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    [&text[..at], other, &text[at + 1..]].concat()
}
