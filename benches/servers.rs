//! Requests a second over real sockets, on axum and actix-web: a handler that verifies by hand against the
//! layer or the middleware, and those without a store against those with one.
//!
//! The server is a process with one core, and the load generator has the other. All receivers run in
//! turns, a short round each over the same connections, and what is compared is the median of the rounds'
//! ratios. No event is sent twice.
//!
//! `cargo bench -p countersign-benches --bench servers`

use std::{error::Error, fs, process};

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use countersign_benches::{Framework, Load, Round, Server, pin, request, serve};
use tokio::runtime::{Builder, Runtime};

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 101;

/// The sizes of a body, with the number of requests in one round.
const SIZES: [(usize, usize); 2] = [(1024, 4000), (64 * 1024, 1000)];

const BARE: usize = 0;
const HAND: usize = 1;
const LAYER: usize = 2;
const STANDARD: usize = 4;
const HAND_JSON: usize = 6;

/// What is measured: a path, what stands behind it, and the place of the receiver that it is compared
/// with.
const RECEIVERS: [(&str, &str, usize); 8] = [
    ("/bare", "nothing verified, body read", BARE),
    ("/hand", "by hand: Bytes, hmac, hex", BARE),
    ("/layer", "ours, VerifiedBody", HAND),
    ("/store", "with MemoryStore, id in the body", LAYER),
    ("/standard", "ours, Standard Webhooks", BARE),
    ("/standard-store", "with MemoryStore, id in a header", STANDARD),
    ("/hand-json", "by hand, then serde_json", BARE),
    ("/webhook", "ours, Webhook<T>", HAND_JSON),
];

/// What each receiver did in one round.
type Rounds = [Round; RECEIVERS.len()];

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(framework) = Framework::asked_for() {
        return serve(framework);
    }
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load before: {}", load.trim_end());
    pin(&process::id().to_string(), "1");
    let runtime = Builder::new_current_thread().enable_all().build()?;
    for framework in Framework::ALL {
        let server = Server::start(framework)?;
        let load = runtime.block_on(Load::connect(&server, CONNECTIONS))?;
        let mut bench = Bench { runtime: &runtime, load, sent: 0 };
        for (size, requests) in SIZES {
            println!("{}, {} KiB", framework.name(), size / 1024);
            println!("{}", table(&bench.measure(size, requests)?));
        }
    }
    Ok(())
}

struct Bench<'b> {
    runtime: &'b Runtime,
    load: Load<'b>,
    /// How many events were sent: the number of the next one.
    sent: usize,
}

impl Bench<'_> {
    /// All rounds of all receivers, in turns; each round begins with another of them.
    fn measure(&mut self, size: usize, requests: usize) -> Result<Vec<Rounds>, Box<dyn Error>> {
        let mut all = Vec::new();
        // The first round warms up and isn't counted.
        for number in 0..=ROUNDS {
            let mut rounds = Rounds::default();
            for turn in 0..RECEIVERS.len() {
                let place = (number + turn) % RECEIVERS.len();
                rounds[place] = self.round(RECEIVERS[place].0, size, requests)?;
            }
            all.push(rounds);
        }
        all.remove(0);
        Ok(all)
    }

    fn round(&mut self, path: &str, size: usize, requests: usize) -> Result<Round, Box<dyn Error>> {
        let numbers = self.sent..self.sent + requests;
        self.sent = numbers.end;
        let requests = numbers.map(|number| request(path, size, number)).collect();
        self.runtime.block_on(self.load.round(requests))
    }
}

fn table(rounds: &[Rounds]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    let ratio = "requests/s, ratio (middle half)";
    table.set_header(["receiver", "requests/s", "CPU a request", "to /bare", "against", ratio, "CPU, ratio"]);
    for (place, (path, name, baseline)) in RECEIVERS.into_iter().enumerate() {
        let rate = median(rounds, |round| round[place].rate);
        let cpu = median(rounds, |round| round[place].cpu);
        table.add_row([
            format!("{path}: {name}"),
            format!("{rate:.0}"),
            format!("{:.2} µs", cpu * 1e6),
            format!("{:.3}", median(rounds, |round| round[place].rate / round[BARE].rate)),
            RECEIVERS[baseline].0.to_owned(),
            with_middle_half(rounds, |round| round[place].rate / round[baseline].rate),
            with_middle_half(rounds, |round| round[place].cpu / round[baseline].cpu),
        ]);
    }
    for column in [1, 2] {
        table.column_mut(column).expect("seven columns").set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn with_middle_half(rounds: &[Rounds], figure: impl Fn(&Rounds) -> f64) -> String {
    let figures = sorted(rounds, figure);
    let (low, middle, high) = (figures[ROUNDS / 4], figures[ROUNDS / 2], figures[ROUNDS * 3 / 4]);
    format!("{middle:.3} ({low:.3} to {high:.3})")
}

fn median(rounds: &[Rounds], figure: impl Fn(&Rounds) -> f64) -> f64 {
    sorted(rounds, figure)[ROUNDS / 2]
}

fn sorted(rounds: &[Rounds], figure: impl Fn(&Rounds) -> f64) -> Vec<f64> {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures
}
