//! PostgreSQL servers: the one that the environment names, and one that a test can stop.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::support::skipped;

/// Makes an empty schema on the server that the environment names, and gives the URL of a connection to it.
pub(crate) async fn fresh_schema(name: &str) -> Option<String> {
    let Ok(url) = env::var("COUNTERSIGN_TEST_POSTGRES") else {
        skipped("COUNTERSIGN_TEST_POSTGRES");
        return None;
    };
    execute(&url, format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}")).await;
    let separator = if url.contains('?') { '&' } else { '?' };
    Some(format!("{url}{separator}options=-csearch_path%3D{name}"))
}

/// Removes such a schema, by the URL of a connection to it.
pub(crate) async fn drop_schema(url: &str, name: &str) {
    execute(url, format!("DROP SCHEMA {name} CASCADE")).await;
}

async fn execute(url: &str, sql: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
}

/// A pool of so many connections.
pub(crate) fn pool(url: &str, connections: u32) -> PgPool {
    PgPoolOptions::new().max_connections(connections).connect_lazy(url).unwrap()
}

/// A server of a test's own.
pub(crate) struct Server {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    process: Child,
}

impl Server {
    /// `None` where PostgreSQL isn't installed.
    pub(crate) async fn start() -> Option<Server> {
        let Some(programs) = programs() else {
            skipped("PostgreSQL");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        if let Some(user) = user() {
            chown(folder.path(), Some(user), None).unwrap();
        }
        let data = folder.path().join("data");
        let mut initdb = command(&programs.join("initdb"));
        initdb.args(["--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C"]);
        assert!(initdb.arg("--no-sync").arg("--pgdata").arg(&data).status().unwrap().success());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = launch(&programs, &data, port);
        let server = Server { programs, folder, port, process };
        server.is_ready().await;
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it as a loss of power does, but for the disk's cache.
    pub(crate) fn stop_immediately(&mut self) {
        assert!(self.stop());
        self.process.wait().unwrap();
    }

    fn stop(&self) -> bool {
        let mut stop = command(&self.programs.join("pg_ctl"));
        stop.args(["stop", "--mode", "immediate", "--pgdata"]).arg(self.data());
        stop.status().is_ok_and(|status| status.success())
    }

    /// Starts it once more; ready when it answers.
    pub(crate) async fn start_again(&mut self) {
        self.process = launch(&self.programs, &self.data(), self.port);
        self.is_ready().await;
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn is_ready(&self) {
        let options: PgConnectOptions = self.url().parse().unwrap();
        for _ in 0..600 {
            if PgConnection::connect_with(&options).await.is_ok() {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("PostgreSQL did not start");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be stopped already.
        self.stop();
        let _ = self.process.wait();
    }
}

fn launch(programs: &Path, data: &Path, port: u16) -> Child {
    let port = port.to_string();
    let mut server = command(&programs.join("postgres"));
    server.arg("-D").arg(data).args(["-p", &port, "-c", "listen_addresses=127.0.0.1"]);
    server.args(["-c", "unix_socket_directories=", "-c", "fsync=on"]).spawn().unwrap()
}

/// A program that prints nothing, and that isn't run by root, which PostgreSQL refuses.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some(user) = user() {
        command.uid(user);
    }
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The user in whose place root runs it.
fn user() -> Option<u32> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|myself| myself.uid() == 0);
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let id = |name: &str| {
        let mut lines = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        lines.find(|fields| fields[0] == name)?.get(2)?.parse().ok()
    };
    is_root.then(|| id("postgres").or_else(|| id("nobody"))).flatten()
}

/// The folder of PostgreSQL's programs, where it is installed.
fn programs() -> Option<PathBuf> {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = installed.map(|version| version.path().join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    folders
        .chain(env::split_paths(&path))
        .find(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file())
}
