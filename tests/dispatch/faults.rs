//! F7: the fault matrix. Each fault ends delivered or dead, with its reason in the recorded attempts, and in
//! time.
//!
//! A row of [`network`] is data: what a receiver does in turn, and what must come of it. The rows of
//! [`process`], [`disk`] and [`clock`] are small programs; a database that restarts is a test
//! [of its own](crate::restarted). `--nocapture` shows the table of what came of all.

mod clock;
mod disk;
mod network;
mod process;
mod server;
mod table;

#[tokio::test(flavor = "multi_thread")]
async fn f7_each_fault_ends_delivered_or_dead_with_its_reason_and_in_time() {
    let (network, process) = tokio::join!(network::run(), process::run());
    let (disk, clock) = tokio::join!(disk::run(), clock::run());
    table::check(&[network, process, disk, clock].concat());
}
