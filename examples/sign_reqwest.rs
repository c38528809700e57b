//! Signs a request of your own and sends it with reqwest: for those who need no outbox.
//!
//! ```text
//! SECRET=whsec_… cargo run -p countersign-examples --bin sign_reqwest http://127.0.0.1:3000/hooks
//! ```
//!
//! The URL is your own: where somebody else supplies it, send with `countersign-transport`, which dials no
//! address inside your network.

use std::{env, error::Error, time::SystemTime};

use countersign::{Keyring, Message, Signer, catalog};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).ok_or("usage: SECRET=… sign_reqwest <url>")?;
    let secret = env::var("SECRET").map_err(|_| "set SECRET to the endpoint's secret, whsec_…")?;
    let scheme = catalog::STANDARD_WEBHOOKS;
    let signer = Signer::new(&scheme, Keyring::new(&scheme, [secret])?)?;

    // The bytes that are signed are the bytes that are sent: `json()` would make others.
    let body = br#"{"type":"invoice.paid","data":{"amount":42}}"#;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let signed = signer.sign(&Message { url: &url, ..Message::new("msg_1", body) }, now.try_into()?)?;

    // For https; reqwest leaves the choice to the application.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
    let request = client.post(&url).header("content-type", "application/json").body(&body[..]);
    let request = signed.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    println!("{}", request.send().await?.status());
    Ok(())
}
