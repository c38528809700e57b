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

/// Waits for Ctrl-C, or what a service manager sends. Another one ends the process at once, unless it comes
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
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
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
