//! Endpoints, transports and chance, for every test.

use std::{
    env,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use countersign_store::outbox::{Endpoint, EndpointKey, OutboxStore};
use countersign_transport::{Policy, Transport, TransportBuilder};
use tokio::time::sleep;

/// The secret of every endpoint.
pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// How often a test does a thing: what the environment says, or what every change is tested with.
pub(crate) fn times(variable: &str, otherwise: usize) -> usize {
    env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// Says loudly that a test is skipped for want of something, and fails in CI.
pub(crate) fn skipped(wanting: &str) {
    assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "{wanting} is missing");
    eprintln!("SKIPPED: {wanting} is missing, so this was NOT tested");
}

pub(crate) fn endpoint(id: &str, url: impl Into<String>) -> Endpoint {
    let mut endpoint = Endpoint::new(id, url, "standard-webhooks");
    endpoint.keys.push(EndpointKey::new("current", SECRET));
    endpoint
}

/// A transport that may dial this machine, without TLS too.
pub(crate) fn transport() -> TransportBuilder {
    let policy = Policy::new().allow_http().allow_ports(1..=u16::MAX);
    Transport::builder().policy(policy.allow_network("127.0.0.0/8".parse().unwrap()))
}

/// Ready once no delivery waits.
pub(crate) async fn all_settled(store: &impl OutboxStore) {
    while !matches!(store.next_due().await, Ok(None)) {
        sleep(Duration::from_millis(20)).await;
    }
}

/// Microseconds since 1970.
pub(crate) fn unix_micros() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

/// Numbers by chance, the same in each run (xorshift).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// From 0 to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.below(1 << 32) as f64 / (1_u64 << 32) as f64
    }

    pub(crate) fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len() as u64) as usize]
    }

    pub(crate) fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.below(most - least))
    }
}
