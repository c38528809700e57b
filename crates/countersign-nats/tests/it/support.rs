//! The server of the tests, and names that no two tests share.

use std::env;

use async_nats::jetstream::{self, Context, stream};
use countersign_store::{Fence, Leased, Received};

/// The server that `scripts/services` has started.
pub(crate) fn url() -> Option<String> {
    let url = env::var("COUNTERSIGN_TEST_NATS").ok();
    url.or_else(|| skip("COUNTERSIGN_TEST_NATS is not set: use scripts/services run"))
}

/// A test that can't run says so; in CI it fails.
pub(crate) fn skip<T>(why: &str) -> Option<T> {
    assert!(env::var("CI").as_deref() != Ok("true"), "{why}");
    eprintln!("SKIPPED: {why}");
    None
}

pub(crate) fn unique(what: &str) -> String {
    format!("{what}{}", Fence::random().expect("random numbers").as_i64().unsigned_abs())
}

pub(crate) async fn context(url: &str) -> Context {
    jetstream::new(async_nats::connect(url).await.expect("NATS runs"))
}

/// A stream for everything below `prefix`, of the same name.
pub(crate) async fn stream(context: &Context, prefix: &str) -> stream::Stream {
    stream_of(context, &[prefix]).await
}

/// A stream for everything below any of `prefixes`, of the first one's name.
pub(crate) async fn stream_of(context: &Context, prefixes: &[&str]) -> stream::Stream {
    let subjects = prefixes.iter().map(|prefix| format!("{prefix}.>")).collect();
    let config = stream::Config { name: prefixes[0].to_owned(), subjects, ..Default::default() };
    context.create_stream(config).await.expect("JetStream runs")
}

pub(crate) async fn count(stream: &stream::Stream) -> u64 {
    stream.get_info().await.expect("JetStream runs").state.messages
}

pub(crate) fn event(key: &str) -> Leased {
    let mut received = Received::new(key, "stripe", &b"{\"amount\":\xff}\r\n\0"[..]);
    received.event_type = Some(String::from("invoice.paid"));
    received.event_id = Some(String::from("evt_1"));
    received.headers = [("x-shop", "a b"), (Received::TARGET, "/in?a=1")]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    Leased { id: 7, fence: Fence::from_i64(1), attempt: 2, accepted_at: 1_700_000_000_000_000, received }
}
