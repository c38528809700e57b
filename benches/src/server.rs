//! The servers that are measured: each a process of its own, with one thread that serves, on the first
//! core. The process is the benchmark's program, started once more.

use std::{
    env,
    error::Error,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use countersign::{Scheme, Verifier};
use countersign_store::MemoryStore;

use crate::event::keys;

mod on_actix;
mod on_axum;

/// What a server is built with. Both have the same paths: `/bare` reads the body, `/hand` verifies it by
/// hand, `/layer` by our layer or middleware, `/store` by it with a store besides, `/standard` and
/// `/standard-store` do so for another scheme, `/hand-json` and `/webhook` also parse the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// axum, with the layer.
    Axum,
    /// actix-web, with the middleware.
    Actix,
}

impl Framework {
    /// All of them.
    pub const ALL: [Self; 2] = [Framework::Axum, Framework::Actix];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Framework::Axum => "axum",
            Framework::Actix => "actix-web",
        }
    }

    /// The framework that this process was started to serve with, if it was.
    #[must_use]
    pub fn asked_for() -> Option<Self> {
        let asked = env::args().skip_while(|argument| argument != SERVE).nth(1)?;
        Self::ALL.into_iter().find(|framework| framework.name() == asked)
    }
}

/// The argument by which a process is told to serve.
const SERVE: &str = "--serve";

/// Serves until the process that started this one ends, or lets go of its [`Server`].
///
/// # Errors
/// Where it can't listen.
pub fn serve(framework: Framework) -> Result<(), Box<dyn Error>> {
    thread::spawn(end_with_the_parent);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    io::stdout().flush()?;
    match framework {
        Framework::Axum => on_axum::serve(listener),
        Framework::Actix => on_actix::serve(listener),
    }
}

fn end_with_the_parent() {
    let _ = io::stdin().read(&mut [0]);
    std::process::exit(0);
}

/// How long the layer and the middleware wait: long, so that nobody is sent away while it is measured.
const PATIENCE: Duration = Duration::from_secs(600);

fn verifier(scheme: Scheme) -> Verifier {
    let keys = keys(&scheme);
    Verifier::builder(scheme).keys(keys).build().expect("a verifier")
}

/// A store with room for more events than a benchmark sends.
fn store() -> MemoryStore {
    MemoryStore::new().capacity(100_000_000)
}

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts one.
    ///
    /// # Errors
    /// Where this program can't be started again.
    pub fn start(framework: Framework) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(env::current_exe()?);
        command.args([SERVE, framework.name()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        pin(&process.id().to_string(), "0");
        Ok(Server { process, address: line.trim().parse()? })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long its threads have been running; not a number where there is no way to know.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        let Ok(threads) = fs::read_dir(self.statistics("task")) else { return f64::NAN };
        threads.map(|thread| thread.map_or(f64::NAN, |thread| running_seconds(&thread.path()))).sum()
    }

    /// How many bytes of memory it has of its own, in pages that are really there.
    #[must_use]
    pub fn resident_bytes(&self) -> Option<u64> {
        // Unlike `statm`, which is a little behind on machines with several cores.
        let text = fs::read_to_string(self.statistics("smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Rss:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
    }

    /// A file of what Linux tells of the process.
    fn statistics(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.process.id().to_string()).join(file)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn running_seconds(thread: &Path) -> f64 {
    let text = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
    text.split(' ').next().and_then(|text| text.parse().ok()).map_or(f64::NAN, |nanos: f64| nanos / 1e9)
}

/// Keeps a process, with all its threads, on a core; where there is no `taskset`, it goes where the
/// kernel puts it.
pub fn pin(process: &str, core: &str) {
    let pinned =
        Command::new("taskset").args(["-a", "-p", "-c", core, process]).stdout(Stdio::null()).status();
    if !pinned.is_ok_and(|status| status.success()) {
        eprintln!("taskset failed: server and load generator may share a core");
    }
}
