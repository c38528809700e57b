//! The main job, at both ends, over real connections.
//!
//! ```text
//! cargo run --release -p countersign-examples --bin demo
//! ```
//!
//! First a receiver, and a client that sends it good requests and bad ones. Then an application that enqueues
//! events in its own database's transactions, and a dispatcher that delivers them. It ends with 1 if anything
//! isn't as it should be. The keys in it protect nothing.

mod receiving;
mod report;
mod sending;

use std::process::ExitCode;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    println!("Receiving: what a receiver answers to whoever sends");
    let received = receiving::play().await?.print();
    println!();
    println!("Sending: what becomes of events that five systems enqueue in their own transactions");
    let sent = sending::play().await?.print();
    Ok(if received == ExitCode::SUCCESS { sent } else { received })
}
