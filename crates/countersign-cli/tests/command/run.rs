//! Running the command.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A secret that Stripe could have issued.
pub(crate) const STRIPE: &str = "whsec_0123456789abcdefSTRIPE";

/// A run of the command, to be started by [`Run::go`].
pub(crate) struct Run {
    command: Command,
    stdin: Vec<u8>,
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Begins a run with these arguments, split at spaces.
pub(crate) fn countersign(arguments: &str) -> Run {
    run(Command::new(env!("CARGO_BIN_EXE_countersign")), arguments)
}

/// The same, under another command with its own arguments.
#[cfg(target_os = "linux")]
pub(crate) fn under(other: &[&str], arguments: &str) -> Run {
    let mut command = Command::new(other[0]);
    command.args(&other[1..]).arg(env!("CARGO_BIN_EXE_countersign"));
    run(command, arguments)
}

fn run(mut command: Command, arguments: &str) -> Run {
    command.args(arguments.split_whitespace()).env_clear();
    Run { command, stdin: Vec::new() }
}

impl Run {
    /// Adds arguments that may hold spaces.
    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Reads files from this folder.
    pub(crate) fn within(mut self, folder: &Folder) -> Self {
        self.command.current_dir(folder.0.path());
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Starts it, with pipes for all that it reads and writes.
    pub(crate) fn start(&mut self) -> Child {
        let piped = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        piped.spawn().expect("the command starts")
    }

    /// The exit code and standard error of a run whose standard output nobody reads.
    pub(crate) fn unread(self) -> (Option<i32>, String) {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        self.writing_to(writer)
    }

    /// The exit code and standard error of a run whose standard output is this.
    pub(crate) fn writing_to(mut self, stdout: impl Into<Stdio>) -> (Option<i32>, String) {
        let output = self.command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped()).output();
        let output = output.expect("the command ends");
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    }

    pub(crate) fn go(mut self) -> Done {
        let mut child = self.start();
        let mut stdin = child.stdin.take().expect("a pipe");
        // The command may end without having read all: that is for the test to judge.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&self.stdin)));
        let output = child.wait_with_output().expect("the command ends");
        writer.join().expect("the writer ends");
        Done {
            code: output.status.code().expect("no signal"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Done {
    /// Standard output, where the exit code is this one.
    pub(crate) fn out(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.stdout
    }

    /// Standard error, where the exit code is this one.
    pub(crate) fn err(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.stderr
    }

    /// The lines of standard output as JSON, where the exit code is 0.
    pub(crate) fn json_lines(self) -> Vec<Value> {
        self.out(0).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// A folder with files, removed at the end of the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Folder(TempDir::new().expect("a folder"))
    }

    pub(crate) fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.write(name, bytes);
        self
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).expect("a file");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
