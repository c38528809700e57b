//! F5: a network that is simulated, with senders and receivers on it that fail as a seed says.
//!
//! `SEEDS` says how many are tried, `SEED` names one. What a seed has shown is shown by it again.

use std::{
    collections::HashSet,
    env, io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use countersign::{Keyring, RequestView, Verifier, catalog};
use countersign_dispatch::{Dispatcher, Outbox, Schedule};
use countersign_store::outbox::{MemoryOutbox, OutboxStore};
use countersign_transport::{ByteStream, Dial, Dialling, Policy, Resolve, Resolving, Transport};
use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::{runtime::Runtime, time::sleep};
use turmoil::{
    Builder, Sim,
    net::{TcpListener, TcpStream},
};

use crate::{
    process::{self, Process, tell},
    sender::message,
    support::{Chance, SECRET, all_settled, endpoint, times},
};

const SENDERS: [&str; 2] = ["sender-0", "sender-1"];
const RECEIVERS: [&str; 3] = ["receiver-0", "receiver-1", "receiver-2"];
/// Each goes to every receiver.
const MESSAGES: usize = 70;
/// For how long the network fails.
const TROUBLE: Duration = Duration::from_secs(60);
/// Within which all must have arrived: trouble, then leases, waits and circuits that were opened by it.
const LIMIT: Duration = Duration::from_secs(3600);
/// How many seeds are tried at once.
const AT_ONCE: usize = 2;
const PORT: u16 = 80;
/// 2023-11-14T22:13:20Z.
const EPOCH: i64 = 1_700_000_000;

#[test]
fn f5_nothing_is_lost_on_a_network_that_fails_and_a_seed_shows_the_same_again() {
    match process::part::<u64>() {
        Some(seed) => tell(&serde_json::to_string(&World::new(seed).live()).unwrap()),
        None => Runtime::new().unwrap().block_on(try_seeds()),
    }
}

async fn try_seeds() {
    let seeds = seeds();
    let stories: Vec<_> = stream::iter(&seeds).map(|seed| show(*seed)).buffered(AT_ONCE).collect().await;
    stories.iter().zip(&seeds).for_each(|(story, seed)| story.check(*seed));
    assert_eq!(show(seeds[0]).await, stories[0], "SEED={} shows something else again", seeds[0]);

    let faults: usize = stories.iter().map(|story| story.faults).sum();
    let handled: usize = stories.iter().map(|story| story.handled.len()).sum();
    let deliveries = seeds.len() * RECEIVERS.len() * MESSAGES;
    let (seeds, duplicates) = (seeds.len(), handled - deliveries);
    println!("F5: {seeds} seeds, {deliveries} deliveries, {faults} faults, 0 lost, {duplicates} duplicates");
}

/// Lives through a seed in a process of its own: the order in which tasks end with their host depends on how
/// many there were before.
async fn show(seed: u64) -> Story {
    let test = "simulated::f5_nothing_is_lost_on_a_network_that_fails_and_a_seed_shows_the_same_again";
    let (status, told) = Process::start(test, &seed).ended().await;
    assert!(status.success(), "SEED={seed}");
    serde_json::from_str(&told[0]).unwrap()
}

fn seeds() -> Vec<u64> {
    match env::var("SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..times("SEEDS", 25) as u64).collect(),
    }
}

fn id(number: usize) -> String {
    format!("msg_{number}")
}

/// What has happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Story {
    faults: usize,
    /// After how long, by which receiver, which message.
    handled: Vec<(Duration, usize, String)>,
}

impl Story {
    /// Checks that every receiver has handled every message.
    fn check(&self, seed: u64) {
        let handled: HashSet<_> =
            self.handled.iter().map(|(_, receiver, id)| (*receiver, id.clone())).collect();
        let all = (0..RECEIVERS.len()).flat_map(|receiver| (0..MESSAGES).map(move |m| (receiver, id(m))));
        let lost: Vec<_> = all.filter(|delivery| !handled.contains(delivery)).collect();
        assert!(lost.is_empty(), "SEED={seed}: lost {lost:?}");
    }
}

/// What outlives a crash.
#[derive(Clone)]
struct World {
    store: MemoryOutbox,
    story: Arc<Mutex<Story>>,
    chance: Arc<Mutex<Chance>>,
    seed: u64,
}

impl World {
    fn new(seed: u64) -> World {
        // Spread, since it begins badly with a small number.
        let chance = Arc::new(Mutex::new(Chance((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))));
        World { store: MemoryOutbox::new().clock_micros(micros), story: Arc::default(), chance, seed }
    }

    /// Runs until all is delivered.
    fn live(self) -> Story {
        let mut sim = Builder::new()
            .rng_seed(self.seed)
            .tick_duration(Duration::from_millis(25))
            .max_message_latency(Duration::from_secs(2))
            .simulation_duration(LIMIT)
            .build();
        for (number, name) in RECEIVERS.into_iter().enumerate() {
            let world = self.clone();
            sim.host(name, move || world.clone().receive(number));
        }
        for name in SENDERS {
            let world = self.clone();
            sim.host(name, move || world.clone().dispatch());
        }
        sim.client("application", self.clone().enqueue());
        self.trouble(&mut sim);
        sim.run().unwrap_or_else(|error| panic!("SEED={}: {error}", self.seed));
        self.story.lock().unwrap().clone()
    }

