//! A machine that is short of what a connection takes.

use std::{
    env, fs, io,
    net::{IpAddr, SocketAddr},
    process::Command,
    time::Duration,
};

use countersign_transport::{Dial, Dialling, FailureKind, Resolve, Resolving};

use crate::support::{Answers, OK, OPEN, Receiver, answer, builder, failure, ip};

const PROCESS_HAS_NO_FILES: i32 = 24;
const SYSTEM_HAS_NO_FILES: i32 = 23;

/// Dials nothing: fails in this way, and another way at other addresses than the first.
#[derive(Clone, Copy, Debug)]
struct Fails(fn() -> io::Error, IpAddr);

impl Dial for Fails {
    fn dial(&self, address: SocketAddr) -> Dialling {
        let error = match address.ip() == self.1 {
            true => self.0(),
            false => io::ErrorKind::ConnectionRefused.into(),
        };
        Box::pin(async { Err(error) })
    }
}

/// Looks up nothing: fails in this way.
#[derive(Clone, Copy, Debug)]
struct NoRoom(fn() -> io::Error);

impl Resolve for NoRoom {
    fn resolve(&self, _: &str) -> Resolving {
        let error = self.0();
        Box::pin(async { Err(error) })
    }
}

#[tokio::test]
async fn what_this_machine_is_short_of_is_not_the_hosts_fault() {
    let (v4, v6) = (ip("203.0.114.7"), ip("2606:4700::7"));
    let of = async |error, at, addresses: &[IpAddr]| {
        let builder = builder().dialler(Fails(error, at)).resolver(Answers::new(&[addresses]));
        failure(&builder.build().expect("a transport"), "http://hooks.example/").await
    };
    let errors: [fn() -> io::Error; 4] = [
        || io::Error::from_raw_os_error(PROCESS_HAS_NO_FILES),
        || io::Error::from_raw_os_error(SYSTEM_HAS_NO_FILES),
        || io::ErrorKind::AddrNotAvailable.into(),
        || io::ErrorKind::OutOfMemory.into(),
    ];
    for error in errors {
        for addresses in [&[v4][..], &[v4, v6], &[v6, v4]] {
            let failure = of(error, v4, addresses).await;
            assert_eq!(failure.kind(), FailureKind::Local, "{:?}: {failure}", error());
            assert!(failure.to_string().starts_with("this machine is short of "), "{failure}");
        }
    }
    // So says each address of IPv6 where the machine has none.
    let failure = of(errors[2], v6, &[v6]).await;
    assert_eq!(failure.kind(), FailureKind::Connect, "{failure}");
    assert_eq!(of(|| io::ErrorKind::TimedOut.into(), v4, &[v4]).await.kind(), FailureKind::Connect);
}

#[tokio::test]
async fn a_resolver_without_room_is_not_the_hosts_fault() {
    let errors: [fn() -> io::Error; 2] =
        [|| io::ErrorKind::ResourceBusy.into(), || io::Error::from_raw_os_error(PROCESS_HAS_NO_FILES)];
    for error in errors {
        let transport = builder().resolver(NoRoom(error)).build().expect("a transport");
        let failure = failure(&transport, "http://hooks.example/").await;
        assert_eq!(failure.kind(), FailureKind::Local, "{failure}");
    }
}

/// Runs itself in a process of its own, which has few files, and those of no other test.
#[tokio::test]
async fn a_process_that_has_no_files_left_says_so_and_sends_when_it_has() {
    if env::var(IN_CHILD).is_ok() {
        return without_files().await;
    }
    let line = format!("ulimit -n 64; exec \"$0\" --exact {THIS}");
    let mut child = Command::new("sh");
    child.args(["-c", &line]).arg(env::current_exe().expect("this test")).env(IN_CHILD, "1");

    let run = tokio::task::spawn_blocking(move || child.output()).await.expect("a thread");

    let output = run.expect("the test runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

async fn without_files() {
    let receiver = Receiver::answering_on(OPEN, OK).await;
    let transport = builder().connect_timeout(Duration::from_secs(4)).build().expect("a transport");
    let mut files = Vec::new();
    while let Ok(file) = fs::File::open("/dev/null") {
        files.push(file);
    }
    for url in [&*receiver.url("/"), "http://hooks.example/", "http://no-such-name.invalid/"] {
        let failure = failure(&transport, url).await;
        assert_eq!(failure.kind(), FailureKind::Local, "{url}: {failure}");
        assert_eq!(failure.to_string(), "this machine is short of open files: let the process have more");
    }
    drop(files);
    assert_eq!(answer(&transport, &receiver.url("/")).await.status, 200);
}

const IN_CHILD: &str = "COUNTERSIGN_TEST_WITHOUT_FILES";
const THIS: &str = "short::a_process_that_has_no_files_left_says_so_and_sends_when_it_has";
