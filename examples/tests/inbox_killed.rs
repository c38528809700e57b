//! The receiver of `inbox.rs` is killed a hundred times, or as often as `KILLS` says, while a sender sends to it:
//! every event that it acknowledged is booked, and none twice.

#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

use std::{
    collections::HashSet,
    env,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use countersign::{Keyring, Message, Signer, catalog};
use countersign_sql::SqliteStore;
use countersign_store::InboxStore;
use sqlx::SqlitePool;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const BODY: &[u8] = br#"{"type":"invoice.paid","data":{"amount":42}}"#;
const SENDERS: usize = 4;
/// For how long the inbox may stay as full as it is.
const STUCK: Duration = Duration::from_secs(30);

#[test]
fn f1_every_acknowledged_event_is_booked_once_whenever_the_receiver_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("webhooks.db");
    let sending = Arc::new(Sending::default());
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let sending = sending.clone();
            thread::spawn(move || sending.send_until_told(sender))
        })
        .collect();

    let kills = env::var("KILLS").map_or(100, |kills| kills.parse().unwrap());
    let mut chance = Chance(0x5eed);
    for _ in 0..kills {
        let mut receiver = Receiver::start(&file, &sending);
        thread::sleep(Duration::from_millis(20 + chance.below(120)));
        receiver.kill();
    }
    let receiver = Receiver::start(&file, &sending);
    sending.enough.store(true, Ordering::SeqCst);
    let acknowledged: HashSet<String> =
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();

    let (booked, depth) = outcome(&file, acknowledged.len());
    drop(receiver);
    let distinct: HashSet<&String> = booked.iter().collect();
    let lost: Vec<_> = acknowledged.iter().filter(|key| !distinct.contains(key)).collect();
    println!(
        "{kills} kills, {} events acknowledged ({} answers lost on the way and asked for again), {} booked",
        acknowledged.len(),
        sending.retries.load(Ordering::SeqCst),
        booked.len()
    );
    assert_eq!(depth, 0, "events are left in the inbox");
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert_eq!(booked.len(), distinct.len(), "some events were booked twice");
    assert!(acknowledged.len() >= kills, "too little was sent to say anything");
}

/// What is booked once the inbox is empty, and how much is left in it once it hasn't become less for half a minute.
fn outcome(file: &Path, expected: usize) -> (Vec<String>, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(file).await.unwrap();
        let pool = SqlitePool::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        // An event whose handler was killed waits until its lease ends: 90 seconds, which the test makes
        // shorter by the clock of the file, as if they had passed.
        let sooner = "UPDATE countersign_inbox SET due_at = 0 WHERE state = 'leased'";
        sqlx::query(sooner).execute(&pool).await.unwrap();
        let mut depth = u64::MAX;
        let mut deadline = Instant::now() + STUCK;
        while depth > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let left = store.depth().await.unwrap();
            if left < depth {
                (depth, deadline) = (left, Instant::now() + STUCK);
            }
        }
        let booked = sqlx::query_scalar("SELECT event FROM bookings").fetch_all(&pool).await.unwrap();
        assert!(booked.len() >= expected || depth > 0);
        (booked, depth)
    })
}

/// The example, running.
struct Receiver(Child);

impl Receiver {
    fn start(file: &PathBuf, sending: &Sending) -> Receiver {
        let mut command = Command::new(env!("CARGO_BIN_EXE_inbox"));
        command.env("SECRET", SECRET).env("LISTEN", "127.0.0.1:0").env("DATABASE", file);
        let log = file.with_extension("log");
        let errors = std::fs::File::create(&log).unwrap();
        let mut process = command.stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://");
        let address = address.unwrap_or_else(|| panic!("{}", std::fs::read_to_string(&log).unwrap()));
        *sending.address.lock().unwrap() = address.to_owned();
        // Somebody has to read what it prints, or it would wait.
        thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Receiver(process)
    }

    fn kill(&mut self) {
        self.0.kill().unwrap(); // SIGKILL
        self.0.wait().unwrap();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the senders share.
#[derive(Default)]
struct Sending {
    address: Mutex<String>,
    enough: AtomicBool,
    retries: AtomicUsize,
}

impl Sending {
    /// Sends events, each until it is acknowledged; gives the keys of those that were.
    fn send_until_told(&self, sender: usize) -> Vec<String> {
        let mut acknowledged = Vec::new();
        while !self.enough.load(Ordering::SeqCst) {
            let id = format!("msg_{sender}_{}", acknowledged.len());
            while self.send(&id) != Some(200) {
                self.retries.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(5));
            }
            acknowledged.push(format!("standard-webhooks/{id}"));
        }
        acknowledged
    }

    fn send(&self, id: &str) -> Option<u16> {
        let address = self.address.lock().unwrap().clone();
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(&request(id)).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.split(' ').nth(1)?.parse().ok()
    }
}

fn request(id: &str) -> Vec<u8> {
    let scheme = &catalog::STANDARD_WEBHOOKS;
    let signer = Signer::new(scheme, Keyring::new(scheme, [SECRET]).unwrap()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let signed = signer.sign(&Message::new(id, BODY), i64::try_from(now).unwrap()).unwrap();
    let mut head = String::from("POST /hooks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for (name, value) in signed.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    [format!("{head}Content-Length: {}\r\n\r\n", BODY.len()).as_bytes(), BODY].concat()
}

/// Numbers by chance, the same in each run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        for shift in [13_i32, -7, 17] {
            self.0 ^= if shift > 0 { self.0 << shift } else { self.0 >> -shift };
        }
        self.0 % limit
    }
}
