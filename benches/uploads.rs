//! What a request costs in memory that waits for the rest of its body, on axum and actix-web: behind the
//! layer or the middleware, against a handler that only collects the same bytes.
//!
//! Each server is a process of its own, and is measured before the uploads begin and while all of them
//! wait.
//!
//! `cargo bench -p countersign-benches --bench uploads`

use std::{error::Error, io::Write, net::TcpStream, thread, time::Duration};

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use countersign_benches::{Framework, Server, serve, unfinished};

const UPLOADS: usize = 1000;
const SIZE: usize = 32 * 1024;
const ROUNDS: usize = 5;

/// The most that a waiting request may cost above the bare handler.
const TARGET: f64 = 8.0;

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(framework) = Framework::asked_for() {
        return serve(framework);
    }
    println!("{UPLOADS} uploads that have sent {} of {} KiB; KiB a request", SIZE / 2048, SIZE / 1024);
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["server", "bare", "ours", "above it (least to most)", "target"]);
    for framework in Framework::ALL {
        table.add_row(row(framework)?);
    }
    println!("{table}");
    Ok(())
}

fn row(framework: Framework) -> Result<[String; 5], Box<dyn Error>> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push((kib_a_request(framework, "/bare")?, kib_a_request(framework, "/layer")?));
    }
    let bare = sorted(rounds.iter().map(|(bare, _)| *bare));
    let ours = sorted(rounds.iter().map(|(_, ours)| *ours));
    let above = sorted(rounds.iter().map(|(bare, ours)| ours - bare));
    let (least, middle, most) = (above[0], above[ROUNDS / 2], above[ROUNDS - 1]);
    let verdict = if middle <= TARGET { "kept" } else { "missed" };
    Ok([
        framework.name().to_owned(),
        format!("{:.2}", bare[ROUNDS / 2]),
        format!("{:.2}", ours[ROUNDS / 2]),
        format!("{middle:.2} ({least:.2} to {most:.2})"),
        format!("{TARGET:.0}: {verdict}"),
    ])
}

/// What the memory of a new server grows by, divided by the uploads that wait at `path`.
fn kib_a_request(framework: Framework, path: &str) -> Result<f64, Box<dyn Error>> {
    let server = Server::start(framework)?;
    let before = settled(&server)?;
    let request = unfinished(path, SIZE);
    let mut waiting = Vec::new();
    for _ in 0..UPLOADS {
        let mut stream = TcpStream::connect(server.address())?;
        stream.write_all(&request)?;
        waiting.push(stream);
    }
    let grown = settled(&server)?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "some megabytes")]
    Ok(grown as f64 / 1024.0 / UPLOADS as f64)
}

/// The server's memory, once it has stopped working and growing.
fn settled(server: &Server) -> Result<u64, Box<dyn Error>> {
    let state = || (server.resident_bytes(), server.cpu_seconds().to_bits());
    let mut last = state();
    loop {
        thread::sleep(Duration::from_millis(200));
        let now = state();
        if now == last {
            return last.0.ok_or_else(|| "this system doesn't tell of a process's memory".into());
        }
        last = now;
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}
