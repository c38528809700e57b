//! How long a verification of 64 KiB takes in this very build, in microseconds: `scripts/target-cpu` builds it in
//! several ways and compares.

#![allow(clippy::disallowed_methods, reason = "what is measured is time")]

use std::{env, hint::black_box, process::ExitCode, time::Instant};

use countersign::{Keyring, Message, RequestView, Signer, Verifier, catalog};

const NOW: i64 = 1_764_000_000;
const CALLS: u32 = 400;

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() != Some("--bench") {
        return ExitCode::SUCCESS; // `cargo test --all-targets` runs it too
    }
    let scheme = catalog::GITHUB;
    let keys = Keyring::new(&scheme, ["C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]).expect("a secret");
    let body = vec![b'a'; 65_536];
    let signer = Signer::new(&scheme, keys.clone()).expect("a signer");
    let signed = signer.sign(&Message::new("evt_1", &body), NOW).expect("signed");
    let verifier = Verifier::builder(scheme).keys(keys).build().expect("a verifier");

    let mut best = f64::INFINITY;
    for _ in 0..CALLS {
        let began = Instant::now();
        let verified = verifier.verify(&RequestView::post(&signed.headers), black_box(&body), NOW);
        best = best.min(began.elapsed().as_secs_f64());
        verified.expect("what was signed is accepted");
    }
    println!("{:.2}", best * 1e6);
    ExitCode::SUCCESS
}
