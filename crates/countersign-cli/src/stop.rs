//! Processes that run until they are told to stop.

use std::{io, time::Duration};

use tokio::{signal, sync::watch, time::Instant};

/// Told to everybody who must stop.
#[derive(Clone)]
pub(crate) struct Stop(watch::Sender<bool>);

impl Stop {
    /// Nobody is told yet.
    pub(crate) fn new() -> Self {
        Stop(watch::Sender::new(false))
    }

    /// Ready once the process was told to stop.
    pub(crate) async fn told(self) {
        let mut told = self.0.subscribe();
        // The sender is held here, so that waiting can't fail.
        let _ = told.wait_for(|stop| *stop).await;
    }

    /// Tells everybody.
    pub(crate) fn tell(&self) {
        self.0.send_replace(true);
    }
}

/// Waits for Ctrl-C, what a service manager sends, or the end of the terminal. Another one ends the process at once, unless it comes
/// with the first: some who send signals send them to a process and to its group.
pub(crate) fn signals() -> io::Result<Stop> {
    let stop = Stop::new();
    let (told, mut signals) = (stop.clone(), Signals::new()?);
    tokio::spawn(async move {
        signals.next().await;
        told.tell();
        let first = Instant::now();
        while first.elapsed() < TOGETHER {
            signals.next().await;
        }
        std::process::exit(INTERRUPTED);
    });
    Ok(stop)
}

#[cfg(unix)]
struct Signals {
    interrupt: signal::unix::Signal,
    terminate: signal::unix::Signal,
    /// None where the process is to outlive its terminal.
    hang_up: Option<signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: if ends_with_terminal() { Some(signal(SignalKind::hangup())?) } else { None },
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            Some(_) = async { self.hang_up.as_mut()?.recv().await } => {}
        }
    }
}

/// Whether the end of the terminal is to end the process, which `nohup` is asked to prevent: waiting for that signal would
/// undo it. Elsewhere than on Linux nobody tells, and the signal does what it did.
#[cfg(unix)]
fn ends_with_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit is that of SIGHUP, which is 1.
    ignored.is_some_and(|mask| mask & 1 == 0)
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Signals)
    }

    async fn next(&mut self) {
        if signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Signals within this time are one.
const TOGETHER: Duration = Duration::from_millis(500);
/// What shells take for the end by Ctrl-C.
const INTERRUPTED: i32 = 130;
