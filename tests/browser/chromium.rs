//! Chromium and its driver: started, asked for what WebDriver has no words for, and ended.

use std::{
    env,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use fantoccini::{Client, ClientBuilder, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::{ParseError, Url};

/// A browser of its own, with a profile of its own. Ends when it is dropped.
pub(crate) struct Chromium {
    pub(crate) client: Client,
    _driver: Driver,
    _profile: TempDir,
}

impl Chromium {
    /// Starts Chromium. `None` where there is none, which is said loudly, and fails in CI.
    pub(crate) async fn start() -> Option<Chromium> {
        let driver = Driver::start()?;
        let profile = tempfile::tempdir().unwrap();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(serde_json::from_value(capabilities(&profile)).unwrap());
        let client = builder.connect(&driver.origin()).await.unwrap();
        Some(Chromium { client, _driver: driver, _profile: profile })
    }

    /// Asks Chromium something by its own protocol.
    pub(crate) async fn ask(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.client.issue_cmd(Extension { path: "goog/cdp/execute", body }).await.unwrap()
    }

    /// What was written to the console, and what the page's policy has refused, since it was asked last.
    pub(crate) async fn log(&self) -> Vec<Value> {
        let body = json!({ "type": "browser" });
        let log = self.client.issue_cmd(Extension { path: "se/log", body }).await.unwrap();
        log.as_array().unwrap().clone()
    }
}

/// A command of Chromium's driver that the standard doesn't have.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

/// The process that drives Chromium.
struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    fn start() -> Option<Driver> {
        for _ in 0..STARTS {
            let mut command = Command::new("chromedriver");
            command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut process = match command.spawn() {
                Ok(process) => process,
                Err(error) if error.kind() == ErrorKind::NotFound => return skipped(),
                Err(error) => panic!("chromedriver doesn't start: {error}"),
            };
            let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
            match lines.find_map(|line| Some(line.unwrap().split_once(STARTED)?.1.to_owned())) {
                Some(said) => {
                    let port = said.trim_end_matches('.').parse().unwrap();
                    return Some(Driver { process, port });
                }
                // It listens at two addresses, and another may have taken the port at one of them.
                None => eprintln!("chromedriver has ended: {}", process.wait().unwrap()),
            }
        }
        panic!("chromedriver ended {STARTS} times before it listened")
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Asks the driver to end its browsers and itself.
    fn stop(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        stream.read_to_end(&mut Vec::new()).map(drop)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.stop().is_err() {
            self.process.kill().unwrap();
        }
        self.process.wait().unwrap();
    }
}

fn skipped() -> Option<Driver> {
    assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "chromedriver is missing");
    eprintln!("SKIPPED: chromedriver is missing, so this was NOT tested: scripts/browser installs it");
    None
}

/// A browser without a window that calls this machine and no other, and keeps everything that is logged.
fn capabilities(profile: &TempDir) -> Value {
    let profile = format!("--user-data-dir={}", profile.path().display());
    let arguments: Vec<&str> = ARGUMENTS.iter().copied().chain([&*profile]).collect();
    json!({
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
    })
}

/// How often a driver is started until one listens.
const STARTS: u32 = 5;
const STARTED: &str = "was started successfully on port ";
const ARGUMENTS: [&str; 11] = [
    "--headless=new",
    // Root has no sandbox, and the only pages are our own.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--lang=en",
];
