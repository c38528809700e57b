//! One table of cases, sent over real sockets to every adapter.
//!
//! A [case](case::Case) is data: what a client writes and when, how the endpoint is set up, and what
//! must come of it: the answers, what the handler was given, how many events are remembered. The
//! cases stand in [`cases`], those of a row in the project's list of attacks under its number. Where
//! two servers differ, the case says on which, why, and what comes of it there.
//!
//! A failing test prints every case that failed, with what was expected and what was seen. Whatever
//! was logged meanwhile is searched for secrets.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

mod answer;
mod case;
mod cases;
mod client;
mod endpoint;
mod handler;
mod log;
mod request;
mod runner;
mod server;

use server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_holds_for_tower_on_hyper() {
    runner::run(Server::Hyper).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_holds_for_axum() {
    runner::run(Server::Axum).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_holds_for_actix() {
    runner::run(Server::Actix).await;
}

/// Events are stored instead of handled, and otherwise nothing is different.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_holds_for_an_inbox() {
    runner::run(Server::Inbox).await;
}

#[test]
fn no_two_cases_have_one_name() {
    let mut names: Vec<String> = cases::all().into_iter().map(|case| case.name).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}
