//! Two processes with many workers on one PostgreSQL, whose leases end while they work.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use countersign_sql::PgStore;
use countersign_store::{
    Settlement,
    outbox::{Attempt, Claimed, DeliveryFilter, DeliveryState, Effect, OutboxStore, SettleDelivery, Verdict},
};
use serde::{Deserialize, Serialize};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    postgres::{drop_schema, fresh_schema, pool},
    process::{self, Process, tell},
    sender::message,
    support::{Chance, endpoint, times, unix_micros},
};

/// What one of the two processes is to do.
#[derive(Serialize, Deserialize)]
struct Workers {
    url: String,
    number: u64,
}

const PROCESSES: u64 = 2;
const WORKERS: u64 = 4;
/// So short that a worker that pauses comes too late.
const LEASE: Duration = Duration::from_millis(60);

#[tokio::test(flavor = "multi_thread")]
async fn adv_90_two_processes_share_a_postgresql_and_each_lease_has_one_owner() {
    if let Some(workers) = process::part::<Workers>() {
        return workers.run().await;
    }
    let schema = format!("countersign_shared_{}", std::process::id());
    let Some(url) = fresh_schema(&schema).await else { return };
    let deliveries = times("DELIVERIES", 2_000);
    let store = PgStore::new(pool(&url, 2));
    prepare(&store, deliveries).await;

    let (test, began) =
        ("shared::adv_90_two_processes_share_a_postgresql_and_each_lease_has_one_owner", Instant::now());
    let start = |number| Process::start(test, &Workers { url: url.clone(), number });
    let processes: Vec<_> = (0..PROCESSES).map(start).collect();
    let mut told = Vec::new();
    for process in processes {
        let (status, lines) = process.ended().await;
        assert!(status.success());
        told.extend(lines.iter().map(|line| serde_json::from_str::<Told>(line).unwrap()));
    }
    let record = Record::new(told);
    println!(
        "{PROCESSES} processes × {WORKERS} workers, {deliveries} deliveries: {} leases, {} of them ended before \
         they were settled ({} duplicates), {:.1} s",
        record.leases,
        record.late,
        record.leases - record.settled.len(),
        began.elapsed().as_secs_f64()
    );
    assert_eq!(record.settled.len(), deliveries, "each delivery is settled once");
    assert!(record.late > 0, "no lease has ended, so nothing was shown");
    let mut delivered = DeliveryFilter::default();
    delivered.state = Some(DeliveryState::Delivered);
    assert_eq!(store.count(&delivered).await.unwrap(), deliveries as u64);
    drop_schema(&url, &schema).await;
}

async fn prepare(store: &PgStore, deliveries: usize) {
    store.migrate().await.unwrap();
    let mut endpoint = endpoint("ep", "https://example.com/hooks");
    endpoint.limits.in_flight = 1_000;
    store.put_endpoint(&endpoint).await.unwrap();
    let messages: Vec<_> = (0..deliveries).map(|number| message(&format!("msg_{number}"))).collect();
    for batch in messages.chunks(1_000) {
        store.enqueue(batch).await.unwrap();
    }
}

/// What a worker tells of a lease: the delivery, which attempt, when it could begin at the earliest and had
/// begun at the latest, and whether its settling counted.
#[derive(Serialize, Deserialize)]
struct Told {
    delivery: i64,
    attempt: u32,
    asked_at: i64,
    had_at: i64,
    settled: bool,
}

impl Workers {
    async fn run(self) {
        let store = PgStore::new(pool(&self.url, 6));
        let mut workers = JoinSet::new();
        for worker in 0..WORKERS {
            let chance = Chance(1 + self.number * WORKERS + worker);
            workers.spawn(work(store.clone(), chance));
        }
        workers.join_all().await;
    }
}

/// Claims and settles until nothing is left. One time in four it takes longer than its lease, so long that
/// another may have it by then.
async fn work(store: PgStore, mut chance: Chance) {
    while store.next_due().await.unwrap().is_some() {
        let asked_at = unix_micros();
        let claimed = store.claim(20, LEASE).await.unwrap();
        let had_at = unix_micros();
        if claimed.is_empty() || chance.below(4) == 0 {
            sleep(LEASE + chance.millis(1, 500)).await;
        }
        let done: Vec<_> = claimed.iter().map(delivered).collect();
        let answers = store.settle(&done).await.unwrap();
        for (claimed, answer) in claimed.iter().zip(answers) {
            let settled = answer == Settlement::Settled;
            let told = Told { delivery: claimed.id, attempt: claimed.attempt, asked_at, had_at, settled };
            tell(&serde_json::to_string(&told).unwrap());
        }
    }
}

fn delivered(claimed: &Claimed) -> SettleDelivery {
    SettleDelivery {
        id: claimed.id,
        fence: claimed.fence,
        endpoint: claimed.endpoint.clone(),
        verdict: Verdict::Delivered,
        effect: Effect::Well,
        attempt: Some(Attempt::new(claimed.attempt, unix_micros(), claimed.trigger)),
    }
}

/// What all workers have told.
struct Record {
    leases: usize,
    late: usize,
    settled: HashSet<i64>,
}

impl Record {
    /// Checks that each lease had one owner, and that none began before the last had ended.
    fn new(told: Vec<Told>) -> Record {
        let mut record = Record { leases: told.len(), late: 0, settled: HashSet::new() };
        let mut leases: HashMap<(i64, u32), Told> = HashMap::new();
        for lease in told {
            if lease.settled {
                assert!(record.settled.insert(lease.delivery), "{} was settled twice", lease.delivery);
            } else {
                record.late += 1;
            }
            let same = leases.insert((lease.delivery, lease.attempt), lease);
            assert!(same.is_none(), "two workers had attempt {} of one delivery", same.unwrap().attempt);
        }
        for ((delivery, attempt), lease) in &leases {
            if let Some(before) = leases.get(&(*delivery, attempt - 1)) {
                let earliest_end = before.asked_at + LEASE.as_micros() as i64;
                assert!(!before.settled, "{delivery} was claimed after it was settled");
                assert!(lease.had_at >= earliest_end, "two leases of {delivery} were held at once");
            }
        }
        record
    }
}
