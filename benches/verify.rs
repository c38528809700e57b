//! A whole verification against the raw MAC over the same bytes, scheme by scheme, and against the
//! `standardwebhooks` crate.
//!
//! `cargo bench -p countersign-benches --bench verify`

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use countersign::{
    Keyring, Message, RequestView, Scheme, Signer, Tolerance, Verifier, catalog,
    scheme::{Algorithm, Part},
};
use countersign_benches::{Ratio, compare};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

const NOW: i64 = 1_764_000_000;
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const URL: &str = "https://hooks.example.com/in";
const SIZES: [usize; 2] = [1024, 64 * 1024];

fn main() {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["subject", "baseline", "body", "baseline time", "subject time", "ratio (middle half)"]);
    let schemes = [
        &catalog::STANDARD_WEBHOOKS,
        &catalog::SVIX,
        &catalog::STRIPE,
        &catalog::GITHUB,
        &catalog::SLACK,
        &catalog::SHOPIFY,
        &catalog::TWITCH,
        &catalog::SQUARE,
        &catalog::PAYSTACK,
        &catalog::VERCEL,
        &catalog::IPTVBP,
    ];
    for size in SIZES {
        for scheme in schemes {
            row(&mut table, &scheme.name, "raw MAC", size, against_raw_mac(scheme, size));
        }
        row(&mut table, "standard-webhooks", "crate standardwebhooks", size, against_standardwebhooks(size));
    }
    println!("{table}");
}

fn row(table: &mut Table, subject: &str, baseline: &str, size: usize, ratio: Ratio) {
    let time = |time: std::time::Duration| format!("{:.0} ns", time.as_secs_f64() * 1e9);
    let body = format!("{} KiB", size / 1024);
    let cells = [subject, baseline, &body, &time(ratio.baseline), &time(ratio.subject), &ratio.to_string()];
    table.add_row(cells);
    eprintln!("{subject} {body}: {ratio}");
}

/// A body of `size` bytes of JSON.
fn body(size: usize) -> Vec<u8> {
    let head = br#"{"type":"invoice.paid","timestamp":"2025-11-24T16:00:00Z","data":{"text":""#;
    let tail = br#""}}"#;
    let filler = vec![b'x'; size - head.len() - tail.len()];
    [head.as_slice(), &filler, tail].concat()
}

/// The headers of a signed request, in the map that servers hand out.
fn signed(scheme: &Scheme, secret: &str, body: &[u8], now: i64) -> HeaderMap {
    let keys = Keyring::new(scheme, [secret]).expect("a secret");
    let signer = Signer::new(scheme, keys).expect("a signer");
    let message =
        Message { url: URL, event_type: Some("push"), ..Message::new("msg_p5jXN8AQM9LWM0D4loKWxJek", body) };
    let signed = signer.sign(&message, now).expect("signed");
    let common =
        [("host", "hooks.example.com"), ("content-type", "application/json"), ("user-agent", "bench/1")];
    let common = common.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let name = |text: &str| HeaderName::from_bytes(text.as_bytes()).expect("a name");
    let all = common.into_iter().chain(signed.headers);
    all.map(|(key, value)| (name(&key), HeaderValue::from_str(&value).expect("a value"))).collect()
}

fn against_raw_mac(scheme: &Scheme, size: usize) -> Ratio {
    let body = body(size);
    let headers = signed(scheme, SECRET, &body, NOW);
    let keys = Keyring::new(scheme, [SECRET]).expect("a secret");
    let verifier =
        Verifier::builder(scheme.clone()).keys(keys).public_url(URL).tolerance(Tolerance::default());
    let verifier = verifier.build().expect("a verifier");
    let request = RequestView { method: "POST", target: "/in", headers: &headers };
    verifier.verify(&request, &body, NOW).expect("authentic");
    let subject = || verifier.verify(&request, &body, NOW).is_ok();
    let content = content(scheme, &body);
    match scheme.algorithms().next().expect("an algorithm") {
        Algorithm::HmacSha1 => compare(raw::<Hmac<Sha1>>(&content), subject),
        Algorithm::HmacSha384 => compare(raw::<Hmac<Sha384>>(&content), subject),
        Algorithm::HmacSha512 => compare(raw::<Hmac<Sha512>>(&content), subject),
        _ => compare(raw::<Hmac<Sha256>>(&content), subject),
    }
}

/// The MAC alone, from a kept key state, over the same bytes, tag compared.
fn raw<'a, M: Mac + KeyInit + Clone + 'a>(content: &'a [u8]) -> impl FnMut() -> bool + 'a {
    let keyed = <M as KeyInit>::new_from_slice(SECRET.as_bytes()).expect("a key");
    let tag = keyed.clone().chain_update(content).finalize().into_bytes();
    move || keyed.clone().chain_update(content).verify(&tag).is_ok()
}

/// As many bytes as the scheme signs.
fn content(scheme: &Scheme, body: &[u8]) -> Vec<u8> {
    let parts = scheme.content.iter().map(|part| match part {
        Part::Literal(text) => text.as_bytes().to_vec(),
        Part::Header(name) if name.to_ascii_lowercase().contains("id") => {
            b"msg_p5jXN8AQM9LWM0D4loKWxJek".to_vec()
        }
        Part::Header(_) | Part::Field(_) => NOW.to_string().into_bytes(),
        Part::Body => body.to_vec(),
        _ => URL.as_bytes().to_vec(),
    });
    parts.collect::<Vec<_>>().concat()
}

fn against_standardwebhooks(size: usize) -> Ratio {
    let scheme = &catalog::STANDARD_WEBHOOKS;
    let clock = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        i64::try_from(since.as_secs()).expect("a time")
    };
    let body = body(size);
    let headers = signed(scheme, SECRET, &body, clock());
    let theirs = standardwebhooks::Webhook::new(SECRET).expect("a secret");
    theirs.verify(&body, &headers).expect("authentic");
    let keys = Keyring::new(scheme, [SECRET]).expect("a secret");
    let ours = Verifier::builder(scheme.clone()).keys(keys).build().expect("a verifier");
    let request = RequestView { method: "POST", target: "/in", headers: &headers };
    compare(|| theirs.verify(&body, &headers).is_ok(), || ours.verify(&request, &body, clock()).is_ok())
}