    /// Breaks something, and mends it after a while, until the time of trouble is over.
    fn trouble(&self, sim: &mut Sim<'_>) {
        while sim.elapsed() < TROUBLE {
            let (fault, sender, receiver) = {
                let mut chance = self.chance.lock().unwrap();
                (chance.below(5), *chance.one_of(&SENDERS), *chance.one_of(&RECEIVERS))
            };
            self.story.lock().unwrap().faults += 1;
            match fault {
                0 => sim.crash(sender),
                1 => sim.crash(receiver),
                2 => sim.partition(sender, receiver),
                3 => sim.partition_oneway(receiver, sender),
                _ => sim.hold(sender, receiver),
            }
            self.pass(sim);
            match fault {
                0 => sim.bounce(sender),
                1 => sim.bounce(receiver),
                2 | 3 => sim.repair(sender, receiver),
                _ => sim.release(sender, receiver),
            }
            self.pass(sim);
        }
    }

    /// Lets up to three seconds go by.
    fn pass(&self, sim: &mut Sim<'_>) {
        let until = sim.elapsed() + self.chance.lock().unwrap().millis(0, 3_000);
        while sim.elapsed() < until {
            sim.step().unwrap_or_else(|error| panic!("SEED={}: {error}", self.seed));
        }
    }

    async fn enqueue(self) -> turmoil::Result {
        for (number, name) in RECEIVERS.into_iter().enumerate() {
            self.store.put_endpoint(&endpoint(&number.to_string(), format!("http://{name}/hooks"))).await?;
        }
        for number in 0..MESSAGES {
            self.store.enqueue(&[message(&id(number))]).await?;
            sleep(Duration::from_millis(500)).await;
        }
        all_settled(&self.store).await;
        Ok(())
    }

    async fn dispatch(self) -> turmoil::Result {
        let policy = Policy::new().allow_http().allow_network("192.168.0.0/16".parse()?);
        let transport = Transport::builder().policy(policy).resolver(Network).dialler(Network).build()?;
        // So many attempts that no delivery is given up for having met much trouble.
        let dispatcher = Dispatcher::new(Outbox::new(self.store), transport)
            .schedule(Schedule::new([Duration::from_secs(5); 1000]))
            .clock_micros(micros)
            .chance(move || self.chance.lock().unwrap().unit());
        dispatcher.run(std::future::pending()).await;
        Ok(())
    }

    async fn receive(self, number: usize) -> turmoil::Result {
        let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
        loop {
            let (tcp, _) = listener.accept().await?;
            let world = self.clone();
            let serve = service_fn(move |request| world.clone().answer(number, request));
            tokio::spawn(async move {
                // A connection that broke is what this is about.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(tcp), serve).await;
            });
        }
    }

    /// Handles what is authentic, now and then without telling, and now and then refuses.
    async fn answer(self, number: usize, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let id = head.headers["webhook-id"].to_str().unwrap().to_owned();
        let seconds = micros() / 1_000_000;
        verifier().verify(&RequestView::post(&head.headers), &body, seconds).unwrap();
        assert!(body.ends_with(format!("\"{id}\"}}").as_bytes()), "{id} came with another's body");

        let mood = self.chance.lock().unwrap().below(10);
        if mood == 0 {
            return Ok(answered(StatusCode::SERVICE_UNAVAILABLE));
        }
        self.story.lock().unwrap().handled.push((turmoil::elapsed(), number, id));
        if mood == 1 { Err(io::Error::other("silence")) } else { Ok(answered(StatusCode::OK)) }
    }
}

fn answered(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

fn verifier() -> Verifier {
    let keys = Keyring::new(&catalog::STANDARD_WEBHOOKS, [SECRET]).unwrap();
    Verifier::builder(catalog::STANDARD_WEBHOOKS).keys(keys).build().unwrap()
}

/// The simulation's clock, in microseconds since 1970.
fn micros() -> i64 {
    let elapsed = turmoil::sim_elapsed().unwrap_or_default();
    EPOCH * 1_000_000 + i64::try_from(elapsed.as_micros()).unwrap()
}

/// The simulated network, beneath the transport's own checks.
#[derive(Debug)]
struct Network;

impl Resolve for Network {
    fn resolve(&self, host: &str) -> Resolving {
        let found = turmoil::lookup(host);
        Box::pin(async move { Ok(vec![found]) })
    }
}

impl Dial for Network {
    fn dial(&self, address: SocketAddr) -> Dialling {
        Box::pin(async move { Ok(Box::new(TcpStream::connect(address).await?) as Box<dyn ByteStream>) })
    }
}
