//! Runs one call of the core under callgrind, so that `scripts/instructions` can count what it executes.
//!
//! Without an argument it names its cases, with the name of one it runs that.

use std::{env, hint::black_box, process::ExitCode};

use countersign::{Keyring, Message, RequestView, Scheme, Signer, Verifier, catalog};

/// One call that is counted. Whatever it needs is made outside of it.
type Call = Box<dyn Fn() -> bool>;

/// The name of a case, and what makes its call.
type Case = (&'static str, fn() -> Call);

fn main() -> ExitCode {
    let Some(asked) = env::args().nth(1) else {
        CASES.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let Some((name, case)) = CASES.iter().find(|(name, _)| *name == asked) else {
        eprintln!("no case {asked}");
        return ExitCode::FAILURE;
    };
    let call = case();
    // The first call finds out what is found out once, as which instructions the processor has.
    if call() && instructions_are_counted_here(&call) {
        return ExitCode::SUCCESS;
    }
    eprintln!("{name}: it isn't accepted, or not refused, as it should be");
    ExitCode::FAILURE
}

/// The script counts from the entry into this function to its end.
#[inline(never)]
fn instructions_are_counted_here(call: &Call) -> bool {
    black_box(call())
}

/// The bodies are a few bytes, so that the way around the hash outweighs it: under valgrind it runs without
/// the processor's own instructions for it.
const CASES: &[Case] = &[
    ("verify-github", || verify("github", SMALL)),
    ("verify-stripe", || verify("stripe", SMALL)),
    ("verify-standard-webhooks", || verify("standard-webhooks", SMALL)),
    ("verify-twitch", || verify("twitch", SMALL)),
    ("verify-token", || verify("gitlab-token", SMALL)),
    ("verify-ed25519", || verify(DISCORD, SMALL)),
    ("verify-ecdsa-p256", || verify(SENDGRID, SMALL)),
    ("verify-kibibyte", || verify("standard-webhooks", &KIBIBYTE)),
    ("verify-in-one-piece", || verify_in_pieces("standard-webhooks", KIBIBYTE.len())),
    ("verify-in-pieces", || verify_in_pieces("standard-webhooks", 256)),
    ("refuse-stripe", || refuse("stripe")),
    ("sign-stripe", || sign("stripe")),
    ("sign-standard-webhooks", || sign("standard-webhooks")),
    ("keyring-standard-webhooks", || keyring("standard-webhooks")),
    ("verifier-stripe", || verifier_of("stripe")),
    ("scheme-from-toml", || scheme_from_toml("stripe")),
];

fn verify(scheme: &str, body: &'static [u8]) -> Call {
    let scheme = named(scheme);
    let (headers, verifier) = (signed(scheme, body), verifier(scheme));
    Box::new(move || verifier.verify(&RequestView::post(&headers), body, NOW).is_ok())
}

/// The body as a server sees it: a piece of so many bytes at a time.
fn verify_in_pieces(scheme: &str, bytes: usize) -> Call {
    let scheme = named(scheme);
    let (headers, verifier) = (signed(scheme, &KIBIBYTE), verifier(scheme));
    Box::new(move || {
        let Ok(mut check) = verifier.begin_with(&RequestView::post(&headers), Vec::new(), NOW) else {
            return false;
        };
        KIBIBYTE.chunks(bytes).for_each(|piece| check.update(piece.to_vec()));
        check.finish().is_ok()
    })
}

/// A request whose body was changed on its way.
fn refuse(scheme: &str) -> Call {
    let scheme = named(scheme);
    let (headers, verifier) = (signed(scheme, SMALL), verifier(scheme));
    Box::new(move || verifier.verify(&RequestView::post(&headers), b"{}", NOW).is_err())
}

fn sign(scheme: &str) -> Call {
    let signer = signer(named(scheme));
    Box::new(move || signer.sign(&message(SMALL), NOW).is_ok())
}

fn keyring(scheme: &str) -> Call {
    let scheme = named(scheme);
    Box::new(move || Keyring::new(scheme, [pair(scheme).0]).is_ok())
}

fn verifier_of(scheme: &str) -> Call {
    let scheme = named(scheme);
    Box::new(move || Verifier::builder(scheme.clone()).keys(keys(scheme)).build().is_ok())
}

fn scheme_from_toml(scheme: &str) -> Call {
    let text = named(scheme).to_toml();
    Box::new(move || Scheme::from_toml(&text).is_ok())
}

fn named(scheme: &str) -> &'static Scheme {
    catalog::find(scheme).expect("a scheme of the catalogue")
}

/// The headers of a signed request, among others that such a request has.
fn signed(scheme: &Scheme, body: &[u8]) -> Vec<(String, String)> {
    let signed = signer(scheme).sign(&message(body), NOW).expect("signed");
    let others = [("host", "hooks.example.com"), ("content-type", "application/json"), ("accept", "*/*")];
    let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
    others.into_iter().chain(signed.headers).collect()
}

fn message(body: &[u8]) -> Message<'_> {
    Message { event_type: Some("push"), ..Message::new("evt_1", body) }
}

fn signer(scheme: &Scheme) -> Signer {
    let keys = Keyring::new(scheme, [pair(scheme).1]).expect("a secret");
    Signer::new(scheme, keys).expect("a signer")
}

fn verifier(scheme: &Scheme) -> Verifier {
    Verifier::builder(scheme.clone()).keys(keys(scheme)).build().expect("a verifier")
}

fn keys(scheme: &Scheme) -> Keyring {
    Keyring::new(scheme, [pair(scheme).0]).expect("a secret")
}

/// The keys of the verifier and of the signer.
fn pair(scheme: &Scheme) -> (&'static str, &'static str) {
    match &*scheme.name {
        DISCORD => (ED25519_PUBLIC_KEY, ED25519_SEED),
        SENDGRID => (P256_PUBLIC_KEY, P256_SECRET_KEY),
        _ => (SECRET, SECRET),
    }
}

const DISCORD: &str = "discord";
const SENDGRID: &str = "sendgrid";
const NOW: i64 = 1_700_000_000;
const SMALL: &[u8] = br#"{"id":"evt_1"}"#;
static KIBIBYTE: [u8; 1024] = [b' '; 1024];
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// RFC 8032 §7.1, test 1.
const ED25519_SEED: &str = "seed_9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const ED25519_PUBLIC_KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
/// RFC 6979 §A.2.5.
const P256_SECRET_KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFXZ7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ";
const P256_PUBLIC_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==";
