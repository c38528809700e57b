//! Processes of a test's own: the test starts its own executable again, which then takes the child's part.

use std::{
    env,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

/// The part that this process is to take, if it is a child.
pub(crate) fn part<P: DeserializeOwned>() -> Option<P> {
    env::var(PART).ok().map(|part| serde_json::from_str(&part).unwrap())
}

/// Tells the parent something, on a line of its own: the harness has begun one.
pub(crate) fn tell(text: &str) {
    println!("\n{TELLS}{text}");
}

/// A child.
pub(crate) struct Process {
    child: Child,
    told: UnboundedReceiver<String>,
}

impl Process {
    /// Starts this executable again, with nothing but the test of this name.
    pub(crate) fn start(test: &str, part: &impl Serialize) -> Process {
        Process::spawn(Command::new(env::current_exe().unwrap()), test, part)
    }

    /// The same, with what it writes and flushes traced into a file.
    pub(crate) fn start_traced(test: &str, part: &impl Serialize, trace: &Path) -> Process {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-e", "trace=fsync,fdatasync,write", "-o"]).arg(trace);
        strace.arg(env::current_exe().unwrap());
        Process::spawn(strace, test, part)
    }

    fn spawn(mut command: Command, test: &str, part: &impl Serialize) -> Process {
        let mut child = command
            .args(["--exact", test, "--nocapture"])
            .env(PART, serde_json::to_string(part).unwrap())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (tells, told) = unbounded_channel();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        // Read at once and always, or the child would wait for a pipe that is full.
        tokio::spawn(read(output, tells));
        Process { child, told }
    }

    /// Waits for the next thing that it tells.
    pub(crate) async fn tells(&mut self) -> Option<String> {
        timeout(PATIENCE, self.told.recv()).await.expect("the child tells something")
    }

    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap(); // SIGKILL
    }

    /// Asks it to stop: SIGTERM.
    pub(crate) async fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id().unwrap());
        assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
    }

    /// Waits until it has ended, and gives what else it has told.
    pub(crate) async fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("the child ends").unwrap();
        let mut rest = Vec::new();
        while let Some(text) = self.told.recv().await {
            rest.push(text);
        }
        (status, rest)
    }
}

async fn read(mut output: Lines<BufReader<ChildStdout>>, tells: UnboundedSender<String>) {
    while let Ok(Some(line)) = output.next_line().await {
        if let Some(text) = line.strip_prefix(TELLS) {
            let _ = tells.send(text.to_owned());
        }
    }
}

const PART: &str = "COUNTERSIGN_TEST_PART";
const TELLS: &str = "child: ";
/// For the end of a child's work, and a loaded machine.
const PATIENCE: Duration = Duration::from_secs(900);
