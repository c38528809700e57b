//! Signs a message and sends it over plain HTTP, or prints the signed headers.
//!
//! ```text
//! SECRET=whsec_… post stripe http://127.0.0.1:3000/webhooks/stripe body.json
//! SECRET=whsec_… post stripe - body.json        # prints the headers alone
//! ```
//!
//! Without a file it sends a small event of its own.

use std::{
    env,
    error::Error,
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::{SystemTime, UNIX_EPOCH},
};

use countersign::{Keyring, Message, Signer, catalog};

const USAGE: &str = "usage: SECRET=… post <scheme> <http://host:port/path | -> [body.json]";
const EVENT: &[u8] =
    br#"{"id":"evt_1","type":"invoice.paid","data":{"object":{"object":"invoice","amount":4200}}}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (name, url, body) = match arguments.as_slice() {
        [name, url] => (name, url, EVENT.to_vec()),
        [name, url, file] => (name, url, fs::read(file)?),
        _ => return Err(USAGE.into()),
    };
    let scheme = catalog::find(name).ok_or_else(|| format!("no scheme is called {name}"))?;
    let secret = env::var("SECRET").map_err(|_| USAGE)?;
    let signer = Signer::new(scheme, Keyring::new(scheme, [secret])?)?;

    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let id = format!("msg_{now}");
    let signed = signer.sign(&Message { url, ..Message::new(&id, &body) }, now)?;

    let headers: String = signed.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    if url == "-" {
        print!("{headers}");
        return Ok(());
    }
    println!("{}", post(url, &headers, &body)?);
    Ok(())
}

/// Sends a request; gives the status line of the answer.
fn post(url: &str, headers: &str, body: &[u8]) -> Result<String, Box<dyn Error>> {
    let rest = url.strip_prefix("http://").ok_or("this example speaks plain http alone")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host)?;
    let length = body.len();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().ok_or("no answer")?.to_owned())
}
