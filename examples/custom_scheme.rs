//! A scheme of your own, written as TOML: signed and verified by one contract.
//!
//! ```text
//! cargo run -p countersign-examples --bin custom_scheme
//! ```
//!
//! ISPBills documents that it signs the body with the endpoint's secret, and neither header, hash nor
//! encoding: whoever sets it up finds them, and writes them down like this.

use std::error::Error;

use countersign::{Keyring, Message, RequestView, Scheme, Signer, Verifier};

const SCHEME: &str = r#"
name = "acme"
title = "Acme Billing"
content = "{header:X-Acme-Time}.{body}"

[signature]
source = { header = "X-Acme-Signature" }
encoding = "hex"
versions = [{ algorithm = "hmac-sha256" }]

[timestamp]
at = "header:X-Acme-Time"
format = "unix-seconds"
past = 300
future = 60

[event]
id = ["json:/id"]
type = ["json:/type"]
data = "/data"
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let scheme = Scheme::from_toml(SCHEME)?;
    let keys = Keyring::new(&scheme, ["a secret that both of them know"])?;
    let body = br#"{"id":"evt_1","type":"invoice.paid","data":{"amount":42}}"#;
    let now = 1_764_000_000;

    let signed = Signer::new(&scheme, keys.clone())?.sign(&Message::new("evt_1", body), now)?;
    for (name, value) in &signed.headers {
        println!("{name}: {value}");
    }

    let verifier = Verifier::builder(scheme).keys(keys).build()?;
    let verified = verifier.verify(&RequestView::post(&signed.headers), body, now + 5)?;
    println!("verified: {:?}, once as {}", verified.event_type()?, verified.idempotency_key());

    let late =
        verifier.verify(&RequestView::post(&signed.headers), body, now + 301).expect_err("it is too old");
    println!("refused: {late}");
    Ok(())
}
