//! Commands that run until they are stopped.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command},
    sync::mpsc::{Receiver, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::run::{Done, Folder, Run, countersign};

/// A command that runs. It is killed where a test ends without stopping it.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
    /// Where it listens.
    pub(crate) url: String,
    /// What it printed before it listened.
    pub(crate) before: Vec<String>,
}

impl Running {
    /// Starts a command, and waits until it says where it listens.
    pub(crate) fn start(mut run: Run) -> Self {
        let mut child = run.start();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut stderr = child.stderr.take().expect("a pipe");
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text).unwrap_or_default()
        });
        let mut running =
            Running { child, lines, stderr: Some(stderr), url: String::new(), before: Vec::new() };
        running.url = loop {
            let line = running.line();
            let json = line.strip_prefix(r#"{"listening":""#).and_then(|line| line.strip_suffix(r#""}"#));
            match line.strip_prefix("listening at ").or(json) {
                Some(url) => break url.to_owned(),
                None => running.before.push(line),
            }
        };
        running
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(_) => {
                let _ = self.child.kill();
                panic!("no line was printed: {}", self.stderr.take().map_or_else(String::new, text));
            }
        }
    }

    /// The next line that it prints, as JSON.
    pub(crate) fn json(&mut self) -> Value {
        serde_json::from_str(&self.line()).expect("JSON")
    }

    pub(crate) fn port(&self) -> &str {
        self.url.rsplit(':').next().expect("a port")
    }

    /// Stops it as a service manager does, and gives what else it printed.
    pub(crate) fn stop(self) -> Done {
        self.send("-TERM");
        self.ended()
    }

    /// Sends it a signal.
    pub(crate) fn send(&self, signal: &str) {
        let told = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
    }

    /// Waits for its end, and gives what else it printed.
    pub(crate) fn ended(mut self) -> Done {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("a state") {
                Some(status) => break status,
                None => assert!(Instant::now() < until, "it doesn't end"),
            }
            thread::sleep(Duration::from_millis(20));
        };
        let code = status.code().expect("no signal");
        let stdout = self.lines.iter().map(|line| line + "\n").collect();
        Done { code, stdout, stderr: self.stderr.take().map_or_else(String::new, text) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(stderr: JoinHandle<String>) -> String {
    stderr.join().expect("text")
}

/// A server with an admin's key, to which commands can be put.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) key: String,
}

impl Server {
    /// A server that delivers to this port of the machine itself.
    pub(crate) fn start(folder: &Folder, port: &str) -> Self {
        Server::of(Running::start(countersign(&serve_line(port)).within(folder)))
    }

    /// A server that has printed its key.
    pub(crate) fn of(running: Running) -> Self {
        let mut words = running.before.iter().flat_map(|line| line.split(' '));
        let key = words.find(|word| word.starts_with("csk_")).expect("a key").to_owned();
        Server { running, key }
    }

    /// A command that asks this server.
    pub(crate) fn ask(&self, line: &str) -> Run {
        countersign(line).env("COUNTERSIGN_API_KEY", &self.key).env("COUNTERSIGN_SERVER", &self.running.url)
    }

    /// What a command that asks this server prints as JSON.
    pub(crate) fn json(&self, line: &str) -> Value {
        self.json_with(line, "")
    }

    /// The same, with standard input.
    pub(crate) fn json_with(&self, line: &str, stdin: &str) -> Value {
        let out = self.ask(line).args(&["--json"]).stdin(stdin).go().out(0);
        serde_json::from_str(&out).expect("JSON")
    }
}

/// The line that starts a server on a free port, which delivers to this port of the machine itself.
pub(crate) fn serve_line(port: &str) -> String {
    format!("serve --listen 127.0.0.1:0 --allow-http --allow-network 127.0.0.0/8 --allow-port {port}")
}

/// A receiver on a free port.
pub(crate) fn receiver(folder: &Folder, more: &str) -> Running {
    Running::start(countersign(&format!("listen --port 0 {more}")).within(folder))
}

/// Makes a request by plain sockets, and gives the answer's text.
pub(crate) fn http(url: &str, request: &str) -> String {
    use std::{io::Write as _, net::TcpStream};
    let address = url.strip_prefix("http://").expect("a URL");
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// The answer to a `GET`.
pub(crate) fn get(url: &str, path: &str) -> String {
    http(url, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
}

const PATIENCE: Duration = Duration::from_secs(60);
